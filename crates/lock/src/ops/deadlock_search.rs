use super::{LockOperationError, LockRequest, wait::log_unanswered};
use crate::{
    rules::{DeadlockSearchSource, Obstacle, QueuePlace, TicketContent, Waiter, cycle},
    store::{LockStore, NameReader, NestedWaitEntry, Ticket},
    words::LockName,
};
use std::time::Duration;

/// Refuses a wait that could never end. To be called once the waiter stands in the queue, so that of two that are
/// about to wait for each other, the later one sees the earlier. A waiter that is refused leaves the line
/// before the next one looks, which then waits.
///
/// Only a waiter that runs under another lock can close a circle; for all others this costs nothing.
///
/// # Errors
/// [`LockOperationError::Deadlock`] with the circle.
pub(super) fn refuse_deadlock<S: LockStore>(
    store: &S,
    request: &LockRequest<'_>,
    ticket: &mut Option<S::Ticket>,
) -> Result<(), LockOperationError> {
    let Some(place) = ticket.as_ref().map(Ticket::place).filter(|_| !request.held.is_empty())
    else {
        return Ok(());
    };
    let _alone = store.one_at_a_time();
    let (name, text) = (request.name.clone(), request.ticket_text());
    let me = Waiter { name, place: place.clone(), text, follows: None };
    match cycle(&me, &StoreWaitSource { store, nested: store.nested() }) {
        None => Ok(()),
        Some(cycle) => {
            ticket.take().into_iter().for_each(Ticket::leave);
            Err(LockOperationError::Deadlock { name: me.name, cycle })
        }
    }
}

/// Enlists a waiter that follows what is in the way to its end, without standing in the queue, for as long as the
/// returned value is kept, and refuses a wait that could never end. Of two that are about to wait for each
/// other, the later one sees the earlier.
///
/// `None` where it runs under no lock, so that no process can be waiting for it, and where no ticket is in the
/// way.
///
/// # Errors
/// [`LockOperationError::Deadlock`] with the circle; [`LockOperationError::Store`] where it cannot be enlisted.
pub fn enlist<S: LockStore>(
    store: &S,
    request: &LockRequest<'_>,
    obstacle: &Obstacle,
) -> Result<Option<NestedWaitEntry>, LockOperationError> {
    let Obstacle::Ahead(QueuePlace { lock_id: followed, .. }) = obstacle else { return Ok(None) };
    if request.held.is_empty() {
        return Ok(None);
    }
    let (id, text) = (store.new_id()?, request.ticket_text());
    let Some(enlisted) = store.enlist((&id, followed), &text)? else { return Ok(None) };
    let _alone = store.one_at_a_time();
    let place = QueuePlace { number: u64::MAX, lock_id: id, entered: false, mode: request.mode };
    let (name, follows) = (request.name.clone(), Some(followed.clone()));
    let me = Waiter { name, place, text, follows };
    match cycle(&me, &StoreWaitSource { store, nested: store.nested() }) {
        None => Ok(Some(enlisted)),
        Some(cycle) => {
            drop(enlisted);
            log_unanswered(store, request, (obstacle, Duration::ZERO), "deadlock");
            Err(LockOperationError::Deadlock { name: me.name, cycle })
        }
    }
}

/// The world as the store shows it.
struct StoreWaitSource<'a, S> {
    store: &'a S,
    nested: Vec<Waiter>,
}

impl<S: LockStore> DeadlockSearchSource for StoreWaitSource<'_, S> {
    fn line(&self, name: &LockName) -> Vec<QueuePlace> {
        let reader = self.store.reader(name);
        let mut line = reader.line().unwrap_or_default();
        line.retain(|place| reader.lives(place));
        line
    }

    fn text(&self, name: &LockName, place: &QueuePlace) -> Option<TicketContent> {
        self.store.reader(name).ticket_text(place)
    }

    fn nested(&self) -> &[Waiter] {
        &self.nested
    }
}
