//! Many readers or one writer, strictly in order of arrival.

use lokt_testkit::{HOLD, Lokt, Running, Sandbox};
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

fn reader(it: &Sandbox, owner: &str) -> Running {
    holding(it, owner, &["--shared"]).start().is_in()
}

fn waiting_reader(it: &Sandbox, owner: &str) -> Running {
    holding(it, owner, &["--shared", "--wait"]).start().is_waiting()
}

fn waiting_writer(it: &Sandbox, owner: &str) -> Running {
    holding(it, owner, &["--wait"]).start().is_waiting()
}

/// Lets time pass in which a blocked waiter could enter by mistake: a caller behind it times out.
fn time_passes(it: &Sandbox) {
    let words = ["guard", "x", "--wait", "--timeout", "150ms", "--", "true"];
    it.lokt(words).owner("clock").run().expect(2);
}

#[test]
fn readers_hold_together_and_a_writer_waits_for_the_last_of_them() {
    let it = sandbox();
    let (first, second) = (reader(&it, "r1"), reader(&it, "r2"));
    let denied = holding(&it, "w", &[]).run().fails_with(2, "held by r1");
    assert!(denied.err.contains("and 1 other who shares it"), "{denied:#?}");
    it.lokt(["lock", "x"]).owner("w").run().fails_with(2, "held by r1");
    let mut writer = waiting_writer(&it, "w");
    first.release().ok();
    time_passes(&it);
    assert!(writer.is_running() && it.record("x")["owner"] == "r2", "one reader is enough");
    second.release().ok();
    let writer = writer.is_in();
    holding(&it, "r3", &["--shared"]).run().fails_with(2, "held by w");
    writer.release().ok();
    assert!(it.tickets("x").is_empty() && !it.record_path("x").exists(), "nothing is left");
}

#[test]
fn readers_behind_a_waiting_writer_wait_and_enter_together_after_it() {
    let it = sandbox();
    let first = reader(&it, "r1");
    let writer = waiting_writer(&it, "w");
    holding(&it, "r2", &["--shared"]).run().fails_with(2, "lock \"x\" is held by r1");
    let behind = [waiting_reader(&it, "r2"), waiting_reader(&it, "r3")];
    let last = waiting_writer(&it, "w2");
    first.release().ok();
    let writer = writer.is_in();
    assert_eq!(it.tickets("x").iter().filter(|it| it.contains("-h")).count(), 1, "alone");
    writer.release().ok();
    let behind = behind.map(Running::is_in);
    let record = it.record("x");
    assert_eq!(record["co_holders"].as_array().unwrap().len(), 1, "both are in: {record}");
    time_passes(&it);
    for reader in behind {
        reader.release().ok();
    }
    last.is_in().release().ok();
}

#[test]
fn readers_behind_a_writer_enter_when_it_gives_up() {
    let it = sandbox();
    let first = reader(&it, "r1");
    let killed = waiting_writer(&it, "w1");
    let behind = waiting_reader(&it, "r2");
    killed.kill();
    let behind = behind.is_in();
    let words = ["--wait", "--timeout", "400ms"];
    let impatient = holding(&it, "w2", &words).start().is_waiting();
    // It may come before or after the writer has given up: it enters in both cases.
    let third = holding(&it, "r3", &["--shared", "--wait"]).start();
    impatient.ends().expect(2).says("gave up after");
    let third = third.is_in();
    let interrupted = waiting_writer(&it, "w3");
    let fourth = waiting_reader(&it, "r4");
    interrupted.signal(Signal::SIGINT);
    assert_eq!(interrupted.ends().signal, Some(Signal::SIGINT as i32));
    let all = [first, behind, third, fourth.is_in()];
    assert_eq!(it.record("x")["co_holders"].as_array().unwrap().len(), 3);
    for reader in all {
        reader.release().ok();
    }
}

#[test]
fn when_the_first_reader_leaves_the_record_names_another() {
    let it = sandbox();
    let (first, second, third) = (reader(&it, "r1"), reader(&it, "r2"), reader(&it, "r3"));
    let record = it.record("x");
    assert_eq!((&record["version"], &record["mode"]), (&1.into(), &"shared".into()));
    assert_eq!((&record["owner"], &record["hold"]), (&"r1".into(), &"guard".into()));
    let own = ["lock_id", "owner", "host", "pid", "agent_id", "acquired_ts", "hold", "fence"];
    for field in own {
        let beside = record["co_holders"].as_array().unwrap();
        assert!(beside.iter().all(|it| !it[field].is_null()), "each has its {field}: {record}");
    }
    first.release().ok();
    let record = it.record("x");
    assert_eq!((&record["owner"], &record["co_holders"][0]["owner"]), (&"r2".into(), &"r3".into()));
    third.release().ok();
    let record = it.record("x");
    assert_eq!((&record["owner"], record.get("co_holders")), (&"r2".into(), None));
    assert_eq!(record["mode"], "shared", "one reader is still a reader");
    second.release().ok();
    assert!(!it.record_path("x").exists(), "the last holder removes the record");
}

#[test]
fn when_the_first_reader_is_killed_the_others_keep_the_lock() {
    let it = sandbox();
    let line = "echo pid $$; exec sleep 1000";
    let mut first = it.lokt(["guard", "x", "--shared", "--", "sh", "-c", line]).owner("r1").start();
    let command = first.prints("pid ").trim().trim_start_matches("pid ").parse().unwrap();
    let second = reader(&it, "r2");
    first.kill();
    assert_eq!(it.lokt(["status", "x", "--json"]).run().ok().json()["taken"], 2, "orphaned");
    kill(Pid::from_raw(command), Signal::SIGKILL).unwrap();
    // A third waits until the killed one is certainly gone: a reader does not wait, a writer does.
    let writer = waiting_writer(&it, "w");
    let status = loop {
        let status = it.lokt(["status", "x", "--json"]).run().ok().json();
        if status["taken"] == 1 {
            break status;
        }
    };
    assert_eq!((&status["owner"], &status["state"]), (&"r2".into(), &"held".into()), "{status}");
    assert_eq!(status["pid_status"], "alive", "it names a live holder: {status}");
    let table = it.lokt(["status"]).run().ok().out;
    assert!(table.contains("held 1 shared") && table.contains("r2"), "{table}");
    let record = it.record("x");
    assert_eq!(record["owner"], "r2", "a list removes the killed holder from the record");
    assert!(it.event_kinds("x").contains(&"stale-break".to_owned()), "{:?}", it.event_kinds("x"));
    second.release().ok();
    writer.is_in().release().ok();
}

#[test]
fn a_reader_inside_its_own_guard_needs_no_second_place() {
    let it = sandbox();
    let inner = |outer: &str, inner: &str| {
        it.shell(&format!("lokt guard x {outer} -- lokt guard x {inner} -- echo deep")).run()
    };
    for (around, flags) in
        [("--shared", "--shared"), ("", "--shared"), ("", "--slots 2"), ("--slots 2", "--slots 2")]
    {
        assert_eq!(inner(around, flags).ok().out, "deep\n", "{flags:?} inside of {around:?}");
    }
    for (around, flags) in [("--shared", ""), ("--slots 2", ""), ("--shared", "--slots 2")] {
        let done = inner(around, flags);
        assert_eq!(done.code, Some(2), "{flags:?} is more than {around:?} gives: {done:#?}");
    }
    inner("--slots 2", "--slots 3").fails_with(1, "has 2 slots, not 3");
}

#[test]
fn a_freeze_blocks_new_readers_and_present_ones_stay() {
    let it = sandbox();
    let first = reader(&it, "r1");
    it.lokt(["freeze", "x", "--ttl", "10m"]).run().ok();
    holding(&it, "r2", &["--shared"]).run().fails_with(2, "is frozen");
    let waiting = waiting_reader(&it, "r3");
    it.lokt(["unfreeze", "x"]).run().ok();
    waiting.is_in().release().ok();
    first.release().ok();
}

#[test]
fn all_shared_holders_are_shown() {
    let it = sandbox();
    let (first, second) = (reader(&it, "ada"), reader(&it, "bob"));
    let writer = waiting_writer(&it, "carl");
    let table = it.lokt(["status"]).run().ok().out;
    assert!(table.contains("held 2 shared") && table.contains("ada"), "{table}");
    let full = it.lokt(["status", "x"]).run().ok().out;
    assert!(full.contains("ada") && full.contains("bob") && full.contains("carl"), "{full}");
    let json = it.lokt(["status", "x", "--json"]).run().ok().json();
    assert_eq!(
        (&json["taken"], &json["mode"], &json["waiters"]),
        (&2.into(), &"shared".into(), &1.into())
    );
    assert_eq!(json["co_holders"][0]["owner"], "bob");
    let why = it.lokt(["why", "x"]).run().expect(2).out;
    for who in ["ada", "bob", "carl", "--shared"] {
        assert!(why.contains(who), "{who} is told: {why}");
    }
    let why = it.lokt(["why", "x", "--json"]).run().expect(2).json();
    assert_eq!(why["reasons"][0]["record"]["co_holders"][0]["owner"], "bob", "{why}");
    let denied = it.lokt(["lock", "x", "--json"]).run().expect(2).json();
    assert_eq!((&denied["reason"], &denied["holder_owner"]), (&"held".into(), &"ada".into()));
    drop((first.release().ok(), second.release().ok()));
    writer.is_in().release().ok();
}

/// The guarded command: a kernel lock on one file shows whether readers and writers were apart.
fn oracle(it: &Sandbox, worker: usize, round: usize) -> Lokt {
    let writes = (worker + round).is_multiple_of(3);
    let (flags, kernel): (&[&str], &str) =
        if writes { (&[], "--exclusive") } else { (&["--shared"], "--shared") };
    let line =
        format!("flock {kernel} --nonblock oracle true || echo VIOLATION >>log; echo in >>log");
    let words = [&["guard", "x", "--wait"], flags, &["-c", &line]].concat();
    it.lokt(words).owner(&format!("o{worker}"))
}

#[test]
fn no_writer_shares_the_lock_while_processes_are_killed() {
    let it = sandbox();
    fs::write(it.folder().join("oracle"), "").unwrap();
    thread::scope(|scope| {
        for worker in 0..8 {
            let it = &it;
            scope.spawn(move || (0..12).for_each(|round| enter_or_die(it, worker, round)));
        }
    });
    let log = fs::read_to_string(it.folder().join("log")).unwrap();
    assert!(!log.contains("VIOLATION"), "a writer shared the lock");
    assert!(log.lines().count() >= 48, "most guards entered: {}", log.lines().count());
    holding(&it, "last", &["--wait"]).start().is_in().release().ok();
    assert_eq!(it.lokt(["status", "--json"]).run().ok().json(), serde_json::json!([]));
}

fn enter_or_die(it: &Sandbox, worker: usize, round: usize) {
    let guard = oracle(it, worker, round).start();
    let is_killed = (worker + round).is_multiple_of(4);
    guard.ends_or_is_killed(is_killed.then_some(round * 80_000));
}
