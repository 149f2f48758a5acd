//! A clock at the end of time, at its beginning and before it: no command dies or waits without an end, and
//! nothing ends too early.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{Done, Sandbox};

/// Offsets in seconds from now to clocks that cannot be written, or only just.
const CLOCKS: [&str; 6] = [
    "+300000000000s",
    "+9000000000000000s",
    "-500000000000s",
    "-9000000000000000s",
    "-63950000000s",
    "-1900000000s",
];

/// Only this binary is linked so that its clock can be faked.
const LOKT: &str = env!("CARGO_BIN_EXE_lokt");

fn at(it: &Sandbox, clock: &str, line: &str) -> Done {
    let line = format!("lokt() {{ faketime -f {clock} {LOKT} \"$@\"; }}; {line}");
    it.shell(&line).owner("tester").env("FAKETIME_DONT_FAKE_MONOTONIC", "1").in_time()
}

fn sandbox() -> Sandbox {
    let it = Sandbox::new(LOKT);
    std::fs::write(it.folder().join("in"), "text").unwrap();
    it
}

#[test]
fn every_command_ends_with_a_documented_code() {
    for clock in CLOCKS {
        let it = sandbox();
        it.shell("lokt lock l --ttl 1h; lokt guard g -- true; lokt freeze ice --ttl 1h").run().ok();
        let line = "for command in 'status' 'status --json' 'why l' 'exists l' 'get-meta l k' 'lock a --ttl 1h' \
            'lock b --ttl 15250w' 'lock c --ttl 15250w' 'lock d' 'lock a --ttl 1h' 'guard g --ttl 1h -- true' \
            'guard g --ttl 15250w --max-hold 15250w -- true' \
            'guard l --wait --timeout 1ms -- true' 'freeze f --ttl 15250w' 'audit' 'audit --since 1h' \
            'audit --since 15250w' 'audit --until 9999-12-31T23:59:59Z' 'audit --timeline' \
            'audit --timeline --json' 'audit --timeline --since 15250w' 'doctor' 'prime' 'once o --input in -- true' \
            'once o --input in --ttl 15250w -- true' 'once p --input in -- true' 'results list' 'results show p' \
            'results prune --older 15250w' 'results prune --older 1s' 'unfreeze f' 'unlock a' 'unlock --all'
            do code=0; out=$(lokt $command 2>&1) || code=$?; case $code in 0|1|2|3|4) ;; *) echo \"$command: $code $out\" ;; esac
            done";
        assert_eq!(at(&it, clock, line).ok().out, "", "with the clock at {clock}");
    }
}

#[test]
fn a_lease_taken_at_the_end_of_time_holds() {
    for clock in &CLOCKS[..2] {
        let it = sandbox();
        let line = "lokt lock x --ttl 1h; LOKT_OWNER=bob lokt lock x; echo code $?
            LOKT_OWNER=bob lokt guard x --wait --timeout 50ms -- true; echo code $?; lokt unlock x";
        let done = at(&it, clock, line).ok();
        let expected = "acquired lock \"x\"\ncode 2\ncode 2\nreleased lock \"x\"\n";
        assert_eq!(done.out, expected, "with the clock at {clock}: {}", done.err);
    }
}

#[test]
fn the_doctor_reports_an_impossible_clock() {
    for clock in &CLOCKS[..4] {
        let out = at(&sandbox(), clock, "lokt doctor").ok().out;
        assert!(out.contains("it stands outside of the years 0 to 9999"), "{clock}: {out}");
    }
}

#[test]
fn the_longest_lives_are_taken_and_longer_ones_refused() {
    let it = sandbox();
    let ttl = "15250w";
    it.lokt(["lock", "x", "--ttl", ttl]).run().ok();
    it.lokt(["exists", "x"]).run().ok();
    it.lokt(["guard", "g", "--ttl", ttl, "--max-hold", ttl, "--", "true"]).run().ok();
    it.lokt(["status"]).run().ok();
    it.lokt(["unlock", "x"]).run().ok();
    for ttl in ["999999w", "18446744073709551615", "99999999999999999999w"] {
        it.lokt(["lock", "x", "--ttl", ttl]).run().expect(64);
    }
}
