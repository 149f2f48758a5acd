use crate::{completion, context::Context, exit::ExitCode, failure::Failure};
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
    pub(crate) fn run(&self, context: &Context) -> Result<ExitCode, Failure> {
        let held = is_held(&context.store, &self.name, &context.caller)?;
        Ok(if held { ExitCode::Done } else { ExitCode::NotFound })
    }
}
