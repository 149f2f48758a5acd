//! Who else is there while an operation runs.

use crate::experiment::{has_spawned, is_deaf};
use lokt_testkit::{Done, HOLD, Lokt, PATIENCE, Running, Sandbox};
use serde_json::Value;
use std::{
    cell::RefCell,
    fs::{self, File},
    thread,
    time::{Duration, Instant, SystemTime},
};

/// Nobody.
pub(crate) fn alone(_: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    (traced.in_time(), None)
}

/// Nobody, a minute after the record of `x` was written.
pub(crate) fn after_a_while(it: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    let record = File::options().append(true).open(it.record_path("x")).expect("a record");
    let then = SystemTime::now() - Duration::from_mins(1);
    record.set_modified(then).expect("its time can be set");
    alone(it, traced)
}

/// A guard of `x` by `holder`, before and after.
pub(crate) fn beside_a_guard(it: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    let holder = guard_of_x(it);
    (traced.in_time(), Some(holder))
}

/// A guard of `x` by `holder` that shares it, before and after.
pub(crate) fn beside_a_sharing_guard(it: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    let words = ["guard", "x", "--shared", "--", HOLD[0], HOLD[1], HOLD[2]];
    let holder = it.lokt(words).owner("holder").start().is_in();
    (traced.in_time(), Some(holder))
}

/// A guard of `x` that is killed, with all its processes, when the operation stands in the queue behind it.
pub(crate) fn behind_a_guard_that_dies(it: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    let holder = guard_of_x(it);
    let mut waiter = traced.start();
    stands_in_line(it, &mut waiter);
    // Its command reads what nobody can write any more, and ends.
    holder.kill();
    (waiter.ends(), None)
}

/// A guard of `x` that is killed, with all its processes, when the operation has told that it waits.
pub(crate) fn behind_a_guard_for_a_while(it: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    let holder = guard_of_x(it);
    let mut waiter = traced.start();
    tells_that_it_waits(it, &mut waiter);
    holder.kill();
    (waiter.ends(), None)
}

/// A lease of `x` that is given back when the operation has told that it waits.
pub(crate) fn behind_a_lease(it: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    let mut waiter = traced.start();
    tells_that_it_waits(it, &mut waiter);
    it.lokt(["unlock", "x"]).owner("holder").in_time().ok();
    (waiter.ends(), None)
}

/// A guarded command that ends when the guard has extended its lock's life once. Where the guard is killed
/// before, its command has the lock until it ends.
pub(crate) fn until_a_heartbeat(it: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    let mut guard = traced.start();
    let announced = RefCell::new(None);
    let renewed = |_: &mut Running| {
        let now = expiry(it);
        let before = announced.replace(now.clone());
        before.is_some() && now.is_some() && before != now
    };
    until(&mut guard, renewed);
    if !guard.is_running() && has_spawned(&it.trace()) {
        it.lokt(["lock", "x"]).owner("next").in_time().fails_with(2, "held by tester");
    }
    (guard.release(), None)
}

/// The end that a lock announces.
fn expiry(it: &Sandbox) -> Option<Value> {
    let record = fs::read(it.record_path("x")).ok()?;
    let record: Value = serde_json::from_slice(&record).expect("a record is never half-written");
    record.get("expires_at").cloned()
}

fn guard_of_x(it: &Sandbox) -> Running {
    it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).owner("holder").start().is_in()
}

/// Waits until it has its place in the queue, or has ended without one.
fn stands_in_line(it: &Sandbox, waiter: &mut Running) {
    until(waiter, |_| it.tickets("x").iter().any(|ticket| ticket.ends_with("-w")));
}

/// Waits until it has told where it stands, or could not tell, or has ended.
fn tells_that_it_waits(it: &Sandbox, waiter: &mut Running) {
    until(waiter, |waiter| waiter.has_said("waiting for lock") || is_deaf(&it.trace()));
}

fn until(running: &mut Running, reached: impl Fn(&mut Running) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !reached(running) && running.is_running() {
        assert!(Instant::now() < deadline, "neither there in time nor ended: {running:#?}");
        thread::park_timeout(Duration::from_millis(1));
    }
}
