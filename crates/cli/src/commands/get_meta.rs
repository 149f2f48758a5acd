use crate::{completion, context::CommandContext, exit::ExitCode, failure::CliFailure, output};
use clap::Args;
use lokt_lock::{
    ops::{look, readable},
    record::{LockMetadata, LockRecord},
    words::LockName,
};

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
}

impl GetMetaCommand {
    pub(crate) fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let sight = look(&context.store, &self.name, &context.caller);
        let held = sight.held();
        match (readable(sight.slot, "lock", &self.name)?, held) {
            (Some(_), Some(held)) => self.print(&held),
            (Some(_), None) => Err(self.no_lock("has expired")),
            (None, _) => Err(self.no_lock("is not held")),
        }
    }

    fn print(&self, record: &LockRecord) -> Result<ExitCode, CliFailure> {
        // Of several who hold the lock, the first who has it.
        let mut metadata = record.holders().filter_map(|it| it.metadata.as_ref());
        match metadata.find_map(|metadata| metadata.get(&self.key)) {
            Some(value) => output::bytes(format!("{}\n", value.shown()).as_bytes())?,
            None => return Err(self.no_key(record)),
        }
        Ok(ExitCode::Done)
    }

    fn no_lock(&self, why: &str) -> CliFailure {
        CliFailure::new(ExitCode::NotFound, format!("lock {:?} {why}", self.name.as_str())).hint(
            format!("lokt lock {} --meta {}=VALUE   takes it with this key", self.name, self.key),
        )
    }

    fn no_key(&self, record: &LockRecord) -> CliFailure {
        let metadata = record.holders().filter_map(|it| it.metadata.as_ref());
        let keys: Vec<String> = metadata.flat_map(LockMetadata::keys).collect();
        let text = format!("lock {:?} has no metadata key {:?}", self.name.as_str(), self.key);
        CliFailure::new(ExitCode::NotFound, text).hint(if keys.is_empty() {
            "it has no metadata at all".to_owned()
        } else {
            format!("its keys: {}", keys.join(", "))
        })
    }
}
