//! Locks that a program in another language holds through `lokt hold-for-program`: they live as long as its pipe.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{HOLD, Running, Sandbox};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// A program's helper, before its first request.
fn helper(it: &Sandbox) -> Running {
    it.lokt(["hold-for-program"]).start()
}

/// Sends a request and returns the answer, which must have this status.
fn ask(helper: &mut Running, request: &Value, status: &str) -> Value {
    helper.types(&format!("{request}\n"));
    let answer = helper.prints("{");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer.get("status").unwrap(), status, "{request} is answered by {answer}");
    answer
}

#[test]
fn a_program_holds_locks_until_it_gives_them_back() {
    let it = sandbox();
    let mut one = helper(&it);
    for _ in 0..2 {
        let request = json!({"lock": ["a", "b"], "command": ["python", "x.py"]});
        let answer = ask(&mut one, &request, "acquired");
        assert_eq!(answer["names"], json!(["a", "b"]));
        let record = it.record("a");
        assert_eq!((&record["hold"], &record["pid"]), (&json!("guard"), &json!(one.pid())));
        assert_eq!(record["command"], json!(["python", "x.py"]));
        assert_eq!(record["lock_id"], answer["lock_ids"][0]);
        assert_eq!(record["fence"], answer["fences"][0]);
        assert_eq!(answer["environment"]["LOKT_NAME"], "a,b");
        it.lokt(["lock", "b"]).owner("other").run().expect(2);
        let answer = ask(&mut one, &json!({"unlock": true}), "released");
        assert_eq!(answer["lost"], json!([]));
        it.lokt(["guard", "a", "b", "--", "true"]).owner("other").run().ok();
    }
    one.closes_input();
    one.ends().ok();
}

#[test]
fn the_end_of_the_program_gives_its_locks_back() {
    let it = sandbox();
    let mut one = helper(&it);
    ask(&mut one, &json!({"lock": ["x"]}), "acquired");
    let next = it.lokt(["guard", "x", "--wait", "--", "echo", "in"]).owner("next").start();
    let next = next.is_waiting();
    one.closes_input();
    assert_eq!(next.ends().ok().out, "in\n", "the next waiter gets it");
    one.ends().ok();
    assert_eq!(it.event_kinds("x"), ["acquire", "release", "acquire", "release"]);
}

#[test]
fn two_helpers_of_one_caller_exclude_each_other() {
    let it = sandbox();
    let (mut one, mut two) = (helper(&it), helper(&it));
    ask(&mut one, &json!({"lock": ["x"]}), "acquired");
    let refusal = ask(&mut two, &json!({"lock": ["x"]}), "blocked");
    assert_eq!((&refusal["exit_code"], &refusal["name"]), (&json!(2), &json!("x")));
    assert_eq!(refusal["holder_pid"], one.pid());
    let refusal = ask(&mut two, &json!({"lock": ["x"], "wait_ms": 20}), "blocked");
    assert!(refusal["waited_ms"].as_u64().unwrap() >= 20, "it waited: {refusal}");
    let readers = json!({"lock": ["r"], "shared": true});
    ask(&mut two, &readers, "acquired");
    it.lokt(["guard", "r", "--shared", "--", "true"]).run().ok();
    it.lokt(["guard", "r", "--", "true"]).run().expect(2);
}

#[test]
fn a_program_that_ends_while_it_waits_leaves_the_queue() {
    let it = sandbox();
    let holder = it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).start().is_in();
    let mut one = helper(&it);
    one.types("{\"lock\": [\"x\"], \"wait_ms\": 600000}\n");
    it.shell("until lokt status x --json | grep -q '\"waiters\":1'; do :; done").in_time().ok();
    one.closes_input();
    one.ends().ok();
    assert_eq!(it.tickets("x").len(), 1, "only the holder's place is left");
    holder.release().ok();
}

#[test]
fn signals_are_the_programs_own_matter() {
    let it = sandbox();
    let mut one = helper(&it);
    ask(&mut one, &json!({"lock": ["x"]}), "acquired");
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGTSTP] {
        one.signal(signal);
    }
    ask(&mut one, &json!({"unlock": true}), "released");
    one.closes_input();
    one.ends().ok();
}

#[test]
fn a_lock_that_is_taken_away_is_reported_at_once_and_at_the_end() {
    let it = sandbox();
    let mut one = helper(&it);
    ask(&mut one, &json!({"lock": ["x", "y"]}), "acquired");
    it.lokt(["unlock", "--force", "x"]).owner("other").run().ok();
    let lost: Value = serde_json::from_str(&one.prints("{")).unwrap();
    assert_eq!(lost, json!({"status": "lost", "name": "x"}));
    let answer = ask(&mut one, &json!({"unlock": true}), "released");
    assert_eq!(answer["lost"], json!(["x"]));
}

#[test]
fn a_request_that_is_not_understood_changes_nothing() {
    let it = sandbox();
    let mut one = helper(&it);
    let wrong = [
        json!({"lock": ["x"], "new_condition": 1}),
        json!({"lock": ["x"], "shared": true, "slots": 2}),
        json!({"lock": ["x", "x"]}),
        json!({"lock": ["a/b"]}),
        json!({"lock": ["x"], "ttl_ms": 0}),
        json!({"lock": ["x"], "wait_ms": -1}),
        json!({"lock": ["x"], "unlock": true}),
        json!({}),
        json!([]),
    ];
    for request in wrong {
        assert_eq!(ask(&mut one, &request, "error")["exit_code"], 64, "{request}");
    }
    assert!(it.events().is_empty(), "nothing was locked");
    ask(&mut one, &json!({"lock": ["x"]}), "acquired");
    assert_eq!(ask(&mut one, &json!({"lock": ["y"]}), "error")["exit_code"], 64);
    it.lokt(["lock", "x"]).owner("other").run().expect(2);
    ask(&mut one, &json!({"unlock": true}), "released");
}

#[test]
fn a_program_inside_its_lock_may_take_it_again() {
    let it = sandbox();
    let (mut one, mut two) = (helper(&it), helper(&it));
    let held = ask(&mut one, &json!({"lock": ["x"]}), "acquired")["held"].clone();
    ask(&mut two, &json!({"lock": ["x"], "held": held}), "acquired");
    it.lokt(["lock", "x"]).owner("other").run().expect(2);
    ask(&mut two, &json!({"unlock": true}), "released");
    it.lokt(["lock", "x"]).owner("other").run().expect(2);
    ask(&mut one, &json!({"unlock": true}), "released");
    it.lokt(["guard", "x", "--", "true"]).owner("other").run().ok();
}

#[test]
fn a_wait_that_would_never_end_is_refused() {
    let it = sandbox();
    let outer = ["guard", "x", "--", "sh", "-c", "echo in; read go; lokt guard y --wait -- true"];
    let mut outer = it.lokt(outer).owner("other").start().is_in();
    let (mut one, mut two) = (helper(&it), helper(&it));
    let held = ask(&mut one, &json!({"lock": ["y"]}), "acquired")["held"].clone();
    outer.types("go\n");
    outer.says("waiting for lock \"y\"");
    let request = json!({"lock": ["x"], "wait_ms": 600_000, "held": held});
    assert_eq!(
        ask(&mut two, &request, "error")["exit_code"],
        7,
        "the two would wait for each other"
    );
    one.closes_input();
    outer.ends().ok();
}
