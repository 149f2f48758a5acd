//! The command `top`: arguments of the live view, which is in the room [`top`].

use crate::{context::CommandContext, exit::ExitCode, failure::CliFailure, output, top};
use clap::Args;

/// Watch holders and waiters live
///
/// Needs a terminal. Keys: ? lists the keys, q quits, up and down select, Enter shows the selected lock in full, s
/// sorts, / filters, f freezes or unfreezes, u unlocks; the last three ask first.
#[derive(Args, Debug)]
pub(crate) struct TopCommand {}

impl TopCommand {
    /// # Errors
    /// A failure without a terminal on stdin and stdout, or on one that cannot move its cursor.
    #[expect(clippy::unused_self, reason = "every command is run as its arguments")]
    pub(crate) fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        if !output::is_terminal_on_both_sides() {
            return Err(CliFailure::new(
                ExitCode::Error,
                "lokt top needs a terminal, to draw on and to read keys from",
            )
            .hint("lokt status   prints the same once")
            .hint("lokt audit --tail   prints what happens, line by line"));
        }
        top::live::run(context)
    }
}
