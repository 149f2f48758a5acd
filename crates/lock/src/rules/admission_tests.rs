use super::*;
use crate::words::{LockId, LockName};

fn record() -> Box<LockRecord> {
    let name = LockName::new("x").unwrap();
    let text = br#"{"owner":"a","acquired_ts":"2026-02-01T10:00:00Z"}"#;
    Box::new(LockRecord::parse(text, &name).unwrap())
}

fn place(number: u64) -> QueuePlace {
    QueuePlace {
        number,
        lock_id: LockId::from_record("id").unwrap(),
        entered: false,
        mode: LockMode::Exclusive,
    }
}

fn three() -> NonZeroU32 {
    NonZeroU32::new(3).unwrap()
}

fn gone() -> Vec<DepartedHolder> {
    vec![DepartedHolder { holder: record(), why: Staleness::Expired }]
}

fn inputs(occupant: Occupant) -> AdmissionInputs {
    AdmissionInputs { occupant, freeze: None, ahead: None }
}

fn corruption(flaw: RecordFlaw, seconds: u64, before_boot: bool) -> Corruption {
    Corruption { flaw, age: Duration::from_secs(seconds), before_boot }
}

#[test]
fn the_table_of_occupants() {
    use AdmissionDecision::{Blocked, Enter};
    use HoldPurpose::{Guard, Lease};
    let stale = Occupant::Stale(gone());
    for (purpose, occupant, expected) in [
        (Guard, Occupant::Free, Enter(EntryKind::Fresh)),
        (Lease, Occupant::Free, Enter(EntryKind::Fresh)),
        (Guard, stale.clone(), Enter(EntryKind::Replacing(gone()))),
        (Lease, stale, Enter(EntryKind::Replacing(gone()))),
        (Guard, Occupant::MyLease(record()), Enter(EntryKind::UnderLease(record()))),
        (Lease, Occupant::MyLease(record()), Enter(EntryKind::Renewing(record()))),
        (Guard, Occupant::Company(record(), gone()), Enter(EntryKind::Joining(record(), gone()))),
        (Guard, Occupant::OtherSlots(three()), AdmissionDecision::OtherSlots(three())),
        (Guard, Occupant::Holder(record()), Blocked(Obstacle::Held(record()))),
        (Lease, Occupant::Holder(record()), Blocked(Obstacle::Held(record()))),
    ] {
        assert_eq!(
            decide(purpose, inputs(occupant.clone())),
            expected,
            "{purpose:?} on {occupant:?}"
        );
    }
}

#[test]
fn nobody_passes_a_live_place_ahead_even_when_the_lock_is_free() {
    for purpose in [HoldPurpose::Guard, HoldPurpose::Lease] {
        let waiting = AdmissionInputs {
            ahead: Some(QueueObstacle::Place(place(3))),
            ..inputs(Occupant::Free)
        };
        assert_eq!(decide(purpose, waiting), AdmissionDecision::Blocked(Obstacle::Ahead(place(3))));
    }
}

#[test]
fn a_freeze_stops_every_entry_but_not_the_renewal_of_what_is_held() {
    let frozen = |occupant| AdmissionInputs { freeze: Some(record()), ..inputs(occupant) };
    for occupant in [Occupant::Free, Occupant::MyLease(record())] {
        let decision = decide(HoldPurpose::Guard, frozen(occupant));
        assert_eq!(decision, AdmissionDecision::Blocked(Obstacle::Frozen(record())));
    }
    let inside = decide(HoldPurpose::Guard, frozen(Occupant::Around(record())));
    assert_eq!(inside, AdmissionDecision::Enter(EntryKind::Nested(record())), "it is in already");
    let renewal = decide(HoldPurpose::Lease, frozen(Occupant::MyLease(record())));
    assert_eq!(renewal, AdmissionDecision::Enter(EntryKind::Renewing(record())));
}

#[test]
fn a_broken_file_is_replaced_only_where_nobody_can_be_behind_it() {
    let broken = RecordFlaw::NotJson("x".into());
    for (flaw, seconds, before_boot, free) in [
        (RecordFlaw::Empty, 0, false, false),
        (RecordFlaw::Empty, 2, false, true),
        (broken.clone(), 3600, false, false),
        (broken, 3600, true, true),
        (RecordFlaw::NotAFile("a directory"), 3600, true, false),
    ] {
        let corruption = corruption(flaw, seconds, before_boot);
        assert_eq!(corruption.is_provably_free(), free, "{corruption:?}");
    }
}

#[test]
fn who_is_told_that_all_slots_are_taken_is_told_by_whom() {
    let full = |occupant| AdmissionInputs {
        ahead: Some(QueueObstacle::Full(vec![place(1)])),
        ..inputs(occupant)
    };
    assert_eq!(
        decide(HoldPurpose::Guard, full(Occupant::Company(record(), gone()))),
        AdmissionDecision::Blocked(Obstacle::Full(vec![place(1)], Some(record()))),
        "a lease among the holders ends without any ticket, so the record is to be watched too"
    );
    assert_eq!(
        decide(HoldPurpose::Guard, full(Occupant::Free)),
        AdmissionDecision::Blocked(Obstacle::Full(vec![place(1)], None))
    );
}
