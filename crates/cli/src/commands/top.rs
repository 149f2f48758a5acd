use crate::{context::Context, exit::ExitCode, failure::Failure, output, top};
use clap::Args;

/// Watch who holds what, and who waits, as it changes
///
/// Needs a terminal. Keys: q quits, up and down choose, Enter shows all of the chosen lock, s sorts, / filters,
/// f freezes or lifts a freeze, u unlocks; the last three ask first.
#[derive(Args, Debug)]
pub(crate) struct TopCommand {}

impl TopCommand {
    #[expect(clippy::unused_self, reason = "every command is run as its arguments")]
    pub(crate) fn run(&self, context: &Context) -> Result<ExitCode, Failure> {
        if !output::is_terminal_on_both_sides() {
            return Err(Failure::new(
                ExitCode::Error,
                "lokt top needs a terminal, to draw on and to read keys from",
            )
            .hint("lokt status   prints the same once")
            .hint("lokt audit --tail   prints what happens, line by line"));
        }
        top::live::run(context)
    }
}
