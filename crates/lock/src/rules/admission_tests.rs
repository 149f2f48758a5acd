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

fn gone() -> Vec<StaleHolder> {
    vec![StaleHolder { holder: record(), why: StalenessCause::Expired }]
}

fn inputs(occupant: LockOccupancy) -> LockAdmissionInputs {
    LockAdmissionInputs { occupant, freeze: None, ahead: None }
}

fn corruption(flaw: LockRecordFlaw, seconds: u64, before_boot: bool) -> RecordCorruption {
    RecordCorruption { flaw, age: Duration::from_secs(seconds), before_boot }
}

#[test]
fn the_table_of_occupants() {
    use AdmissionDecision::{Blocked, Enter};
    use RequestedGuardOrLease::{Guard, Lease};
    let stale = LockOccupancy::Stale(gone());
    for (purpose, occupant, expected) in [
        (Guard, LockOccupancy::Free, Enter(LockAdmissionPlan::Fresh)),
        (Lease, LockOccupancy::Free, Enter(LockAdmissionPlan::Fresh)),
        (Guard, stale.clone(), Enter(LockAdmissionPlan::Replacing(gone()))),
        (Lease, stale, Enter(LockAdmissionPlan::Replacing(gone()))),
        (Guard, LockOccupancy::MyLease(record()), Enter(LockAdmissionPlan::UnderLease(record()))),
        (Lease, LockOccupancy::MyLease(record()), Enter(LockAdmissionPlan::Renewing(record()))),
        (
            Guard,
            LockOccupancy::Company(record(), gone()),
            Enter(LockAdmissionPlan::Joining(record(), gone())),
        ),
        (Guard, LockOccupancy::OtherSlots(three()), AdmissionDecision::OtherSlots(three())),
        (Guard, LockOccupancy::Holder(record()), Blocked(Obstacle::Held(record()))),
        (Lease, LockOccupancy::Holder(record()), Blocked(Obstacle::Held(record()))),
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
    for purpose in [RequestedGuardOrLease::Guard, RequestedGuardOrLease::Lease] {
        let waiting = LockAdmissionInputs {
            ahead: Some(QueueObstacle::Place(place(3))),
            ..inputs(LockOccupancy::Free)
        };
        assert_eq!(decide(purpose, waiting), AdmissionDecision::Blocked(Obstacle::Ahead(place(3))));
    }
}

#[test]
fn a_freeze_stops_every_entry_but_not_the_renewal_of_what_is_held() {
    let frozen = |occupant| LockAdmissionInputs { freeze: Some(record()), ..inputs(occupant) };
    for occupant in [LockOccupancy::Free, LockOccupancy::MyLease(record())] {
        let decision = decide(RequestedGuardOrLease::Guard, frozen(occupant));
        assert_eq!(decision, AdmissionDecision::Blocked(Obstacle::Frozen(record())));
    }
    let inside = decide(RequestedGuardOrLease::Guard, frozen(LockOccupancy::Around(record())));
    assert_eq!(
        inside,
        AdmissionDecision::Enter(LockAdmissionPlan::Nested(record())),
        "it is in already"
    );
    let renewal = decide(RequestedGuardOrLease::Lease, frozen(LockOccupancy::MyLease(record())));
    assert_eq!(renewal, AdmissionDecision::Enter(LockAdmissionPlan::Renewing(record())));
}

#[test]
fn a_broken_file_is_replaced_only_where_nobody_can_be_behind_it() {
    let broken = LockRecordFlaw::NotJson("x".into());
    for (flaw, seconds, before_boot, free) in [
        (LockRecordFlaw::Empty, 0, false, false),
        (LockRecordFlaw::Empty, 2, false, true),
        (broken.clone(), 3600, false, false),
        (broken, 3600, true, true),
        (LockRecordFlaw::NotAFile("a directory"), 3600, true, false),
    ] {
        let corruption = corruption(flaw, seconds, before_boot);
        assert_eq!(corruption.is_provably_free(), free, "{corruption:?}");
    }
}

#[test]
fn who_is_told_that_all_slots_are_taken_is_told_by_whom() {
    let full = |occupant| LockAdmissionInputs {
        ahead: Some(QueueObstacle::Full(vec![place(1)])),
        ..inputs(occupant)
    };
    assert_eq!(
        decide(RequestedGuardOrLease::Guard, full(LockOccupancy::Company(record(), gone()))),
        AdmissionDecision::Blocked(Obstacle::Full(vec![place(1)], Some(record()))),
        "a lease among the holders ends without any ticket, so the record is to be watched too"
    );
    assert_eq!(
        decide(RequestedGuardOrLease::Guard, full(LockOccupancy::Free)),
        AdmissionDecision::Blocked(Obstacle::Full(vec![place(1)], None))
    );
}
