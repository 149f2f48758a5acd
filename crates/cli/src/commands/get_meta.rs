//! The command `get-meta`: one value of a lock's metadata, for scripts.

use crate::{
    completion, context::CommandContext, exit::ExitCode, failure::CliFailure, output, view,
};
use clap::Args;
use lokt_lock::{
    ops::{look, readable},
    record::{LockMetadata, LockRecord, RawJsonText},
    words::LockName,
};
use serde::Serialize;

/// Print one metadata value of a lock
///
/// Prints the value and a newline, nothing else: text as it is, other JSON in compact form.
#[derive(Args, Debug)]
pub(crate) struct GetMetaCommand {
    /// The lock
    #[arg(add = completion::locks())]
    name: LockName,
    /// The metadata key
    key: String,
    /// Print JSON: the name, the key and the value
    #[arg(long)]
    json: bool,
}

/// A value as JSON, to the byte.
#[derive(Serialize)]
struct LockMetadataValueJson<'a> {
    name: &'a str,
    key: &'a str,
    /// The text of the value as the record has it: numbers keep their digits.
    value: RawJsonText,
}

impl GetMetaCommand {
    /// # Errors
    /// [`ExitCode::NotFound`] if the lock is not held, has expired, or has no such key.
    pub(crate) fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let sight = look(&context.store, &self.name, &context.caller);
        let held = sight.held();
        match (readable(sight.slot, "lock", &self.name)?, held) {
            (Some(_), Some(held)) => self.print(&held),
            (Some(_), None) => Err(self.no_lock("has expired")),
            (None, _) => Err(self.no_lock("is not held")),
        }
    }

    /// Prints the value of the first holder that has the key.
    fn print(&self, record: &LockRecord) -> Result<ExitCode, CliFailure> {
        // Of several who hold the lock, the first who has it.
        let mut metadata = record.holders().filter_map(|it| it.metadata.as_ref());
        match metadata.find_map(|metadata| metadata.get(&self.key)) {
            Some(value) if self.json => {
                let (name, key) = (self.name.as_str(), self.key.as_str());
                output::json(&LockMetadataValueJson { name, key, value })?;
            }
            Some(value) => output::bytes(format!("{}\n", value.shown()).as_bytes())?,
            None => return Err(self.no_key(record)),
        }
        Ok(ExitCode::Done)
    }

    /// The failure where no lock is held; `why` ends its sentence.
    fn no_lock(&self, why: &str) -> CliFailure {
        self.not_found(format!("lock {:?} {why}", self.name.as_str())).hint(format!(
            "{}   waits until it is held",
            view::call("wait", &self.name, " --until held")
        ))
    }

    /// The failure for a key that no holder has, with the keys that there are.
    fn no_key(&self, record: &LockRecord) -> CliFailure {
        let metadata = record.holders().filter_map(|it| it.metadata.as_ref());
        let keys: Vec<String> = metadata.flat_map(LockMetadata::keys).collect();
        let text = format!("lock {:?} has no metadata key {:?}", self.name.as_str(), self.key);
        let hint = if keys.is_empty() {
            "it has no metadata at all".to_owned()
        } else {
            format!("its keys: {}", keys.join(", "))
        };
        self.not_found(text).hint(hint).fact("keys", keys)
    }

    /// A failure with the name and the key as facts for `--json`.
    fn not_found(&self, text: String) -> CliFailure {
        let failure = CliFailure::new(ExitCode::NotFound, text);
        failure.fact("name", self.name.as_str()).fact("key", self.key.as_str())
    }
}
