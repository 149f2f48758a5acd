use crate::{completion, context::Context, exit::ExitCode, failure::Failure};
use clap::Args;
use lokt_lock::{ops::is_held, words::LockName};

/// Say by the exit code whether a lock is held: 0, or 3
///
/// Prints nothing, unless the lock cannot be made out.
#[derive(Args, Debug)]
pub(crate) struct ExistsCommand {
    /// The lock to look for
    #[arg(add = completion::locks())]
    name: LockName,
}

impl ExistsCommand {
    pub(crate) fn run(&self, context: &Context) -> Result<ExitCode, Failure> {
        let held = is_held(&context.store, &self.name, &context.caller)?;
        Ok(if held { ExitCode::Done } else { ExitCode::NotFound })
    }
}
