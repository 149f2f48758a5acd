//! How a traced operation is run: alone, or with another process that holds or releases the lock.

use crate::operation::{has_spawned, stderr_write_failed};
use lokt_testkit::{Done, HOLD, Lokt, PATIENCE, Running, Sandbox};
use serde_json::Value;
use std::{
    cell::RefCell,
    fs::{self, File},
    thread,
    time::{Duration, Instant, SystemTime},
};

/// Runs it alone.
pub(crate) fn run_alone(_: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    (traced.in_time(), None)
}

/// Runs it alone, a minute after the record of `x` was written.
pub(crate) fn run_a_minute_later(it: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    let record = File::options().append(true).open(it.record_path("x")).expect("a record");
    let then = SystemTime::now() - Duration::from_mins(1);
    record.set_modified(then).expect("its time can be set");
    run_alone(it, traced)
}

/// Runs it while a guard of `holder` holds `x`.
pub(crate) fn run_beside_guard(it: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    let holder = guard_of_x(it);
    (traced.in_time(), Some(holder))
}

/// Runs it while a guard of `holder` shares `x`.
pub(crate) fn run_beside_shared_guard(it: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    let words = ["guard", "x", "--shared", "--", HOLD[0], HOLD[1], HOLD[2]];
    let holder = it.lokt(words).owner("holder").start().is_in();
    (traced.in_time(), Some(holder))
}

/// Runs it behind a guard of `x`, which is killed with all its processes when the operation is in the queue.
pub(crate) fn run_behind_killed_guard(it: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    let holder = guard_of_x(it);
    let mut waiter = traced.start();
    await_ticket(it, &mut waiter);
    // Its command reads a pipe that has no writer any more, and ends.
    holder.kill();
    (waiter.ends(), None)
}

/// Runs it behind a guard of `x`, which is killed with all its processes when the operation has reported that
/// it waits.
pub(crate) fn run_behind_guard_killed_later(it: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    let holder = guard_of_x(it);
    let mut waiter = traced.start();
    await_wait_report(it, &mut waiter);
    holder.kill();
    (waiter.ends(), None)
}

/// Runs it behind a lease of `x`, which is released when the operation has reported that it waits.
pub(crate) fn run_behind_lease(it: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    let mut waiter = traced.start();
    await_wait_report(it, &mut waiter);
    it.lokt(["unlock", "x"]).owner("holder").in_time().ok();
    (waiter.ends(), None)
}

/// Runs it behind a reservation of `src`, which is given back when the operation has reported that it waits.
pub(crate) fn run_behind_reservation(it: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
    let mut waiter = traced.start();
    until(&mut waiter, |waiter| waiter.has_said("waiting (") || stderr_write_failed(&it.trace()));
    it.lokt(["unreserve", "src"]).owner("holder").in_time().ok();
    (waiter.ends(), None)
}

/// Runs a guard until it has renewed its lock once. If the guard is killed before that, its command has the
/// lock until it ends.
pub(crate) fn run_until_heartbeat(it: &Sandbox, traced: Lokt) -> (Done, Option<Running>) {
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

/// The expiry in a lock's record.
fn expiry(it: &Sandbox) -> Option<Value> {
    let record = fs::read(it.record_path("x")).ok()?;
    let record: Value = serde_json::from_slice(&record).expect("a record is never half-written");
    record.get("expires_at").cloned()
}

fn guard_of_x(it: &Sandbox) -> Running {
    it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).owner("holder").start().is_in()
}

/// Waits until it is in the queue, or has ended.
fn await_ticket(it: &Sandbox, waiter: &mut Running) {
    until(waiter, |_| it.tickets("x").iter().any(|ticket| ticket.ends_with("-w")));
}

/// Waits until it has reported that it waits, or could not report it, or has ended.
fn await_wait_report(it: &Sandbox, waiter: &mut Running) {
    until(waiter, |waiter| waiter.has_said("waiting for lock") || stderr_write_failed(&it.trace()));
}

fn until(running: &mut Running, reached: impl Fn(&mut Running) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !reached(running) && running.is_running() {
        assert!(Instant::now() < deadline, "neither there in time nor ended: {running:#?}");
        thread::park_timeout(Duration::from_millis(1));
    }
}
