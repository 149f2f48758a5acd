use crate::{completion, context::CommandContext, exit::ExitCode, failure::CliFailure};
use clap::Args;
use lokt_lock::{ops::is_held, words::LockName};

/// Exit 0 if the lock is held, 3 if not
///
/// Prints nothing unless the state can't be read.
#[derive(Args, Debug)]
pub(crate) struct ExistsCommand {
    /// The lock to check
    #[arg(add = completion::locks())]
    name: LockName,
}

impl ExistsCommand {
    pub(crate) fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let held = is_held(&context.store, &self.name, &context.caller)?;
        Ok(if held { ExitCode::Done } else { ExitCode::NotFound })
    }
}
