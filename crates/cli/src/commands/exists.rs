//! The command `exists`: a question for scripts, answered by the exit code.

use crate::{completion, context::CommandContext, exit::ExitCode, failure::CliFailure, output};
use clap::Args;
use lokt_lock::{ops::is_held, words::LockName};
use serde_json::json;

/// Exit 0 if the lock is held, 3 if not
///
/// Prints nothing without --json, unless the state can't be read.
#[derive(Args, Debug)]
pub(crate) struct ExistsCommand {
    /// The lock to check
    #[arg(add = completion::locks())]
    name: LockName,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl ExistsCommand {
    /// A lock whose record cannot be read is a failure, and never "not held".
    pub(crate) fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let held = is_held(&context.store, &self.name, &context.caller)?;
        if self.json {
            let answer = json!({"name": self.name.as_str(), "held": held});
            output::even_if_unread(output::json(&answer))?;
        }
        Ok(if held { ExitCode::Done } else { ExitCode::NotFound })
    }
}
