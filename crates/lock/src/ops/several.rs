use super::{
    Bystander, Denial, Grant, OperationError, Outcome, Patience, Request, acquire, release,
};
use crate::{
    store::{Store, Ticket},
    words::{LockId, LockName},
};
use std::time::Instant;

/// What came of asking for several locks.
#[derive(Debug)]
#[must_use]
pub enum AllOutcome<T> {
    /// All of them are mine, in the order in which they were taken.
    Entered(Vec<Grant<T>>),
    /// One of them is not to be had, so I have none.
    Denied(LockName, Box<Denial>),
    /// The wait was interrupted; I have none, and stand in no line any more.
    Interrupted,
}

/// Asks for several locks, all or none.
///
/// They are taken one after the other, in the order of their names, whatever the order they were asked for in:
/// of any two who want the same locks, both come to the same one first, so they never wait for each other
/// (E. W. Dijkstra, "Hierarchical ordering of sequential processes", 1971). The patience is for all of them
/// together.
///
/// # Errors
/// [`OperationError`] when a state cannot be made out or changed; I have none then.
pub fn acquire_all<S: Store>(
    store: &S,
    mut requests: Vec<Request<'_>>,
    patience: Patience,
    bystander: &mut dyn Bystander,
) -> Result<AllOutcome<S::Ticket>, OperationError> {
    requests.sort_by(|one, other| one.name.cmp(other.name));
    let began = Instant::now();
    let mut grants = Vec::new();
    for mut request in requests {
        // Whoever waits for one of those that I have waits for me.
        request.held.extend(grants.iter().filter_map(acquisition));
        let left = match patience {
            Patience::None => Patience::None,
            Patience::For(limit) => Patience::For(limit.saturating_sub(began.elapsed())),
        };
        let caller = request.caller;
        let failed = match acquire(store, &request, left, bystander) {
            Ok(Outcome::Entered(grant)) => {
                grants.push(grant);
                continue;
            }
            Ok(Outcome::Denied(denial)) => Ok(AllOutcome::Denied(request.name.clone(), denial)),
            Ok(Outcome::Interrupted) => Ok(AllOutcome::Interrupted),
            Err(error) => Err(error),
        };
        for grant in grants.into_iter().rev() {
            // What cannot be removed now is the record of a guard that is gone, for whoever comes next.
            let _ = release(store, grant, caller);
        }
        return failed;
    }
    Ok(AllOutcome::Entered(grants))
}

/// The acquisition of a guard, by which others know that they wait for it.
fn acquisition<T: Ticket>(grant: &Grant<T>) -> Option<LockId> {
    grant.ticket.as_ref().map(|ticket| ticket.place().lock_id.clone())
}
