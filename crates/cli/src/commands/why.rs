use crate::{completion, context::Context, exit::Code, failure::Failure, output, view};
use clap::Args;
use lokt_lock::{ops::explain, words::LockName};

/// Explain why a lock can or cannot be taken
///
/// The exit code is 0 when it is free, else 2.
#[derive(Args, Debug)]
pub(crate) struct Why {
    /// The lock
    #[arg(add = completion::locks())]
    name: LockName,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Why {
    pub(crate) fn run(&self, context: &Context) -> Result<Code, Failure> {
        let explanation = explain(&context.store, &self.name, &context.caller)?;
        output::even_if_unread(if self.json {
            output::json(&view::reason::json(&self.name, &explanation))
        } else {
            output::lines(view::reason::lines(&self.name, &explanation))
        })?;
        Ok(if explanation.is_free() { Code::Done } else { Code::Held })
    }
}
