use super::{OperationError, Request};
use crate::{
    rules::{Place, TicketText, Waiter, Waits, cycle},
    store::{Store, Ticket},
    words::LockName,
};

/// Refuses a wait that could never end. To be asked once one stands in line, so that of two who are about
/// to wait for each other, the later one sees the earlier. One who is refused leaves the line before the
/// next one looks, who then waits.
///
/// Only one who runs under another lock can close a circle; for all others this costs nothing.
///
/// # Errors
/// [`OperationError::Deadlock`] with the circle.
pub(super) fn refuse_deadlock<S: Store>(
    store: &S,
    request: &Request<'_>,
    ticket: &mut Option<S::Ticket>,
) -> Result<(), OperationError> {
    let Some(place) = ticket.as_ref().map(Ticket::place).filter(|_| !request.held.is_empty())
    else {
        return Ok(());
    };
    let _alone = store.one_at_a_time();
    let me =
        Waiter { name: request.name.clone(), place: place.clone(), text: request.ticket_text() };
    match cycle(&me, &Present { store, nested: store.nested() }) {
        None => Ok(()),
        Some(cycle) => {
            ticket.take().into_iter().for_each(Ticket::leave);
            Err(OperationError::Deadlock { name: me.name, cycle })
        }
    }
}

/// The world as the store shows it.
struct Present<'a, S> {
    store: &'a S,
    nested: Vec<Waiter>,
}

impl<S: Store> Waits for Present<'_, S> {
    fn line(&self, name: &LockName) -> Vec<Place> {
        let mut line = self.store.line(name).unwrap_or_default();
        line.retain(|place| self.store.lives(name, place));
        line
    }

    fn text(&self, name: &LockName, place: &Place) -> Option<TicketText> {
        self.store.ticket_text(name, place)
    }

    fn nested(&self) -> &[Waiter] {
        &self.nested
    }
}
