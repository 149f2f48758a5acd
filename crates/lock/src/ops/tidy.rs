use super::look::StoreWitness;
use crate::{
    audit::{Event, EventKind},
    record::Record,
    rules::{Holding, Staleness, Verdict, judge},
    store::{Durability, RecordKind, Removed, Section, Store},
    sys::Caller,
    words::{LockName, Timestamp},
};

/// Removes a name's record or freeze if it binds nobody any more, and says whether it did. What cannot be
/// removed now is left to the next taker, who needs no tidiness.
pub fn prune<S: Store>(store: &S, name: &LockName, kind: RecordKind, caller: &Caller) -> bool {
    let Ok(mut section) = store.section(name) else { return false };
    let slot = section.store().peek(name, kind);
    let Some(record) = slot.record() else { return false };
    let mut events = Vec::new();
    for holder in record.holders() {
        let verdict = match kind {
            RecordKind::Lock => judge(holder, &StoreWitness::new(store, name, caller)),
            RecordKind::Freeze => judge_freeze(holder, store.now()),
        };
        let Verdict::Stale(why) = verdict else { return false };
        let kind = EventKind::of_staleness(why);
        events.push(Event::new(kind, name, caller).about(holder).with_holder(holder));
    }
    if !matches!(section.remove(kind, &slot, Durability::Volatile), Ok(Removed::Done)) {
        return false;
    }
    for event in &events {
        // Without its line in the log the removal still stands; the log has the same trouble as everybody.
        let _ = section.store().log(event, Durability::Volatile);
    }
    true
}

/// A freeze is an order until a time, whoever gave it and whatever became of them.
fn judge_freeze(record: &Record, now: Timestamp) -> Verdict {
    if record.is_expired(now) {
        Verdict::Stale(Staleness::Expired)
    } else {
        Verdict::Held(Holding::Live)
    }
}

/// Prunes those of `names` that look free, and says how many were.
pub fn tidy<S: Store>(store: &S, names: &[LockName], caller: &Caller) -> usize {
    let is_free = |name: &LockName| {
        let sight = super::look(store, name, caller);
        matches!(sight.verdict(), Some(Verdict::Stale(_)))
    };
    let is_over = |name: &LockName| {
        let freeze = store.peek(name, RecordKind::Freeze);
        freeze.record().is_some_and(|it| it.is_expired(store.now()))
    };
    let locks = names.iter().filter(|it| is_free(it) && prune(store, it, RecordKind::Lock, caller));
    let freezes =
        names.iter().filter(|it| is_over(it) && prune(store, it, RecordKind::Freeze, caller));
    locks.count() + freezes.count()
}
