use crate::{completion, context::Context, exit::Code, failure::Failure};
use clap::Args;
use lokt_lock::{ops::is_held, words::LockName};

/// Say by the exit code whether a lock is held: 0, or 3
///
/// Prints nothing, unless the lock cannot be made out.
#[derive(Args, Debug)]
pub(crate) struct Exists {
    /// The lock to look for
    #[arg(add = completion::locks())]
    name: LockName,
}

impl Exists {
    pub(crate) fn run(&self, context: &Context) -> Result<Code, Failure> {
        let held = is_held(&context.store, &self.name, &context.caller)?;
        Ok(if held { Code::Done } else { Code::NotFound })
    }
}
