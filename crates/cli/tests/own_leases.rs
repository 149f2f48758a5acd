//! A caller's own lease reads as its own, with what to do about it.

use lokt_testkit::{HOLD, Sandbox};
use serde_json::Value;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

#[test]
fn why_calls_it_your_lease() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "1h"]).run().ok();
    let lines: Vec<String> =
        it.lokt(["why", "x"]).run().expect(2).out.lines().map(str::to_owned).collect();
    assert_eq!(lines[0], "x is held by you");
    assert!(lines[1].starts_with("  self_held: your lease: tester (pid "), "{lines:?}");
    assert_eq!(
        lines[2..],
        [
            "  try: lokt guard x -- COMMAND   runs under your lease",
            "  try: lokt unlock x   unlocks your lease"
        ]
    );
    let told = it.lokt(["why", "x", "--json"]).run().expect(2).json();
    assert_eq!(
        (&told["status"], &told["reasons"][0]["holder_mine"]),
        (&"blocked".into(), &true.into())
    );
    let theirs = it.lokt(["why", "x"]).owner("ada").run().expect(2).out;
    assert!(theirs.starts_with("x is blocked\n  held: held by tester ("), "{theirs}");
    it.lokt(["freeze", "x", "--ttl", "1h"]).owner("ops").run().ok();
    let frozen = it.lokt(["why", "x"]).run().expect(2).out;
    assert!(frozen.starts_with("x is blocked\n"), "a freeze blocks you, too: {frozen}");
}

#[test]
fn why_calls_a_guard_of_yours_no_lease() {
    let it = sandbox();
    let guard = it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).start().is_in();
    let told = it.lokt(["why", "x"]).run().expect(2).out;
    assert!(told.starts_with("x is held by you\n  self_held: held by you: tester ("), "{told}");
    it.lokt(["lock", "x"]).run().fails_with(2, "lock \"x\" is held by you: tester (pid ");
    guard.release().ok();
}

#[test]
fn with_others_your_part_is_named_first() {
    let it = sandbox();
    it.lokt(["lock", "x", "--shared", "--ttl", "1h"]).owner("ada").run().ok();
    it.lokt(["lock", "x", "--shared", "--ttl", "1h"]).run().ok();
    let told = it.lokt(["why", "x"]).run().expect(2).out;
    assert!(
        told.contains("your lease: tester (") && told.contains("; and held by ada ("),
        "{told}"
    );
    let done = it.lokt(["lock", "x", "--ttl", "1h"]).run();
    let done = done.fails_with(2, "lock \"x\" is held by your lease: tester (pid ");
    assert!(done.err.contains("; and 1 other who shares it"), "{done:#?}");
}

#[test]
fn a_refusal_by_your_own_lease_says_how_to_end_it_and_not_to_wait() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "1h"]).run().ok();
    let done =
        it.lokt(["lock", "x", "--shared"]).run().fails_with(2, "is held by your lease: tester");
    let hints: Vec<&str> = done.err.lines().skip(1).collect();
    assert_eq!(
        hints,
        [
            "hint: lokt unlock x   unlocks your lease",
            "hint: lokt guard x -- COMMAND   runs under your lease",
            "hint: lokt why x"
        ]
    );
    let by_flag =
        it.lokt(["lock", "x", "--shared", "--owner", "tester"]).without("LOKT_OWNER").run();
    by_flag.expect(2).says("hint: lokt unlock x --owner tester   unlocks your lease");
    let theirs = it.lokt(["lock", "x"]).owner("ada").run().fails_with(2, "is held by tester (pid ");
    assert!(theirs.err.contains("hint: --wait waits in the queue for it"), "{theirs:#?}");
    let wait = ["lock", "x", "--shared", "--wait", "--timeout", "200ms"];
    let done =
        it.lokt(wait).run().expect(2).says("note: waiting for lock \"x\" (next in the queue");
    assert!(
        done.err.contains("held by your lease: tester"),
        "the queue position says it: {done:#?}"
    );
}

#[test]
fn a_refusal_by_anothers_lock_says_how_to_wait_and_whom_to_ask() {
    let it = sandbox();
    let agent = "7f0c4be0-2bfa-4d04-b1dd-46d56eaa2b13";
    let call = it.in_new_session(["lock", "x"]).env("CLAUDE_CODE_SESSION_ID", agent).owner("ada");
    call.run().ok();
    let hints = |words: &[&str], code: i32| {
        let done = it.lokt(words.iter().copied()).run().fails_with(code, "ada (pid ");
        assert!(code == 4 || done.err.contains(", until it is unlocked"), "{done:#?}");
        done.err.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let taken = hints(&["lock", "x"], 2);
    let wait = "hint: --wait waits in the queue for it, first come, first served; around a script: lokt guard x --wait -- COMMAND";
    assert_eq!(taken[0], wait);
    assert_eq!(taken[1], "hint: lokt wait x   waits until it is free");
    assert!(taken[2].starts_with("hint: if you cannot wait, ask ada (on "), "{taken:?}");
    assert!(taken[2].ends_with(", claude-code 7f0c4be0)"), "{taken:?}");
    assert_eq!(taken[3..], ["hint: lokt why x"]);
    let unlocked = hints(&["unlock", "x"], 4);
    assert_eq!(unlocked[..2], taken[1..3]);
    assert_eq!(unlocked[2..], ["hint: lokt why x   shows what you can do"]);
    let same = it.in_new_session(["unlock", "x", "--owner", "eve"]).run();
    same.fails_with(4, "not yours").says("if you cannot wait, ask ada");
}

#[test]
fn your_own_guard_and_freeze_are_called_yours() {
    let it = sandbox();
    let guard = it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).start().is_in();
    it.lokt(["unlock", "x"]).run().fails_with(4, "held by a living guard of yours (pid ");
    it.lokt(["lock", "x"]).run().fails_with(2, "is held by you: tester (pid ");
    it.lokt(["unlock", "x"]).owner("ada").run().fails_with(4, "is not yours: tester (pid ");
    std::fs::remove_file(it.record_path("x")).unwrap();
    let theirs = it.lokt(["unlock", "x"]).owner("ada").run();
    let theirs = theirs.fails_with(4, "is held by a living guard (pid ");
    assert!(!theirs.err.contains("end that"), "what is another's is not to be ended: {theirs:#?}");
    drop(guard);
    it.lokt(["lock", "y", "--ttl", "1h"]).run().ok();
    let guard = it.lokt(["guard", "y", "--", HOLD[0], HOLD[1], HOLD[2]]).start().is_in();
    it.lokt(["unlock", "y"]).run().fails_with(4, "held by a living guard of yours (pid ");
    let second = it.lokt(["guard", "y", "--", "true"]).run();
    second.fails_with(2, "is held by your lease: tester (pid ");
    guard.release().ok();
    it.lokt(["freeze", "z", "--ttl", "1h"]).run().ok();
    let frozen = it.lokt(["lock", "z"]).run().fails_with(2, "is frozen by you: tester (pid ");
    assert!(frozen.err.contains("hint: lokt unfreeze z   lifts your freeze\n"), "{frozen:#?}");
    assert!(!frozen.err.contains("ask"), "{frozen:#?}");
    let theirs = it.lokt(["lock", "z"]).owner("ada").run().fails_with(2, "is frozen by tester (");
    assert!(theirs.err.contains("hint: if you cannot wait, ask tester (on "), "{theirs:#?}");
}

#[test]
fn unlock_without_a_name_unlocks_nothing_whatever_the_owner() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "1h"]).owner("bob").run().ok();
    for words in [&["unlock"][..], &["unlock", "--owner", "bob"], &["unlock", "--json"]] {
        let done = it.lokt(words.iter().copied()).run().fails_with(64, "name a lock");
        done.says("hint: lokt unlock NAME   unlocks your lease of that name\n");
    }
    let given = it.lokt(["unlock"]).owner("bob").run().expect(64);
    assert!(!given.err.contains("--all"), "with --owner, it would unlock all of bob: {given:#?}");
    it.in_new_session(["unlock"]).run().expect(64).says("hint: lokt unlock --all ");
    it.lokt(["unlock", "--all"]).run().ok().says("no lease of yours is held");
    it.in_new_session(["unlock", "--all"]).run().ok().says("no lease of yours is held");
    assert_eq!(it.record("x")["owner"], "bob");
}

#[test]
fn status_marks_what_is_yours() {
    let it = sandbox();
    it.lokt(["lock", "mine", "--ttl", "1h"]).run().ok();
    it.lokt(["lock", "theirs", "--ttl", "1h"]).owner("ada").run().ok();
    let table = it.lokt(["status"]).run().ok().out;
    let owner = |name: &str| {
        let line = table.lines().find(|it| it.starts_with(name)).unwrap();
        line.split_whitespace().skip(2).take(2).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(owner("mine"), "tester (you)", "{table}");
    assert!(owner("theirs").starts_with("ada ") && !owner("theirs").contains("(you)"), "{table}");
    let full = it.lokt(["status", "mine"]).run().ok().out;
    assert!(
        full.contains("), you\n  yours     a lease; lokt unlock mine   unlocks it\n"),
        "{full}"
    );
    let full = it.lokt(["status", "theirs"]).run().ok().out;
    assert!(!full.contains("you"), "{full}");
    let json = it.lokt(["status", "--json"]).run().ok().json();
    let mine: Vec<&Value> = json.as_array().unwrap().iter().map(|it| &it["mine"]).collect();
    assert_eq!(mine, [true, false]);
}

#[test]
fn the_version_of_a_record_is_a_column_only_on_request() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "1h"]).run().ok();
    let head = |words: &[&str]| {
        let out = it.lokt(words.iter().copied()).run().ok().out;
        let lines: Vec<Vec<String>> =
            out.lines().map(|it| it.split_whitespace().map(str::to_owned).collect()).collect();
        (lines[0].clone(), lines[1].clone())
    };
    let (names, _) = head(&["status"]);
    assert_eq!(names, ["NAME", "STATE", "OWNER", "PID", "AGE", "ENDS", "IN", "WAIT", "WHAT"]);
    let (names, row) = head(&["status", "--long"]);
    assert_eq!(names, ["NAME", "STATE", "OWNER", "PID", "AGE", "ENDS", "IN", "WAIT", "V", "WHAT"]);
    assert_eq!(row.last().unwrap(), "1", "the version: {row:?}");
}

#[test]
fn with_nothing_held_a_person_is_told_and_a_pipe_gets_nothing() {
    let it = sandbox();
    let piped = it.lokt(["status"]).run().ok();
    assert_eq!((piped.out.as_str(), piped.err.as_str()), ("", ""));
    assert_eq!(it.lokt(["status", "--json"]).run().ok().out, "[]\n");
    let mut shown = it.terminal("lokt status").start();
    shown.tells("nothing is held or frozen");
    shown.ends().ok();
}

#[test]
fn a_lease_of_the_user_in_another_session_says_whose_it_is_and_how_to_be_one_agent() {
    let it = sandbox();
    let call = |words: &[&str]| it.in_new_session(words.iter().copied());
    call(&["lock", "x", "--ttl", "5m"]).run().ok();
    let same = "the same user, but another terminal or agent (you are terminal ";
    for (words, code) in [
        (&["lock", "x"][..], 2),
        (&["guard", "x", "--", "true"], 2),
        (&["wait", "x", "--timeout", "1ms"], 2),
        (&["unlock", "x"], 4),
    ] {
        let done = call(words).run().expect(code).says(&format!("hint: {same}"));
        assert_eq!(done.err.matches("lokt whoami").count(), 1, "{done:#?}");
    }
    let why = call(&["why", "x"]).run().expect(2).out;
    assert!(why.contains(same) && why.contains("lokt whoami"), "{why}");
    let told = call(&["whoami"]).run().ok().out;
    let (_, id) = told.split_once("LOKT_AGENT_ID=").unwrap();
    let other = call(&["whoami"]).run().ok().out;
    assert!(!other.contains(id.trim()), "no other session is told this id: {other}");
    let one = |words: &[&str]| call(words).env("LOKT_AGENT_ID", id.trim()).run().ok();
    one(&["lock", "y", "--ttl", "5m"]);
    assert_eq!(one(&["lock", "y", "--ttl", "5m"]).out, "renewed lock \"y\"\n");
    // A session of a harness knows who it is.
    let agent = call(&["lock", "x"]).env("CODEX_THREAD_ID", "x1").run().expect(2);
    assert!(
        agent.err.contains("(you are codex x1)") && !agent.err.contains("whoami"),
        "{agent:#?}"
    );
    let another = call(&["lock", "x"]).owner("bob").run().expect(2);
    assert!(!another.err.contains("the same user"), "{another:#?}");
}

#[test]
fn a_renewal_says_that_a_lease_ends_with_the_process_it_is_tied_to() {
    let it = sandbox();
    let line =
        "lokt lock x --ttl 5m --pid $$; lokt lock x --ttl 30m; lokt lock x --pid $$ --ttl 40m";
    let done = it.shell(line).run().ok();
    assert_eq!(done.out.matches("renewed").count(), 2, "{done:#?}");
    assert_eq!(done.err.matches("note: it is tied to process ").count(), 1, "{done:#?}");
}
