//! Failures: typed errors of the libraries become a message, hints and an exit code.

mod cluster;

use crate::{
    exit::ExitCode,
    view::{self, audit_of, call, suggestion::LEAVE_TO_A_PERSON},
};
use lokt_lock::{
    audit::AuditLogReadError,
    file::LockRootError,
    guard::{GuardError, SpawnError},
    ops::{LockOperationError, ReservationError},
    project::{InvalidPatternArgument, ProjectError},
    store::LockStoreError,
};
use nix::{errno::Errno, libc::ELOOP};
use serde::Serialize;
use serde_json::{Map, Value};
use std::{
    error::Error,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The message of a command that cannot do its work: one line that says what failed and on what, then what
/// to do about it.
#[derive(Debug)]
pub(crate) struct CliFailure {
    /// The exit code.
    pub(crate) code: ExitCode,
    /// What failed, on what, and why.
    pub(crate) message: String,
    /// The differences from the pin, one line each.
    pub(crate) drift: Vec<String>,
    /// What to do, one line each.
    pub(crate) hints: Vec<String>,
    /// The reader has closed the pipe (`| head`): print nothing.
    pub(crate) silent: bool,
    /// What JSON says beside the message. A later fact replaces an earlier one, and a common field.
    pub(crate) facts: Vec<(String, Value)>,
    /// Nothing was done, because the locks have moved: the command is to be run again.
    pub(crate) is_outdated: bool,
    /// What could not be written, where that is why it failed.
    pub(crate) write_fault: Option<Box<WriteFault>>,
}

/// A file or folder that cannot be written.
#[derive(Clone, Debug)]
pub(crate) struct WriteFault {
    /// The file or folder.
    pub(crate) path: PathBuf,
    /// What the kernel said.
    pub(crate) kind: io::ErrorKind,
}

impl WriteFault {
    /// A write that was refused, by a read-only file system or by permissions; `None` for any other
    /// error.
    fn of(path: &Path, error: &io::Error) -> Option<Self> {
        let kind = error.kind();
        let is_refusal =
            matches!(kind, io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied);
        is_refusal.then(|| Self { path: path.to_owned(), kind })
    }
}

impl CliFailure {
    /// A failure with a code.
    pub(crate) fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            drift: Vec::new(),
            hints: Vec::new(),
            silent: false,
            facts: Vec::new(),
            is_outdated: false,
            write_fault: None,
        }
    }

    /// Wrong usage.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, message)
    }

    /// Adds a hint.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a fact for JSON.
    #[must_use]
    pub(crate) fn fact(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.facts.push((key.to_owned(), value.into()));
        self
    }

    /// Adds the fields of an object as facts.
    #[must_use]
    pub(crate) fn facts(mut self, object: &impl Serialize) -> Self {
        // Texts, numbers and lists are always JSON.
        if let Ok(Value::Object(fields)) = serde_json::to_value(object) {
            self.facts.extend(fields);
        }
        self
    }

    /// The failure as JSON; the field names are a contract.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let status = match self.code {
            ExitCode::Held => "blocked",
            ExitCode::Lost => "lost",
            ExitCode::MaxHold => "timeout",
            _ => "error",
        };
        let common = [
            ("status", status.into()),
            ("exit_code", self.code.number().into()),
            ("error", self.message.as_str().into()),
            ("hints", self.hints.as_slice().into()),
        ];
        let common = common.into_iter().map(|(key, value)| (key.to_owned(), value));
        common.chain(self.facts.iter().cloned()).collect()
    }

    /// A failure that an error tells of.
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        let failure = Self::new(ExitCode::Error, chain(error));
        if is_of_a_link(error) { failure.hint(LINK) } else { failure }
    }

    /// The failure of a record that cannot be read.
    fn unreadable(error: &(dyn Error + 'static)) -> Self {
        let hints = cluster::hints_for(error);
        let hints = hints.unwrap_or(&["lokt doctor   checks the folder's permissions"]);
        hints.iter().copied().fold(Self::of(error), Self::hint)
    }
}

/// What to do where a symbolic link stands in a root.
const LINK: &str = "a symbolic link stands there or on the way, and lokt follows none in its folder; lokt doctor names \
    it: look where it leads, and remove it";

/// What to do where no lock can be kept in the root. A model that followed a simpler hint would choose a root for
/// itself.
const ONE_ROOT: &str = "or let the person who runs this machine give all participants one LOKT_ROOT on a local disk; \
    set none for yourself: two roots are two locks";

/// Whether an error is that of a link which was not followed.
fn is_of_a_link(error: &(dyn Error + 'static)) -> bool {
    let shared = error.downcast_ref::<Arc<io::Error>>().map(AsRef::as_ref);
    let own = error.downcast_ref::<io::Error>().or(shared);
    own.is_some_and(|it| it.raw_os_error() == Some(ELOOP))
        || error.source().is_some_and(is_of_a_link)
}

/// An error and its causes in one line. A cause that the text above it quotes already is not repeated.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

impl From<LockOperationError> for CliFailure {
    fn from(error: LockOperationError) -> Self {
        match error {
            LockOperationError::Store(error) => error.into(),
            LockOperationError::Newer { .. } => {
                Self::of(&error).hint("only a newer lokt can judge this record: update lokt")
            }
            LockOperationError::Corrupted { what: "freeze", .. } => {
                Self::of(&error).hint("do other work, and show this to a person: it may be a freeze of another")
            }
            LockOperationError::Corrupted { ref corruption, .. } if corruption.may_be_filling() => {
                Self::of(&error).hint("another program may still be writing it; try again")
            }
            LockOperationError::Corrupted { ref name, .. } => Self::of(&error)
                .hint(LEAVE_TO_A_PERSON)
                .hint(format!("{}   says what is wrong with it", call("why", name, ""))),
            LockOperationError::Unreadable { .. } if is_of_a_link(&error) => Self::of(&error),
            LockOperationError::Unreadable { .. } => Self::unreadable(&error),
            LockOperationError::OtherSlots { theirs, .. } => Self::of(&error).hint(format!(
                "all holders of a lock must ask for the same number: --slots {theirs}, or wait until no process holds it"
            )),
            LockOperationError::Deadlock { ref cycle, .. } => {
                let failure = Self::new(ExitCode::Deadlock, error.to_string());
                let failure = view::cycle::lines(cycle).into_iter().fold(failure, Self::hint);
                failure.hint(view::cycle::remedy(cycle))
            }
            LockOperationError::LostWhileWaiting { ref name } => {
                Self { code: ExitCode::Lost, ..Self::of(&error) }
                    .hint(format!("{}   shows who broke it", audit_of(name)))
            }
            LockOperationError::Wait { .. } => Self::of(&error),
        }
    }
}

impl From<ReservationError> for CliFailure {
    fn from(error: ReservationError) -> Self {
        match error {
            ReservationError::Store(error) => error.into(),
            ReservationError::Newer { .. } => {
                Self::of(&error).hint("only a newer lokt can judge this record: update lokt")
            }
            ReservationError::Corrupted { .. } => Self::of(&error)
                .hint("it stands in the folder reservations of the root; look what it is")
                .hint("show it to a person: it may be a reservation of another"),
            ReservationError::Unreadable { .. } => Self::unreadable(&error),
            ReservationError::Deadlock { ref circle } => {
                let failure = Self::new(ExitCode::Deadlock, error.to_string());
                let failure =
                    view::reservation::circle(circle).into_iter().fold(failure, Self::hint);
                failure.hint(view::reservation::REMEDY)
            }
            ReservationError::Wait { .. } => Self::of(&error),
        }
    }
}

impl From<ProjectError> for CliFailure {
    fn from(error: ProjectError) -> Self {
        match error {
            ProjectError::Git(error) => error.into(),
            ProjectError::Id(error) => error.into(),
            ProjectError::Outside { .. } => Self::of(&error)
                .hint("paths are those of the git work tree; without git, of the folder that has the root"),
            ProjectError::BrokenId { .. } => {
                Self::of(&error).hint("lokt made this file, and something has changed it: restore it")
            }
            ProjectError::Enter { .. } | ProjectError::Folder(_) => Self::of(&error),
        }
    }
}

impl From<InvalidPatternArgument> for CliFailure {
    fn from(error: InvalidPatternArgument) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<LockStoreError> for CliFailure {
    fn from(error: LockStoreError) -> Self {
        let failure = Self::of(&error);
        match &error {
            LockStoreError::LatchBusy { holder: Some(pid), .. } => failure.hint(format!(
                "process {pid} is stopped or hangs inside a state change; continue it (kill -CONT {pid}), or show this to a person"
            )),
            LockStoreError::LatchBusy { holder: None, .. } => {
                failure.hint("a process that this user cannot see is inside a state change")
            }
            LockStoreError::NoKernelLocks { .. } | LockStoreError::NetworkFileSystem { .. } => failure
                .hint("a lock that other machines cannot see gives false safety: keep the repository on a local disk")
                .hint(ONE_ROOT),
            LockStoreError::Io { path, source, .. } => {
                if let Some(advice) = shut_out(path, source) {
                    return failure.hint(advice);
                }
                let write_fault = WriteFault::of(path, source).map(Box::new);
                advice(source).into_iter().fold(Self { write_fault, ..failure }, Self::hint)
            }
            LockStoreError::NoRandomness { .. } => failure,
            LockStoreError::Remote(_) => {
                let hints = cluster::hints_for(&error).unwrap_or_default();
                hints.iter().copied().fold(failure, Self::hint)
            }
            LockStoreError::RootMoved { .. } => Self { is_outdated: true, ..failure }
                .hint("run the command again: it finds them there"),
        }
    }
}

/// What to do where the mode of a file or folder keeps its own owner out: a umask that takes the owner's bits makes
/// it so.
fn shut_out(path: &Path, error: &io::Error) -> Option<String> {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return None;
    }
    let look = |path: &Path| Some((path.to_owned(), path.symlink_metadata().ok()?));
    let (nearest, metadata) = path.ancestors().find_map(look)?;
    let needed = if metadata.is_dir() { 0o700 } else { 0o600 };
    let is_mine = metadata.uid() == nix::unistd::geteuid().as_raw();
    let missing = metadata.mode() & needed != needed;
    (is_mine && missing).then(|| {
        let bits = if metadata.is_dir() { "rwx" } else { "rw" };
        let path = view::command_line(&[nearest.display().to_string()]);
        format!("chmod u+{bits} {path}   it is yours, and its mode keeps you out")
    })
}

/// What to do about an error of the system that has one usual cause.
fn advice(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("the disk is full; nothing was changed")
        }
        io::ErrorKind::FileTooLarge => {
            Some("a file may grow no further (ulimit -f); nothing was changed")
        }
        io::ErrorKind::DirectoryNotEmpty => Some(
            "a folder that is not empty is in the way; lokt did not touch it, move it away by hand",
        ),
        _ => match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EMFILE) => {
                Some("this process may open no more files (ulimit -n); nothing was changed")
            }
            Some(Errno::ENFILE) => {
                Some("this machine has no more open files to give; nothing was changed")
            }
            _ => None,
        },
    }
}

impl From<LockRootError> for CliFailure {
    fn from(error: LockRootError) -> Self {
        let failure = Self::of(&error);
        match &error {
            LockRootError::Foreign(foreign) => failure
                .hint("its owner decides what is held there, and what runs; use it only if you trust that user")
                .hint(format!(
                    "git config --global --add safe.directory {}   says so, to git and to lokt",
                    quoted(&foreign.exception)
                ))
                .hint("else work in a folder of your own"),
            LockRootError::Link { .. } => {
                failure.hint("look where it leads, and remove it while nothing is held there")
            }
            LockRootError::ProjectFile { .. } => failure.hint(
                "lokt uses no other folder while the file is unclear: two folders are two locks",
            ),
            LockRootError::BrokenGitFile { .. }
            | LockRootError::NoGitDir { .. }
            | LockRootError::NotARepository { .. } => failure
                .hint("lokt uses no other folder while the repository is unclear: two folders are two locks")
                .hint("in a container or sandbox, mount the repository too: a worktree has only a link to it")
                .hint("else repair it: git worktree repair"),
        }
    }
}

/// A path as a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@%,=".contains(&byte);
    if path.bytes().all(is_plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

impl From<GuardError> for CliFailure {
    fn from(error: GuardError) -> Self {
        Self { code: code_of(&error), ..Self::of(&error) }
    }
}

/// The code of a command that could not be run to its end.
pub(crate) fn code_of(error: &GuardError) -> ExitCode {
    match error {
        GuardError::Spawn(SpawnError::NotFound(_)) => ExitCode::NoCommand,
        GuardError::Spawn(_) => ExitCode::NotExecutable,
        GuardError::Keep { .. } | GuardError::Wait { .. } => ExitCode::Error,
    }
}

impl From<AuditLogReadError> for CliFailure {
    fn from(error: AuditLogReadError) -> Self {
        Self::of(&error)
    }
}

impl From<io::Error> for CliFailure {
    /// An error of writing output; all others carry their path.
    fn from(error: io::Error) -> Self {
        let silent = error.kind() == io::ErrorKind::BrokenPipe;
        let code = if silent { ExitCode::Done } else { ExitCode::Error };
        Self { code, silent, ..Self::new(code, format!("cannot write output: {error}")) }
    }
}
