//! The commands `key …`: the user's signing key, and the keys that count as trusted.
//!
//! Keys are files in the user's space and in the system space. A project has none, so cloning one
//! can never add a trusted key.

use crate::{
    exit::ExitCode,
    failure::CliFailure,
    output,
    tool::{system_spaces, user_space},
    view::table::TextTable,
};
use clap::{Args, Subcommand};
use lokt_tool::{
    signature::{SigningKeyFiles, TrustStore, TrustStoreError, TrustedKey},
    words::Fingerprint,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Manage your signing key and the keys you trust
///
/// The private key is only for you (`keys/private_key.pem` in the user's space, mode 0600). A tool runs only
/// if it is signed with a trusted key. A key that comes with a project is never trusted automatically.
#[derive(Args, Debug)]
pub(crate) struct KeyCommand {
    #[command(subcommand)]
    command: KeyAction,
}

#[derive(Debug, Subcommand)]
enum KeyAction {
    /// Generate a signing key, and trust it
    Generate(SigningKeyOutputOptions),
    /// List the trusted keys
    List(SigningKeyOutputOptions),
    /// Trust the public key in a file
    Trust {
        /// The file, in PEM form
        file: PathBuf,
        #[command(flatten)]
        form: SigningKeyOutputOptions,
    },
    /// Stop trusting a key
    Untrust {
        /// The key's fingerprint
        fingerprint: Fingerprint,
        #[command(flatten)]
        form: SigningKeyOutputOptions,
    },
    /// Print your public key, to share it with others
    Show(SigningKeyOutputOptions),
}

#[derive(Args, Clone, Copy, Debug)]
struct SigningKeyOutputOptions {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl KeyCommand {
    /// The folders of keys are those of the user's space and of the system space, also for commands
    /// that only read.
    pub(crate) fn run(&self) -> Result<ExitCode, CliFailure> {
        let (user, system) = (user_space()?, system_spaces()?);
        let files = SigningKeyFiles::of(&user);
        let trust = TrustStore::of(&user, system.iter().map(PathBuf::as_path));
        match &self.command {
            KeyAction::Generate(form) => generate(&files, &trust, *form),
            KeyAction::List(form) => list(&files, &trust, *form),
            KeyAction::Trust { file, form } => trust_file(&trust, file, *form),
            KeyAction::Untrust { fingerprint, form } => untrust(&trust, fingerprint, *form),
            KeyAction::Show(form) => show(&files, *form),
        }
    }
}

impl SigningKeyOutputOptions {
    /// Prints the same facts as JSON or as a line of text.
    fn print(self, json: &Value, text: &str) -> Result<ExitCode, CliFailure> {
        if self.json {
            output::json(json)?;
        } else {
            output::text(text)?;
        }
        Ok(ExitCode::Done)
    }
}

/// Makes a key and trusts it. Neither is left behind if the other cannot be written.
///
/// # Errors
/// A failure if there is a key already: it is never replaced.
fn generate(
    files: &SigningKeyFiles,
    trust: &TrustStore,
    form: SigningKeyOutputOptions,
) -> Result<ExitCode, CliFailure> {
    let mut added = None;
    let made = files.generate(|key| {
        added = Some(key.fingerprint());
        trust.add(key)
    });
    let (key, trusted) = made.inspect_err(|_| {
        // Another was faster, or the disk is full: a key that signs nothing need not be trusted.
        let _ = added.as_ref().map(|key| trust.remove(key));
    })?;
    let fingerprint = key.public().fingerprint();
    let (private, public) = (files.private(), files.public());
    form.print(
        &json!({"fingerprint": fingerprint.as_str(), "private_key": private, "public_key": public, "trusted": trusted}),
        &format!("made the key {fingerprint}: {}", private.display()),
    )
}

/// Prints the trusted keys. A file that is no key comes last, as a failure, after all valid ones.
fn list(
    files: &SigningKeyFiles,
    trust: &TrustStore,
    form: SigningKeyOutputOptions,
) -> Result<ExitCode, CliFailure> {
    let mine = files.secret().ok().map(|key| key.public().fingerprint());
    let (keys, errors): (Vec<_>, Vec<_>) = trust.list().into_iter().partition(Result::is_ok);
    let keys: Vec<TrustedKey> = keys.into_iter().flatten().collect();
    let is_mine = |it: &TrustedKey| Some(it.key.fingerprint()) == mine;
    if form.json {
        let view: Value = keys
            .iter()
            .map(|it| json!({"fingerprint": it.key.fingerprint().as_str(), "owner": it.owner, "mine": is_mine(it), "path": it.path}))
            .collect();
        output::json(&view)?;
    } else if keys.is_empty() && errors.is_empty() {
        output::note("no key is trusted");
    } else if !keys.is_empty() {
        let mut table = TextTable::new(&["FINGERPRINT", "OWNER", "FILE"]);
        for it in &keys {
            let owner = it
                .owner
                .clone()
                .unwrap_or_else(|| if is_mine(it) { "you" } else { "-" }.to_owned());
            table.row(vec![it.key.fingerprint().to_string(), owner, it.path.display().to_string()]);
        }
        output::lines(table.lines())?;
    }
    // A bad file is reported, and does not hide the others.
    match errors.into_iter().find_map(Result::err) {
        Some(error) => Err(error.into()),
        None => Ok(ExitCode::Done),
    }
}

/// Copies the public key of a file into the user's trusted keys.
fn trust_file(
    trust: &TrustStore,
    file: &Path,
    form: SigningKeyOutputOptions,
) -> Result<ExitCode, CliFailure> {
    let (key, path) = trust.add_file(file).map_err(|error| match error {
        TrustStoreError::Key(error) => {
            CliFailure::of(&error).hint("lokt key show   prints a key in that form")
        }
        error => error.into(),
    })?;
    let fingerprint = key.fingerprint();
    form.print(
        &json!({"fingerprint": fingerprint.as_str(), "path": path}),
        &format!("trusted the key {fingerprint}"),
    )
}

/// Removes a key from the user's trusted keys. Warns if the system space, which is not changed,
/// still trusts it.
fn untrust(
    trust: &TrustStore,
    fingerprint: &Fingerprint,
    form: SigningKeyOutputOptions,
) -> Result<ExitCode, CliFailure> {
    let removed = trust.remove(fingerprint)?;
    if let Some(still) = trust.find(fingerprint)? {
        output::warn(&format!("the system space trusts it as well: {}", still.path.display()));
    }
    form.print(
        &json!({"fingerprint": fingerprint.as_str(), "removed": removed}),
        &format!("the key {fingerprint} is no longer trusted"),
    )
}

/// Prints the user's public key in PEM form. On a terminal, a note has its fingerprint, for
/// comparing it by voice.
fn show(files: &SigningKeyFiles, form: SigningKeyOutputOptions) -> Result<ExitCode, CliFailure> {
    let key = files.secret()?.public();
    let (fingerprint, pem) = (key.fingerprint(), key.to_pem());
    if form.json {
        output::json(
            &json!({"fingerprint": fingerprint.as_str(), "pem": pem, "path": files.public()}),
        )?;
    } else {
        output::bytes(pem.as_bytes())?;
        if output::is_for_people() {
            output::note(&format!("fingerprint {fingerprint}"));
        }
    }
    Ok(ExitCode::Done)
}
