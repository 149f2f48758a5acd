//! What killed processes leave behind, and which process enters then.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{HOLD, Running, Sandbox};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

fn holder(it: &Sandbox, name: &str) -> Running {
    it.lokt(["guard", name, "--", HOLD[0], HOLD[1], HOLD[2]]).owner("ada").start().is_in()
}

/// A guard whose command prints its pid and lives until it is killed, also without standard input. It leads a
/// process group, which has no other process.
fn stubborn(it: &Sandbox, name: &str) -> (Running, Pid) {
    let words = ["guard", name, "--", "sh", "-c", "echo pid $$; exec sleep 1000"];
    let mut guard = it.in_new_session(words).owner("ada").start();
    let pid = guard.prints("pid ").trim().trim_start_matches("pid ").parse().unwrap();
    (guard, Pid::from_raw(pid))
}

#[test]
fn the_command_of_a_killed_guard_holds_the_lock_until_it_ends() {
    let it = sandbox();
    let (guard, command) = stubborn(&it, "x");
    let gone = format!(
        "what is left of a guard's command, which is yours (pid {}, the guard, is gone)",
        guard.pid()
    );
    guard.kill();
    it.lokt(["guard", "x", "--", "true"]).owner("bob").run().fails_with(2, "held by ada");
    it.lokt(["lock", "x"]).owner("bob").run().fails_with(2, "held by ada");
    it.lokt(["unlock", "x", "--break-stale"])
        .owner("bob")
        .run()
        .fails_with(4, "processes of its command live");
    it.lokt(["unlock", "x"]).owner("ada").run().fails_with(4, &gone);
    let why = it.lokt(["why", "x", "--json"]).owner("bob").run().expect(2).json();
    let reason = &why["reasons"][0];
    assert_eq!(reason["type"], "held");
    assert!(reason["message"].as_str().unwrap().contains("its guard is gone"), "{reason}");
    assert_eq!(
        reason["processes"][0]["pid"],
        command.as_raw(),
        "it names the process that keeps the lock"
    );
    let status = it.lokt(["status", "x", "--json"]).run().ok().json();
    assert_eq!((&status["state"], &status["pid_status"]), (&"orphaned".into(), &"dead".into()));

    let waiter = it.lokt(["guard", "x", "--wait", "--", "true"]).owner("bob").start().is_waiting();
    kill(command, Signal::SIGKILL).unwrap();
    waiter.ends().ok();
    assert!(it.event_kinds("x").contains(&"stale-break".to_owned()), "{:?}", it.event_kinds("x"));
}

#[test]
fn the_last_process_of_the_tree_counts_not_the_first() {
    let it = sandbox();
    let line = "sh -c 'echo pid $$; exec sleep 1000' & wait";
    let mut guard = it.lokt(["guard", "x", "--", "sh", "-c", line]).owner("ada").start();
    let grandchild: i32 = guard.prints("pid ").trim().trim_start_matches("pid ").parse().unwrap();
    let shell = child_of(guard.pid());
    guard.kill();
    kill(shell, Signal::SIGKILL).unwrap();
    it.lokt(["guard", "x", "--", "true"]).owner("bob").run().fails_with(2, "held by ada");
    let waiter = it.lokt(["guard", "x", "--wait", "--", "true"]).owner("bob").start().is_waiting();
    kill(Pid::from_raw(grandchild), Signal::SIGKILL).unwrap();
    waiter.ends().ok();
}

fn child_of(pid: i32) -> Pid {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    Pid::from_raw(children.split_whitespace().next().unwrap().parse().unwrap())
}

#[test]
fn a_guard_killed_with_its_command_is_free_at_once() {
    let it = sandbox();
    let (guard, _) = stubborn(&it, "x");
    let waiter = it.lokt(["guard", "x", "--wait", "--", "true"]).owner("bob").start().is_waiting();
    killpg(Pid::from_raw(guard.pid()), Signal::SIGKILL).unwrap();
    waiter.ends().ok();
    drop(guard);
}

#[test]
fn what_a_dead_guard_left_is_free_for_every_command() {
    let it = sandbox();
    for (words, code) in [
        (vec!["exists", "x"], 3),
        (vec!["get-meta", "x", "k"], 3),
        (vec!["status", "x"], 3),
        (vec!["why", "x"], 0),
        (vec!["lock", "x"], 0),
    ] {
        dead_guard(&it, "x");
        assert!(it.record_path("x").exists(), "the record is left behind");
        it.lokt(words.clone()).owner("bob").run().expect(code);
        it.lokt(["unlock", "x", "--force"]).run();
    }
    dead_guard(&it, "x");
    assert_eq!(it.lokt(["status", "--json"]).run().ok().json(), serde_json::json!([]));
    assert!(!it.record_path("x").exists() && it.event_kinds("x").last().unwrap() == "stale-break");
}

fn dead_guard(it: &Sandbox, name: &str) {
    let (guard, _) = stubborn(it, name);
    killpg(Pid::from_raw(guard.pid()), Signal::SIGKILL).unwrap();
    // A guard in the queue behind it enters when it is certainly gone; then its record is put back.
    let record = std::fs::read(it.record_path(name)).unwrap();
    it.lokt(["guard", name, "--wait", "--", "true"]).owner("cleaner").run().ok();
    it.write_record(name, record);
    drop(guard);
}

#[test]
fn killed_waiters_do_not_affect_the_others() {
    let it = sandbox();
    let first = holder(&it, "x");
    let mut waiters: Vec<Running> = (0..6).map(|n| waiter(&it, n)).collect();
    for dead in [4, 2, 1] {
        waiters.remove(dead).kill();
    }
    first.release().ok();
    for waiter in waiters {
        waiter.ends().ok();
    }
    let order = std::fs::read_to_string(it.folder().join("order")).unwrap();
    assert_eq!(order, "0\n3\n5\n", "live waiters enter in their order");
    assert!(it.tickets("x").is_empty(), "the dead tickets are gone too");
}

fn waiter(it: &Sandbox, number: usize) -> Running {
    let line = format!("echo {number} >>order");
    let words = ["guard", "x", "--wait", "--", "sh", "-c", &line];
    it.lokt(words).owner(&format!("w{number}")).start().is_waiting()
}

#[test]
fn the_next_waiter_enters_when_the_first_is_killed() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "10m"]).owner("ada").run().ok();
    let head = waiter(&it, 0);
    let next = waiter(&it, 1);
    head.kill();
    it.lokt(["unlock", "x"]).owner("ada").run().ok();
    next.ends().ok();
}

#[test]
fn a_forced_break_admits_the_next_while_the_old_command_runs() {
    let it = sandbox();
    let words = ["guard", "x", "--on-lost", "warn", "--", HOLD[0], HOLD[1], HOLD[2]];
    let broken = it.lokt(words).owner("ada").start().is_in();
    let waiter = it.lokt(["guard", "x", "--wait", "--", "true"]).owner("bob").start().is_waiting();
    it.lokt(["unlock", "x", "--force"]).owner("carl").run().ok();
    waiter.ends().ok();
    let after =
        it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).owner("dora").start().is_in();
    broken.release().ok().says("was taken away");
    let record = it.record("x");
    assert_eq!(record["owner"], "dora", "the loser does not remove the next holder's record");
    it.lokt(["guard", "x", "--", "true"]).run().fails_with(2, "held by dora");
    after.release().ok();
    let kinds = it.event_kinds("x");
    assert!(
        kinds.contains(&"force-break".to_owned()) && kinds.contains(&"lost".to_owned()),
        "{kinds:?}"
    );
}

#[test]
fn the_root_may_vanish_under_a_guard_and_its_waiters() {
    let it = sandbox();
    let old = holder(&it, "x");
    let waiter = it.lokt(["guard", "x", "--wait", "--", "true"]).owner("bob").start().is_waiting();
    // In one step, and not file by file: the guard makes a new root as soon as it misses its record.
    let away = it.folder().join("away");
    std::fs::rename(it.root(), &away).unwrap();
    std::fs::remove_dir_all(away).unwrap();
    waiter.ends().ok();
    old.ends().expect(6).says("was lost while the command ran");
    it.lokt(["guard", "x", "--", "true"]).run().ok();
}

#[test]
fn an_incomplete_root_is_completed() {
    let it = sandbox();
    for missing in ["locks", "freezes", "queue", "tmp", "latches"] {
        it.lokt(["guard", "x", "--", "true"]).run().ok();
        // Not every command makes every folder.
        let _ = std::fs::remove_dir_all(it.root().join(missing));
        it.lokt(["guard", "x", "--", "true"]).run().ok();
        let _ = std::fs::remove_dir_all(it.root().join(missing));
        it.lokt(["lock", "x"]).run().ok();
        std::fs::remove_dir_all(it.root().join("tmp")).unwrap();
        it.lokt(["unlock", "x"]).run().ok();
        it.lokt(["exists", "x"]).run().expect(3);
    }
}

#[test]
fn a_hundred_first_uses_at_once_make_one_root() {
    let it = sandbox();
    std::thread::scope(|scope| {
        for n in 0..100 {
            let it = &it;
            scope.spawn(move || it.lokt(["guard", &format!("n{n}"), "--", "true"]).run().ok());
        }
    });
}

#[test]
fn drafts_left_by_a_crash_block_no_command() {
    let it = sandbox();
    it.lokt(["guard", "x", "--", "true"]).run().ok();
    let draft = it.root().join("tmp/x.lock");
    for leave in [(|path| std::fs::create_dir(path).unwrap()) as fn(&std::path::Path), |path| {
        std::fs::write(path, "half a rec").unwrap();
    }] {
        leave(&draft);
        it.lokt(["lock", "x"]).run().ok();
        leave(&draft);
        it.lokt(["unlock", "x"]).run().ok();
        std::fs::create_dir(it.record_path("x")).unwrap();
        leave(&draft);
        it.lokt(["unlock", "x", "--break-stale"]).run().ok();
        if draft.is_dir() { std::fs::remove_dir(&draft) } else { std::fs::remove_file(&draft) }
            .ok();
    }
}
