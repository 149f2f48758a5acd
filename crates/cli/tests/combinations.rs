//! Flags that conflict or have no meaning: the error comes before any change.

use lokt_testkit::Sandbox;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// Calls of `guard` and `lock` without a meaning, and their errors.
const MODES: [(&[&str], &str); 14] = [
    (&["guard", "x", "--shared", "--slots", "2", "--", "true"], "--slots"),
    (&["lock", "x", "--shared", "--slots", "2"], "--slots"),
    (&["guard", "x", "--slots", "0", "--", "true"], "a whole number from 1"),
    (&["lock", "x", "--slots", "0"], "--slots"),
    (&["guard", "x", "--slots", "-1", "--", "true"], "-1"),
    (&["guard", "x", "--slots", "two", "--", "true"], "two"),
    (&["guard", "x", "--slots", "1.5", "--", "true"], "1.5"),
    (&["guard", "x", "--slots", "4294967296", "--", "true"], "4294967296"),
    (&["guard", "x", "--slots", "--", "true"], "--slots"),
    (&["guard", "x", "--slots", "2", "--slots", "2", "--", "true"], "--slots"),
    (&["guard", "x", "--shared", "--shared", "--", "true"], "--shared"),
    (&["guard", "x", "--shared=yes", "--", "true"], "yes"),
    (&["unlock", "x", "--shared"], "--shared"),
    (&["freeze", "x", "--ttl", "1m", "--slots", "2"], "--slots"),
];

/// The same for the flags that control a guard's command.
const ORDERS: [(&[&str], &str); 23] = [
    (&["guard", "x", "--max-hold", "0", "--", "true"], "more than 0"),
    (&["guard", "x", "--max-hold", "0s", "--", "true"], "more than 0"),
    (&["guard", "x", "--max-hold", "soon", "--", "true"], "soon"),
    (&["guard", "x", "--max-hold", "-5s", "--", "true"], "-5"),
    (&["guard", "x", "--on-lost", "ignore", "--", "true"], "ignore"),
    (&["guard", "x", "--on-lost", "KILL", "--", "true"], "KILL"),
    (&["guard", "x", "--on-lost", "--", "true"], "--on-lost"),
    (&["guard", "x", "--conflict-exit-code", "256", "--", "true"], "256"),
    (&["guard", "x", "--conflict-exit-code", "-1", "--", "true"], "-1"),
    (&["guard", "x", "--conflict-exit-code", "held", "--", "true"], "held"),
    (&["guard", "x", "--status-file", "--", "true"], "--status-file"),
    (&["guard", "x", "--status-file", "", "--", "true"], "--status-file"),
    (&["guard", "x", "-c", "true", "--", "true"], "-c"),
    (&["guard", "x", "-c", "true", "-c", "false"], "-c"),
    (&["guard", "x", "-c"], "-c"),
    (&["guard", "-c", "true"], "<NAME>"),
    (&["guard", "--", "true"], "<NAME>"),
    (&["guard", "x", "a/b", "--", "true"], "a/b"),
    (&["guard", "x", "x", "--", "true"], "lock \"x\" is named twice"),
    (&["guard", "x", "y", "x", "-c", "true"], "lock \"x\" is named twice"),
    (&["lock", "x", "--max-hold", "5s"], "--max-hold"),
    (&["lock", "x", "--on-lost", "warn"], "--on-lost"),
    (&["lock", "x", "--conflict-exit-code", "5"], "--conflict-exit-code"),
];

#[test]
fn combinations_without_a_meaning_are_refused_with_a_reason() {
    let it = sandbox();
    for (words, reason) in MODES.iter().chain(&ORDERS) {
        let done = it.lokt(words.iter().copied()).run().fails_with(64, reason);
        assert!(done.out.is_empty(), "{words:?} has no data: {done:#?}");
    }
    assert!(!it.root().exists(), "nothing was made");
}

#[test]
fn events_that_do_not_exist_are_an_error_before_the_log_is_read() {
    let it = sandbox();
    it.lokt(["lock", "x"]).run().ok();
    let log = it.root().join("audit.log");
    std::fs::remove_file(&log).unwrap();
    std::fs::create_dir(&log).unwrap();
    it.lokt(["audit"]).run().fails_with(1, "audit.log");
    for event in ["bogus", "Acquire", "acquire,release", ""] {
        let done = it.lokt(["audit", "--event", event]).run().fails_with(64, "--event");
        assert!(done.out.is_empty(), "{done:#?}");
    }
    let told = it.lokt(["audit", "--event", "bogus", "--tail", "--json"]).in_time();
    told.fails_with(64, "unknown event \"bogus\" (known: acquire deny release");
}

#[test]
fn a_span_of_time_that_ends_before_it_begins_is_wrong_usage() {
    let it = sandbox();
    for (since, until) in [
        ("1h", "2h"),
        ("2026-02-02T00:00:00Z", "2026-02-01T00:00:00Z"),
        ("1m", "2026-02-01T00:00:00Z"),
    ] {
        let done = it.lokt(["audit", "--since", since, "--until", until]).run();
        done.fails_with(64, "no event can match");
    }
    it.lokt(["audit", "--since", "2h", "--until", "1h"]).run().ok();
    it.lokt(["audit", "--since", "2026-02-01T00:00:00Z", "--until", "2026-02-01T00:00:00Z"])
        .run()
        .ok();
}

#[test]
fn combinations_with_a_meaning_are_accepted() {
    let it = sandbox();
    let calls: [&[&str]; 9] = [
        &["guard", "--shared", "x", "y", "--wait", "--timeout", "5s", "--ttl=1m", "--", "true"],
        &["guard", "--slots=3", "x", "--max-hold", "1h", "--on-lost", "warn", "--", "true"],
        &["guard", "x", "--on-lost", "kill", "--conflict-exit-code", "0", "-c", "true"],
        &["guard", "-c", "true", "x", "y", "--status-file", "s"],
        &["guard", "x", "-c", "true", "--"],
        &["guard", "x", "--slots", "4294967295", "--", "true"],
        &["lock", "x", "--shared", "--ttl", "1m", "--meta", "k=v", "--json"],
        &["lock", "x", "--shared", "--wait", "--timeout", "0"],
        &["lock", "y", "--slots", "2", "--pid", "1", "--meta-json", "{}"],
    ];
    for words in calls {
        let done = it.lokt(words.iter().copied()).in_time();
        assert_eq!(done.code, Some(0), "{words:?}: {done:#?}");
    }
}
