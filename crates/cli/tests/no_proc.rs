//! Without `/proc`, or with a restricted one: locks still exclude, the owner of a lease is recognized, and
//! the doctor reports what is missing.
#![expect(clippy::print_stderr, reason = "who skips a test must say why")]

use lokt_testkit::{Done, Sandbox};

/// Replaces `/proc` by an empty folder.
const EMPTY: &str = "mount -t tmpfs none /proc";
/// A `/proc` that only shows processes.
const SUBSET: &str = "mount -t proc -o subset=pid proc /proc";
/// A `/proc` that hides the processes of other users.
const HIDEPID: &str = "mount -t proc -o hidepid=2 proc /proc";

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// Runs a line after a preparation, as the user of the tests, in one terminal session. Returns `None` if this kernel
/// does not let a user mount another `/proc`.
fn after(it: &Sandbox, preparation: &str, line: &str) -> Option<Done> {
    let tried = it.with_own_mounts(preparation).in_time();
    if tried.code != Some(0) {
        eprintln!("skipped: this kernel refuses `{preparation}` to this user: {}", tried.err);
        return None;
    }
    let line = format!("unset LOKT_OWNER; {preparation}\n{line}");
    Some(it.with_own_mounts(&line).in_time())
}

#[test]
fn the_owner_of_a_lease_is_recognized_and_guards_work() {
    for preparation in [EMPTY, SUBSET, HIDEPID] {
        let it = sandbox();
        let line =
            "lokt lock x --ttl 1h; lokt lock x --ttl 2h; lokt guard x -- echo under; lokt exists x
            lokt why x | head -n 2 | tail -n 1; lokt status x; lokt unlock x
            lokt lock y --ttl 1h; lokt unlock --all
            code=0; lokt guard g --ttl 1s -- sh -c 'exit 3' || code=$?; echo code $code
            lokt guard g -- sh -c 'lokt guard g -- echo nested; lokt why g' || echo code $?
            lokt audit --name x | wc -l";
        let Some(done) = after(&it, preparation, line) else { continue };
        let out = done.ok().out;
        for told in [
            "acquired lock \"x\"\nrenewed lock \"x\"\nunder\n",
            "self_held: held by you",
            "released lock \"x\"\n",
            "released lock \"y\"\n",
            "code 3\n",
            "nested\n",
        ] {
            assert!(out.contains(told), "{preparation}: no {told:?} in {out}");
        }
    }
}

#[test]
fn two_sessions_of_one_user_are_still_two() {
    let it = sandbox();
    let line = "lokt lock x --ttl 1h; code=0; setsid --wait lokt lock x || code=$?; echo code $code
        setsid --wait lokt unlock x || echo code $?";
    let Some(done) = after(&it, EMPTY, line) else { return };
    let done = done.ok();
    assert!(
        done.out.ends_with("code 2\ncode 4\n"),
        "another session's lease is not mine: {done:#?}"
    );
}

#[test]
fn guards_exclude_and_waiters_are_woken() {
    let it = sandbox();
    let line = "mkfifo hold; LOKT_OWNER=ada lokt guard x -- sh -c 'echo in; read line <hold' &
        while ! lokt status x 2>/dev/null | grep -q held; do :; done
        code=0; LOKT_OWNER=bob lokt guard x -- true || code=$?; echo code $code
        LOKT_OWNER=bob lokt guard x --wait -- echo after & echo >hold; wait";
    let Some(done) = after(&it, EMPTY, line) else { return };
    let out = done.ok().out;
    assert!(out.contains("code 2\n") && out.ends_with("after\n"), "{out}");
}

#[test]
fn a_command_that_runs_too_long_is_stopped() {
    let it = sandbox();
    let Some(done) = after(&it, EMPTY, "lokt guard x --max-hold 100ms -- sleep 60") else { return };
    done.expect(124);
    assert!(!it.record_path("x").exists(), "and the lock is released");
}

#[test]
fn an_invisible_process_is_not_proven_dead() {
    let it = sandbox();
    // The pid has no meaning in the namespace of the writer, which did not know its own.
    let line = "sleep 60 & lokt lock tied --pid $!; kill $!; wait $! || true
        LOKT_OWNER=bob lokt lock tied || echo code $?";
    let Some(done) = after(&it, EMPTY, line) else { return };
    assert!(done.ok().out.ends_with("code 2\n"), "in doubt it is held");
    assert_eq!(it.record("tied")["pid_ns"], 0, "the record says that its place is unknown");
    it.lokt(["lock", "tied"]).owner("bob").run().expect(2);
    it.lokt(["unlock", "tied", "--break-stale"]).owner("bob").run().expect(4);
    it.lokt(["unlock", "tied", "--force"]).owner("bob").run().ok();
}

#[test]
fn pids_of_another_namespace_are_not_mistaken_for_local_ones() {
    let it = sandbox();
    // `/proc` stays that of the outer namespace.
    let line = "unset LOKT_OWNER; unshare --pid --fork bash -euc '
        lokt lock x --ttl 1h; lokt doctor | grep processes; sleep 60 & lokt lock tied --pid $!
        LOKT_OWNER=bob lokt lock tied || echo code $?
        lokt guard g --max-hold 100ms -- sleep 60 || echo code $?; kill %1'";
    let done = it.with_own_mounts(line).in_time().ok();
    assert!(done.out.contains("another pid namespace"), "{done:#?}");
    assert!(done.out.contains("code 2\n"), "its process lives: {done:#?}");
    assert!(done.out.ends_with("code 124\n"), "{done:#?}");
}

#[test]
fn the_doctor_warns_where_each_command_is_another_agent() {
    let it = sandbox();
    let line = "unset LOKT_OWNER; unshare --pid --fork --mount-proc bash -uc '
        lokt lock x --ttl 1h; lokt unlock x; echo code $?
        lokt doctor | grep session; LOKT_AGENT_ID=job lokt doctor | grep -c session
        LOKT_AGENT_ID=job lokt lock y --ttl 1h; LOKT_AGENT_ID=job lokt unlock y; setsid --wait lokt doctor | grep -c session
        true'";
    let done = it.with_own_mounts(line).in_time().ok();
    let lines: Vec<&str> = done.out.lines().collect();
    let [_, refused, warning, given, _, released, led] = lines[..] else { panic!("{done:#?}") };
    assert_eq!(refused, "code 4", "the second command is another agent");
    assert!(warning.starts_with("warn  session") && warning.contains("LOKT_AGENT_ID"), "{done:#?}");
    assert_eq!((given, led), ("0", "0"), "a given id, or a session in the container, is one agent");
    assert_eq!(released, "released lock \"y\"");
}

#[test]
fn the_doctor_reports_what_is_missing() {
    for (preparation, status, text) in [
        (EMPTY, "warn", "/proc is missing"),
        (SUBSET, "warn", "/proc has no sys/kernel/random/boot_id"),
        (HIDEPID, "ok", "/proc shows"),
    ] {
        let it = sandbox();
        let Some(done) = after(&it, preparation, "lokt doctor --json") else { continue };
        let report = done.ok().json();
        let checks = report["checks"].as_array().unwrap();
        let check = checks.iter().find(|it| it["name"] == "processes").unwrap();
        assert_eq!(check["status"], status, "{preparation}: {check}");
        assert!(check["message"].as_str().unwrap().starts_with(text), "{preparation}: {check}");
    }
}
