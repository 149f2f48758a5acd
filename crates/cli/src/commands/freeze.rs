//! The command `freeze`: no new holder of a name for a time. The present holder stays.

use crate::{
    completion, context::CommandContext, denial, exit::ExitCode, failure::CliFailure, output, span,
    view,
};
use clap::Args;
use lokt_lock::{
    ops::{FreezeOutcome, freeze},
    words::LockName,
};
use std::time::Duration;

/// Block new holders of a lock for a while
///
/// A freeze doesn't affect the current holder; waiters stay in the queue. `lokt unfreeze` ends it early.
#[derive(Args, Debug)]
pub(crate) struct FreezeCommand {
    /// The lock to freeze
    #[arg(add = completion::locks())]
    name: LockName,
    /// End the freeze after this long
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = span::parse_positive)]
    ttl: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl FreezeCommand {
    /// Freezes the name. A freeze of the caller's own is replaced; one of another is a refusal
    /// ([`denial::freeze`]).
    pub(crate) fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let name = self.name.as_str();
        match freeze(&context.store, &self.name, &context.caller, self.ttl)? {
            FreezeOutcome::Done(record) => {
                let written = if self.json {
                    output::json(&view::frozen(&record))
                } else {
                    output::text(&format!("froze {name:?} for {}", span::show(self.ttl)))
                };
                output::even_if_untold(&format!("{name:?} is frozen"), written);
            }
            FreezeOutcome::ByAnother(record) => {
                return Err(denial::freeze::refusal(&self.name, &record, &context.caller.identity)
                    .fact("name", name));
            }
        }
        Ok(ExitCode::Done)
    }
}
