//! All arguments, and the dispatch to the commands.
//!
//! Each command's arguments are a struct in its own file. Here they become one parser, from which
//! the help, manual pages, completions and `capabilities` come too. A command whose effect depends
//! on the owner is wrapped in [`CommandWithOwnerOption`], and takes `--owner` before and behind its
//! name.

use crate::commands::{
    audit, capabilities, completions, demo, doctor, exists, fence, freeze, get_meta, git_hook,
    guard, hold, hook, init, lock, man, mcp, prime, reservations, reserve, results, status, top,
    unfreeze, unlock, unreserve, version, wait, whoami, why,
};
use crate::{
    commands::key,
    context::{CommandContext, CommandWithOwnerOption, require_own_project},
    exit::ExitCode,
    failure::CliFailure,
    help, once, tool,
};
use clap::{
    Args, CommandFactory, FromArgMatches, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};
use lokt_lock::words::Owner;
use std::{env, ffi::OsString};

/// Make concurrent work in one repository safe, with locks that survive crashes: first come, first served.
///
/// No daemon, no server, no configuration. The locks are in the repository (.git/lokt, shared by all its
/// worktrees), or in the folder given by `LOKT_ROOT`.
#[derive(Debug, Parser)]
#[command(name = "lokt", version = version::LINE, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// The same as behind the name of a command
    #[arg(long, value_name = "OWNER", hide = true)]
    owner: Option<Owner>,
    #[command(subcommand)]
    pub(crate) command: LoktCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LoktCommand {
    Guard(CommandWithOwnerOption<guard::GuardCommand>),
    Once(CommandWithOwnerOption<once::OnceCommand>),
    Lock(CommandWithOwnerOption<lock::LockCommand>),
    HoldForProgram(CommandWithOwnerOption<hold::HoldCommand>),
    Unlock(CommandWithOwnerOption<unlock::UnlockCommand>),
    Status(status::StatusCommand),
    Why(CommandWithOwnerOption<why::WhyCommand>),
    Wait(wait::WaitCommand),
    Whoami(CommandWithOwnerOption<whoami::WhoamiCommand>),
    Exists(exists::ExistsCommand),
    GetMeta(get_meta::GetMetaCommand),
    Fence(fence::FenceCommand),
    Freeze(CommandWithOwnerOption<freeze::FreezeCommand>),
    Unfreeze(CommandWithOwnerOption<unfreeze::UnfreezeCommand>),
    Reserve(CommandWithOwnerOption<reserve::ReserveCommand>),
    Unreserve(CommandWithOwnerOption<unreserve::UnreserveCommand>),
    Reservations(CommandWithOwnerOption<reservations::ReservationsCommand>),
    Audit(audit::AuditCommand),
    Top(CommandWithOwnerOption<top::TopCommand>),
    Doctor(doctor::DoctorCommand),
    Results(results::ResultsCommand),
    Prime(CommandWithOwnerOption<prime::PrimeCommand>),
    Hook(CommandWithOwnerOption<hook::HookCommand>),
    Init(init::InitCommand),
    GitHook(git_hook::GitHookCommand),
    Demo(demo::DemoCommand),
    Tool(tool::ToolCommand),
    Key(key::KeyCommand),
    Mcp(CommandWithOwnerOption<mcp::McpCommand>),
    Capabilities(capabilities::CapabilitiesCommand),
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
        Self::of_frequent(&words).map_or_else(|| Self::of_all(&words), Ok)
    }

    /// All commands, with their help.
    pub(crate) fn program() -> clap::Command {
        help::with_help(Self::command())
    }

    /// Parses words with the parser of all commands.
    ///
    /// # Errors
    /// As of [`Cli::parse_words`].
    pub(crate) fn of_all<W: Into<OsString> + Clone>(words: &[W]) -> Result<Self, clap::Error> {
        let mut program = Self::program();
        let words = words.iter().cloned().map(Into::into);
        let all = std::iter::once(OsString::from("lokt")).chain(words);
        let mut matches = program.try_get_matches_from_mut(all)?;
        let cli = Self::from_arg_matches_mut(&mut matches);
        let cli = cli.map_err(|error| error.format(&mut program))?;
        cli.hand_on_owner().ok_or_else(|| needless_owner(&program))
    }

    /// Gives an owner that stands before the command to the command; nothing if the command has no use for it.
    fn hand_on_owner(mut self) -> Option<Self> {
        if let Some(owner) = self.owner.take() {
            self.command.owner()?.get_or_insert(owner);
        }
        Some(self)
    }

    /// Parses the words of a frequent command with a parser for it alone; `None` if that fails in
    /// any way, also if help is wanted.
    fn of_frequent(words: &[OsString]) -> Option<Self> {
        match words.first()?.to_str()? {
            "guard" => alone(words, LoktCommand::Guard),
            "once" => alone(words, LoktCommand::Once),
            "lock" => alone(words, LoktCommand::Lock),
            "hold-for-program" => alone(words, LoktCommand::HoldForProgram),
            "unlock" => alone(words, LoktCommand::Unlock),
            "status" => alone(words, LoktCommand::Status),
            "why" => alone(words, LoktCommand::Why),
            "exists" => alone(words, LoktCommand::Exists),
            "get-meta" => alone(words, LoktCommand::GetMeta),
            "hook" => alone(words, LoktCommand::Hook),
            _ => None,
        }
    }
}

/// Runs the command that was asked for.
///
/// Before commands that use files of the repository, it refuses repositories of other users.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, CliFailure> {
    let Cli { command, .. } = cli;
    // These read or write files of the repository, and not only its locks.
    let uses_project =
        matches!(command, LoktCommand::Init(_) | LoktCommand::Tool(_) | LoktCommand::Once(_));
    if uses_project {
        require_own_project()?;
    }
    match command {
        LoktCommand::Guard(it) => it.run(guard::GuardCommand::run),
        LoktCommand::Lock(it) => it.run(lock::LockCommand::run),
        LoktCommand::HoldForProgram(it) => it.run(hold::HoldCommand::run),
        LoktCommand::Unlock(it) => it.run(|it, context| it.run(context)),
        LoktCommand::Status(it) => it.run(),
        LoktCommand::Why(it) => {
            let owner = it.acting.owner.clone();
            it.run(|it, context| it.run(context, owner))
        }
        LoktCommand::Whoami(it) => it.command.run(&it.acting),
        LoktCommand::Wait(it) => it.run(&CommandContext::to_read()?),
        LoktCommand::Exists(it) => it.run(&CommandContext::to_read()?),
        LoktCommand::GetMeta(it) => it.run(&CommandContext::to_read()?),
        LoktCommand::Fence(it) => it.run(&CommandContext::to_read()?),
        LoktCommand::Freeze(it) => it.run(|it, context| it.run(context)),
        LoktCommand::Unfreeze(it) => it.run(|it, context| it.run(context)),
        LoktCommand::Reserve(it) => it.run(reserve::ReserveCommand::run),
        LoktCommand::Unreserve(it) => it.run(|it, context| it.run(context)),
        LoktCommand::Reservations(it) => it.run(|it, context| it.run(context)),
        LoktCommand::Audit(it) => it.run(&CommandContext::to_read()?),
        LoktCommand::Demo(it) => it.run(),
        LoktCommand::Top(it) => it.run_unannounced(|it, context| it.run(context)),
        LoktCommand::Doctor(it) => it.run(),
        LoktCommand::Once(it) => it.run(|it, context| it.run(context)),
        LoktCommand::Results(it) => it.run(),
        LoktCommand::Prime(it) => it.command.run(&it.acting),
        LoktCommand::Hook(it) => Ok(it.command.run(it.acting)),
        LoktCommand::Init(it) => it.run(),
        LoktCommand::GitHook(it) => it.run(),
        LoktCommand::Tool(it) => it.run(),
        LoktCommand::Key(it) => it.run(),
        LoktCommand::Mcp(it) => it.command.run(|| CommandContext::new(&it.acting)),
        LoktCommand::Capabilities(it) => it.run(Cli::program()),
        LoktCommand::Completions(it) => it.run(),
        LoktCommand::Man(it) => it.run(Cli::program()),
        LoktCommand::Version(it) => it.run(),
    }
}

impl LoktCommand {
    /// The owner to act as, of a command whose effect depends on one.
    fn owner(&mut self) -> Option<&mut Option<Owner>> {
        let acting = match self {
            Self::Guard(it) => &mut it.acting,
            Self::Once(it) => &mut it.acting,
            Self::Lock(it) => &mut it.acting,
            Self::HoldForProgram(it) => &mut it.acting,
            Self::Unlock(it) => &mut it.acting,
            Self::Why(it) => &mut it.acting,
            Self::Freeze(it) => &mut it.acting,
            Self::Unfreeze(it) => &mut it.acting,
            Self::Reserve(it) => &mut it.acting,
            Self::Unreserve(it) => &mut it.acting,
            Self::Reservations(it) => &mut it.acting,
            Self::Hook(it) => &mut it.acting,
            Self::Top(it) => &mut it.acting,
            Self::Whoami(it) => &mut it.acting,
            Self::Mcp(it) => &mut it.acting,
            Self::Prime(it) if it.command.is_about_now() => &mut it.acting,
            Self::Results(it) => it.owner()?,
            Self::Tool(it) => it.owner()?,
            Self::Status(it) => return it.owner(),
            Self::Audit(it) => return Some(&mut it.owner),
            _ => return None,
        };
        Some(&mut acting.owner)
    }
}

/// The error for `--owner` before a command that has no use for it.
///
/// It is the error of an unknown argument, so the correction of wrong usage applies.
fn needless_owner(program: &clap::Command) -> clap::Error {
    let mut error = clap::Error::new(ErrorKind::UnknownArgument).with_cmd(program);
    error.insert(ContextKind::InvalidArg, ContextValue::String("--owner".to_owned()));
    error
}

/// One command without all the others. It has no help: that belongs to the whole parser.
#[derive(Debug, Parser)]
#[command(disable_help_flag = true)]
struct CliSingleCommandParser<A: Args> {
    #[command(flatten)]
    arguments: A,
}

/// Parses the words as one command.
fn alone<A: Args>(words: &[OsString], command: fn(A) -> LoktCommand) -> Option<Cli> {
    let CliSingleCommandParser { arguments } =
        CliSingleCommandParser::try_parse_from(words).ok()?;
    Some(Cli { owner: None, command: command(arguments) })
}

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
            "get-meta x key",
            "hook claude-code",
            "hook opencode --strict --owner ada",
        ] {
            let alone = Cli::of_frequent(&words(line)).expect(line);
            let among_all = Cli::of_all(&words(line)).expect(line);
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
