//! A guard whose lock is taken away: noticed at once, and its command is stopped, or goes on with a warning.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{HOLD, Running, Sandbox};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs, thread,
    time::{Duration, Instant},
};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// Prints `in`, and ends with success at SIGTERM.
const POLITE: &str = "trap 'echo told to stop; exit 0' TERM; sleep 1000 & echo in; wait";

fn polite(it: &Sandbox, flags: &[&str]) -> Running {
    let words = [&["guard", "x"], flags, &["-c", POLITE]].concat();
    it.lokt(words).owner("ada").start().is_in()
}

/// The number of events of a kind about `x`.
fn logged(it: &Sandbox, kind: &str) -> usize {
    it.event_kinds("x").iter().filter(|found| *found == kind).count()
}

/// A record of another program, which holds the lock for a while.
const FOREIGN: &str = r#"{"version":1,"name":"x","owner":"other","acquired_ts":"2026-02-01T10:00:00Z",
    "expires_at":"2199-01-01T00:00:00Z"}"#;

fn replace_record(it: &Sandbox) {
    fs::write(it.folder().join("draft"), FOREIGN).unwrap();
    fs::rename(it.folder().join("draft"), it.record_path("x")).unwrap();
}

/// A way in which a guard can lose its lock: its name, and the act of another program.
type Way = (&'static str, fn(&Sandbox));

const WAYS: [Way; 8] = [
    ("force", |it| drop(it.lokt(["unlock", "x", "--force"]).owner("bob").run().ok())),
    ("record deleted", |it| fs::remove_file(it.record_path("x")).unwrap()),
    ("record moved away", |it| fs::rename(it.record_path("x"), it.folder().join("x")).unwrap()),
    ("record replaced", replace_record),
    ("record overwritten", |it| fs::write(it.record_path("x"), FOREIGN).unwrap()),
    ("line deleted", |it| fs::remove_dir_all(it.root().join("queue/x")).unwrap()),
    ("root moved away", |it| fs::rename(it.root(), it.folder().join("away")).unwrap()),
    ("root deleted", delete_root),
];

/// Moves the root out of the guard's sight first: the guard would make a new one while it is being deleted.
fn delete_root(it: &Sandbox) {
    let away = it.folder().join("away");
    fs::rename(it.root(), &away).unwrap();
    fs::remove_dir_all(away).unwrap();
}

/// Waits until a guard sleeps without an end: it has polled its lock, and now relies on the kernel.
fn await_settled(guard: &Running) {
    while !is_watched(guard) {
        thread::yield_now();
    }
}

/// Whether the kernel notifies a guard of changes of its files.
fn is_watched(guard: &Running) -> bool {
    let watches = |fd: fs::DirEntry| {
        fs::read_link(fd.path()).is_ok_and(|it| it.display().to_string().contains("inotify"))
    };
    let fds = fs::read_dir(format!("/proc/{}/fd", guard.pid())).unwrap();
    fds.flatten().any(watches)
}

/// Removes the lock in one of the ways, and asserts that the command is stopped within a moment.
fn lose((way, lose): Way, settled: bool) {
    let it = sandbox();
    let mut guard = polite(&it, &[]);
    if settled {
        await_settled(&guard);
    }
    let began = Instant::now();
    lose(&it);
    guard.prints("told to stop");
    assert!(began.elapsed() < Duration::from_secs(3), "{way}: after {:?}", began.elapsed());
    let done = guard.ends().expect(6);
    let told = "error: lock \"x\" was lost while the command ran, and it was stopped";
    assert!(
        done.err.contains(told) && done.err.contains("lokt audit --name x"),
        "{way}: {done:#?}"
    );
    assert_eq!(done.err.matches("was taken away").count(), 1, "{way} is told once: {done:#?}");
    assert_eq!(logged(&it, "lost"), 1, "{way} is logged once: {:?}", it.event_kinds("x"));
    assert!(it.tickets("x").is_empty(), "{way}: it left the line");
    if way.starts_with("record re") || way.starts_with("record ov") {
        assert_eq!(fs::read_to_string(it.record_path("x")).unwrap(), FOREIGN, "{way}");
    }
}

#[test]
fn a_lock_that_is_lost_at_once_stops_the_command() {
    thread::scope(|scope| {
        for way in WAYS {
            scope.spawn(move || lose(way, false));
        }
    });
}

#[test]
fn a_lock_that_is_lost_later_stops_the_command() {
    thread::scope(|scope| {
        for way in WAYS {
            scope.spawn(move || lose(way, true));
        }
    });
}

#[test]
fn a_repository_that_is_moved_away_takes_the_lock_with_it() {
    let it = sandbox();
    let (repository, root) = (it.folder().join("repository"), "repository/.git/lokt");
    let words = ["guard", "x", "-c", POLITE];
    let mut guard = it.lokt(words).env("LOKT_ROOT", root).owner("ada").start().is_in();
    await_settled(&guard);
    fs::rename(&repository, it.folder().join("away")).unwrap();
    guard.prints("told to stop");
    guard.ends().expect(6).says("lock \"x\" was lost while the command ran");
}

#[test]
fn a_loss_is_noticed_without_kernel_notifications() {
    let it = sandbox();
    let none = "echo 0 >/proc/sys/user/max_inotify_instances";
    let line = format!("{none}; exec lokt guard x -c \"{POLITE}\"");
    let mut guard = it.with_own_mounts(&line).owner("ada").start().is_in();
    // After a second, the guard would rely on the kernel.
    let clock = ["guard", "x", "--wait", "--timeout", "1200ms", "--", "true"];
    it.lokt(clock).owner("clock").run().expect(2);
    assert!(!is_watched(&guard), "the kernel had nothing to give");
    it.lokt(["unlock", "x", "--force"]).run().ok();
    guard.prints("told to stop");
    guard.ends().expect(6);
}

#[test]
fn all_processes_of_the_command_get_sigterm() {
    let it = sandbox();
    let child = "sh -c 'trap \"echo child stops; exit\" TERM; sleep 1000 & echo in; wait'";
    let grandchild = "sh -c 'sh -c \"exec sleep 1000\" & echo pid $!; wait'";
    let line = format!("{child} & {grandchild} & trap 'echo shell stops; exit 0' TERM; wait; wait");
    let mut guard = it.lokt(["guard", "x", "-c", &line]).owner("ada").start();
    let pid = pid_in(&guard.prints("pid "));
    drop(it.lokt(["unlock", "x", "--force"]).run().ok());
    let done = guard.ends().expect(6);
    assert!(done.out.contains("child stops") && done.out.contains("shell stops"), "{done:#?}");
    assert!(is_over(pid), "no process is left when the guard ends");
}

/// Whether a process has ended. Its parent may not have collected it yet.
fn is_over(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|it| it.contains(") Z ")) || kill(pid, None).is_err()
}

fn pid_in(line: &str) -> Pid {
    Pid::from_raw(line.trim().trim_start_matches("pid ").parse().unwrap())
}

/// Two processes that ignore SIGTERM; they have a kernel lock until both have ended.
const STUBBORN: &str = "exec 8>held; flock 8; trap '' TERM; (trap '' TERM; exec sleep 1000) & echo in; \
    while :; do wait; done";

/// The only test that waits for the end of the grace period, and so for all that comes after it.
#[test]
fn processes_that_ignore_sigterm_are_killed_before_the_next_guard_enters() {
    let it = sandbox();
    let (lost, long) = (Instant::now(), sandbox());
    let words = ["guard", "x", "--max-hold", "100ms", "--status-file", "s", "-c", STUBBORN];
    let too_long = long.lokt(words).owner("ada").start().is_in();
    let look = "flock --nonblock held true || echo VIOLATION";
    let next = long.lokt(["guard", "x", "--wait", "-c", look]).owner("bob").start();
    let broken = it.lokt(["guard", "x", "-c", STUBBORN]).owner("ada").start().is_in();
    it.lokt(["unlock", "x", "--force"]).owner("bob").run().ok();
    let done = broken.ends().expect(6).says("killing what is left of the command");
    assert!(lost.elapsed() >= Duration::from_secs(5), "it had time to stop: {done:#?}");
    too_long.ends().expect(124).says("ran for longer than --max-hold 100ms");
    let done = next.ends().ok();
    assert!(!done.out.contains("VIOLATION"), "{done:#?}");
    let status = fs::read_to_string(long.folder().join("s")).unwrap();
    assert!(status.contains(r#""outcome":"max_hold""#) && status.contains(r#""command_signal":9"#));
}

#[test]
fn a_stopped_command_is_ended_too() {
    let it = sandbox();
    let line = "echo pid $$; exec sleep 1000";
    let mut guard = it.in_new_session(["guard", "x", "-c", line]).owner("ada").start();
    let pid = pid_in(&guard.prints("pid "));
    kill(pid, Signal::SIGSTOP).unwrap();
    it.lokt(["unlock", "x", "--force"]).run().ok();
    guard.ends().expect(6);
    assert!(is_over(pid), "it is gone");
}

#[test]
fn with_on_lost_warn_the_command_runs_on_after_one_warning() {
    let it = sandbox();
    let words = ["guard", "x", "--on-lost", "warn", "-c", "echo in; read line; exit 5"];
    let mut guard = it.lokt(words).owner("ada").start().is_in();
    it.lokt(["unlock", "x", "--force"]).owner("bob").run().ok();
    guard.says("warning: lock \"x\" was taken away while the command ran");
    let next =
        it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).owner("bob").start().is_in();
    let done = guard.release().expect(5);
    assert_eq!(done.err.lines().count(), 1, "one warning, no error: {done:#?}");
    assert_eq!(logged(&it, "lost"), 1);
    assert_eq!(it.record("x")["owner"], "bob", "the next holder's record is unchanged");
    next.release().ok();
    assert_eq!(logged(&it, "release"), 1, "only the holder released it");
}

#[test]
fn a_loss_that_is_found_at_the_end_counts_too() {
    let it = sandbox();
    let steal = "rm \"$LOKT_ROOT/locks/x.json\"; exit 0";
    it.lokt(["guard", "x", "-c", steal])
        .run()
        .expect(6)
        .says("\"x\" was lost while the command ran");
    assert_eq!(logged(&it, "lost"), 1);
    let words = ["guard", "x", "--on-lost", "warn", "-c", "rm \"$LOKT_ROOT/locks/x.json\"; exit 3"];
    it.lokt(words).run().expect(3).says("was taken away");
    assert_eq!(logged(&it, "lost"), 2);
}

#[test]
fn changes_by_other_shared_holders_are_no_loss() {
    let it = sandbox();
    let guard = it.lokt(["guard", "x", "--shared", "--", HOLD[0], HOLD[1], HOLD[2]]);
    let guard = guard.owner("ada").start().is_in();
    let share = |owner: &str| {
        it.lokt(["guard", "x", "--shared", "--ttl", "30ms", "-c", "sleep 0.1"])
            .owner(owner)
            .run()
            .ok();
        it.lokt(["lock", "x", "--shared", "--ttl", "1m"]).owner(owner).run().ok();
        it.lokt(["lock", "x", "--shared", "--ttl", "1m"]).owner(owner).run().ok();
        it.lokt(["unlock", "x"]).owner(owner).run().ok();
    };
    share("bob");
    await_settled(&guard);
    share("carl");
    let done = guard.release().ok();
    assert!(done.err.is_empty() && logged(&it, "lost") == 0, "{done:#?}");
}

/// Lets time pass in which a guard could find that its lock is lost.
fn time_passes(it: &Sandbox) {
    let words = ["guard", "x", "--wait", "--timeout", "400ms", "--", "true"];
    it.lokt(words).owner("clock").run().expect(2);
}

#[test]
fn a_record_that_is_being_rewritten_in_place_is_no_loss() {
    let it = sandbox();
    let mut guard = polite(&it, &[]);
    await_settled(&guard);
    let whole = fs::read(it.record_path("x")).unwrap();
    for half in [&[][..], whole.get(..20).unwrap()] {
        fs::write(it.record_path("x"), half).unwrap();
        time_passes(&it);
        fs::write(it.record_path("x"), &whole).unwrap();
        time_passes(&it);
    }
    assert!(guard.is_running() && logged(&it, "lost") == 0, "{:?}", it.event_kinds("x"));
    // A record that stays unreadable is a loss.
    fs::write(it.record_path("x"), "{").unwrap();
    guard.prints("told to stop");
    guard.ends().expect(6);
    assert_eq!(fs::read_to_string(it.record_path("x")).unwrap(), "{", "it is left for a person");
}

#[test]
fn the_lease_that_a_guard_runs_under_can_be_lost() {
    for way in ["force", "deleted"] {
        let it = sandbox();
        it.lokt(["lock", "x", "--ttl", "10m"]).owner("ada").run().ok();
        let mut guard = polite(&it, &[]);
        if way == "force" {
            it.lokt(["unlock", "x", "--force"]).owner("bob").run().ok();
        } else {
            fs::remove_file(it.record_path("x")).unwrap();
        }
        guard.prints("told to stop");
        guard.ends().expect(6);
        let lost = it.events().into_iter().find(|event| event["event"] == "lost").unwrap();
        assert_eq!(lost["extra"]["under_lease"], true, "{way}");
    }
}

#[test]
fn a_guard_with_a_heartbeat_reports_a_loss_once() {
    let it = sandbox();
    let words =
        ["guard", "x", "--ttl", "60ms", "--on-lost", "warn", "--", HOLD[0], HOLD[1], HOLD[2]];
    let mut guard = it.lokt(words).owner("ada").start().is_in();
    it.lokt(["unlock", "x", "--force"]).run().ok();
    guard.says("was taken away");
    let next =
        it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).owner("bob").start().is_in();
    time_passes(&it);
    let done = guard.release().ok();
    assert_eq!((done.err.lines().count(), logged(&it, "lost")), (1, 1), "{done:#?}");
    assert_eq!(
        it.record("x").get("expires_at"),
        None,
        "no heartbeat changes the next holder's record"
    );
    next.release().ok();
}

#[test]
fn the_loss_of_one_of_several_locks_stops_the_command_and_releases_the_others() {
    let it = sandbox();
    let mut guard = it.lokt(["guard", "c", "x", "a", "-c", POLITE]).owner("ada").start().is_in();
    it.lokt(["unlock", "x", "--force"]).owner("bob").run().ok();
    guard.prints("told to stop");
    guard.ends().expect(6).says("lock \"x\" was lost");
    for name in ["a", "c"] {
        assert_eq!(it.event_kinds(name), ["acquire", "release"], "{name} was never lost");
    }
    assert_eq!(logged(&it, "lost"), 1);
}

#[test]
fn a_guard_inside_the_lost_one_is_stopped_with_it() {
    let it = sandbox();
    let line = format!("lokt guard y -c \"{POLITE}\"");
    let mut guard = it.lokt(["guard", "x", "-c", &line]).owner("ada").start().is_in();
    it.lokt(["unlock", "x", "--force"]).owner("bob").run().ok();
    guard.prints("told to stop");
    guard.ends().expect(6);
    assert_eq!(it.event_kinds("y"), ["acquire", "release"], "the inner guard released its lock");
}

#[test]
fn nothing_of_the_command_outlives_a_guard_that_stopped_it() {
    let ways = [
        ["lokt", "guard", "y", "--", "sh", "stubborn"].as_slice(),
        &["lokt", "guard", "x", "--", "sh", "stubborn"],
        &["timeout", "1000", "sh", "stubborn"],
        &["setsid", "--wait", "sh", "stubborn"],
    ];
    thread::scope(|scope| {
        for way in ways {
            scope.spawn(move || {
                let it = sandbox();
                fs::write(it.folder().join("stubborn"), STUBBORN).unwrap();
                let words = [&["guard", "x", "--"], way].concat();
                let guard = it.lokt(words).owner("ada").start().is_in();
                it.lokt(["unlock", "x", "--force"]).owner("bob").run().ok();
                guard.ends().expect(6).says("and it was stopped");
                it.shell("flock -n held true").run().ok();
            });
        }
    });
}

#[test]
fn in_a_terminal_only_the_command_is_stopped() {
    let it = sandbox();
    fs::write(it.folder().join("polite"), POLITE).unwrap();
    let line =
        "(lokt guard x -- bash polite; echo code $?) | (trap 'echo hit' TERM; cat); echo the end";
    let mut script = it.terminal(line).start();
    script.prints("in");
    it.lokt(["unlock", "x", "--force"]).run().ok();
    script.prints("told to stop");
    script.prints("code 6");
    script.prints("the end");
    let done = script.ends().ok();
    assert!(!done.out.contains("hit"), "the other command of the pipe runs on: {done:#?}");
}

#[test]
fn in_a_terminal_orphaned_processes_are_stopped_too() {
    let it = sandbox();
    fs::write(it.folder().join("polite"), POLITE).unwrap();
    // The shell in between ends, so that the last one has no parent in the test.
    let line =
        "lokt guard x --max-hold 700ms -- bash -c 'bash -c \"bash polite & exit\"; sleep 1000'";
    let mut script = it.terminal(&format!("{line}; echo code $?")).start();
    script.prints("in");
    script.prints("told to stop");
    script.prints("code 124");
    script.ends();
    it.lokt(["exists", "x"]).run().expect(3);
}
