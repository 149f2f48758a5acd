//! The program `lokt`: arguments in, one command, output and an exit code out.
//!
//! * [`cli`]: the arguments of everything, from which help, man pages and completions come too.
//! * [`commands`]: one file per command, with its arguments.
//! * [`context`]: who calls and which root is meant, found once.
//! * [`env`]: every variable of the environment that Lokt reads or sets.
//! * [`exit`]: the exit codes, a public contract.
//! * [`failure`]: typed errors become a message, hints and a code.
//! * [`output`]: the only place that prints.
//! * [`view`]: what is shown, as values that are both JSON and text.

mod cli;
mod commands;
mod completion;
mod context;
mod env;
mod exit;
mod failure;
mod output;
mod span;
mod usage;
mod view;

use clap::{CommandFactory, Parser};
use std::process::ExitCode;

fn main() -> ExitCode {
    // Ends the process by itself where a shell asks for completions.
    clap_complete::CompleteEnv::with_factory(cli::Cli::command).complete();
    let code = match cli::Cli::try_parse() {
        Ok(cli) => commands::run(cli).unwrap_or_else(|failure| output::fail(&failure)),
        Err(error) => usage::report(&error),
    };
    code.into()
}
