use super::*;
use crate::words::LockId;
use std::num::NonZeroU32;

fn place(number: u64) -> QueuePlace {
    let lock_id = LockId::from_record("id").unwrap();
    QueuePlace { number, lock_id, entered: false, mode: LockMode::Exclusive }
}

fn shared(number: u64) -> QueuePlace {
    QueuePlace { mode: LockMode::Shared, ..place(number) }
}

fn slots(number: u64, slots: u32) -> QueuePlace {
    QueuePlace { mode: LockMode::Slots(NonZeroU32::new(slots).unwrap()), ..place(number) }
}

fn inside(place: QueuePlace) -> QueuePlace {
    QueuePlace { entered: true, ..place }
}

fn asker(line: &[QueuePlace], mine: Option<u64>, mode: LockMode) -> QueueObstacleQuery<'_> {
    QueueObstacleQuery { line, mine, mode, leased: 0 }
}

/// What is ahead of an exclusive asker.
fn nearest(
    line: &[QueuePlace],
    mine: Option<u64>,
    in_the_way: impl FnMut(&QueuePlace) -> bool,
) -> Option<QueuePlace> {
    match ahead(asker(line, mine, LockMode::Exclusive), in_the_way) {
        Some(QueueObstacle::Place(place)) => Some(place),
        None => None,
        other => panic!("an exclusive asker waits for a ticket, not for {other:?}"),
    }
}

#[test]
fn the_nearest_in_the_way_is_found_with_one_question() {
    let line: Vec<QueuePlace> = [4, 9, 6].into_iter().map(place).collect();
    let mut asked = Vec::new();
    let found = nearest(&line, Some(9), |place| {
        asked.push(place.number);
        true
    });
    assert_eq!(found.map(|place| place.number), Some(6), "the nearest ahead, not the first");
    assert_eq!(asked, [6], "and no other was asked");
}

#[test]
fn who_has_entered_is_ahead_whatever_the_numbers_say() {
    let inside = inside(place(9));
    let line = [place(3), inside.clone()];
    assert_eq!(nearest(&line, Some(3), |_| true), Some(inside.clone()));
    assert_eq!(nearest(&line, Some(9), |place| place.entered), None, "but not of itself");
}

#[test]
fn the_dead_in_the_middle_are_passed_over() {
    let line: Vec<QueuePlace> = (1..=5).map(place).collect();
    let found = nearest(&line, Some(5), |place| place.number == 2);
    assert_eq!(found.map(|place| place.number), Some(2));
    assert_eq!(nearest(&line, Some(1), |_| true), None, "the first has none ahead");
    assert_eq!(nearest(&line, None, |_| true).map(|p| p.number), Some(5), "a newcomer is last");
}

#[test]
fn readers_pass_readers_and_wait_for_writers() {
    let line = [inside(shared(1)), shared(2), place(3), shared(4)];
    let ask = |mine| ahead(asker(&line, mine, LockMode::Shared), |_| true);
    assert_eq!(ask(Some(2)), None, "nothing but readers ahead");
    assert_eq!(
        ask(Some(4)),
        Some(QueueObstacle::Place(place(3))),
        "a writer that came earlier goes first"
    );
    assert_eq!(
        ask(None),
        Some(QueueObstacle::Place(place(3))),
        "and is waited for past the readers"
    );
    let writer = ahead(asker(&line, Some(3), LockMode::Exclusive), |_| true);
    assert_eq!(
        writer,
        Some(QueueObstacle::Place(shared(2))),
        "a writer waits for every reader ahead"
    );
    let dead = ahead(asker(&line, Some(4), LockMode::Shared), |place| place.number != 3);
    assert_eq!(dead, None, "a dead writer blocks no waiter");
}

#[test]
fn slots_are_counted_with_those_who_wait_for_one() {
    let two = LockMode::Slots(NonZeroU32::new(2).unwrap());
    let line = [inside(slots(1, 2)), inside(slots(2, 2)), slots(3, 2), slots(4, 2)];
    let ask = |mine, dead: u64| ahead(asker(&line, mine, two), |place| place.number != dead);
    let full = QueueObstacle::Full(vec![inside(slots(2, 2)), inside(slots(1, 2))]);
    assert_eq!(ask(Some(3), 0), Some(full), "the first in the queue waits for any holder");
    assert_eq!(
        ask(Some(4), 0),
        Some(QueueObstacle::Place(slots(3, 2))),
        "the second for the first"
    );
    assert_eq!(ask(Some(3), 1), None, "a slot is free");
    assert_eq!(ask(Some(4), 1), Some(QueueObstacle::Place(slots(3, 2))), "and is not the second's");
    assert_eq!(
        ask(None, 1),
        Some(QueueObstacle::Place(slots(4, 2))),
        "a newcomer waits for the last"
    );
}

#[test]
fn leases_take_slots_without_a_ticket() {
    let two = LockMode::Slots(NonZeroU32::new(2).unwrap());
    let ask = |line: &[QueuePlace], leased| {
        ahead(QueueObstacleQuery { line, mine: None, mode: two, leased }, |_| true)
    };
    assert_eq!(ask(&[], 1), None);
    assert_eq!(
        ask(&[], 2),
        Some(QueueObstacle::Full(Vec::new())),
        "leases alone can take them all"
    );
    let one = [inside(slots(1, 2))];
    assert_eq!(ask(&one, 1), Some(QueueObstacle::Full(one.to_vec())), "a lease and a guard");
    let waiting = [slots(5, 2)];
    assert_eq!(
        ask(&waiting, 2),
        Some(QueueObstacle::Place(slots(5, 2))),
        "first come, first served"
    );
}

#[test]
fn another_number_of_slots_is_found_out_and_a_dead_one_is_not() {
    let two = LockMode::Slots(NonZeroU32::new(2).unwrap());
    let line = [inside(slots(1, 3))];
    let ask = |lives: bool| ahead(asker(&line, None, two), |_| lives);
    assert_eq!(ask(true), Some(QueueObstacle::OtherSlots(inside(slots(1, 3)))));
    assert_eq!(ask(false), None);
    let exclusive = ahead(asker(&line, None, LockMode::Exclusive), |_| true);
    assert_eq!(
        exclusive,
        Some(QueueObstacle::Place(inside(slots(1, 3)))),
        "who asks for none just waits"
    );
}
