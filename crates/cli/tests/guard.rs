//! A command under a lock: its environment, its exit code, and which other processes enter.

use lokt_testkit::{HOLD, Sandbox, time};
use nix::sys::signal::Signal;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

fn guard<'a>(name: &'a str, command: &[&'a str]) -> Vec<&'a str> {
    [&["guard", name, "--"], command].concat()
}

#[test]
fn the_code_of_the_command_is_the_code_of_the_guard() {
    let it = sandbox();
    for code in ["0", "1", "2", "7", "255"] {
        let line = format!("exit {code}");
        it.lokt(guard("x", &["sh", "-c", &line])).run().expect(code.parse().unwrap());
    }
    it.lokt(guard("x", &["sh", "-c", "kill -TERM $$"])).run().expect(143);
    it.lokt(guard("x", &["sh", "-c", "kill -KILL $$"])).run().expect(137);
    assert!(!it.record_path("x").exists(), "each gave the lock back");
}

#[test]
fn a_command_that_cannot_run_has_the_codes_of_a_shell_and_gives_the_lock_back() {
    let it = sandbox();
    it.lokt(guard("x", &["no-such-command"]))
        .run()
        .fails_with(127, "command not found: no-such-command");
    std::fs::write(it.folder().join("data"), "no program").unwrap();
    it.lokt(guard("x", &["./data"])).run().fails_with(126, "cannot run ./data");
    it.lokt(["exists", "x"]).run().expect(3);
}

#[test]
fn a_script_without_its_first_line_is_given_to_the_shell() {
    let it = sandbox();
    let script = it.folder().join("script");
    std::fs::write(&script, "echo \"$0 $1\"; exit 3").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    let done = it.lokt(guard("x", &["./script", "a b"])).run().expect(3);
    assert_eq!(done.out, "./script a b\n");
    let path = format!("{}:/usr/bin:/bin", it.folder().display());
    let done = it.lokt(guard("x", &["script", "c"])).env("PATH", path).run().expect(3);
    assert_eq!(done.out, format!("{} c\n", script.display()));
}

#[test]
fn the_command_finds_its_lock_in_the_environment() {
    let it = sandbox();
    let line =
        "echo $LOKT_NAME $LOKT_LOCK_ID $LOKT_FENCE $LOKT_OWNER; cat \"$LOKT_ROOT/locks/x.json\"";
    let done = it.lokt(guard("x", &["sh", "-c", line])).run().ok();
    let (told, record) = done.out.split_once('\n').unwrap();
    let record: serde_json::Value = serde_json::from_str(record).unwrap();
    let id = record["lock_id"].as_str().unwrap();
    assert_eq!(told, format!("x {id} {} tester", record["fence"]));
    assert_eq!(record["command"][0], "sh");
}

#[test]
fn standard_streams_are_the_commands_own() {
    let it = sandbox();
    let mut cat = it.lokt(guard("x", &["sh", "-c", "cat; echo to-err >&2"])).start();
    cat.types("typed\n");
    cat.prints("typed");
    let done = cat.release().ok();
    assert_eq!((done.out.as_str(), done.err.as_str()), ("typed\n", "to-err\n"));
}

#[test]
fn a_second_guard_is_refused_and_the_error_names_the_holder() {
    let it = sandbox();
    let holder = it.lokt(guard("x", &HOLD)).owner("ada").start().is_in();
    let denied =
        it.lokt(guard("x", &["true"])).owner("bob").run().fails_with(2, "held by ada (pid ");
    assert!(denied.err.contains("running: sh -c") && denied.err.contains("--wait"), "{denied:#?}");
    it.lokt(["lock", "x"]).owner("bob").run().fails_with(2, "held by ada");
    it.lokt(guard("x", &["true"])).owner("ada").run().fails_with(2, "held by you: ada");
    it.lokt(["lock", "x"]).owner("ada").run().fails_with(2, "held by you: ada");
    holder.release().ok();
    it.lokt(guard("x", &["true"])).owner("bob").run().ok();
    assert_eq!(it.event_kinds("x")[..2], ["acquire", "deny"]);
}

#[test]
fn other_names_are_other_locks() {
    let it = sandbox();
    let holder = it.lokt(guard("x", &HOLD)).start().is_in();
    for n in 0..100 {
        // Some of these share a latch with x.
        it.lokt(guard(&format!("other-{n}"), &["true"])).run().ok();
    }
    holder.release().ok();
}

#[test]
fn a_guard_inside_a_guard_of_the_same_name_runs_straight_through() {
    let it = sandbox();
    let inner = "lokt guard y -- lokt guard x -- sh -c 'echo $LOKT_NAME deep; exit 5'";
    let done = it.shell(&format!("lokt guard x -- {inner}")).run().expect(5);
    assert_eq!(done.out, "x deep\n");
    assert!(it.tickets("x").is_empty() && it.tickets("y").is_empty());
}

#[test]
fn a_process_that_outlived_its_guard_waits_like_any_caller() {
    let it = sandbox();
    let stale = it.shell("lokt guard x -- sh -c 'echo $LOKT_HELD'").run().ok().out;
    let holder = it.lokt(guard("x", &HOLD)).owner("ada").start().is_in();
    let late = it.lokt(guard("x", &["true"])).owner("bob").env("LOKT_HELD", stale.trim());
    late.run().fails_with(2, "held by ada");
    holder.release().ok();
}

#[test]
fn a_daemon_that_the_command_left_behind_does_not_keep_the_lock() {
    let it = sandbox();
    let daemon = "sleep 1000 >/dev/null 2>&1 & echo $!";
    let pid = it.lokt(guard("x", &["sh", "-c", daemon])).run().ok().out;
    it.lokt(guard("x", &["true"])).owner("other").run().ok();
    let pid = nix::unistd::Pid::from_raw(pid.trim().parse().unwrap());
    nix::sys::signal::kill(pid, Signal::SIGKILL).expect("the daemon was alive all the time");
}

#[test]
fn a_script_may_use_small_descriptors_without_losing_the_lock() {
    let it = sandbox();
    let line = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; echo in; read line";
    let guard_process = it.lokt(guard("x", &["bash", "-c", line])).start().is_in();
    guard_process.signal(Signal::SIGKILL);
    it.lokt(guard("x", &["true"])).owner("other").run().fails_with(2, "held by tester");
    drop(guard_process);
}

#[test]
fn a_guard_enters_under_its_owners_lease_and_leaves_it() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "10m", "--meta", "k=v"]).run().ok();
    let lease = it.record("x");
    let inside = it.lokt(guard("x", &HOLD)).start().is_in();
    it.lokt(guard("x", &["true"])).run().fails_with(2, "lock \"x\"");
    it.lokt(guard("x", &["true"])).owner("other").run().fails_with(2, "held by tester");
    it.lokt(["unlock", "x"]).run().fails_with(4, "held by a living guard");
    it.lokt(["lock", "x"]).run().ok();
    inside.release().ok();
    let after = it.record("x");
    for field in ["lock_id", "metadata", "hold", "fence", "held_since"] {
        assert_eq!(after[field], lease[field], "the lease's {field} is as it was");
    }
    it.lokt(["unlock", "x"]).run().ok();
}

#[test]
fn waiters_for_a_lease_do_not_block_its_owner() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "10m"]).run().ok();
    let waiter =
        it.lokt(["guard", "x", "--wait", "--", "true"]).owner("other").start().is_waiting();
    it.lokt(guard("x", &["true"])).run().ok();
    it.lokt(["unlock", "x"]).run().ok();
    waiter.ends().ok();
}

#[test]
fn the_announced_lifetime_is_renewed_while_the_command_runs() {
    let it = sandbox();
    let mut log = it.lokt(["audit", "--tail", "--event", "renew", "--name", "x"]).start();
    let holder =
        it.lokt(["guard", "x", "--ttl", "300ms", "--", HOLD[0], HOLD[1], HOLD[2]]).start().is_in();
    let first = it.record("x")["expires_at"].clone();
    log.prints("renew");
    log.prints("renew");
    assert!(time(&it.record("x")["expires_at"]) > time(&first), "the expiry moves on");
    holder.release().ok();
    log.kill();
}

#[test]
fn fences_rise_with_every_acquisition() {
    let it = sandbox();
    let fence = || -> u64 {
        let done = it.lokt(guard("x", &["sh", "-c", "echo $LOKT_FENCE"])).run().ok();
        done.out.trim().parse().unwrap()
    };
    let first = fence();
    it.lokt(["lock", "x", "--json"]).run().ok();
    let lease = it.record("x")["fence"].as_u64().unwrap();
    it.lokt(["unlock", "x"]).run().ok();
    assert!(first < lease && lease < fence(), "a later holder has a larger fence");
}

#[test]
fn a_guard_under_a_lease_holds_when_the_lease_ends_first() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "10m"]).run().ok();
    let mut waiter =
        it.lokt(["guard", "x", "--wait", "--", "true"]).owner("b").start().is_waiting();
    // It enters past a waiter for the lease, with a later number.
    let words = ["guard", "x", "--on-lost", "warn", "--", HOLD[0], HOLD[1], HOLD[2]];
    let inside = it.lokt(words).start().is_in();
    // The lease is removed, as by its expiry, while the guard's command lives.
    std::fs::remove_file(it.record_path("x")).unwrap();
    it.lokt(guard("x", &["true"])).owner("c").run().expect(2);
    // A caller in the queue behind the waiter times out: the waiter had its chance to enter.
    it.lokt(["guard", "x", "--wait", "--timeout", "200ms", "--", "true"])
        .owner("c")
        .run()
        .expect(2);
    assert!(waiter.is_running(), "no guard enters beside a live command");
    let status = it.lokt(["status", "x", "--json"]).run().ok().json();
    assert_eq!(
        (&status["state"], &status["inside"][0]["owner"]),
        (&"held".into(), &"tester".into())
    );
    inside.release().ok().says("was taken away");
    waiter.ends().ok();
}

#[test]
fn a_command_killed_with_its_guard_under_a_lease_leaves_the_lease() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "10m"]).run().ok();
    let inside = it.lokt(guard("x", &HOLD)).start().is_in();
    inside.kill();
    it.lokt(["status", "x"]).run().ok();
    it.lokt(["guard", "x", "--wait", "--", "true"]).run().ok();
    it.lokt(["unlock", "x"]).run().ok();
}
