use super::{
    AcquireOutcome, Denial, LockGrant, LockLossCheckOutcome, LockOperationError, LockRequest,
    WaitLimit, WaitObserver, acquire, lose, release, renewing::RenewingObserver, stands,
};
use crate::{
    caller::Caller,
    store::{LockStore, Ticket},
    words::{LockId, LockName},
};
use std::time::Instant;

/// The outcome of asking for several locks.
#[derive(Debug)]
#[must_use]
pub enum AcquireAllOutcome<T> {
    /// The caller has all of them, in the order in which they were taken.
    Entered(Vec<LockGrant<T>>),
    /// One of them is not free, so the caller has none.
    Denied(LockName, Box<Denial>),
    /// The wait was interrupted; the caller has none, and is not queued any more.
    Interrupted,
}

/// Asks for several locks, all or none.
///
/// They are taken one after the other, in the order of their names, whatever the order they were asked for in:
/// of any two callers that want the same locks, both come to the same one first, so they never wait for each
/// other (E. W. Dijkstra, "Hierarchical ordering of sequential processes", 1971). The wait limit is for all of
/// them together.
///
/// # Errors
/// [`LockOperationError`] when a state cannot be read or changed; the caller has none then.
pub fn acquire_all<S: LockStore>(
    store: &S,
    mut requests: Vec<LockRequest<'_>>,
    wait_limit: WaitLimit,
    observer: &mut dyn WaitObserver,
) -> Result<AcquireAllOutcome<S::Ticket>, LockOperationError> {
    requests.sort_by(|one, other| one.name.cmp(other.name));
    let began = Instant::now();
    let mut grants = Vec::new();
    let Some(caller) = requests.first().map(|request| request.caller) else {
        return Ok(AcquireAllOutcome::Entered(grants));
    };
    for mut request in requests {
        // A process that waits for one of the locks in `grants` waits for this caller.
        request.held.extend(grants.iter().filter_map(acquisition));
        let left = match wait_limit {
            WaitLimit::None => WaitLimit::None,
            WaitLimit::For(limit) => WaitLimit::For(limit.saturating_sub(began.elapsed())),
        };
        let mut renewing = RenewingObserver::new((store, caller), &grants, observer);
        let failed = match acquire(store, &request, left, &mut renewing) {
            Ok(AcquireOutcome::Entered(grant)) => {
                grants.push(grant);
                continue;
            }
            Ok(AcquireOutcome::Denied(mut denial)) => {
                // The wait limit was for all of them.
                denial.waited = denial.waited.map(|_| began.elapsed());
                Ok(AcquireAllOutcome::Denied(request.name.clone(), denial))
            }
            Ok(AcquireOutcome::Interrupted) => Ok(AcquireAllOutcome::Interrupted),
            Err(error) => Err(error),
        };
        give_back(store, grants, caller);
        return failed;
    }
    match first_lost(store, &mut grants, caller) {
        None => Ok(AcquireAllOutcome::Entered(grants)),
        Some(name) => {
            give_back(store, grants, caller);
            Err(LockOperationError::LostWhileWaiting { name })
        }
    }
}

/// One that was taken away while the others were waited for. Nothing runs yet, so nothing is to be stopped.
fn first_lost<S: LockStore>(
    store: &S,
    grants: &mut [LockGrant<S::Ticket>],
    caller: &Caller,
) -> Option<LockName> {
    let (_, earlier) = grants.split_last_mut()?;
    let is_lost = |grant: &mut LockGrant<S::Ticket>| {
        !stands(store, grant)
            && matches!(lose(store, grant, caller), Ok(LockLossCheckOutcome::Lost { .. }))
    };
    let lost = earlier.iter_mut().find_map(|grant| is_lost(grant).then_some(&grant.record.name));
    lost.cloned()
}

fn give_back<S: LockStore>(store: &S, grants: Vec<LockGrant<S::Ticket>>, caller: &Caller) {
    for grant in grants.into_iter().rev() {
        // If it cannot be removed now, it is the record of a guard that is gone, and the next taker removes it.
        let _ = release(store, grant, caller);
    }
}

/// The acquisition of a guard, by which others know that they wait for it.
fn acquisition<T: Ticket>(grant: &LockGrant<T>) -> Option<LockId> {
    grant.ticket.as_ref().map(|ticket| ticket.place().lock_id.clone())
}
