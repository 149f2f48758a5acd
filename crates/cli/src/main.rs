#![cfg_attr(all(not(test), target_os = "linux", target_env = "gnu"), no_main)]
//! The program `lokt`: arguments in, one command, output and an exit code out.
//!
//! * [`entry`]: the entry point of the process.
//! * [`cli`]: the arguments of everything, from which man pages and completions come too.
//! * [`help`]: the help, with groups and examples; [`usage`]: wrong usage, and the right call.
//! * [`commands`]: one file per command, with its arguments.
//! * [`context`]: who calls and which root is meant, found once.
//! * [`locking`]: what commands share that take a lock.
//! * [`denial`]: refusals as error messages.
//! * [`demo`]: a picture that shows why concurrent writers need a lock.
//! * [`mod@env`]: every variable of the environment that Lokt reads or sets.
//! * [`exit`]: the exit codes, a public contract.
//! * [`failure`]: typed errors become a message, hints and a code.
//! * [`hold`]: locks that a program in another language holds.
//! * [`hook`]: the hooks of harnesses: their events and answers.
//! * [`git_hook`]: the check before a commit.
//! * [`git_question`]: questions to git about files.
//! * [`json_fields`]: the fields of the JSON that each command prints.
//! * [`once`]: the command that shares results.
//! * [`mod@mcp`]: the server for agents.
//! * [`prime`]: what an agent has to know of a repository; [`init`]: setting it up for agents.
//! * [`mod@sandbox`]: what to do where a sandbox keeps the folder of the locks read-only.
//! * [`shell_text`]: the commands of shell text; [`shell_rules`]: which of them run under a lock.
//! * [`timeline`]: who held and who waited for what, as bars and as a page.
//! * [`mod@tool`]: the commands about tools, one file each.
//! * [`mod@top`]: the live view.
//! * [`output`]: the only place that prints; [`printable`]: text of others, as it may be shown.
//! * [`view`]: the output, as values that are both JSON and text.

mod cli;
mod commands;
mod completion;
mod context;
mod demo;
mod denial;
mod entry;
mod env;
mod exit;
mod failure;
mod git_hook;
mod git_question;
mod help;
mod hold;
mod hook;
mod init;
mod json_fields;
mod locking;
mod mcp;
mod once;
mod output;
mod prime;
mod printable;
mod project_store;
mod refusal;
mod sandbox;
mod shell_rules;
mod shell_text;
mod span;
mod timeline;
mod tool;
mod top;
mod usage;
mod view;

use clap::CommandFactory;

/// Reads the arguments, runs the command, gives the exit code.
fn run() -> u8 {
    if let Some(code) = project_store::session_keeper::run_if_called() {
        return code.number();
    }
    if env::value(completion::VARIABLE).is_some() {
        // Ends the process by itself where a shell asks for completions.
        clap_complete::CompleteEnv::with_factory(cli::Cli::command).complete();
    }
    attempt(TRIES).number()
}

/// How often to run a command whose root was replaced before the command changed anything.
const TRIES: usize = 5;

/// Runs the command, at most so many times, and prints its failure. It runs again only where the
/// root was replaced before the command changed anything.
fn attempt(tries: usize) -> exit::ExitCode {
    let cli = match cli::Cli::parse_words() {
        Ok(cli) => cli,
        Err(error) if commands::hook::is_called() && error.use_stderr() => {
            return commands::hook::misused(&error);
        }
        Err(error) => return with_grammar(|grammar| usage::report(error, grammar)),
    };
    if usage::is_doubtful()
        && !commands::hook::is_called()
        && let Some(failure) = with_grammar(usage::misread)
    {
        return output::end_with(&failure);
    }
    match cli::run(cli) {
        Err(failure) if failure.is_outdated && tries > 1 => attempt(tries - 1),
        Err(failure) if usage::can_advise(&failure) => {
            output::end_with(&with_grammar(|grammar| usage::advise(failure, grammar)))
        }
        outcome => {
            outcome.unwrap_or_else(|failure| output::end_with(&sandbox::advice::explained(failure)))
        }
    }
}

/// Gives a function what it needs to correct a call.
fn with_grammar<T>(use_it: impl FnOnce(&usage::CommandLineCorrector<'_>) -> T) -> T {
    let mut root = cli::Cli::program();
    root.build();
    let fault = |words: &[String]| cli::Cli::of_all(words).err();
    use_it(&usage::CommandLineCorrector { root: &root, fault: &fault, finds: &usage::finds })
}

#[cfg(any(test, not(all(target_os = "linux", target_env = "gnu"))))]
fn main() -> std::process::ExitCode {
    run().into()
}
