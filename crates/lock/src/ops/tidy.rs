use super::{enter::durability_of, snapshot::LazyLockVerdictFacts};
use crate::{
    audit::{AuditEvent, AuditEventKind},
    caller::Caller,
    record::LockRecord,
    rules::{HoldState, LockRecordVerdict, StalenessCause, judge},
    store::{
        Durability, LockRecordKind, LockStore, LockStoreError, NameReader, NameSection,
        RecordPutMode, RecordRemoveOutcome,
    },
    words::LockName,
};

/// Removes a name's record or freeze if it is stale, and says whether it did. Of several holders, those that
/// are gone are taken out of the record. What cannot be removed now is left to the next taker, which does not
/// depend on this.
pub fn prune<S: LockStore>(
    store: &S,
    name: &LockName,
    kind: LockRecordKind,
    caller: &Caller,
) -> bool {
    let pruned =
        store.within(name, |section| Ok::<_, LockStoreError>(prune_within(section, kind, caller)));
    pruned.unwrap_or(false)
}

fn prune_within<C: NameSection>(section: &mut C, kind: LockRecordKind, caller: &Caller) -> bool {
    let slot = section.slot(kind);
    let Some(record) = slot.record() else { return false };
    let name = section.name();
    let (mut events, mut standing) = (Vec::new(), Vec::new());
    for holder in record.holders() {
        let verdict = match kind {
            LockRecordKind::Lock => judge(holder, &LazyLockVerdictFacts::new(&*section, caller)),
            LockRecordKind::Freeze => judge_freeze(section, holder),
        };
        let LockRecordVerdict::Stale(why) = verdict else {
            standing.push(holder.alone());
            continue;
        };
        let kind = AuditEventKind::of_staleness(why);
        events.push(AuditEvent::new(kind, name, caller).about(holder).with_holder(holder));
    }
    if events.is_empty() {
        return false;
    }
    let rest = LockRecord::of_holders(standing);
    let removed = match &rest {
        None => {
            matches!(
                section.remove(kind, &slot, Durability::Volatile),
                Ok(RecordRemoveOutcome::Done)
            )
        }
        Some(rest) => section.put(kind, rest, RecordPutMode::Over, durability_of(rest)).is_ok(),
    };
    for event in events.iter().filter(|_| removed) {
        // Without its line in the log the removal still counts; every caller has the same trouble with the log.
        let _ = section.log(event, Durability::Volatile);
    }
    removed && rest.is_none()
}

/// A freeze holds until its time, whatever became of the process that ordered it.
fn judge_freeze(reader: &impl NameReader, record: &LockRecord) -> LockRecordVerdict {
    if reader.is_over(record) {
        LockRecordVerdict::Stale(StalenessCause::Expired)
    } else {
        LockRecordVerdict::Held(HoldState::Live)
    }
}

/// Prunes those of `names` that look free, and says how many were.
pub fn tidy<S: LockStore>(store: &S, names: &[LockName], caller: &Caller) -> usize {
    let is_free = |name: &LockName| super::look(store, name, caller).is_any_gone();
    let is_over = |name: &LockName| {
        let reader = store.reader(name);
        reader.slot(LockRecordKind::Freeze).record().is_some_and(|it| reader.is_over(it))
    };
    let locks =
        names.iter().filter(|it| is_free(it) && prune(store, it, LockRecordKind::Lock, caller));
    let freezes =
        names.iter().filter(|it| is_over(it) && prune(store, it, LockRecordKind::Freeze, caller));
    locks.count() + freezes.count()
}
