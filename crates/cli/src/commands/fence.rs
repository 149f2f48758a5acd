//! The command `fence check`: whether a fence is one of a current holder.
//!
//! A fence is a number that rises with each acquisition of a name. The check answers for this
//! moment only. A store that remembers the highest fence also rejects a writer that comes after the
//! check.

use crate::{completion, context::CommandContext, exit::ExitCode, failure::CliFailure, output};
use clap::{Args, Subcommand};
use lokt_lock::{
    ops::{look, readable},
    record::LockRecord,
    words::{Fence, LockName},
};
use serde_json::json;

/// Check fencing tokens, to reject stale writers
///
/// Every time a lock is taken it gets a fence, a number that only rises: `LOKT_FENCE` in a guarded command, `fence`
/// in the output of `lock --json`. A resource that remembers the highest fence it has seen can refuse lower ones.
#[derive(Args, Debug)]
pub(crate) struct FenceCommand {
    #[command(subcommand)]
    action: FenceAction,
}

#[derive(Debug, Subcommand)]
enum FenceAction {
    /// Check a fencing token: exit 0 if it belongs to a current holder of the lock, 4 if not
    Check(FenceCheckCommand),
}

#[derive(Args, Debug)]
struct FenceCheckCommand {
    /// The lock
    #[arg(add = completion::locks())]
    name: LockName,
    /// The fence to check
    token: Fence,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl FenceCommand {
    /// A lock with several holders has a fence for each. The failure lists the current ones as
    /// `fences` for `--json`.
    pub(crate) fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let FenceAction::Check(FenceCheckCommand { name, token, json }) = &self.action;
        let sight = look(&context.store, name, &context.caller);
        let held = sight.held();
        readable(sight.slot, "lock", name)?;
        let now: Vec<Fence> =
            held.iter().flat_map(LockRecord::holders).filter_map(|it| it.fence).collect();
        let is_current = now.contains(token);
        let fences: Vec<u64> = now.iter().map(|fence| fence.get()).collect();
        let facts = json!({
            "name": name.as_str(), "fence": token.get(), "current": is_current, "fences": fences,
        });
        if is_current {
            if *json {
                output::even_if_unread(output::json(&facts))?;
            }
            return Ok(ExitCode::Done);
        }
        let shown = name.as_str();
        Err(match now.as_slice() {
            [] if held.is_some() => CliFailure::new(
                ExitCode::NotYours,
                format!("fence {token}: the holder of lock {shown:?} has no fence"),
            ),
            [] => CliFailure::new(
                ExitCode::NotYours,
                format!("fence {token}: lock {shown:?} is not held"),
            ),
            [one] => CliFailure::new(
                ExitCode::NotYours,
                format!("fence {token} is not the fence of lock {shown:?}, which is {one}"),
            ),
            several => CliFailure::new(
                ExitCode::NotYours,
                format!(
                    "fence {token} is not one of the {} fences of lock {shown:?}",
                    several.len()
                ),
            ),
        }
        .hint(format!("{} --event acquire   lists the fences", crate::view::audit_of(name)))
        .facts(&facts))
    }
}
