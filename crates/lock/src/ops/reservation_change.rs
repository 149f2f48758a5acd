//! Changes of several reservations in one section: all of them, or none.

use super::standing::event;
use crate::{
    audit::{AuditEvent, AuditEventKind},
    caller::Caller,
    reservation::Reservation,
    store::{Durability, LockStoreError, RecordPutMode, ReservationSection},
};

/// A reservation that is made or changed.
#[derive(Clone, Debug)]
pub(super) struct ReservationChange {
    pub(super) now: Reservation,
    /// What it replaces; `None` for a new one.
    pub(super) before: Option<Reservation>,
    pub(super) durability: Durability,
    /// What the log tells of it, where it tells anything.
    pub(super) event: Option<AuditEvent>,
}

impl ReservationChange {
    fn apply<C: ReservationSection>(&self, section: &mut C) -> Result<(), LockStoreError> {
        let put = if self.before.is_some() { RecordPutMode::Over } else { RecordPutMode::New };
        section.put(&self.now, put, self.durability)
    }

    /// Puts back what stood there before.
    pub(super) fn undo<C: ReservationSection>(
        &self,
        section: &mut C,
    ) -> Result<(), LockStoreError> {
        match &self.before {
            Some(before) => section.put(before, RecordPutMode::Over, self.durability),
            None => section.remove(&self.now.id, self.durability),
        }
    }
}

/// In the section: removes what is given up, makes the changes, and logs both in this order, so that the log never
/// shows two reservations that conflict. If anything fails, all stands as before: what cannot be logged does not
/// happen.
pub(super) fn apply_all<C: ReservationSection>(
    section: &mut C,
    caller: &Caller,
    given_up: &[Reservation],
    changes: &[ReservationChange],
) -> Result<(), LockStoreError> {
    let (mut gone, mut made) = (Vec::new(), Vec::new());
    let removed = given_up.iter().try_for_each(|record| {
        section.remove(&record.id, Durability::Volatile)?;
        gone.push(record);
        Ok(())
    });
    let applied = removed.and_then(|()| {
        changes.iter().try_for_each(|change| {
            change.apply(section)?;
            made.push(change);
            Ok(())
        })
    });
    applied.and_then(|()| log_all(section, caller, given_up, changes)).inspect_err(|_| {
        // The first failure is the one to tell of.
        for change in made.iter().rev() {
            drop(change.undo(section));
        }
        for record in &gone {
            drop(section.put(record, RecordPutMode::New, Durability::Volatile));
        }
    })
}

fn log_all<C: ReservationSection>(
    section: &mut C,
    caller: &Caller,
    given_up: &[Reservation],
    changes: &[ReservationChange],
) -> Result<(), LockStoreError> {
    for record in given_up {
        let event = event(AuditEventKind::Unreserve, record, caller)
            .with("holder_owner", record.owner.as_str())
            .with("yielded", true);
        section.log(&event, Durability::Volatile)?;
    }
    for change in changes {
        if let Some(event) = &change.event {
            section.log(event, change.durability)?;
        }
    }
    Ok(())
}
