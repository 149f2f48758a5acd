//! Shared code for the locks that a command or a tool runs under in this process: unlocking them, and messages
//! about them.

use crate::{
    context::CommandContext,
    exit::ExitCode,
    failure::{CliFailure, chain},
    output,
    project_store::ProjectTicket,
};
use lokt_lock::{
    guard::{GuardStopCause, GuardWarning},
    ops::{LockGrant, ReleaseOutcome, release},
    words::LockName,
};

/// Unlocks, the last lock first, and returns the lost ones, the first first.
///
/// A failure to unlock is only a warning, because the command has run already: its exit code and
/// its output count. `tell` is called for each lost lock that the guard has not reported yet
/// (`grant.lost` says whether it has).
pub(crate) fn give_back(
    context: &CommandContext,
    grants: Vec<LockGrant<ProjectTicket>>,
    tell: &mut dyn FnMut(GuardWarning),
) -> Vec<LockName> {
    let mut lost = Vec::new();
    for grant in grants.into_iter().rev() {
        let (name, told) = (grant.record.name.clone(), grant.lost);
        match release(&context.store, grant, &context.caller) {
            Ok(ReleaseOutcome::Done { unlogged }) => {
                output::warn_unlogged(&format!("lock {:?} is free", name.as_str()), unlogged);
            }
            Ok(ReleaseOutcome::Lost) => {
                if !told {
                    tell(GuardWarning::Lost { name: name.clone(), unlogged: None });
                }
                lost.insert(0, name);
            }
            // The ticket is gone, so the next caller gets the lock; only the record is left.
            Err(error) => output::warn(&format!(
                "the record of lock {:?} could not be removed, which the next taker does: {}",
                name.as_str(),
                chain(&error)
            )),
        }
    }
    lost
}

/// A lock was lost.
///
/// The exit code is [`ExitCode::Lost`] in both cases. `stopped` says whether the guard noticed the
/// loss in time to stop the command, or found it only when it unlocked.
pub(crate) fn lost(
    context: &CommandContext,
    name: &LockName,
    stopped: Option<GuardStopCause>,
) -> CliFailure {
    let then = match stopped {
        Some(_) => "and it was stopped",
        None => "which was found out when it had ended",
    };
    let text = format!("lock {:?} was lost while the command ran, {then}", name.as_str());
    let failure = CliFailure::new(ExitCode::Lost, text);
    if context.root.folder().is_none() {
        return failure
            .hint("another has taken it away, or the cluster did not answer for too long");
    }
    failure.hint(format!(
        "{}   shows who broke it, unless its files were deleted",
        crate::view::audit_of(name)
    ))
}

/// Prints what happens while a command or tool (`what`) runs.
///
/// These are warnings, on stderr: the command goes on, or ends in a way that its exit code shows. A
/// heartbeat that fails is harmless for the lock itself, because a guard's life is the file lock on
/// its ticket; only the announced expiry gets old.
pub(crate) fn tell(what: &str, trouble: &GuardWarning) {
    output::warn(&match trouble {
        GuardWarning::Lost { name, unlogged } => {
            let unlogged = unlogged.as_ref().map(|error| format!("; not logged: {}", chain(error)));
            let unlogged = unlogged.unwrap_or_default();
            format!("lock {:?} was taken away while the {what} ran{unlogged}", name.as_str())
        }
        GuardWarning::Heartbeat(name, error) => format!(
            "cannot announce that lock {:?} is still held (it is): {}",
            name.as_str(),
            chain(error)
        ),
        GuardWarning::Stopping(_) => format!("stopping the {what} (SIGTERM)"),
        GuardWarning::Killing => format!("killing what is left of the {what} (SIGKILL)"),
    });
}
