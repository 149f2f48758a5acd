use super::look::StoreWitness;
use crate::{
    audit::{Event, EventKind},
    rules::{Staleness, Verdict, judge},
    store::{Durability, RecordKind, Removed, Section, Store},
    sys::Caller,
    words::LockName,
};

/// Removes a name's record if it binds nobody any more, and says whether it did. What cannot be removed
/// now is left to the next taker, who needs no tidiness.
pub fn prune<S: Store>(store: &S, name: &LockName, caller: &Caller) -> bool {
    let Ok(mut section) = store.section(name) else {
        return false;
    };
    let slot = section.store().peek(name, RecordKind::Lock);
    let Some(record) = slot.record() else {
        return false;
    };
    let kind = match judge(record, &StoreWitness::new(store, name, caller)) {
        Verdict::Stale(Staleness::Expired) => EventKind::AutoPrune,
        Verdict::Stale(Staleness::HolderGone) => EventKind::StaleBreak,
        Verdict::Held(_) => return false,
    };
    let event = Event::new(kind, name, caller).about(record).with_holder(record);
    let removed = section.remove(RecordKind::Lock, &slot, Durability::Volatile);
    // Without its line in the log the removal still stands; the log has the same trouble as everybody.
    let _ = section.store().log(&event, Durability::Volatile);
    matches!(removed, Ok(Removed::Done))
}

/// Prunes those of `names` that look free, and says how many were.
pub fn tidy<S: Store>(store: &S, names: &[LockName], caller: &Caller) -> usize {
    let free = |name: &&LockName| {
        let sight = super::look(store, name, caller);
        matches!(sight.verdict, Some(Verdict::Stale(_)))
    };
    names.iter().filter(free).filter(|name| prune(store, name, caller)).count()
}
