use super::{OperationError, Request};
use crate::{
    rules::{Place, TicketText, Waiter, Waits, cycle},
    store::Store,
    words::LockName,
};

/// Refuses a wait that could never end. To be asked once one stands in line, so that of two who are about
/// to wait for each other, the later one sees the earlier; two that look at the same moment may both be
/// refused.
///
/// Only one who runs under another lock can close a circle; for all others this costs nothing.
///
/// # Errors
/// [`OperationError::Deadlock`] with the circle.
pub(super) fn refuse_deadlock<S: Store>(
    store: &S,
    request: &Request<'_>,
    place: &Place,
) -> Result<(), OperationError> {
    if request.held.is_empty() {
        return Ok(());
    }
    let me =
        Waiter { name: request.name.clone(), place: place.clone(), text: request.ticket_text() };
    match cycle(&me, &Present { store, nested: store.nested() }) {
        None => Ok(()),
        Some(cycle) => Err(OperationError::Deadlock { name: me.name, cycle }),
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
