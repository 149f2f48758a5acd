//! A limited number of holders: slots for guards and leases, in order of arrival.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{Done, HOLD, Lokt, Running, Sandbox};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{fs, thread};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// A guard of `x` whose command prints `in`, and ends when its input does.
fn holding(it: &Sandbox, owner: &str, flags: &[&str]) -> Lokt {
    let words = [&["guard", "x"], flags, &["--"], &HOLD].concat();
    it.lokt(words).owner(owner)
}

fn holder(it: &Sandbox, owner: &str, slots: &str) -> Running {
    holding(it, owner, &["--slots", slots]).start().is_in()
}

fn waiter(it: &Sandbox, owner: &str, slots: &str) -> Running {
    holding(it, owner, &["--slots", slots, "--wait"]).start().is_waiting()
}

/// A lease of one of some slots, for a while.
fn lease(it: &Sandbox, owner: &str, slots: &str) -> Done {
    it.lokt(["lock", "x", "--slots", slots, "--ttl", "10m"]).owner(owner).run()
}

/// Lets time pass in which a blocked waiter could enter by mistake: a caller behind it times out.
fn time_passes(it: &Sandbox) {
    let words = ["guard", "x", "--wait", "--timeout", "150ms", "--", "true"];
    it.lokt(words).owner("clock").run().expect(2);
}

#[test]
fn all_slots_are_used_and_the_next_caller_gets_the_first_free_one() {
    let it = sandbox();
    let (first, second) = (holder(&it, "s1", "2"), holder(&it, "s2", "2"));
    let denied = holding(&it, "s3", &["--slots", "2"]).run().fails_with(2, "held by s1");
    assert!(denied.err.contains("2 of 2 slots are taken"), "{denied:#?}");
    let waiters = ["w1", "w2", "w3"].map(|owner| waiter(&it, owner, "2"));
    let [one, mut two, mut three] = waiters;
    second.release().ok();
    let one = one.is_in();
    time_passes(&it);
    assert!(two.is_running() && three.is_running(), "one slot is for one waiter");
    first.release().ok();
    let two = two.is_in();
    one.release().ok();
    let three = three.is_in();
    let record = it.record("x");
    assert_eq!((&record["mode"], &record["slots"]), (&"slots".into(), &2.into()));
    assert_eq!((&record["owner"], &record["co_holders"][0]["owner"]), (&"w2".into(), &"w3".into()));
    drop((two.release().ok(), three.release().ok()));
    assert!(it.tickets("x").is_empty() && !it.record_path("x").exists(), "nothing is left");
}

#[test]
fn no_caller_passes_the_queue_for_slots() {
    let it = sandbox();
    let first = holder(&it, "s1", "3");
    let all = waiting_exclusive(&it);
    // One slot is free, but an earlier waiter wants the whole lock.
    holding(&it, "s2", &["--slots", "3"]).run().fails_with(2, "lock \"x\" is held by s1");
    let behind = [waiter(&it, "s2", "3"), waiter(&it, "s3", "3"), waiter(&it, "s4", "3")];
    first.release().ok();
    let all = all.is_in();
    assert_eq!(it.tickets("x").iter().filter(|it| it.contains("-h")).count(), 1, "alone");
    all.release().ok();
    let behind = behind.map(Running::is_in);
    for holder in behind {
        holder.release().ok();
    }
}

fn waiting_exclusive(it: &Sandbox) -> Running {
    holding(it, "all", &["--wait"]).start().is_waiting()
}

#[test]
fn a_waiter_that_is_killed_or_gives_up_admits_the_next() {
    let it = sandbox();
    let first = holder(&it, "s1", "1");
    let (dead, alive) = (waiter(&it, "w1", "1"), waiter(&it, "w2", "1"));
    let interrupted = waiter(&it, "w3", "1");
    let last = waiter(&it, "w4", "1");
    dead.kill();
    interrupted.signal(Signal::SIGTERM);
    assert_eq!(interrupted.ends().signal, Some(Signal::SIGTERM as i32));
    first.release().ok();
    alive.is_in().release().ok();
    last.is_in().release().ok();
}

#[test]
fn another_number_of_slots_is_an_error_while_the_lock_is_held_or_waited_for() {
    let it = sandbox();
    let first = holder(&it, "s1", "3");
    let ask = |words: &[&str]| {
        let done = it.lokt(words.iter().copied()).owner("other").in_time();
        done.fails_with(1, "lock \"x\" has 3 slots, not 2")
    };
    let calls: [&[&str]; 4] = [
        &["guard", "x", "--slots", "2", "--", "true"],
        &["guard", "x", "--slots", "2", "--wait", "--", "true"],
        &["lock", "x", "--slots", "2"],
        &["lock", "x", "--slots", "2", "--wait"],
    ];
    for words in calls {
        assert!(ask(words).err.contains("--slots 3"), "the hint says what would do");
    }
    let all = waiting_exclusive(&it);
    let queued = waiter(&it, "s2", "3");
    first.release().ok();
    let all = all.is_in();
    // All slots are free at this moment, but a process waits for one of three.
    ask(calls[0]);
    ask(calls[3]);
    queued.kill();
    all.release().ok();
    it.lokt(calls[0].iter().copied()).owner("other").run().ok();
    lease(&it, "ada", "3").ok();
    ask(calls[1]);
    it.lokt(["unlock", "x"]).owner("ada").run().ok();
    lease(&it, "bob", "2").ok();
}

#[test]
fn a_killed_guard_keeps_its_slot_until_its_command_ends() {
    let it = sandbox();
    let line = "echo pid $$; exec sleep 1000";
    let words = ["guard", "x", "--slots", "2", "--", "sh", "-c", line];
    let mut killed = it.lokt(words).owner("s1").start();
    let command = killed.prints("pid ").trim().trim_start_matches("pid ").parse().unwrap();
    let second = holder(&it, "s2", "2");
    killed.kill();
    holding(&it, "s3", &["--slots", "2"]).run().fails_with(2, "2 of 2 slots are taken");
    let third = waiter(&it, "s3", "2");
    kill(Pid::from_raw(command), Signal::SIGKILL).unwrap();
    let third = third.is_in();
    assert!(it.event_kinds("x").contains(&"stale-break".to_owned()), "{:?}", it.event_kinds("x"));
    assert_eq!(it.record("x")["owner"], "s2", "the record does not have the killed guard");
    drop((second.release().ok(), third.release().ok()));
}

#[test]
fn leases_take_slots_and_an_unlock_admits_the_first_waiter() {
    let it = sandbox();
    for owner in ["ada", "bob", "carl"] {
        lease(&it, owner, "3").ok();
    }
    lease(&it, "dora", "3").fails_with(2, "3 of 3 slots are taken");
    holding(&it, "g", &["--slots", "3"]).run().fails_with(2, "3 of 3 slots are taken");
    let guard = waiter(&it, "g1", "3");
    let taker = it.lokt(["lock", "x", "--slots", "3", "--wait"]).owner("g2").start().is_waiting();
    let mut last = waiter(&it, "g3", "3");
    it.lokt(["unlock", "x"]).owner("bob").run().ok();
    let guard = guard.is_in();
    it.lokt(["unlock", "x"]).owner("ada").run().ok();
    taker.ends().ok();
    time_passes(&it);
    assert!(last.is_running(), "carl, the guard and g2 have the three");
    guard.release().ok();
    last.is_in().release().ok();
    let shown = it.lokt(["status", "x", "--json"]).run().ok().json();
    assert_eq!((&shown["owner"], &shown["co_holders"][0]["owner"]), (&"carl".into(), &"g2".into()));
}

#[test]
fn the_first_waiter_enters_when_a_lease_expires() {
    let it = sandbox();
    lease(&it, "ada", "2").ok();
    it.lokt(["lock", "x", "--slots", "2", "--ttl", "500ms"]).owner("bob").run().ok();
    let entered = it.lokt(["guard", "x", "--slots", "2", "--wait", "--", "true"]).owner("g").run();
    entered.ok();
    assert!(it.event_kinds("x").contains(&"auto-prune".to_owned()), "{:?}", it.event_kinds("x"));
    assert_eq!(it.record("x")["owner"], "ada", "who stays is in the record, and bob is not");
    assert_eq!(it.record("x").get("co_holders"), None);
}

#[test]
fn the_first_waiter_enters_when_the_process_of_any_lease_ends() {
    let it = sandbox();
    let tied = |owner: &str| {
        let line = "lokt lock x --slots 2 --pid $$ && echo taken; read line";
        let mut script = it.shell(line).owner(owner).start();
        script.prints("taken");
        script
    };
    let (first, second) = (tied("ada"), tied("bob"));
    let waiter = waiter(&it, "g", "2");
    // The end of the second process has the same effect.
    second.release();
    waiter.is_in().release().ok();
    assert_eq!(it.record("x")["owner"], "ada");
    first.release();
}

/// The number of a process's threads, and its computing time in clock ticks.
fn effort(process: &Running) -> (u64, u64) {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.pid())).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let number = |field: usize| fields.get(field).unwrap().parse::<u64>().unwrap();
    (number(17), number(11) + number(12))
}

/// Waits for slots beside the present holders for a second. Returns the cost of the wait.
fn effort_of_waiting(it: &Sandbox, flags: &[&str]) -> (u64, u64) {
    let waiting = [flags, &["--wait"]].concat();
    let waiter = holding(it, "w", &waiting).start().is_waiting();
    let clock = ["guard", "x", "--wait", "--timeout", "1s", "--", "true"];
    it.lokt(clock).owner("clock").run().expect(2);
    let effort = effort(&waiter);
    waiter.kill();
    effort
}

#[test]
fn a_waiter_sleeps_beside_heartbeats_and_announcements_that_have_passed() {
    let it = sandbox();
    lease(&it, "ada", "2").ok();
    let beating = holding(&it, "g", &["--slots", "2", "--ttl", "60ms"]).start().is_in();
    let (threads, ticks) = effort_of_waiting(&it, &["--slots", "2"]);
    assert!(threads <= 3 && ticks < 25, "{threads} threads, {ticks} ticks beside heartbeats");
    // Stopped, it is overdue: it still holds, and its announced end has no effect.
    stop_outside_of_sections(&it, &beating);
    let (threads, ticks) = effort_of_waiting(&it, &["--slots", "2"]);
    assert!(threads <= 3 && ticks < 25, "{threads} threads, {ticks} ticks beside an overdue guard");
    beating.signal(Signal::SIGCONT);
    beating.release().ok();
}

#[test]
fn a_waiter_sleeps_beside_an_expired_lease_and_a_valid_one() {
    for (shared, asked) in [(["--shared", "--ttl"], [].as_slice()), (["--slots=2", "--ttl"], &[])] {
        let it = sandbox();
        it.lokt(["lock", "x", shared[0], shared[1], "100ms"]).owner("ada").run().ok();
        it.lokt(["lock", "x", shared[0], shared[1], "10m"]).owner("bob").run().ok();
        let (threads, ticks) = effort_of_waiting(&it, asked);
        assert!(threads <= 3 && ticks < 25, "{threads} threads, {ticks} ticks for {shared:?}");
        let waiter = holding(&it, "w", &["--wait"]).start().is_waiting();
        it.lokt(["unlock", "x"]).owner("bob").run().ok();
        waiter.is_in().release().ok();
    }
}

/// Stops a guard outside of a section, where it would block all others.
fn stop_outside_of_sections(it: &Sandbox, guard: &Running) {
    let latch = it.hold_latch();
    guard.signal(Signal::SIGSTOP);
    let stat = format!("/proc/{}/stat", guard.pid());
    while !fs::read_to_string(&stat).unwrap().contains(") T ") {
        thread::yield_now();
    }
    drop(latch);
}

/// The guarded command: three kernel locks show whether more than three run.
const ORACLE: &str = "for n in 1 2 3; do
        flock --exclusive --nonblock --conflict-exit-code 99 oracle.$n true; code=$?
        if [ $code = 0 ]; then echo in >>log; exit 0; fi
    done; echo VIOLATION >>log";

#[test]
fn there_are_never_more_holders_than_slots_while_processes_are_killed() {
    let it = sandbox();
    thread::scope(|scope| {
        for worker in 0..8 {
            let it = &it;
            scope.spawn(move || (0..10).for_each(|round| enter_or_die(it, worker, round)));
        }
    });
    let log = fs::read_to_string(it.folder().join("log")).unwrap();
    assert!(!log.contains("VIOLATION"), "a fourth command ran");
    assert!(log.lines().count() >= 40, "most guards entered: {}", log.lines().count());
    holding(&it, "last", &["--wait"]).start().is_in().release().ok();
    assert_eq!(it.lokt(["status", "--json"]).run().ok().json(), serde_json::json!([]));
}

fn enter_or_die(it: &Sandbox, worker: usize, round: usize) {
    let words = ["guard", "x", "--slots", "3", "--wait", "-c", ORACLE];
    let guard = it.lokt(words).owner(&format!("o{worker}")).start();
    let is_killed = (worker + round).is_multiple_of(4);
    guard.ends_or_is_killed(is_killed.then_some(round * 80_000));
}
