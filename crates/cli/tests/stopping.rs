//! Which processes a guard stops that has lost its lock, or whose command ran for too long, and which it does
//! not.

use lokt_testkit::Sandbox;
use std::fs;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// Prints `in`, and ends with success at SIGTERM.
const POLITE: &str = "trap 'echo told to stop; exit 0' TERM; sleep 1000 & echo in; wait";

#[test]
fn processes_outside_the_group_are_stopped_at_the_same_time() {
    let it = sandbox();
    // The first process ignores SIGTERM; the others have left the session, or have closed the ticket, or
    // both.
    let others = "setsid sh -c 'trap \"echo session told; exit\" TERM; echo one; while :; do sleep 0.01; done' & \
        python3 -S -c 'import os; os.closerange(3, 1024); os.execvp(\"bash\", [\"bash\", \"-c\", \
        \"trap \\\"echo closed told; exit\\\" TERM; echo two; while :; do sleep 0.01; done\"])' & \
        trap '' TERM; echo three; wait; exec sleep 1000";
    let mut guard = it.in_new_session(["guard", "x", "-c", others]).owner("ada").start();
    for _ in 0..3 {
        guard.prints("");
    }
    it.lokt(["unlock", "x", "--force"]).run().ok();
    let mut told: Vec<String> = (0..2).map(|_| guard.prints("told").trim().to_owned()).collect();
    told.sort_unstable();
    assert_eq!(told, ["closed told", "session told"], "long before the first one is killed");
    guard.ends().expect(6).says("killing what is left of the command");
}

#[test]
fn a_lost_lock_stops_no_other_process_of_the_callers_group() {
    for lose in ["unlock x --force", "status"] {
        let it = sandbox();
        let max_hold = if lose == "status" { "--max-hold 300ms" } else { "" };
        fs::write(it.folder().join("polite"), POLITE).unwrap();
        let line = format!(
            "trap 'echo hit the script' TERM; (lokt guard x {max_hold} -- bash polite; echo code $?) | \
             (trap 'echo hit the pipe' TERM; while read line; do echo \"$line\"; done); echo the end"
        );
        let mut script = it.shell(&line).owner("ada").start();
        script.prints("in");
        it.lokt(lose.split(' ')).run().ok();
        script.prints("told to stop");
        script.prints(if lose == "status" { "code 124" } else { "code 6" });
        script.prints("the end");
        let done = script.ends().ok();
        assert!(!done.out.contains("hit"), "other processes of the group run on: {done:#?}");
    }
}
