//! The audit log: every change of a lock is one line, and `audit` finds it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop, and say where"
)]

use lokt_testkit::{Done, HOLD, Sandbox};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    os::unix::fs::PermissionsExt,
};

/// Every kind of event.
const KINDS: [&str; 13] = [
    "acquire",
    "deny",
    "release",
    "renew",
    "force-break",
    "stale-break",
    "auto-prune",
    "corrupt-break",
    "lost",
    "freeze",
    "unfreeze",
    "force-unfreeze",
    "freeze-deny",
];

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// Writes a log of events. Each has a time, a kind, a name and an owner.
fn write_log(it: &Sandbox, events: impl IntoIterator<Item = (String, String)>) {
    let mut log = String::new();
    for (time, name) in events {
        let event = json!({"ts": time, "event": "acquire", "name": name, "lock_id": "1", "owner": "ada",
            "host": "box", "pid": 1, "agent_id": "agent-1", "ttl_sec": null});
        writeln!(log, "{event}").unwrap();
    }
    fs::create_dir_all(it.root()).unwrap();
    fs::write(it.root().join("audit.log"), log).unwrap();
}

/// The names of the events that a call prints.
fn names(done: &Done) -> Vec<String> {
    let events = done.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.map(|event| event["name"].as_str().unwrap().to_owned()).collect()
}

fn audit(it: &Sandbox, words: &[&str]) -> Vec<String> {
    let all = [&["audit", "--json"], words].concat();
    names(&it.lokt(all).without("LOKT_OWNER").in_time().ok())
}

/// Makes an event of every kind, each on a lock with the name of the kind.
fn everything_happens(it: &Sandbox) {
    let run = |words: &[&str]| it.lokt(words.iter().copied()).in_time();
    run(&["lock", "acquire", "--ttl", "90s"]).ok();
    run(&["lock", "renew"]).ok();
    run(&["lock", "renew", "--ttl", "5m"]).ok();
    run(&["lock", "release"]).ok();
    run(&["unlock", "release"]).ok();
    for name in ["deny", "force-break"] {
        it.lokt(["lock", name]).owner("ada").run().ok();
    }
    run(&["lock", "deny", "--wait", "--timeout", "10ms"]).expect(2);
    run(&["unlock", "force-break", "--force"]).ok();
    it.shell("lokt lock stale-break --pid $$").owner("ada").run().ok();
    run(&["lock", "stale-break"]).ok();
    it.lokt(["lock", "auto-prune", "--ttl", "1ms"]).owner("ada").run().ok();
    run(&["guard", "auto-prune", "--wait", "--", "true"]).ok();
    it.write_record("corrupt-break", "{");
    fs::File::options()
        .append(true)
        .open(it.record_path("corrupt-break"))
        .and_then(|file| file.set_modified(std::time::SystemTime::UNIX_EPOCH))
        .unwrap();
    run(&["lock", "corrupt-break"]).ok();
    let guard = it.lokt(["guard", "lost", "--", HOLD[0], HOLD[1], HOLD[2]]).start().is_in();
    run(&["unlock", "lost", "--force"]).ok();
    drop(guard.release());
    for name in ["freeze", "unfreeze", "force-unfreeze", "freeze-deny"] {
        it.lokt(["freeze", name, "--ttl", "5m"]).owner("ops").run().ok();
    }
    it.lokt(["unfreeze", "unfreeze"]).owner("ops").run().ok();
    run(&["unfreeze", "force-unfreeze", "--force"]).ok();
    run(&["lock", "freeze-deny"]).expect(2);
}

#[test]
fn every_kind_of_event_is_logged_and_found_by_its_kind() {
    let it = sandbox();
    everything_happens(&it);
    for kind in KINDS {
        let found = audit(&it, &["--event", kind]);
        assert!(found.iter().any(|name| name == kind), "{kind} was logged: {found:?}");
        let of_name = audit(&it, &["--event", kind, "--name", kind]);
        assert_eq!(of_name, [kind], "one {kind}, and of this lock alone");
    }
    it.lokt(["audit", "--event", "explode"]).run().fails_with(64, "unknown event \"explode\"");
}

#[test]
fn an_event_says_what_happened_to_what_and_by_whom() {
    let it = sandbox();
    everything_happens(&it);
    for event in it.events() {
        let keys: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
        let fields = "ts event name lock_id owner host pid agent_id ttl_sec";
        assert!(keys.join(" ").starts_with(fields), "the fields of the format, in order: {event}");
        assert!(keys[9..].iter().all(|key| *key == "extra"), "the rest is in extra: {event}");
        assert!(event["ts"].as_str().unwrap().ends_with('Z'), "times are in UTC: {event}");
        assert!(event["pid"].is_u64() && event["agent_id"].is_string(), "{event}");
    }
    let of =
        |kind: &str| it.events().into_iter().find(|it| it["event"] == kind && it["name"] == kind);
    let acquire = of("acquire").unwrap();
    let record = it.record("acquire");
    assert_eq!((&acquire["ttl_sec"], &acquire["owner"]), (&json!(90), &json!("tester")));
    assert_eq!(acquire["lock_id"], record["lock_id"], "an acquisition can be followed");
    assert_eq!(acquire["extra"]["fence"], record["fence"]);
    for kind in ["deny", "force-break", "stale-break", "auto-prune"] {
        let event = of(kind).unwrap();
        let (owner, holder) = (&event["owner"], &event["extra"]["holder_owner"]);
        assert_eq!(
            (owner, holder),
            (&json!("tester"), &json!("ada")),
            "who did it to whom: {event}"
        );
    }
    assert!(of("deny").unwrap()["extra"]["waited_ms"].as_u64().unwrap() >= 10);
}

#[test]
fn a_terminal_gets_one_line_for_each_event() {
    let it = sandbox();
    everything_happens(&it);
    let text = it.lokt(["audit"]).without("LOKT_OWNER").run().ok().out;
    assert_eq!(text.lines().count(), it.events().len());
    let deny = text.lines().find(|line| line.split_whitespace().nth(1) == Some("deny")).unwrap();
    assert!(deny.contains("tester") && deny.contains("holder_owner=ada"), "{deny}");
}

#[test]
fn events_are_found_by_name_and_by_owner() {
    let it = sandbox();
    for (owner, name) in [("ada", "a"), ("bob", "b"), ("ada", "c")] {
        it.lokt(["lock", name]).owner(owner).run().ok();
    }
    assert_eq!(audit(&it, &[]), ["a", "b", "c"], "oldest first");
    assert_eq!(audit(&it, &["--name", "b"]), ["b"]);
    assert_eq!(audit(&it, &["--owner", "ada"]), ["a", "c"]);
    assert_eq!(audit(&it, &["--owner", "ada", "--name", "c"]), ["c"]);
    assert_eq!(audit(&it, &["--owner", "stranger"]), [""; 0]);
}

#[test]
fn events_are_found_by_their_time() {
    let it = sandbox();
    let at = |hour: u32| (format!("2026-02-01T{hour:02}:00:00Z"), format!("h{hour}"));
    write_log(&it, (8..13).map(at));
    it.lokt(["lock", "now"]).run().ok();
    assert_eq!(audit(&it, &["--since", "2026-02-01T11:00:00Z"]), ["h11", "h12", "now"]);
    assert_eq!(audit(&it, &["--until", "2026-02-01T09:00:00Z"]), ["h8", "h9"]);
    let between = ["--since", "2026-02-01T09:30:00Z", "--until", "2026-02-01T11:30:00Z"];
    assert_eq!(audit(&it, &between), ["h10", "h11"]);
    let offset = ["--since", "2026-02-01T13:00:00+02:00", "--until", "2026-02-01T07:00:00-05:00"];
    assert_eq!(audit(&it, &offset), ["h11", "h12"], "an offset counts");
    assert_eq!(audit(&it, &["--since", "1h"]), ["now"], "an hour ago");
    assert_eq!(audit(&it, &["--since", "90"]), ["now"], "a number without a unit means seconds");
    assert_eq!(audit(&it, &["--until", "1h"]), ["h8", "h9", "h10", "h11", "h12"]);
    for bad in ["yesterday", "2026-02-01", "", "-1"] {
        it.lokt(["audit", "--since", bad]).run().expect(64);
        it.lokt(["audit", "--until", bad]).run().expect(64);
    }
}

/// A log of a hundred thousand events, a second apart.
fn large_log(it: &Sandbox) -> u64 {
    let second = |n: u32| {
        let (day, hour, minute) = (1 + n / 86_400, n / 3600 % 24, n / 60 % 60);
        (format!("2026-02-{day:02}T{hour:02}:{minute:02}:{:02}Z", n % 60), n.to_string())
    };
    write_log(it, (0..100_000).map(second));
    fs::metadata(it.root().join("audit.log")).unwrap().len()
}

/// The number of bytes that a call reads from files.
fn bytes_read(it: &Sandbox, words: &str) -> u64 {
    let line = format!("strace -f -o trace -e trace=read,pread64 lokt audit --json {words} >out");
    it.shell(&line).in_time().ok();
    let trace = fs::read_to_string(it.folder().join("trace")).unwrap();
    let results = trace.lines().filter_map(|line| line.rsplit(" = ").next()?.parse::<u64>().ok());
    results.sum()
}

#[test]
fn a_time_is_found_in_a_large_log_without_reading_it() {
    let it = sandbox();
    let size = large_log(&it);
    for window in [
        "--since 2026-02-02T03:00:00Z",
        "--since 2026-02-01T12:00:00Z --until 2026-02-01T12:00:09Z",
        "--until 2026-02-01T00:00:09Z",
    ] {
        let read = bytes_read(&it, window);
        assert!(read < size / 4, "{read} bytes of {size} were read for {window}");
    }
    let found = audit(&it, &["--since", "2026-02-01T12:00:00Z", "--until", "2026-02-01T12:00:02Z"]);
    assert_eq!(found, ["43200", "43201", "43202"], "and it is the right one");
}

#[test]
fn new_events_are_shown_as_they_happen() {
    let it = sandbox();
    it.lokt(["lock", "before"]).run().ok();
    let mut log = it.lokt(["audit", "--tail", "--json"]).without("LOKT_OWNER").start();
    log.prints("\"before\"");
    it.lokt(["lock", "during"]).run().ok();
    let event: Value = serde_json::from_str(&log.prints("\"during\"")).unwrap();
    assert_eq!(event["event"], "acquire");
    assert!(log.is_running(), "it goes on");
    it.lokt(["unlock", "during"]).run().ok();
    log.prints("release");
    log.kill();
    it.lokt(["audit", "--tail", "--until", "1h"]).run().expect(64);
}

#[test]
fn a_tail_shows_what_is_asked_for_and_nothing_else() {
    let it = sandbox();
    let words = ["audit", "--tail", "--json", "--name", "x", "--event", "release"];
    let mut log = it.lokt(words).owner("ada").start();
    for (owner, name) in [("ada", "y"), ("bob", "x"), ("ada", "x")] {
        it.lokt(["guard", name, "--", "true"]).owner(owner).run().ok();
    }
    // There was no log when it started.
    let first: Value = serde_json::from_str(&log.prints("{")).unwrap();
    assert_eq!((&first["name"], &first["event"]), (&json!("x"), &json!("release")));
    log.kill();
}

#[test]
fn a_tail_continues_in_a_new_log() {
    let it = sandbox();
    it.lokt(["lock", "a"]).run().ok();
    let mut log = it.lokt(["audit", "--tail", "--json"]).without("LOKT_OWNER").start();
    log.prints("\"a\"");
    fs::rename(it.root().join("audit.log"), it.root().join("audit.log.1")).unwrap();
    it.lokt(["guard", "b", "--", "true"]).run().ok();
    log.prints("release");
    File::options().write(true).open(it.root().join("audit.log")).unwrap().set_len(0).unwrap();
    it.lokt(["lock", "c"]).run().ok();
    log.prints("\"c\"");
    log.kill();
    assert_eq!(audit(&it, &[]), ["c"]);
}

#[test]
fn a_torn_line_hides_no_other_event() {
    let it = sandbox();
    let append = |text: &[u8]| {
        let mut log = File::options().append(true).open(it.root().join("audit.log")).unwrap();
        log.write_all(text).unwrap();
    };
    it.lokt(["lock", "a"]).run().ok();
    append(b"{\"ts\":\"2026-02-01T10:00:00Z\",\"event\":\"acq");
    it.lokt(["lock", "b"]).run().ok();
    append(b"\xff\xfe no event\n\n[1]\n");
    it.lokt(["lock", "c"]).run().ok();
    append(b"{\"ts\":\"2026-");
    let done = it.lokt(["audit", "--json"]).without("LOKT_OWNER").run().ok();
    assert_eq!(names(&done), ["a", "b", "c"]);
    let warned =
        done.err.lines().filter(|line| line.starts_with("warning: a line of the audit log"));
    assert!(warned.count() >= 1, "what is no event is told: {done:#?}");
    assert_eq!(audit(&it, &["--since", "1h"]), ["a", "b", "c"]);
}

#[test]
fn the_log_is_its_owners_alone_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        let it = sandbox();
        it.shell(&format!("umask {umask}; lokt lock x")).run().ok();
        let mode =
            |name: &str| fs::metadata(it.root().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("audit.log"), 0o600, "with umask {umask}");
        assert_eq!(mode("locks/x.json"), 0o644, "all users may read records, with umask {umask}");
        assert_eq!(mode(""), 0o700, "folders are not, with umask {umask}");
    }
}

#[test]
fn no_log_is_no_error() {
    let it = sandbox();
    let done = it.lokt(["audit"]).run().ok();
    assert!(done.out.is_empty() && done.err.is_empty(), "{done:#?}");
    let since = it.lokt(["audit", "--since", "1h", "--json"]).run().ok();
    assert!(since.out.is_empty() && !it.root().exists(), "nothing was made");
}
