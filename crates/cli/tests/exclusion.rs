//! Mutual exclusion under load: many real processes, kills at any moment, and a check inside the lock.
#![expect(clippy::expect_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::Sandbox;
use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// Creates a file exclusively, works a little, and removes it. If the file of a live process is there,
/// exclusion is violated; the file of a dead process was left by its kill.
const ORACLE: &str = r#"
import os, sys
path, log = sys.argv[1], sys.argv[2]
def say(word): os.write(os.open(log, os.O_APPEND | os.O_CREAT | os.O_WRONLY), (word + "\n").encode())
def lives(pid):
    try: return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError: return False
mine = f"{path}.{os.getpid()}"
with open(mine, "w") as f: f.write(str(os.getpid()))
while True:
    try: os.link(mine, path); break
    except FileExistsError:
        try: other = int(open(path).read())
        except (OSError, ValueError): continue
        if lives(other): say("VIOLATION"); sys.exit(7)
        try: os.unlink(path)
        except FileNotFoundError: pass
os.unlink(mine)
say("ENTER")
for _ in range(20000): pass
os.unlink(path)
"#;

fn sandbox() -> Sandbox {
    let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
    fs::write(it.folder().join("oracle.py"), ORACLE).expect("the oracle is written");
    it
}

fn entries(it: &Sandbox) -> usize {
    let log = fs::read_to_string(it.folder().join("log")).unwrap_or_default();
    assert!(!log.contains("VIOLATION"), "two were in at once");
    log.lines().filter(|line| *line == "ENTER").count()
}

fn enter(it: &Sandbox, owner: &str) -> lokt_testkit::Lokt {
    let words = ["guard", "hot", "--wait", "--", "python3", "-S", "oracle.py", "held", "log"];
    it.lokt(words).owner(owner)
}

#[test]
fn a_hundred_at_once_enter_one_by_one() {
    let it = sandbox();
    thread::scope(|scope| {
        for n in 0..100 {
            let it = &it;
            scope.spawn(move || enter(it, &format!("w{n}")).run().ok());
        }
    });
    assert_eq!(entries(&it), 100);
    assert!(it.tickets("hot").is_empty() && !it.record_path("hot").exists(), "nothing is left");
}

#[test]
fn kills_of_supervisors_at_any_moment_break_no_exclusion_and_block_no_caller() {
    let it = sandbox();
    let killed = AtomicUsize::new(0);
    thread::scope(|scope| {
        for worker in 0..8 {
            let (it, killed) = (&it, &killed);
            scope.spawn(move || (0..25).for_each(|round| enter_or_die(it, worker, round, killed)));
        }
    });
    assert!(entries(&it) + killed.into_inner() >= 200, "every process entered or was killed");
    // The lock still works after the last kill.
    enter(&it, "last").run().ok();
    assert_eq!(it.lokt(["status", "--json"]).run().ok().json(), serde_json::json!([]));
}

/// Enters once. Every third process is killed, after a varying part of its life: while it starts, waits,
/// enters, runs or leaves.
fn enter_or_die(it: &Sandbox, worker: usize, round: usize, killed: &AtomicUsize) {
    let guard = enter(it, &format!("w{worker}")).start();
    let is_killed = (worker + round).is_multiple_of(3);
    killed.fetch_add(usize::from(is_killed), Ordering::Relaxed);
    guard.ends_or_is_killed(is_killed.then_some(round * 40_000));
}
