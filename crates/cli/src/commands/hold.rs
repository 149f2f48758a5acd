//! The command `hold-for-program`: locks for programs in other languages.

use crate::{context::CommandContext, exit::ExitCode, failure::CliFailure, hold::HoldSession};
use clap::Args;

/// Hold locks for a program, as it asks on standard input
///
/// For libraries in other languages. Reads requests and writes answers, each one line of JSON. The locks are held for
/// as long as standard input is open: the kernel closes it when the program ends, however it ends. To run a command
/// under a lock, use `lokt guard`.
#[derive(Args, Debug)]
pub(crate) struct HoldCommand {}

impl HoldCommand {
    /// Answers until standard input ends.
    #[expect(clippy::unused_self, reason = "a command without options")]
    pub(crate) fn run(self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        HoldSession::new(context)?.run()
    }
}
