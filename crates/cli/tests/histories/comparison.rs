//! Compares the outcome of a step with the expected one.

use super::{
    expected::{ExpectedOutcome, StatusEntry, Stdout},
    model::{
        BrokenRecord, ExpectedAuditEvent, Holder, HolderKind, LeaseLifetimeBasis, Model,
        ModelLockFreeze,
    },
    real_system::RealSystem,
    step::{Expiry, Step, TestLockName, TestOwnerName},
};
use lokt_testkit::Done;
use serde_json::Value;
use std::{fmt::Debug, fs, path::Path};

/// Returns the difference between the outcome of a step and the expected one.
pub(crate) fn compare(step: Step, expected: &ExpectedOutcome, done: &Done) -> Result<(), String> {
    let same = |what: &str, found: &dyn Debug, expected: &dyn Debug| {
        let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
        if found == expected {
            return Ok(());
        }
        Err(format!("{what}\n   is {found}\n must {expected}\n  all {done:?}"))
    };
    same("exit code", &done.code, &Some(expected.code))?;
    same("stdout", &stdout_of(step, done), &expected.stdout)?;
    // How long a wait or a renewed lease lasts is a matter of the clock.
    let by_clock = ["hint: ", "note: waiting ", "note: it ends "];
    let matters = |line: &&str| !by_clock.iter().any(|start| line.starts_with(start));
    let stderr: Vec<&str> = done.err.lines().filter(matters).collect();
    let is_said = |(line, text): (&&str, &String)| line.contains(text);
    let all_said =
        stderr.len() == expected.stderr.len() && stderr.iter().zip(&expected.stderr).all(is_said);
    if all_said { Ok(()) } else { same("stderr", &stderr, &expected.stderr) }
}

/// Returns the difference between the audit log's new events and the expected ones. The order of events of
/// different names does not matter.
pub(crate) fn compare_events(new: &[Value], expected: &[ExpectedAuditEvent]) -> Result<(), String> {
    let of = |events: &[ExpectedAuditEvent], name: TestLockName| -> Vec<ExpectedAuditEvent> {
        events.iter().filter(|event| event.name == name.as_str()).cloned().collect()
    };
    let found: Vec<ExpectedAuditEvent> =
        new.iter().map(event).filter(|event| !is_loss(event)).collect();
    let expected: Vec<ExpectedAuditEvent> =
        expected.iter().filter(|event| !is_loss(event)).cloned().collect();
    for name in TestLockName::ALL {
        let (found, expected) = (of(&found, name), of(&expected, name));
        if found != expected {
            return Err(format!("events of {name:?}\n   are {found:?}\n  must {expected:?}"));
        }
    }
    Ok(())
}

/// A loss is logged when its guard notices it, which is between two steps, and at its end at the latest.
pub(crate) fn is_loss(event: &ExpectedAuditEvent) -> bool {
    event.kind == "lost"
}

/// Returns a loss that its guard must have noticed but that is not in the log.
pub(crate) fn compare_losses(all: &[Value], expected: &[ExpectedAuditEvent]) -> Result<(), String> {
    let mut found: Vec<ExpectedAuditEvent> = all.iter().map(event).filter(is_loss).collect();
    for loss in expected {
        let at = found.iter().position(|event| event == loss);
        let at = at.ok_or_else(|| format!("{loss:?} is not in the log"))?;
        found.swap_remove(at);
    }
    Ok(())
}

fn event(event: &Value) -> ExpectedAuditEvent {
    let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
    let extra = &event["extra"];
    ExpectedAuditEvent {
        name: text("name"),
        kind: text("event"),
        by: text("owner"),
        holder: extra["holder_owner"].as_str().map(str::to_owned),
        under_lease: extra["under_lease"] == true,
    }
}

/// Returns the difference between the files of names and the expected ones.
pub(crate) fn compare_files(real_system: &RealSystem, model: &Model) -> Result<(), String> {
    for name in TestLockName::ALL {
        let [record, freeze] = real_system.paths(name);
        let state = model.state(name);
        compare_record(&record, state.record())
            .and_then(|()| compare_freeze(&freeze, state.freeze))
            .map_err(|what| format!("the file of {name:?} is {what}, and must be of {state:?}"))?;
    }
    Ok(())
}

fn compare_record(path: &Path, expected: Option<&Holder>) -> Result<(), String> {
    let found = fs::read_to_string(path);
    let Some(expected) = expected else {
        return if fs::symlink_metadata(path).is_err() { Ok(()) } else { Err("there".to_owned()) };
    };
    if expected.broken() == Some(BrokenRecord::Folder) {
        return if path.is_dir() { Ok(()) } else { Err("no folder".to_owned()) };
    }
    let text = found.map_err(|error| error.to_string())?;
    let (hold, end, meta) = match &expected.kind {
        HolderKind::Broken(_) => return Ok(()),
        HolderKind::Guard(guard) => (Some("guard"), guard.end, None),
        HolderKind::Lease(lease) => (hold_text(lease.hold), lease.end, lease.meta),
    };
    let record: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let owner = expected.owner.map(TestOwnerName::as_str);
    let is_same = record["owner"].as_str() == owner
        && record["hold"].as_str() == hold
        && record["metadata"]["k"].as_str() == meta
        && record["expires_at"].is_string() == (end != Expiry::Never);
    if is_same { Ok(()) } else { Err(text) }
}

fn hold_text(hold: LeaseLifetimeBasis) -> Option<&'static str> {
    match hold {
        LeaseLifetimeBasis::Lease => Some("lease"),
        LeaseLifetimeBasis::Process => Some("process"),
        LeaseLifetimeBasis::Foreign => None,
    }
}

fn compare_freeze(path: &Path, expected: Option<ModelLockFreeze>) -> Result<(), String> {
    match (fs::read_to_string(path), expected) {
        (Err(_), None) | (Ok(_), Some(ModelLockFreeze::Broken)) => Ok(()),
        (Ok(text), Some(ModelLockFreeze::Record { by, .. })) => {
            let freeze: Value = serde_json::from_str(&text).unwrap_or_default();
            if freeze["owner"] == by.as_str() { Ok(()) } else { Err(text) }
        }
        (found, _) => Err(format!("{found:?}")),
    }
}

/// The stdout of a call.
fn stdout_of(step: Step, done: &Done) -> Stdout {
    let is_call = !matches!(
        step,
        Step::EndOldestCommand(_)
            | Step::Kill(..)
            | Step::StartWaitingGuard(..)
            | Step::EndFirstWaiter(_)
    );
    if done.out.is_empty() || !is_call {
        return Stdout::Nothing;
    }
    match step {
        // The error, which is on stderr too.
        Step::Status(..) | Step::Why(..) | Step::Lock(..) if is_error(done) => Stdout::Nothing,
        Step::Status(..) => Stdout::Status(entry(&done.json())),
        Step::List(_) | Step::Prune(_) => {
            Stdout::StatusList(done.json().as_array().into_iter().flatten().map(entry).collect())
        }
        Step::Why(..) => {
            let why = done.json();
            let reasons = why["reasons"].as_array().into_iter().flatten();
            let reasons = reasons.map(|reason| text(&reason["type"]).unwrap_or_default()).collect();
            Stdout::Why { status: text(&why["status"]).unwrap_or_default(), reasons }
        }
        Step::Lock(_, _, options) if options.json => lock_result(&done.json()),
        _ => Stdout::Text(done.out.clone()),
    }
}

/// Whether stdout is the JSON of an error.
fn is_error(done: &Done) -> bool {
    done.out.starts_with('{') && done.json()["status"] == "error"
}

fn lock_result(json: &Value) -> Stdout {
    if json["status"] == "acquired" {
        return Stdout::Acquired { renewed: json["renewed"] == true };
    }
    Stdout::Blocked {
        reason: text(&json["reason"]).unwrap_or_default(),
        owner: text(&json["holder_owner"]),
    }
}

fn entry(json: &Value) -> StatusEntry {
    let freeze = json["freeze"] == true;
    let owners = |list: &Value| {
        let guards = list.as_array().into_iter().flatten();
        guards.filter_map(|guard| text(&guard["owner"])).collect()
    };
    StatusEntry {
        name: text(&json["name"]).unwrap_or_default(),
        freeze,
        state: text(&json["state"]).unwrap_or_default(),
        owner: text(&json["owner"]),
        version: json["version"].as_u64(),
        expired: json["expired"].as_bool(),
        process: text(&json["pid_status"]).filter(|_| !freeze),
        meta: text(&json["metadata"]["k"]),
        inside: owners(&json["inside"]),
        queue: owners(&json["queue"]),
        frozen: text(&json["frozen"]["owner"]),
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
