//! Other programs in the same root: they create `locks/<name>.json` exclusively and write other records. They
//! do not use latches and tickets. They exclude lokt, and lokt excludes them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{HOLD, Lokt, Running, Sandbox};
use serde_json::{Value, json};
use std::{fs, thread};

/// Takes `x` as such a program does, or prints that it is held; holds it until its input ends. Its argument
/// has the optional fields of its record.
const HOLDER: &str = r#"
import json, os, sys
path = os.environ["LOKT_ROOT"] + "/locks/x.json"
os.makedirs(os.path.dirname(path), exist_ok=True)
try: file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
except FileExistsError: sys.exit("held")
record = {"version": 1, "name": "x", "lock_id": "f" * 32, "owner": "other", "host": os.uname().nodename,
    "pid": os.getpid(), "acquired_ts": "2026-02-01T10:00:00Z"}
os.write(file, json.dumps(record | json.loads(sys.argv[1])).encode())
os.close(file)
print("in", flush=True)
sys.stdin.readline()
os.unlink(path)
"#;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

fn other(it: &Sandbox, more: &Value) -> Lokt {
    it.python(HOLDER).arguments([more.to_string().as_str()])
}

fn guard(it: &Sandbox, owner: &str) -> Lokt {
    it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).owner(owner)
}

/// A record of another program, with fields that lokt does not know.
fn write(it: &Sandbox, more: &Value) {
    let mut record = json!({"version": 1, "name": "x", "owner": "other", "host": "elsewhere",
        "pid": 4711, "acquired_ts": "2026-02-01T10:00:00Z"});
    let fields = record.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    fields.retain(|_, value| !value.is_null());
    it.write_record("x", record.to_string());
}

#[test]
fn another_program_is_blocked_while_a_guard_holds() {
    let it = sandbox();
    let inside = guard(&it, "ada").start().is_in();
    other(&it, &json!({})).run().expect(1).says("held");
    let noclobber = "set -C; echo '{}' >\"$LOKT_ROOT/locks/x.json\"";
    it.shell(noclobber).run().expect(1).says("exist");
    inside.release().ok();
    it.lokt(["lock", "x", "--ttl", "10m"]).run().ok();
    other(&it, &json!({})).run().expect(1).says("held");
    it.lokt(["unlock", "x"]).run().ok();
    other(&it, &json!({})).run().ok();
}

#[test]
fn a_guard_is_blocked_while_another_program_holds() {
    for more in [json!({}), json!({"expires_at": "2199-01-01T00:00:00Z"}), json!({"pid": null})] {
        let it = sandbox();
        let holder = other(&it, &more).start().is_in();
        it.lokt(["guard", "x", "--", "true"]).run().fails_with(2, "held by other");
        it.lokt(["lock", "x"]).run().fails_with(2, "held by other");
        it.lokt(["unlock", "x"]).run().fails_with(4, "not yours: other");
        it.lokt(["unlock", "x", "--break-stale"]).run().fails_with(4, "not stale");
        it.lokt(["exists", "x"]).run().ok();
        let waiter = it.lokt(["guard", "x", "--wait", "--", "true"]).start().is_waiting();
        holder.release().ok();
        waiter.ends().ok();
        let kinds = it.event_kinds("x");
        assert_eq!(kinds, ["deny", "deny", "acquire", "release"], "nothing was broken: {more}");
    }
}

#[test]
fn the_owner_of_another_programs_lock_is_blocked_too() {
    let it = sandbox();
    let holder = other(&it, &json!({"owner": "tester"})).start().is_in();
    // Nothing in the record says whether it is a lease or whether a command runs under it.
    it.lokt(["guard", "x", "--", "true"]).run().fails_with(2, "held by you: tester");
    holder.release().ok();
    it.lokt(["guard", "x", "--", "true"]).run().ok();
}

#[test]
fn another_programs_lock_ends_with_its_expiry() {
    for (more, held) in [
        (json!({"expires_at": "2026-02-01T10:00:01Z"}), false),
        (json!({"ttl_sec": 600}), false),
        (json!({"ttl_sec": 6_000_000_000_u64}), true),
        // The expiry wins over the lifetime, in both directions.
        (json!({"ttl_sec": 6_000_000_000_u64, "expires_at": "2026-02-01T10:00:01Z"}), false),
        (json!({"ttl_sec": 1, "expires_at": "2199-01-01T00:00:00Z"}), true),
    ] {
        let it = sandbox();
        write(&it, &more);
        it.lokt(["exists", "x"]).run().expect(if held { 0 } else { 3 });
        it.lokt(["guard", "x", "--", "true"]).run().expect(if held { 2 } else { 0 });
        let pruned = it.event_kinds("x").first().is_some_and(|kind| kind == "auto-prune");
        assert_ne!(pruned, held, "{more}");
    }
}

#[test]
fn the_offset_of_a_time_counts() {
    let it = sandbox();
    let time = |zone: &str, from_now: &str| {
        let date = format!("TZ={zone} date -d '{from_now}' +%Y-%m-%dT%H:%M:%S%:z");
        it.shell(&date).run().ok().out.trim().to_owned()
    };
    // Without their offsets, the first would be held and the second expired.
    let (past, ahead) = (time("EAST-5:30", "-1 hour"), time("WEST8", "+1 hour"));
    assert!(past.ends_with("+05:30") && ahead.ends_with("-08:00"), "{past} {ahead}");
    write(&it, &json!({"expires_at": ahead, "owner": "tester", "acquired_ts": past}));
    it.lokt(["guard", "x", "--", "true"]).owner("b").run().expect(2);
    let status = it.lokt(["status", "x", "--json"]).run().ok().json();
    let age = status["age_sec"].as_u64().unwrap();
    assert!((3600..3700).contains(&age), "an hour ago: {status}");
    it.lokt(["lock", "x", "--ttl", "5m"]).run().ok();
    let renewed = it.record("x");
    for field in ["acquired_ts", "expires_at"] {
        assert!(renewed[field].as_str().unwrap().ends_with('Z'), "times are written in UTC");
    }
    write(&it, &json!({"expires_at": past}));
    it.lokt(["guard", "x", "--", "true"]).owner("b").run().ok();
}

/// Whether lokt knows the processes of other programs' records: the host name is only enough in the kernel's
/// first pid namespace.
fn pids_are_known() -> bool {
    fs::read_link("/proc/self/ns/pid").unwrap().ends_with("pid:[4026531836]")
}

#[test]
fn without_an_expiry_only_a_dead_process_of_this_host_frees_it() {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned();
    let it = sandbox();
    let gone: u32 = it.shell("echo $$").run().ok().out.trim().parse().unwrap();
    let alive = std::process::id();
    for (more, free) in [
        (json!({"host": host, "pid": gone}), pids_are_known()),
        // Another process has got the pid since then.
        (json!({"host": host, "pid": alive, "pid_start_ns": 1}), pids_are_known()),
        (json!({"host": host, "pid": alive}), false),
        (json!({"host": "elsewhere", "pid": gone}), false),
        (json!({"host": null, "pid": gone}), false),
        (json!({"host": host, "pid": null}), false),
        (json!({"host": host, "pid": 0}), false),
        (json!({"host": host, "pid": gone, "expires_at": "2199-01-01T00:00:00Z"}), false),
        // Of another boot or another pid namespace of this machine.
        (json!({"host": host, "pid": gone, "boot_id": "b0", "pid_ns": 1}), true),
        (json!({"host": "elsewhere", "pid": gone, "boot_id": "b0", "pid_ns": 1}), false),
    ] {
        let it = sandbox();
        write(&it, &more);
        it.lokt(["guard", "x", "--", "true"]).run().expect(if free { 0 } else { 2 });
        let broken = it.event_kinds("x").first().is_some_and(|kind| kind == "stale-break");
        assert_eq!(broken, free, "{more}");
    }
}

#[test]
fn a_waiter_gets_in_when_another_programs_process_dies() {
    let it = sandbox();
    let mut holder: Running = other(&it, &json!({})).start().is_in();
    let waiter = it.lokt(["guard", "x", "--wait", "--", "true"]).start().is_waiting();
    assert!(holder.is_running(), "it waits for a process that lives");
    holder.kill();
    if pids_are_known() {
        waiter.ends().ok();
        assert_eq!(it.event_kinds("x"), ["stale-break", "acquire", "release"]);
    } else {
        waiter.kill();
    }
}

#[test]
fn a_renewal_keeps_what_another_program_wrote() {
    let it = sandbox();
    let zeta = json!({"deep": [1, null, {"b": 2, "a": 1}]});
    write(&it, &json!({"owner": "tester", "zeta": zeta, "alpha": "ünï", "lock_id": "not hex"}));
    let exact = fs::read_to_string(it.record_path("x")).unwrap();
    let exact = exact.replacen("\"alpha\"", "\"exact\":1.50,\"alpha\"", 1);
    it.write_record("x", exact);
    it.lokt(["lock", "x", "--ttl", "5m"]).run().ok();
    let record = it.record("x");
    assert_eq!((&record["zeta"], &record["alpha"]), (&zeta, &json!("ünï")));
    assert_eq!(record["exact"].to_string(), "1.50", "numbers keep their digits");
    assert_eq!((&record["pid"], &record["host"]), (&json!(4711), &json!("elsewhere")));
    assert_eq!(record["held_since"], "2026-02-01T10:00:00Z", "it is the same acquisition");
    let keys: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(keys.ends_with(&["zeta", "exact", "alpha"]), "in their order, at the end: {keys:?}");
    it.lokt(["unlock", "x"]).run().ok();
}

/// Enters some times as such a program does, in a race with others of its kind and with guards.
const CONTENDER: &str = r#"
import json, os, sys
root, count = os.environ["LOKT_ROOT"], int(sys.argv[1])
path = root + "/locks/x.json"
record = json.dumps({"version": 1, "name": "x", "owner": "other", "host": os.uname().nodename,
    "pid": os.getpid(), "acquired_ts": "2026-02-01T10:00:00Z"}).encode()
log = os.open("log", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
def enter():
    try: os.close(os.open("oracle", os.O_CREAT | os.O_EXCL))
    except FileExistsError: return "VIOLATION"
    os.unlink("oracle")
    return "other"
for _ in range(count):
    while True:
        try: file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY); break
        except FileExistsError: os.sched_yield()
    os.write(file, record)
    os.close(file)
    os.write(log, (enter() + "\n").encode())
    os.unlink(path)
    for _ in range(100000): pass  # Its work outside, in which others get their turn.
"#;

/// The same inside a guard.
const ENTER: &str = "if (set -C; : >oracle) 2>/dev/null; then rm oracle; echo guard >>log; \
                     else echo VIOLATION >>log; fi";

const CONTENDERS: usize = 8;
const ENTRIES: usize = 40;

#[test]
fn two_never_hold_the_lock_in_a_race_with_other_programs() {
    let it = sandbox();
    fs::create_dir_all(it.root().join("locks")).unwrap();
    thread::scope(|scope| {
        for worker in 0..CONTENDERS {
            let it = &it;
            scope.spawn(move || {
                it.python(CONTENDER).arguments([ENTRIES.to_string().as_str()]).run().ok()
            });
            scope.spawn(move || (0..ENTRIES).for_each(|_| enter(it, worker)));
        }
    });
    let log = fs::read_to_string(it.folder().join("log")).unwrap();
    assert!(!log.contains("VIOLATION"), "two were in at once");
    let changes = log.lines().zip(log.lines().skip(1)).filter(|(a, b)| a != b).count();
    assert!(changes > CONTENDERS, "they took turns, or it was no race: {changes}");
    for who in ["guard", "other"] {
        let entries = log.lines().filter(|line| *line == who).count();
        assert_eq!(entries, CONTENDERS * ENTRIES, "entries by {who}");
    }
    assert!(!it.record_path("x").exists() && it.tickets("x").is_empty(), "nothing is left");
    let breaks = it.event_kinds("x").iter().filter(|kind| kind.ends_with("-break")).count();
    assert_eq!(breaks, 0, "no lock was broken");
}

fn enter(it: &Sandbox, worker: usize) {
    let words = ["guard", "x", "--wait", "--", "sh", "-c", ENTER];
    it.lokt(words).owner(&format!("w{worker}")).run().ok();
}

#[test]
fn a_lease_of_another_program_that_names_no_acquisition_is_lost_only_when_it_is_gone() {
    for renewed in [true, false] {
        let it = sandbox();
        write(&it, &json!({"hold": "lease", "owner": "ada"}));
        if renewed {
            it.lokt(["lock", "x"]).owner("ada").run().ok();
        }

        let done = it.lokt(["guard", "x", "--", "true"]).owner("ada").run().ok();
        assert_eq!(done.err, "", "the lease was there all the time: renewed {renewed}");
        let inside = guard(&it, "ada").start().is_in();
        fs::remove_file(it.record_path("x")).unwrap();
        inside.ends().expect(6).says("was lost");
    }
}

/// Fields that this version does not know, as another program may write them.
const MORE: [(&str, &str); 9] = [
    (r#""big""#, "1e400"),
    (r#""one""#, "1.0"),
    (r#""\u006eegative""#, "-0"),
    (r#""digits""#, "123456789012345678901234567890"),
    (r#""twice""#, "1"),
    (r#""twice""#, "2.50"),
    (r#""text""#, r#""\u00e9\/""#),
    (r#""deep""#, r#"{"a": [1E+2, {"$serde_json::private::Number":"x"}]}"#),
    (r#""""#, "[ ]"),
];

#[test]
fn unknown_fields_are_kept_to_the_byte_whatever_rewrites_the_record() {
    let more: Vec<String> = MORE.iter().map(|(key, value)| format!(",{key}:{value}")).collect();
    let more = more.concat();
    let written = |it: &Sandbox| {
        let record = fs::read_to_string(it.record_path("x")).unwrap();
        for (key, value) in MORE {
            assert!(record.contains(&format!("{key}: {value}")), "{key}: {value} is in {record}");
        }
    };
    for (mode, joining) in [("", &[][..]), (r#","mode":"shared""#, &["--shared"])] {
        let it = sandbox();
        let lease = r#"{"owner":"tester","acquired_ts":"2026-02-01T10:00:00Z","hold":"lease","lock_id":"a""#;
        it.write_record("x", format!("{lease}{mode}{more}}}"));
        it.lokt([&["lock", "x", "--ttl", "10m"], joining].concat()).run().ok();
        written(&it);
        let status = it.lokt(["status", "x", "--json"]).run().ok().out;
        assert!(status.contains(r#""big":1e400,"one":1.0,"negative":-0"#), "{status}");
        if !joining.is_empty() {
            it.lokt(["lock", "x", "--shared", "--ttl", "1h"]).owner("bob").run().ok();
            written(&it);
            it.lokt(["unlock", "x"]).owner("bob").run().ok();
            written(&it);
        }
    }
}
