use crate::commands::{
    audit, completions, demo, doctor, exists, fence, freeze, get_meta, guard, init, lock, man, mcp,
    prime, results, status, top, unfreeze, unlock, version, why,
};
use crate::{commands::key, once, tool};
use clap::{Args, Parser, Subcommand};
use lokt_lock::words::Owner;

/// Makes concurrent work in one repository safe: locks that survive every crash, first come, first served.
///
/// No daemon, no server, no configuration. The locks are in the repository (.git/lokt, shared by all its
/// worktrees), or in the folder that `LOKT_ROOT` names.
#[derive(Debug, Parser)]
#[command(name = "lokt", version, max_term_width = 100, after_help = CODES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// Act as this owner [default: `LOKT_OWNER`, else the OS user in this terminal]
    #[arg(long, global = true, value_name = "OWNER")]
    pub(crate) owner: Option<Owner>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Guard(guard::Guard),
    Once(once::Once),
    Lock(lock::Lock),
    Unlock(unlock::Unlock),
    Status(status::Status),
    Why(why::Why),
    Exists(exists::Exists),
    GetMeta(get_meta::GetMeta),
    Fence(fence::FenceCommand),
    Freeze(freeze::Freeze),
    Unfreeze(unfreeze::Unfreeze),
    Audit(audit::Audit),
    Top(top::Top),
    Doctor(doctor::Doctor),
    Results(results::Results),
    Prime(prime::Prime),
    Init(init::Init),
    Demo(demo::Demo),
    Tool(tool::Tool),
    Key(key::Key),
    Mcp(mcp::Mcp),
    Completions(completions::Completions),
    Man(man::Man),
    Version(version::Version),
}

/// The commands that run most often, parsed without building all the others: describing a command to the
/// parser takes longer than running it. What this does not understand, [`Cli`] does, or explains.
#[derive(Debug, Parser)]
#[command(name = "lokt", disable_help_flag = true, disable_help_subcommand = true)]
pub(crate) struct Frequent {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: FrequentCommand,
}

#[derive(Debug, Subcommand)]
#[command(disable_help_flag = true)]
enum FrequentCommand {
    #[command(disable_help_flag = true)]
    Guard(guard::Guard),
    #[command(disable_help_flag = true)]
    Exists(exists::Exists),
    #[command(disable_help_flag = true)]
    GetMeta(get_meta::GetMeta),
    #[command(disable_help_flag = true)]
    Once(once::Once),
}

impl From<Frequent> for Cli {
    fn from(Frequent { global, command }: Frequent) -> Self {
        let command = match command {
            FrequentCommand::Guard(it) => Command::Guard(it),
            FrequentCommand::Exists(it) => Command::Exists(it),
            FrequentCommand::GetMeta(it) => Command::GetMeta(it),
            FrequentCommand::Once(it) => Command::Once(it),
        };
        Self { global, command }
    }
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
