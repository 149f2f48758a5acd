use super::state::TopUserRequest;
use crate::{
    context::CommandContext,
    denial,
    failure::{CliFailure, chain},
    span,
};
use lokt_lock::{
    ops::{self, FreezeOutcome, LockOperationError, UnfreezeOutcome, UnlockForce, UnlockOutcome},
    store::LockStoreError,
    words::{Fence, LockName},
};

/// Does what the user requests, as the command line does it, and returns the outcome as text.
pub(super) fn act(context: &CommandContext, request: &TopUserRequest) -> String {
    let done = match request {
        TopUserRequest::Freeze(name, time) => {
            ops::freeze(&context.store, name, &context.caller, *time)
                .map_err(CliFailure::from)
                .and_then(|frozen| match frozen {
                    FreezeOutcome::Done(_) => {
                        Ok(format!("froze {:?} for {}", name.as_str(), span::show(*time)))
                    }
                    FreezeOutcome::ByAnother(record) => {
                        Err(denial::freeze::refusal(name, &record, &context.caller.identity))
                    }
                })
        }
        TopUserRequest::Unfreeze(name) => {
            ops::unfreeze(&context.store, name, &context.caller, false)
                .map_err(CliFailure::from)
                .and_then(|unfrozen| match unfrozen {
                    UnfreezeOutcome::Done { unlogged, unsynced } => {
                        Ok(format!("unfroze {:?}{}", name.as_str(), but(unlogged, unsynced)))
                    }
                    refused => {
                        Err(denial::unfreeze::refusal(name, &refused, &context.caller.identity))
                    }
                })
        }
        TopUserRequest::Unlock(name, shown) => unlocked(context, name, shown)
            .map_err(CliFailure::from)
            .and_then(|unlocked| match unlocked {
                UnlockOutcome::Done { unlogged, unsynced, .. } => {
                    Ok(format!("released lock {:?}{}", name.as_str(), but(unlogged, unsynced)))
                }
                refused => Err(denial::unlock::refusal(name, &refused, context)),
            }),
        TopUserRequest::Quit | TopUserRequest::Stop => Ok(String::new()),
    };
    done.unwrap_or_else(|failure| told(&failure))
}

/// Unlocks the holder that was shown, and no newer one.
fn unlocked(
    context: &CommandContext,
    name: &LockName,
    shown: &[Fence],
) -> Result<UnlockOutcome, LockOperationError> {
    let (store, caller) = (&context.store, &context.caller);
    match shown {
        [] => ops::unlock(store, name, caller, UnlockForce::Own),
        shown => ops::unlock_only(store, name, caller, UnlockForce::Own, shown),
    }
}

/// What could not be written of something that took effect.
fn but(unlogged: Option<LockStoreError>, unsynced: Option<LockStoreError>) -> String {
    let unlogged = unlogged.map(|it| format!(", but that could not be logged: {}", chain(&it)));
    let unsynced = unsynced.map(|it| format!(", but a power cut may undo that: {}", chain(&it)));
    [unlogged, unsynced].into_iter().flatten().collect()
}

fn told(failure: &CliFailure) -> String {
    let hint = failure.hints.first().map(|hint| format!(" (hint: {hint})"));
    format!("error: {}{}", failure.message, hint.unwrap_or_default())
}
