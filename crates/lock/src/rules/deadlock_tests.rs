use super::*;
use crate::words::LockMode;
use std::num::NonZeroU32;

/// A world of tickets, written as `name: id state held…`.
struct FakeDeadlockFacts {
    tickets: Vec<Waiter>,
    nested: Vec<Waiter>,
}

const EXCLUSIVE: LockMode = LockMode::Exclusive;

fn slots(number: u32) -> LockMode {
    LockMode::Slots(NonZeroU32::new(number).unwrap())
}

fn ticket(name: &str, id: &str, number: u64, entered: bool, held: &[&str]) -> Waiter {
    let place =
        QueuePlace { number, lock_id: LockId::from_record(id).unwrap(), entered, mode: EXCLUSIVE };
    let text = TicketContent {
        name: name.into(),
        owner: id.into(),
        owner_given: true,
        agent_id: "a".into(),
        pid: 1,
        command: vec!["make".into()],
        since: String::new(),
        held: held.iter().map(ToString::to_string).collect(),
    };
    Waiter { name: LockName::new(name).unwrap(), place, text, follows: None }
}

fn holds(name: &str, id: &str) -> Waiter {
    ticket(name, id, 1, true, &[])
}

fn waits(name: &str, id: &str, held: &[&str]) -> Waiter {
    ticket(name, id, 9, false, held)
}

fn with(mode: LockMode, mut waiter: Waiter) -> Waiter {
    waiter.place.mode = mode;
    waiter
}

fn at(number: u64, mut waiter: Waiter) -> Waiter {
    waiter.place.number = number;
    waiter
}

impl FakeDeadlockFacts {
    fn of(tickets: &[Waiter]) -> Self {
        let nested = tickets.iter().filter(|it| !it.place.entered && !it.text.held.is_empty());
        Self { nested: nested.cloned().collect(), tickets: tickets.to_vec() }
    }
}

impl DeadlockSearchSource for FakeDeadlockFacts {
    fn line(&self, name: &LockName) -> Vec<QueuePlace> {
        let of_name = self.tickets.iter().filter(|it| it.name == *name);
        of_name.map(|it| it.place.clone()).collect()
    }

    fn text(&self, _: &LockName, place: &QueuePlace) -> Option<TicketContent> {
        let found = self.tickets.iter().find(|it| it.place.lock_id == place.lock_id);
        found.map(|it| it.text.clone())
    }

    fn nested(&self) -> &[Waiter] {
        &self.nested
    }
}

/// The circle as `waiter>name>blocker` steps, for the last of the tickets.
fn found(tickets: &[Waiter]) -> Vec<String> {
    let me = tickets.last().unwrap();
    let links = cycle(me, &FakeDeadlockFacts::of(tickets)).unwrap_or_default();
    let step = |it: &WaitCycleLink| {
        format!("{}>{}>{}", it.waiter.owner, it.name, it.blocker.as_ref().unwrap().owner)
    };
    links.iter().map(step).collect()
}

#[test]
fn two_who_wait_for_each_other_are_a_circle() {
    let tickets =
        [holds("a", "A"), holds("b", "B"), waits("a", "b1", &["B"]), waits("b", "a1", &["A"])];
    assert_eq!(found(&tickets), ["a1>b>B", "b1>a>A"]);
}

#[test]
fn three_make_a_circle_and_a_chain_is_none() {
    let (a, b, c) = (holds("a", "A"), holds("b", "B"), holds("c", "C"));
    let chain = [a, b, c, waits("b", "a1", &["A"]), waits("c", "b1", &["B"])];
    assert!(found(&chain).is_empty(), "a chain has an end");
    let circle: Vec<Waiter> = chain.into_iter().chain([waits("a", "c1", &["C"])]).collect();
    assert_eq!(found(&circle), ["c1>a>A", "a1>b>B", "b1>c>C"]);
}

#[test]
fn one_who_waits_for_what_runs_around_it_is_a_circle_alone() {
    let reader = with(LockMode::Shared, holds("x", "R"));
    assert_eq!(found(&[reader, waits("x", "W", &["R"])]), ["W>x>R"]);
}

#[test]
fn who_waits_ahead_in_the_same_line_counts_too() {
    let tickets = [
        holds("a", "A"),
        holds("b", "X"),
        at(3, waits("b", "b1", &["B"])),
        holds("c", "B"),
        waits("b", "a1", &["A"]),
    ];
    assert!(found(&tickets).is_empty(), "the one ahead waits for no process that waits for me");
    let mut circle = tickets.to_vec();
    circle.insert(0, at(3, waits("a", "x1", &["X"])));
    assert_eq!(found(&circle), ["a1>b>b1", "b1>b>X", "x1>a>A"]);
}

#[test]
fn a_reader_behind_a_writer_that_waits_for_the_readers_own_tree_is_stuck() {
    let tickets = [
        with(LockMode::Shared, holds("x", "R")),
        at(5, waits("x", "W", &[])),
        with(LockMode::Shared, waits("x", "r1", &["R"])),
    ];
    assert_eq!(found(&tickets), ["r1>x>W", "W>x>R"], "the writer waits for the reader around me");
}

#[test]
fn slots_are_stuck_only_when_too_many_of_them_are() {
    let two = slots(2);
    let [one, other] = [with(two, holds("s", "S")), with(two, at(2, holds("s", "T")))];
    let mine = with(two, waits("s", "a1", &["A"]));
    let half = [holds("a", "A"), one, other, waits("a", "s1", &["S"]), mine.clone()];
    assert!(found(&half).is_empty(), "the other slot will be free");
    let mut both = half.to_vec();
    both.insert(0, at(10, waits("a", "t1", &["T"])));
    assert_eq!(found(&both).first().map(String::as_str), Some("a1>s>S"));
}

#[test]
fn a_lease_waits_for_the_guard_around_it() {
    let mut lease = waits("x", "L", &["O"]);
    assert!(found(&[holds("x", "O"), lease.clone()]).is_empty(), "a guard is inside");
    lease.text.command.clear();
    assert_eq!(found(&[holds("x", "O"), lease]), ["L>x>O"]);
}

#[test]
fn what_was_looked_at_too_early_is_looked_at_again() {
    let two = slots(2);
    // Y waits for Z, whose end needs both X and Y to go; X waits for Z alone; and Y waits for me, too.
    let tickets = [
        holds("a", "A"),
        with(two, holds("s", "X")),
        with(two, at(2, holds("s", "Y"))),
        holds("z", "Z"),
        waits("z", "y1", &["Y"]),
        waits("s", "z1", &["Z"]),
        at(10, waits("z", "x1", &["X"])),
        waits("a", "y2", &["Y"]),
        with(two, at(12, waits("s", "me", &["A"]))),
    ];
    let steps = found(&tickets);
    assert_eq!(steps.first().map(String::as_str), Some("me>s>z1"), "{steps:?}");
    // Behind the writer it is a circle at once; before it, only because both slots are in it.
    let mut before = tickets.to_vec();
    before[5] = at(20, before[5].clone());
    let steps = found(&before);
    assert_eq!(steps.first().map(String::as_str), Some("me>s>Y"), "{steps:?}");
}

#[test]
fn slots_that_are_stuck_only_together_are_a_circle() {
    let two = slots(2);
    // Both holders of a slot wait for a; what runs in a waits for a slot, and asked first.
    let tickets = [
        holds("a", "A"),
        with(two, holds("s", "S")),
        with(two, at(2, holds("s", "T"))),
        with(two, at(3, waits("s", "a1", &["A"]))),
        at(4, waits("a", "t1", &["T"])),
        at(5, waits("a", "s1", &["S"])),
    ];
    assert_eq!(found(&tickets).first().map(String::as_str), Some("s1>a>t1"));
    assert!(found(&tickets[..5]).is_empty(), "the other slot will be free");
}

#[test]
fn who_follows_waits_for_one_acquisition_alone() {
    let following = |id: &str, followed: &str, held: &[&str]| Waiter {
        follows: LockId::from_record(followed),
        ..at(u64::MAX, waits("k", id, held))
    };
    let run = [holds("k", "K"), holds("g", "G")];
    let asks = at(3, waits("g", "k1", &["K"]));
    let circle = [run[0].clone(), run[1].clone(), asks.clone(), following("f", "K", &["G"])];
    assert_eq!(found(&circle), ["f>k>K", "k1>g>G"]);
    // The run that it followed is over, and it has not found the time to notice that.
    let later = [run[0].clone(), run[1].clone(), following("f", "J", &["G"]), asks];
    assert!(found(&later).is_empty(), "it does not wait for the next one");
}

#[test]
fn a_circle_of_others_is_not_mine() {
    let tickets = [
        holds("a", "A"),
        holds("b", "B"),
        waits("a", "b1", &["B"]),
        at(8, waits("b", "a1", &["A"])),
        waits("b", "me", &["M"]),
    ];
    assert!(found(&tickets).is_empty(), "who waits behind a circle is no part of it");
}

#[test]
fn who_runs_inside_a_guard_waits_for_others_inside_and_not_for_what_is_around() {
    let tickets = [
        holds("x", "O"),
        at(2, waits("x", "W", &[])),
        ticket("x", "S", 3, true, &["O"]),
        waits("x", "me", &["O"]),
    ];
    assert!(found(&tickets).is_empty(), "the other one inside will end");
    let circle = [
        holds("x", "O"),
        ticket("x", "S", 3, true, &["O"]),
        ticket("y", "Y", 1, true, &["O"]),
        waits("y", "s1", &["O", "S"]),
        waits("x", "me", &["O", "Y"]),
    ];
    assert_eq!(found(&circle), ["me>x>S", "s1>y>Y"]);
}
