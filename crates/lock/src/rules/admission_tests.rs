use super::*;
use crate::words::{LockId, LockName};

fn record() -> Box<Record> {
    let name = LockName::new("x").unwrap();
    let text = br#"{"owner":"a","acquired_ts":"2026-02-01T10:00:00Z"}"#;
    Box::new(Record::parse(text, &name).unwrap())
}

fn place(number: u64) -> Place {
    Place { number, lock_id: LockId::from_record("id").unwrap(), entered: false }
}

fn scene(occupant: Occupant) -> Scene {
    Scene { occupant, freeze: None, ahead: None }
}

fn corruption(flaw: RecordFlaw, seconds: u64, before_boot: bool) -> Corruption {
    Corruption { flaw, age: Duration::from_secs(seconds), before_boot }
}

#[test]
fn the_table_of_occupants() {
    use Decision::{Blocked, Enter};
    use Purpose::{Guard, Lease};
    let stale = Occupant::Stale(record(), Staleness::Expired);
    for (purpose, occupant, expected) in [
        (Guard, Occupant::Nobody, Enter(Entering::Fresh)),
        (Lease, Occupant::Nobody, Enter(Entering::Fresh)),
        (Guard, stale.clone(), Enter(Entering::Replacing(Some(Staleness::Expired)))),
        (Lease, stale, Enter(Entering::Replacing(Some(Staleness::Expired)))),
        (Guard, Occupant::MyLease(record()), Enter(Entering::UnderLease(record()))),
        (Lease, Occupant::MyLease(record()), Enter(Entering::Renewing(record()))),
        (Guard, Occupant::Holder(record()), Blocked(Obstacle::Held(record()))),
        (Lease, Occupant::Holder(record()), Blocked(Obstacle::Held(record()))),
    ] {
        assert_eq!(
            decide(purpose, scene(occupant.clone())),
            expected,
            "{purpose:?} on {occupant:?}"
        );
    }
}

#[test]
fn nobody_passes_a_live_place_ahead_even_when_the_lock_is_free() {
    for purpose in [Purpose::Guard, Purpose::Lease] {
        let waiting = Scene { ahead: Some(place(3)), ..scene(Occupant::Nobody) };
        assert_eq!(decide(purpose, waiting), Decision::Blocked(Obstacle::Ahead(place(3))));
    }
}

#[test]
fn a_freeze_stops_every_entry_but_not_the_renewal_of_what_is_held() {
    let frozen = |occupant| Scene { freeze: Some(record()), ..scene(occupant) };
    for occupant in [Occupant::Nobody, Occupant::MyLease(record())] {
        let decision = decide(Purpose::Guard, frozen(occupant));
        assert_eq!(decision, Decision::Blocked(Obstacle::Frozen(record())));
    }
    let renewal = decide(Purpose::Lease, frozen(Occupant::MyLease(record())));
    assert_eq!(renewal, Decision::Enter(Entering::Renewing(record())));
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
fn the_nearest_in_the_way_is_found_with_one_question() {
    let line: Vec<Place> = [4, 9, 6].into_iter().map(place).collect();
    let mut asked = Vec::new();
    let found = nearest_ahead(&line, Some(9), |place| {
        asked.push(place.number);
        true
    });
    assert_eq!(found.map(|place| place.number), Some(6), "the nearest ahead, not the first");
    assert_eq!(asked, [6], "and nobody else was asked");
}

#[test]
fn who_has_entered_is_ahead_whatever_the_numbers_say() {
    let inside = Place { entered: true, ..place(9) };
    let line = [place(3), inside.clone()];
    assert_eq!(nearest_ahead(&line, Some(3), |_| true), Some(inside.clone()));
    assert_eq!(nearest_ahead(&line, Some(9), |place| place.entered), None, "but not of itself");
}

#[test]
fn the_dead_in_the_middle_are_passed_over() {
    let line: Vec<Place> = (1..=5).map(place).collect();
    let found = nearest_ahead(&line, Some(5), |place| place.number == 2);
    assert_eq!(found.map(|place| place.number), Some(2));
    assert_eq!(nearest_ahead(&line, Some(1), |_| true), None, "the first has nobody ahead");
    assert_eq!(
        nearest_ahead(&line, None, |_| true).map(|p| p.number),
        Some(5),
        "a newcomer is last"
    );
}
