//! The commands that `why` suggests work as printed, or wait in the queue.
#![expect(clippy::expect_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{HOLD, PATIENCE, Running, Sandbox};
use nix::sys::signal::Signal;
use std::{fs, thread, time::Instant};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// Makes a name unavailable to ada, and returns its holders.
type UnavailableLockSetup = fn(&Sandbox) -> Vec<Running>;

fn run(it: &Sandbox, owner: &str, words: &str) {
    it.lokt(words.split(' ')).owner(owner).run().ok();
}

fn guard(it: &Sandbox, owner: &str, flags: &str) -> Running {
    let words = ["guard", "x"].into_iter().chain(flags.split(' ').filter(|it| !it.is_empty()));
    it.lokt(words.chain(["--", HOLD[0], HOLD[1], HOLD[2]])).owner(owner).start()
}

/// A guard that is killed while its command lives.
fn orphan(it: &Sandbox, owner: &str) -> Running {
    let mut guard = guard(it, owner, "").is_in();
    guard.signal(Signal::SIGKILL);
    while guard.is_running() {
        thread::yield_now();
    }
    guard
}

const STATES: &[(&str, &[&str], UnavailableLockSetup)] = &[
    ("a lease of another", &["waits in the queue"], |it| {
        run(it, "bob", "lock x --ttl 1h");
        vec![]
    }),
    ("a lease", &["runs under your lease", "unlocks your lease"], |it| {
        run(it, "ada", "lock x --ttl 1h");
        vec![]
    }),
    ("a lease under which a guard is in", &["waits in the queue"], |it| {
        run(it, "ada", "lock x --ttl 1h");
        vec![guard(it, "ada", "").is_in()]
    }),
    ("a shared lease of another", &["shares it", "waits in the queue"], |it| {
        run(it, "bob", "lock x --shared --ttl 1h");
        vec![]
    }),
    (
        "a shared lease beside that of another",
        &["shares it", "waits in the queue", "unlocks your lease"],
        |it| {
            run(it, "bob", "lock x --shared --ttl 1h");
            run(it, "ada", "lock x --shared --ttl 1h");
            vec![]
        },
    ),
    ("a shared guard beside the lease of another", &["shares it", "waits in the queue"], |it| {
        run(it, "bob", "lock x --shared --ttl 1h");
        vec![guard(it, "ada", "--shared").is_in()]
    }),
    ("a shared lease for which others wait", &["shares it", "waits in the queue"], |it| {
        run(it, "bob", "lock x --shared --ttl 1h");
        vec![guard(it, "carl", "--wait").is_waiting()]
    }),
    ("a lease of one of two slots", &["takes a free slot", "waits in the queue"], |it| {
        run(it, "bob", "lock x --slots 2 --ttl 1h");
        vec![]
    }),
    (
        "leases of all slots, one of them ada's",
        &["waits in the queue", "unlocks your lease"],
        |it| {
            run(it, "bob", "lock x --slots 2 --ttl 1h");
            run(it, "ada", "lock x --slots 2 --ttl 1h");
            vec![]
        },
    ),
    ("a free slot of a frozen name", &["waits in the queue"], |it| {
        run(it, "bob", "lock x --slots 2 --ttl 1h");
        run(it, "ops", "freeze x --ttl 1h");
        vec![]
    }),
    ("a freeze of another", &["waits in the queue"], |it| {
        run(it, "ops", "freeze x --ttl 1h");
        vec![]
    }),
    ("a freeze", &["waits in the queue", "lifts your freeze"], |it| {
        run(it, "ada", "freeze x --ttl 1h");
        vec![]
    }),
    ("a lease of a frozen name", &["runs under your lease", "unlocks your lease"], |it| {
        run(it, "ada", "lock x --ttl 1h");
        run(it, "ops", "freeze x --ttl 1h");
        vec![]
    }),
    ("a shared lease of a frozen name", &["shares it", "waits in the queue"], |it| {
        run(it, "bob", "lock x --shared --ttl 1h");
        run(it, "ops", "freeze x --ttl 1h");
        vec![]
    }),
    ("an abandoned lease of another", &["waits in the queue"], |it| {
        it.shell("lokt lock x; true").owner("bob").run().ok();
        vec![]
    }),
    ("an abandoned lease", &["runs under your lease", "unlocks your lease"], |it| {
        it.shell("lokt lock x; true").owner("ada").run().ok();
        vec![]
    }),
    ("a guard of another", &["waits in the queue"], |it| vec![guard(it, "bob", "").is_in()]),
    ("a guard", &["waits in the queue"], |it| vec![guard(it, "ada", "").is_in()]),
    ("what is left of another's guard", &["waits in the queue"], |it| vec![orphan(it, "bob")]),
    (
        "what is left of a guard",
        &["waits in the queue", "ends what is left of your command"],
        |it| vec![orphan(it, "ada")],
    ),
    ("a guard without a record", &["waits in the queue"], |it| {
        let guard = guard(it, "bob", "").is_in();
        fs::remove_file(it.record_path("x")).expect("the record");
        vec![guard]
    }),
    ("an unreadable record", &[], |it| {
        it.write_record("x", "{");
        let record =
            fs::File::options().append(true).open(it.record_path("x")).expect("the record");
        let time = std::time::SystemTime::now() - std::time::Duration::from_secs(5);
        record.set_modified(time).expect("its time");
        vec![]
    }),
    ("a record that may be being written", &["shows more once it has been written"], |it| {
        it.write_record("x", "{");
        let record =
            fs::File::options().append(true).open(it.record_path("x")).expect("the record");
        let time = std::time::SystemTime::now() + std::time::Duration::from_millis(1900);
        record.set_modified(time).expect("its time");
        vec![]
    }),
    ("a folder in its place", &[], |it| {
        fs::create_dir_all(it.record_path("x")).expect("a folder");
        vec![]
    }),
];

/// The suggested calls, and their explanations.
fn suggestions(it: &Sandbox, words: &str) -> Vec<(String, String)> {
    let why = it.lokt(words.split(' ')).owner("ada").run().expect(2).out;
    let tries = why.lines().filter_map(|line| line.strip_prefix("  try: "));
    let both = |told: &str| {
        let (call, what) = told.split_once("   ").expect("a call and what it does");
        (call.to_owned(), what.to_owned())
    };
    tries.map(both).collect()
}

/// Asserts that a call has its effect, or waits in the queue.
#[track_caller]
fn assert_works(it: &Sandbox, state: &str, call: &str) {
    let line = call.replace("COMMAND", "true");
    let mut running = it.shell(&format!("exec {line}")).owner("ada").start();
    let deadline = Instant::now() + PATIENCE;
    while running.is_running() && Instant::now() < deadline {
        if running.has_said("waiting for lock") {
            assert!(line.contains("--wait"), "{state}: {line} waits");
            running.signal(Signal::SIGTERM);
            running.ends();
            return;
        }
        thread::yield_now();
    }
    let done = running.ends();
    let expected = if line.starts_with("lokt why") { 2 } else { 0 };
    assert_eq!(done.code, Some(expected), "{state}: {line}: {done:#?}");
}

#[test]
fn every_suggestion_works_or_waits() {
    for (state, expected, make) in STATES {
        for (number, what) in expected.iter().enumerate() {
            let it = sandbox();
            let holders = make(&it);
            let told = suggestions(&it, "why x");
            let all: Vec<&str> = told.iter().map(|(_, what)| what.as_str()).collect();
            assert_eq!(all, *expected, "{state}");
            let (call, _) = told.get(number).expect("a call");
            assert_works(&it, &format!("{state}, {what}"), call);
            drop(holders);
        }
    }
}

/// Nothing says whose a broken record is, so nothing is suggested that an agent can do to it.
#[test]
fn a_record_that_cannot_be_read_is_left_to_a_person() {
    for (state, expected, make) in STATES.iter().filter(|(_, expected, _)| expected.is_empty()) {
        let it = sandbox();
        make(&it);
        assert_eq!(suggestions(&it, "why x"), [], "{state}: {expected:?}");
        let told = it.lokt(["why", "x"]).run().expect(2).out;
        let next = told.lines().filter_map(|line| line.strip_prefix("  next: "));
        let next: Vec<&str> = next.collect();
        assert_eq!(next, ["do other work, and show this to a person: it may be a lock of another"]);
        let json = it.lokt(["why", "x", "--json"]).run().expect(2).json();
        assert_eq!(json["suggestions"], serde_json::json!(next), "{state}");
        let refused = it.lokt(["guard", "x", "--", "true"]).run().fails_with(1, "is corrupted");
        assert!(refused.err.contains(next[0]) && !refused.err.contains("unlock"), "{refused:#?}");
    }
}

#[test]
fn a_suggestion_escapes_a_name_like_a_flag_and_keeps_a_given_owner() {
    let states: [(&[&str], &[&str]); 4] = [
        (&["bob lock --ttl 1h -- -x"], &["waits in the queue"]),
        (&["eve\u{a0}x lock --ttl 1h -- -x"], &["renews your lease", "unlocks your lease"]),
        (&["bob lock --shared --ttl 1h -- -x"], &["shares it", "waits in the queue"]),
        (&["eve\u{a0}x freeze --ttl 1h -- -x"], &["waits in the queue", "lifts your freeze"]),
    ];
    for (before, expected) in states {
        for number in 0..expected.len() {
            let it = sandbox();
            for line in before {
                let (owner, words) = line.split_once(' ').expect("an owner");
                run(&it, owner, words);
            }
            let told = suggestions(&it, "why --owner eve\u{a0}x -- -x");
            let all: Vec<&str> = told.iter().map(|(_, what)| what.as_str()).collect();
            assert_eq!(all, expected, "{before:?}");
            let (call, _) = told.get(number).expect("a call");
            assert_works(&it, &format!("{before:?}"), call);
        }
    }
}

#[test]
fn inside_a_guard_no_suggestion_deadlocks() {
    let told = r#"told=$(lokt why x | sed -n 's/^  try: \(.*\)   .*/\1/p'); echo "$told"; [ -n "$told" ] || exit 9
        [ "$(echo "$told" | wc -l)" = 1 ] || exit 8; eval "${told/COMMAND/echo it ran}""#;
    for mode in ["", "--shared", "--slots 2"] {
        let it = sandbox();
        let line = format!("lokt guard x {mode} -- bash -c '{}'", told.replace('\'', r"'\''"));
        let done = it.shell(&line).owner("ada").run().ok();
        assert!(done.out.contains("it ran"), "{mode}: {done:#?}");
    }
}

#[test]
fn no_suggestion_is_repeated() {
    let it = sandbox();
    for owner in ["bob", "carl", "ada", "dave"] {
        run(&it, owner, "lock x --shared --ttl 1h");
    }
    let why = |owner: &str| it.lokt(["why", "x"]).owner(owner).run().expect(2).out;
    for asker in ["ada", "eve"] {
        let told = why(asker);
        for owner in ["ada", "bob", "carl", "dave"] {
            assert_eq!(told.matches(&format!("{owner} (pid")).count(), 1, "{owner} in {told}");
        }
        assert!(!told.contains("who share"), "all of them are named: {told}");
    }
    let mine = why("ada");
    let (mine, others) = mine.split_once("; and held by ").expect("mine comes first");
    assert!(mine.contains("your lease: ada (pid") && !mine.contains("bob"), "{mine}");
    assert!(others.contains("bob") && others.contains("dave"), "{others}");
}
