use super::{enter::durability_of, snapshot::StoreFacts};
use crate::{
    audit::{Event, EventKind},
    caller::Caller,
    record::LockRecord,
    rules::{HoldState, RecordVerdict, Staleness, judge},
    store::{Durability, PutMode, RecordKind, RemoveOutcome, Section, Store},
    words::{LockName, Timestamp},
};

/// Removes a name's record or freeze if it is stale, and says whether it did. Of several holders, those that
/// are gone are taken out of the record. What cannot be removed now is left to the next taker, which does not
/// depend on this.
pub fn prune<S: Store>(store: &S, name: &LockName, kind: RecordKind, caller: &Caller) -> bool {
    let Ok(mut section) = store.section(name) else { return false };
    let slot = section.store().peek(name, kind);
    let Some(record) = slot.record() else { return false };
    let (mut events, mut standing) = (Vec::new(), Vec::new());
    for holder in record.holders() {
        let verdict = match kind {
            RecordKind::Lock => judge(holder, &StoreFacts::new(store, name, caller)),
            RecordKind::Freeze => judge_freeze(holder, store.now()),
        };
        let RecordVerdict::Stale(why) = verdict else {
            standing.push(holder.alone());
            continue;
        };
        let kind = EventKind::of_staleness(why);
        events.push(Event::new(kind, name, caller).about(holder).with_holder(holder));
    }
    if events.is_empty() {
        return false;
    }
    let rest = LockRecord::of_holders(standing);
    let removed = match &rest {
        None => {
            matches!(section.remove(kind, &slot, Durability::Volatile), Ok(RemoveOutcome::Done))
        }
        Some(rest) => section.put(kind, rest, PutMode::Over, durability_of(rest)).is_ok(),
    };
    for event in events.iter().filter(|_| removed) {
        // Without its line in the log the removal still counts; every caller has the same trouble with the log.
        let _ = section.store().log(event, Durability::Volatile);
    }
    removed && rest.is_none()
}

/// A freeze holds until its time, whatever became of the process that ordered it.
fn judge_freeze(record: &LockRecord, now: Timestamp) -> RecordVerdict {
    if record.is_expired(now) {
        RecordVerdict::Stale(Staleness::Expired)
    } else {
        RecordVerdict::Held(HoldState::Live)
    }
}

/// Prunes those of `names` that look free, and says how many were.
pub fn tidy<S: Store>(store: &S, names: &[LockName], caller: &Caller) -> usize {
    let is_free = |name: &LockName| super::look(store, name, caller).is_any_gone();
    let is_over = |name: &LockName| {
        let freeze = store.peek(name, RecordKind::Freeze);
        freeze.record().is_some_and(|it| it.is_expired(store.now()))
    };
    let locks = names.iter().filter(|it| is_free(it) && prune(store, it, RecordKind::Lock, caller));
    let freezes =
        names.iter().filter(|it| is_over(it) && prune(store, it, RecordKind::Freeze, caller));
    locks.count() + freezes.count()
}
