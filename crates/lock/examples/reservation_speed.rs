//! Measures the files of a commit among many reservations, and reserving among them, with real files.
//!
//! `cargo run --release -p lokt-lock --example reservation_speed`

#![expect(clippy::print_stdout, reason = "an example prints its results")]
#![expect(clippy::expect_used, reason = "an example that cannot go on must stop, and say where")]

use lokt_lock::{
    caller::Caller,
    file::FileLockStore,
    ops::{
        ReservationRequest, ReserveOutcome, UnreserveRequest, list_reservations, reserve, unreserve,
    },
    pattern::{Pattern, ProjectPath},
    record::HoldKind,
    reservation::{ReservationMode, ReservationOrigin, ReservationScope, covering},
    rules::OwnerSource,
    words::{AgentId, Owner},
};
use std::{
    fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

const TIMES: usize = 21;

fn main() {
    let kinds: [(&str, fn(usize) -> String); 4] = [
        ("files", |at| format!("packages/app{}/src/other_{at}.tsx", at % 40)),
        ("globs of a folder", |at| format!("packages/app{at}/src/**/*.{{ts,tsx}}")),
        ("globs that end as the files do", |at| format!("**/x{at}_*.tsx")),
        ("globs of all kinds", |at| match at % 3 {
            0 => format!("packages/*/src/x{at}*.tsx"),
            1 => format!("**/{{a{at},b{at}}}_*.{{ts,tsx}}"),
            _ => format!("docs/**/part{at}/"),
        }),
    ];
    for (name, pattern) in kinds {
        let root = tempfile::tempdir().expect("a folder");
        let store = FileLockStore::new(root.path());
        let caller = Caller::current(owner("ada"), OwnerSource::Given, AgentId::new("a"));
        let asked = |path: &str| ReservationRequest {
            caller: &caller,
            patterns: vec![path.parse().expect("a pattern")],
            scope: ReservationScope::Repository,
            mode: ReservationMode::Exclusive,
            ttl: Duration::from_mins(30),
            reason: None,
            origin: ReservationOrigin::Edit,
            hold: HoldKind::Lease,
            pid: 0,
        };
        let take = || {
            let outcome = reserve(&store, &asked("free/main.rs")).expect("it is answered");
            assert!(matches!(outcome, ReserveOutcome::Reserved { .. } | ReserveOutcome::Denied(_)));
        };
        take();
        write_records(&root.path().join("reservations"), pattern);
        let files: Vec<ProjectPath> = (0..1000).map(file).collect();
        report(&format!("1000 files among 1000 {name}"), || {
            let list = list_reservations(&store, &caller).expect("a list");
            black_box(covering(&list.standing, &files));
        });
        report(&format!("an edit's reservation among 1000 {name}"), take);
        let all = UnreserveRequest::default();
        let _ = unreserve(&store, &all, &caller).expect("it is given back");
    }
}

fn owner(name: &str) -> Option<Owner> {
    Owner::new(name).ok()
}

fn file(at: usize) -> ProjectPath {
    let text = format!("packages/app{}/src/components/component_{at}.tsx", at % 40);
    ProjectPath::new(text.as_bytes()).expect("a path")
}

/// Writes 1000 records of another owner, as `lokt reserve` writes them.
fn write_records(folder: &Path, pattern: fn(usize) -> String) {
    for at in 0..1000 {
        let pattern: Pattern = pattern(at).parse().expect("a pattern");
        let pattern = serde_json::to_string(&pattern).expect("JSON");
        let text = format!(
            "{{\n  \"version\": 1,\n  \"id\": \"r{at}\",\n  \"owner\": \"bob\",\n  \"agent_id\": \"claude-code:s{at}\",\n  \
             \"host\": \"box\",\n  \"pid\": 7,\n  \"hold\": \"lease\",\n  \"acquired_ts\": \"2026-02-01T10:00:00Z\",\n  \
             \"ttl_sec\": 1800,\n  \"expires_at\": \"2999-02-01T10:30:00Z\",\n  \"scope\": \"repository\",\n  \
             \"mode\": \"exclusive\",\n  \"patterns\": [{pattern}],\n  \"reason\": \"new login\",\n  \
             \"origin\": \"edit\"\n}}\n"
        );
        fs::write(folder.join(format!("r{at}.json")), text).expect("a record");
    }
}

fn report(what: &str, mut run: impl FnMut()) {
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..TIMES {
        let started = Instant::now();
        run();
        times.push(started.elapsed());
    }
    times.sort();
    let at = |place: usize| times.get(place).copied().unwrap_or_default().as_secs_f64() * 1e3;
    println!("{:>8.2} ms, median {:>8.2} ms  {what}", at(0), at(TIMES / 2));
}
