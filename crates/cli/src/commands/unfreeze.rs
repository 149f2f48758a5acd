//! The command `unfreeze`: lifting a freeze before its end.

use crate::{
    completion, context::CommandContext, denial, exit::ExitCode, failure::CliFailure, output,
};
use clap::Args;
use lokt_lock::{
    ops::{UnfreezeOutcome, unfreeze},
    words::LockName,
};

/// Lift a freeze, so that a lock can be taken again
#[derive(Args, Debug)]
pub(crate) struct UnfreezeCommand {
    /// The frozen lock
    #[arg(add = completion::freezes())]
    name: LockName,
    /// Lift the freeze of any owner, and remove an unreadable freeze record
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl UnfreezeCommand {
    /// Lifts the freeze. With `--force` also one of another owner, or a record that cannot be read.
    pub(crate) fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let name = self.name.as_str();
        match unfreeze(&context.store, &self.name, &context.caller, self.force)? {
            UnfreezeOutcome::Done { unlogged, unsynced } => {
                let done = format!("{name:?} is no longer frozen");
                output::warn_unsynced(&done, unsynced);
                output::warn_unlogged(&done, unlogged);
                output::even_if_untold(&done, self.report(name));
            }
            refused => {
                let me = &context.caller.identity;
                return Err(denial::unfreeze::refusal(&self.name, &refused, me).fact("name", name));
            }
        }
        Ok(ExitCode::Done)
    }

    /// Prints that the name is no longer frozen.
    fn report(&self, name: &str) -> Result<(), CliFailure> {
        if self.json {
            output::json(&serde_json::json!({"status": "unfrozen", "name": name}))
        } else {
            output::text(&format!("unfroze {name:?}"))
        }
    }
}
