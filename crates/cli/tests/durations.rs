//! Durations: every flag takes the same ones, and refuses other texts with the list of units.

use lokt_testkit::Sandbox;

/// The arguments before a duration, for every flag that takes one.
const PLACES: [&[&str]; 13] = [
    &["lock", "x", "--ttl"],
    &["lock", "x", "--wait", "--timeout"],
    &["guard", "x", "-c", "true", "--ttl"],
    &["guard", "x", "-c", "true", "--wait", "--timeout"],
    &["guard", "x", "-c", "true", "--max-hold"],
    &["freeze", "x", "--ttl"],
    &["audit", "--since"],
    &["audit", "--until"],
    &["audit", "--timeline", "--since"],
    &["once", "t", "--timeout", "DURATION", "--", "true"],
    &["once", "t", "--ttl", "DURATION", "--", "true"],
    &["once", "t", "--max-hold", "DURATION", "--", "true"],
    &["results", "prune", "--older"],
];

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

fn with<'a>(place: &[&'a str], duration: &'a str) -> Vec<&'a str> {
    let mut words: Vec<&str> = place.to_vec();
    match words.iter_mut().find(|word| **word == "DURATION") {
        Some(word) => *word = duration,
        None => words.push(duration),
    }
    words
}

#[test]
fn an_invalid_duration_is_a_usage_error_that_lists_the_units() {
    let it = sandbox();
    for place in PLACES {
        for bad in
            ["5M", "5 m", "1.5h", "1y", "-5m", "-5", "5m5", "", "5min", "1h 30m", "5m-", "+5m", "m"]
        {
            let words = with(place, bad);
            it.lokt(words.iter().copied()).run().fails_with(64, "ms, s, m, h, d, w");
        }
        let long = with(place, "99999999999999999999d");
        let done = it.lokt(long).run().expect(64);
        assert!(
            done.err.contains("too long") || done.err.contains("neither a duration"),
            "{done:#?}"
        );
    }
    assert!(!it.root().exists(), "wrong usage changes nothing");
}

#[test]
fn a_wait_has_a_default_limit_and_a_limit_needs_a_wait() {
    let it = sandbox();
    for command in [&["lock", "x"][..], &["guard", "x", "-c", "true"]] {
        let words = [command, &["--timeout", "1s"]].concat();
        it.lokt(words.iter().copied()).run().fails_with(64, "--wait");
    }
    assert!(!it.root().exists(), "wrong usage changes nothing");
    for command in ["lock", "guard"] {
        let help = it.lokt([command, "--help"]).run().ok().out;
        assert!(help.contains("[default: 10m]"), "{command}: {help}");
    }
}

#[test]
fn all_units_are_taken_and_a_bare_number_is_seconds() {
    let it = sandbox();
    for (text, seconds) in [
        ("1500ms", 2),
        ("90s", 90),
        ("90", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("1w", 604_800),
        ("1w1d1h1m1s1ms", 694_862),
    ] {
        let lock = it.lokt(["lock", "x", "--json", "--ttl", text]).run().ok().json();
        assert_eq!(lock["ttl_sec"], seconds, "{text}");
    }
}
