//! The failure for a refused tool: a message, the drift, what to do.
//!
//! The library `lokt_tool` says what is wrong, in typed errors. Here each becomes an exit code and
//! hints. No hint says to pin or sign without looking: a person decides whether a change was
//! wanted.

use crate::{
    exit::ExitCode,
    failure::{CliFailure, code_of},
    printable,
    view::command_line,
};
use lokt_lock::guard::CommandEnd;
use lokt_tool::{
    chain::{ChainResolveError, ChainSignatureError},
    check::ChainCheckError,
    item::ToolItemError,
    lockfile::{ChainDriftKind, ChainElementDrift, LockfileError, StoredLockfile},
    run::{ParameterValidationError, SubprocessConfigError, ToolEnvironmentError, ToolRunError},
    signature::{SignatureError, SigningKeyError, TrustStoreError, UnsignableToolItemError},
    words::{Space, ToolItemId},
};
use serde_json::{Value, json};
use std::path::Path;

impl From<ChainCheckError> for CliFailure {
    fn from(refusal: ChainCheckError) -> Self {
        let failure = Self { code: ExitCode::NotVerified, ..Self::of(&refusal) };
        let failure =
            facts(&refusal).into_iter().fold(failure, |it, (key, fact)| it.fact(key, fact));
        match &refusal {
            ChainCheckError::NoTool { .. } => Self { code: ExitCode::NotFound, ..failure }
                .hint("lokt tool list   shows the tools that there are"),
            ChainCheckError::Id(_) => {
                failure.hint("an id is a path below tools/, like web/scraper")
            }
            ChainCheckError::NoVersion { .. } => {
                failure.hint("a lockfile is named after the version; give it one, like \"1.0.0\"")
            }
            ChainCheckError::Resolve { source, .. } => unresolved(failure, source),
            // A pin that cannot be read is no missing one.
            ChainCheckError::Lockfile(error) => unreadable(failure, error),
            ChainCheckError::Drift(pin, rows) => drifted(failure, pin, rows),
            ChainCheckError::Signature { source, .. } => unsigned(failure, source),
        }
    }
}

/// Adds what to do about a chain that does not resolve.
fn unresolved(failure: CliFailure, error: &ChainResolveError) -> CliFailure {
    match error {
        ChainResolveError::Item(ToolItemError::Ambiguous { .. }) => {
            failure.hint("each id must have one file; move the other away")
        }
        ChainResolveError::Item(ToolItemError::Json(_)) => {
            failure.hint("write it as .yaml or .toml, then sign it")
        }
        ChainResolveError::NoExecutor { .. } => {
            failure.hint("executor_id names what runs it, like rye/core/runtimes/python_runtime")
        }
        ChainResolveError::UnknownPrimitive(_) => failure.hint(
            "a chain ends in rye/core/primitives/subprocess or rye/core/primitives/http_client",
        ),
        _ => failure,
    }
}

/// Adds what to do about a lockfile that cannot be read, or exists already.
fn unreadable(failure: CliFailure, error: &LockfileError) -> CliFailure {
    match error {
        LockfileError::Flawed { path, .. } => failure
            .hint(format!("a pin that is in doubt is never ignored: look at {}", path.display()))
            .hint("remove it, and pin the tool again with lokt tool lock, if nothing else explains it"),
        LockfileError::Exists(_) => CliFailure { code: ExitCode::NotVerified, ..failure }
            .hint("lokt tool lock with --update replaces it"),
        _ => failure,
    }
}

/// Adds a line for each element that differs from its pin, and what to do.
///
/// If an element is missing or broken, the advice is to repair it. Only if all are there does a
/// hint say how to pin the chain as it is now.
fn drifted(
    mut failure: CliFailure,
    pin: &StoredLockfile,
    rows: &[ChainElementDrift],
) -> CliFailure {
    let id_of = |row: &ChainElementDrift| printable::line(row.item_id.as_str()).into_owned();
    let width = rows.iter().map(|row| printable::width(&id_of(row))).max().unwrap_or(0);
    for row in rows {
        let told: Vec<String> = row.changes.iter().map(ToString::to_string).collect();
        let id = printable::padded(&id_of(row), width);
        failure.drift.push(format!("{id}  {}", told.join("; ")));
    }
    let id = typed(&pin.lockfile.tool_id);
    let is_of_project = pin.lockfile.chain.first().is_some_and(|root| root.space == Space::Project);
    if pin.scope == Space::User && is_of_project {
        failure = failure.hint(format!(
            "all projects of this user with a tool {id} of this version share that lockfile; lokt tool lock {id} --scope project   pins it for this one"
        ));
    }
    failure = failure.hint(format!("lokt tool diff {id}   shows the whole chain"));
    let is_there =
        |it: &ChainDriftKind| !matches!(it, ChainDriftKind::Missing(_) | ChainDriftKind::Broken(_));
    if !rows.iter().flat_map(|row| &row.changes).all(is_there) {
        return failure.hint("put back what is missing, or repair what is broken");
    }
    failure.hint(format!(
        "if you want the change: lokt tool sign what you changed, then lokt tool lock {id} --update"
    ))
}

/// Adds what to do about a missing or wrong signature. A key that came with the project is no
/// reason to trust it.
fn unsigned(failure: CliFailure, error: &ChainSignatureError) -> CliFailure {
    let id = typed(&error.id);
    match error.source.as_ref() {
        SignatureError::Unsigned | SignatureError::Malformed(_) => {
            failure.hint(format!("read it, then lokt tool sign {id}"))
        }
        SignatureError::Changed { .. } => {
            failure.hint(format!("look at what changed, then lokt tool sign {id}"))
        }
        SignatureError::Untrusted(fingerprint) => failure.hint(format!(
            "lokt key trust FILE   trusts the key {fingerprint}, if you have it from its owner; one that came with the project proves nothing"
        )),
        SignatureError::Bad(_) => failure
            .hint(format!("this was not signed with that key; read it, then lokt tool sign {id}")),
        SignatureError::Trust(_) => failure.hint("lokt key list   shows the trusted keys"),
    }
}

/// An id as it can be typed.
fn typed(id: &ToolItemId) -> String {
    command_line(&[id.to_string()])
}

/// A refusal as JSON, for `--json`.
///
/// The object has the facts of the refusal, the id, and the message with its causes.
pub(crate) fn to_json(item_id: &str, refusal: &ChainCheckError) -> Value {
    let about = [("item_id", item_id.into()), ("error", crate::failure::chain(refusal).into())];
    let all = facts(refusal).into_iter().chain(about);
    all.map(|(key, fact)| (key.to_owned(), fact)).collect()
}

/// What JSON says of a refusal beside its message.
///
/// They are the same in the answer of a failed command and in lists of outcomes.
fn facts(refusal: &ChainCheckError) -> [(&'static str, Value); 4] {
    let rows = match refusal {
        ChainCheckError::Drift(_, rows) => rows.as_slice(),
        _ => [].as_slice(),
    };
    [
        ("status", "refused".into()),
        ("reason", reason(refusal).into()),
        ("lockfile_path", lockfile_of(refusal).map(|path| path.display().to_string()).into()),
        ("drift", drift_to_json(rows)),
    ]
}

/// The lockfile that a refusal is about.
///
/// `None` if the refusal comes before any lockfile counts, or after it.
pub(crate) fn lockfile_of(refusal: &ChainCheckError) -> Option<&Path> {
    match refusal {
        ChainCheckError::Drift(pin, _) => Some(&pin.path),
        ChainCheckError::Lockfile(
            LockfileError::Flawed { path, .. } | LockfileError::Io { path, .. },
        ) => Some(path),
        _ => None,
    }
}

/// Drift as JSON.
///
/// One object for each element that differs, with the changes as a kind (a word of a fixed list)
/// and a message.
pub(crate) fn drift_to_json(rows: &[ChainElementDrift]) -> Value {
    let changes = |row: &ChainElementDrift| -> Value {
        row.changes.iter().map(|it| json!({"kind": it.kind(), "message": it.to_string()})).collect()
    };
    rows.iter()
        .map(|row| json!({"item_id": row.item_id.as_str(), "changes": changes(row)}))
        .collect()
}

/// The kind of a refusal, one word of a fixed list.
fn reason(refusal: &ChainCheckError) -> &'static str {
    match refusal {
        ChainCheckError::Id(_) => "invalid-id",
        ChainCheckError::NoTool { .. } => "not-found",
        ChainCheckError::Resolve { .. } => "unresolved",
        ChainCheckError::NoVersion { .. } => "no-version",
        ChainCheckError::Lockfile(_) => "invalid-lockfile",
        ChainCheckError::Drift(..) => "drift",
        ChainCheckError::Signature { .. } => "signature",
    }
}

impl From<LockfileError> for CliFailure {
    fn from(error: LockfileError) -> Self {
        let code = match error {
            LockfileError::Flawed { .. } | LockfileError::Exists(_) => ExitCode::NotVerified,
            _ => ExitCode::Error,
        };
        unreadable(Self { code, ..Self::of(&error) }, &error)
    }
}

impl From<ToolItemError> for CliFailure {
    fn from(error: ToolItemError) -> Self {
        Self { code: ExitCode::NotVerified, ..Self::of(&error) }
    }
}

impl From<ToolRunError> for CliFailure {
    fn from(error: ToolRunError) -> Self {
        let failure = Self::of(&error);
        match &error {
            ToolRunError::Schema(ParameterValidationError::Parameters(_)) => {
                Self { code: ExitCode::Usage, ..failure }
            }
            ToolRunError::Environment(ToolEnvironmentError::Interpreter(error)) => {
                match error.is_there() {
                    Some(true) => Self { code: ExitCode::NotExecutable, ..failure },
                    Some(false) => Self { code: ExitCode::NoCommand, ..failure },
                    None => failure,
                }
            }
            ToolRunError::Subprocess(SubprocessConfigError::NotFound(_)) => {
                Self { code: ExitCode::NoCommand, ..failure }
            }
            ToolRunError::Subprocess(error) if error.is_not_executable() => {
                Self { code: ExitCode::NotExecutable, ..failure }
            }
            ToolRunError::Guard(error) => Self { code: code_of(error), ..failure },
            ToolRunError::Exchange(error) if error.timed_out() => {
                Self { code: ExitCode::MaxHold, ..failure }
            }
            ToolRunError::Interrupted(received) => {
                let code = CommandEnd::Signaled(received.signal).code();
                Self { code: ExitCode::Command(code), ..failure }
            }
            _ => failure,
        }
    }
}

impl From<UnsignableToolItemError> for CliFailure {
    fn from(error: UnsignableToolItemError) -> Self {
        Self::of(&error)
    }
}

impl From<SigningKeyError> for CliFailure {
    fn from(error: SigningKeyError) -> Self {
        let failure = Self::of(&error);
        match error {
            SigningKeyError::Missing(_) => {
                Self { code: ExitCode::NotFound, ..failure }.hint("lokt key generate   makes one")
            }
            SigningKeyError::Exists(_) => {
                failure.hint("move it away first if you want another one")
            }
            SigningKeyError::Readable { path, .. } => {
                let path = command_line(&[path.display().to_string()]);
                failure.hint(format!("chmod 600 {path}"))
            }
            SigningKeyError::Malformed { .. } | SigningKeyError::Io { .. } => failure,
        }
    }
}

impl From<TrustStoreError> for CliFailure {
    fn from(error: TrustStoreError) -> Self {
        match error {
            TrustStoreError::Key(error) => error.into(),
            TrustStoreError::NotFound(_) => Self { code: ExitCode::NotFound, ..Self::of(&error) }
                .hint("lokt key list   shows the trusted keys"),
            TrustStoreError::Name { .. } => {
                Self { code: ExitCode::NotVerified, ..Self::of(&error) }
                    .hint("a key's file is named after its fingerprint; remove it, or rename it")
            }
            TrustStoreError::Toml { .. } => {
                Self { code: ExitCode::NotVerified, ..Self::of(&error) }
            }
        }
    }
}
