//! Scenes for tests.

use super::snapshot::{LockNameStatus, TopSnapshot};
use lokt_lock::{
    audit::AuditLogLine,
    ops::{LockStatusEntry, LockStatusEntryState},
    record::{LockRecord, RecordSlot},
    reservation::{Reservation, ReservationId},
    rules::{Liveness, TicketContent},
    store::LockRecordKind,
    words::{LockName, Timestamp},
};
use serde_json::{Value, json};

/// A second of the day on which everything happens.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_microseconds(1_800_000_000_000_000 + second * 1_000_000).unwrap()
}

fn name(text: &str) -> LockName {
    LockName::new(text).unwrap()
}

/// A record of an owner since a second, with more fields.
fn record(lock: &str, owner: &str, since: i64, more: &Value) -> LockRecord {
    let mut fields = json!({"version": 1, "name": lock, "lock_id": "a".repeat(32), "owner": owner, "host": "box",
        "pid": 7, "acquired_ts": at(since).to_string(), "hold": "guard"});
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    LockRecord::parse(fields.to_string().as_bytes(), &name(lock)).unwrap()
}

fn ticket(owner: &str, since: i64, command: &[&str]) -> TicketContent {
    TicketContent {
        name: "build".into(),
        owner: owner.into(),
        owner_given: true,
        agent_id: "agent-2".into(),
        pid: 9,
        command: command.iter().map(ToString::to_string).collect(),
        since: at(since).to_string(),
        held: Vec::new(),
    }
}

fn entry(
    lock: &str,
    (kind, state): (LockRecordKind, LockStatusEntryState),
    slot: RecordSlot,
) -> LockStatusEntry {
    let taken = if kind == LockRecordKind::Lock {
        slot.record().map_or(0, |it| it.holders().count())
    } else {
        0
    };
    LockStatusEntry {
        name: name(lock),
        kind,
        slot,
        state,
        process: Liveness::Alive,
        seen: at(100),
        inside: Vec::new(),
        taken,
        gone: false,
        waiters: Vec::new(),
    }
}

fn held(lock: &str, state: LockStatusEntryState, record: LockRecord) -> LockStatusEntry {
    entry(lock, (LockRecordKind::Lock, state), RecordSlot::Record(Box::new(record)))
}

fn event(second: i64, kind: &str, lock: &str, owner: &str) -> AuditLogLine {
    let fields = json!({"ts": at(second).to_string(), "event": kind, "name": lock, "owner": owner});
    AuditLogLine::Event(fields.as_object().unwrap().clone())
}

/// Of everything something: a guard for which three wait, readers, an orphan, leases, freezes, something broken.
pub(super) fn busy() -> TopSnapshot {
    let command =
        json!({"command": ["make", "build"], "fence": 7, "expires_at": at(400).to_string()});
    let build = LockStatusEntry {
        waiters: vec![
            ticket("bob", 40, &["make", "test"]),
            ticket("eve", 95, &["sh", "-c", "make docs"]),
            ticket("tim", 99, &[]),
        ],
        ..held("build", LockStatusEntryState::Held, record("build", "ada", 10, &command))
    };
    let reader = |owner: &str, since| {
        json!({"lock_id": owner.repeat(8), "owner": owner, "pid": 8,
        "acquired_ts": at(since).to_string(), "hold": "guard", "command": ["cat", "docs"]})
    };
    let shared =
        json!({"mode": "shared", "command": ["less", "docs"], "co_holders": [reader("maxi", 97)]});
    let lease = json!({"hold": "lease", "expires_at": at(130).to_string(),
        "metadata": {"topic": "parser", "exit_code": 0}});
    let orphan = json!({"command": ["./deploy", "--all"]});
    let order = json!({"hold": null, "expires_at": at(4000).to_string()});
    let freeze = |lock: &str| {
        let slot = RecordSlot::Record(Box::new(record(lock, "ops", 20, &order)));
        entry(lock, (LockRecordKind::Freeze, LockStatusEntryState::Frozen), slot)
    };
    let broken =
        RecordSlot::Unreadable(std::sync::Arc::new(std::io::Error::other("cannot be read")));
    let entries = vec![
        build,
        held("deploy", LockStatusEntryState::Orphaned, record("deploy", "zoe", -100_000, &orphan)),
        held("docs", LockStatusEntryState::Held, record("docs", "ada", 90, &shared)),
        entry("odd", (LockRecordKind::Lock, LockStatusEntryState::Unreadable), broken),
        held("review", LockStatusEntryState::Held, record("review", "ada", 50, &lease)),
        freeze("deploy"),
        freeze("release"),
    ];
    let events = vec![
        event(10, "acquire", "build", "ada"),
        event(20, "freeze", "deploy", "ops"),
        event(50, "acquire", "review", "ada"),
        event(97, "acquire", "docs", "maxi"),
    ];
    let root = "/home/ada/site/.git/lokt".to_owned();
    TopSnapshot {
        root,
        names: LockNameStatus::all(entries),
        reserved: Vec::new(),
        requests: Vec::new(),
        events,
        looked: at(100),
        trouble: None,
    }
}

/// A root in which nothing is held.
pub(super) fn idle() -> TopSnapshot {
    TopSnapshot { names: Vec::new(), events: Vec::new(), ..busy() }
}

/// A root in which a number of sessions of ada have reserved a path each.
pub(super) fn reserved(sessions: usize) -> TopSnapshot {
    let record = |number: usize| {
        let id = ReservationId::new(&format!("r{number}")).unwrap();
        let fields = json!({"version": 1, "id": id.as_str(), "owner": "ada", "scope": "repository",
            "agent_id": format!("claude-code:s{number}"), "acquired_ts": at(90).to_string(),
            "expires_at": at(150).to_string(), "mode": "exclusive", "origin": "command",
            "patterns": [format!("src/{number}")], "reason": "login"});
        Reservation::parse(fields.to_string().as_bytes(), &id).unwrap()
    };
    TopSnapshot { reserved: (0..sessions).map(record).collect(), ..idle() }
}
