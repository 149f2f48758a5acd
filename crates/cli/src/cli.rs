use crate::commands::{
    audit, completions, demo, doctor, exists, fence, freeze, get_meta, guard, init, lock, man, mcp,
    prime, results, status, top, unfreeze, unlock, version, wait, whoami, why,
};
use crate::{
    commands::key,
    context::{CommandContext, GlobalOptions, require_own_project},
    exit::ExitCode,
    failure::CliFailure,
    once, tool,
};
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::{env, ffi::OsString};

/// Make concurrent work in one repository safe, with locks that survive crashes: first come, first served.
///
/// No daemon, no server, no configuration. The locks are in the repository (.git/lokt, shared by all its
/// worktrees), or in the folder given by `LOKT_ROOT`.
#[derive(Debug, Parser)]
#[command(name = "lokt", version, max_term_width = 100, after_help = CODES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    #[command(subcommand)]
    pub(crate) command: LoktCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LoktCommand {
    Guard(guard::GuardCommand),
    Once(once::OnceCommand),
    Lock(lock::LockCommand),
    Unlock(unlock::UnlockCommand),
    Status(status::StatusCommand),
    Why(why::WhyCommand),
    Wait(wait::WaitCommand),
    Whoami(whoami::WhoamiCommand),
    Exists(exists::ExistsCommand),
    GetMeta(get_meta::GetMetaCommand),
    Fence(fence::FenceCommand),
    Freeze(freeze::FreezeCommand),
    Unfreeze(unfreeze::UnfreezeCommand),
    Audit(audit::AuditCommand),
    Top(top::TopCommand),
    Doctor(doctor::DoctorCommand),
    Results(results::ResultsCommand),
    Prime(prime::PrimeCommand),
    Init(init::InitCommand),
    Demo(demo::DemoCommand),
    Tool(tool::ToolCommand),
    Key(key::KeyCommand),
    Mcp(mcp::McpCommand),
    Completions(completions::CompletionsCommand),
    Man(man::ManCommand),
    Version(version::VersionCommand),
}

impl Cli {
    /// Parses the words that this process was started with.
    ///
    /// For the most frequent commands, the parser knows only that one command: describing all commands takes longer
    /// than running one. If that parser fails, the whole parser parses the words, or explains the mistake.
    ///
    /// # Errors
    /// The text to print instead of running a command: wrong usage, or the help that the caller asked for.
    pub(crate) fn parse_words() -> Result<Self, clap::Error> {
        let words: Vec<OsString> = env::args_os().skip(1).collect();
        Self::of_frequent(&words).map_or_else(Self::try_parse, Ok)
    }

    fn of_frequent(words: &[OsString]) -> Option<Self> {
        match words.first()?.to_str()? {
            "guard" => alone(words, LoktCommand::Guard),
            "once" => alone(words, LoktCommand::Once),
            "lock" => alone(words, LoktCommand::Lock),
            "unlock" => alone(words, LoktCommand::Unlock),
            "status" => alone(words, LoktCommand::Status),
            "why" => alone(words, LoktCommand::Why),
            "exists" => alone(words, LoktCommand::Exists),
            "get-meta" => alone(words, LoktCommand::GetMeta),
            _ => None,
        }
    }
}

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, CliFailure> {
    let Cli { global, command } = cli;
    let context = || CommandContext::new(&global);
    // These read or write files of the repository, and not only its locks.
    let uses_project = matches!(
        command,
        LoktCommand::Prime(_) | LoktCommand::Init(_) | LoktCommand::Tool(_) | LoktCommand::Once(_)
    );
    if uses_project {
        require_own_project()?;
    }
    match command {
        LoktCommand::Guard(it) => it.run(&context()?),
        LoktCommand::Lock(it) => it.run(&context()?),
        LoktCommand::Unlock(it) => it.run(&context()?),
        LoktCommand::Status(it) => it.run(&context()?),
        LoktCommand::Why(it) => it.run(&context()?, global.owner.clone()),
        LoktCommand::Whoami(it) => it.run(&global),
        LoktCommand::Exists(it) => it.run(&context()?),
        LoktCommand::Wait(it) => it.run(&context()?),
        LoktCommand::GetMeta(it) => it.run(&context()?),
        LoktCommand::Fence(it) => it.run(&context()?),
        LoktCommand::Freeze(it) => it.run(&context()?),
        LoktCommand::Unfreeze(it) => it.run(&context()?),
        LoktCommand::Audit(it) => it.run(&context()?, global.owner.as_ref()),
        LoktCommand::Demo(it) => it.run(),
        LoktCommand::Top(it) => it.run(&context()?.unannounced()),
        LoktCommand::Doctor(it) => it.run(&global),
        LoktCommand::Once(it) => it.run(&context()?),
        LoktCommand::Results(it) => it.run(&context()?),
        LoktCommand::Prime(it) => it.run(&global),
        LoktCommand::Init(it) => it.run(),
        LoktCommand::Tool(it) => it.run(&global),
        LoktCommand::Key(it) => it.run(),
        LoktCommand::Mcp(it) => it.run(&global),
        LoktCommand::Completions(it) => it.run(),
        LoktCommand::Man(it) => it.run(Cli::command()),
        LoktCommand::Version(it) => it.run(),
    }
}

/// One command without all the others. It has no help: that belongs to the whole parser.
#[derive(Debug, Parser)]
#[command(disable_help_flag = true)]
struct CliSingleCommandParser<A: Args> {
    #[command(flatten)]
    global: GlobalOptions,
    #[command(flatten)]
    arguments: A,
}

fn alone<A: Args>(words: &[OsString], command: fn(A) -> LoktCommand) -> Option<Cli> {
    let CliSingleCommandParser { global, arguments } =
        CliSingleCommandParser::try_parse_from(words).ok()?;
    Some(Cli { global, command: command(arguments) })
}

const CODES: &str = "\
Exit codes:
  0  done
  1  error                      6    lock lost while the command ran
  2  held, frozen, timed out    7    waiting would be a deadlock
  3  not found                  64   wrong usage
  4  not yours                  124  --max-hold, or a tool's time, passed
  5  tool not as it was pinned  126  guarded command not executable
     or signed; nothing ran     127  guarded command, or interpreter, not found
  guard otherwise gives its command's own code, 128+n when signal n ended it.";

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn a_command_is_parsed_alone_as_among_all_others() {
        for line in [
            "guard x -- true",
            "guard --owner ada --wait --timeout 5s a b -- sh -c exit",
            "guard x --shared -c exit --owner bob",
            "once lint --input a --json -- make --help",
            "lock x --ttl 1m --meta a=b --owner ada",
            "unlock --all --json",
            "status",
            "status x --json",
            "why x",
            "exists x",
            "get-meta x key --owner ada",
        ] {
            let alone = Cli::of_frequent(&words(line)).expect(line);
            let among_all = Cli::try_parse_from(words(&format!("lokt {line}"))).expect(line);
            assert_eq!(format!("{alone:?}"), format!("{among_all:?}"), "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_is_left_to_the_whole_parser() {
        for line in ["--owner ada guard x -- true", "guard --help", "guard", "why x y", "audit"] {
            assert!(Cli::of_frequent(&words(line)).is_none(), "{line}");
        }
    }
}
