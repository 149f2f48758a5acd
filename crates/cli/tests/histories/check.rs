//! What a step came to, next to what it must come to.

use super::{
    expected::{Entry, Expected, Told},
    model::{Broken, Event, Freeze, Grip, Hold, Holder, Model},
    step::{End, Name, Owner, Step},
    world::World,
};
use lokt_testkit::Done;
use serde_json::Value;
use std::{fmt::Debug, fs, path::Path};

/// Says where a step differs from what it must come to.
pub(crate) fn compare(step: Step, expected: &Expected, done: &Done) -> Result<(), String> {
    let same = |what: &str, found: &dyn Debug, must: &dyn Debug| {
        let (found, must) = (format!("{found:?}"), format!("{must:?}"));
        if found == must {
            return Ok(());
        }
        Err(format!("{what}\n   is {found}\n must {must}\n  all {done:?}"))
    };
    same("exit code", &done.code, &Some(expected.code))?;
    same("stdout", &told(step, done), &expected.told)?;
    let matters = |line: &&str| !line.starts_with("hint: ") && !line.starts_with("note: waiting ");
    let says: Vec<&str> = done.err.lines().filter(matters).collect();
    let is_said = |(line, text): (&&str, &String)| line.contains(text);
    let all_said =
        says.len() == expected.says.len() && says.iter().zip(&expected.says).all(is_said);
    if all_said { Ok(()) } else { same("stderr", &says, &expected.says) }
}

/// Says where the audit log's new events differ from what it must gain. Between names, their order may
/// be any.
pub(crate) fn compare_events(new: &[Value], must: &[Event]) -> Result<(), String> {
    let of = |events: &[Event], name: Name| -> Vec<Event> {
        events.iter().filter(|event| event.name == name.as_str()).cloned().collect()
    };
    let found: Vec<Event> = new.iter().map(event).filter(|event| !is_loss(event)).collect();
    let must: Vec<Event> = must.iter().filter(|event| !is_loss(event)).cloned().collect();
    for name in Name::ALL {
        let (found, must) = (of(&found, name), of(&must, name));
        if found != must {
            return Err(format!("events of {name:?}\n   are {found:?}\n  must {must:?}"));
        }
    }
    Ok(())
}

/// A loss is logged when its guard notices it, which is between two steps, and at its end at the latest.
pub(crate) fn is_loss(event: &Event) -> bool {
    event.kind == "lost"
}

/// Says which loss that must have been noticed by now is not in the log.
pub(crate) fn compare_losses(all: &[Value], must: &[Event]) -> Result<(), String> {
    let mut found: Vec<Event> = all.iter().map(event).filter(is_loss).collect();
    for loss in must {
        let at = found.iter().position(|event| event == loss);
        let at = at.ok_or_else(|| format!("{loss:?} is not in the log"))?;
        found.swap_remove(at);
    }
    Ok(())
}

fn event(event: &Value) -> Event {
    let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
    let extra = &event["extra"];
    Event {
        name: text("name"),
        kind: text("event"),
        by: text("owner"),
        holder: extra["holder_owner"].as_str().map(str::to_owned),
        under_lease: extra["under_lease"] == true,
    }
}

/// Says where the files of names differ from what must be there.
pub(crate) fn compare_files(world: &World, model: &Model) -> Result<(), String> {
    for name in Name::ALL {
        let [record, freeze] = world.paths(name);
        let state = model.at(name);
        is_record(&record, state.record())
            .and_then(|()| is_freeze(&freeze, state.freeze))
            .map_err(|what| format!("the file of {name:?} is {what}, and must be of {state:?}"))?;
    }
    Ok(())
}

fn is_record(path: &Path, must: Option<&Holder>) -> Result<(), String> {
    let found = fs::read_to_string(path);
    let Some(must) = must else {
        return if fs::symlink_metadata(path).is_err() { Ok(()) } else { Err("there".to_owned()) };
    };
    if must.broken() == Some(Broken::Folder) {
        return if path.is_dir() { Ok(()) } else { Err("no folder".to_owned()) };
    }
    let text = found.map_err(|error| error.to_string())?;
    let (hold, end, meta) = match &must.grip {
        Grip::Broken(_) => return Ok(()),
        Grip::Guard(guard) => (Some("guard"), guard.end, None),
        Grip::Lease(lease) => (word(lease.hold), lease.end, lease.meta),
    };
    let record: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let owner = must.owner.map(Owner::as_str);
    let is_same = record["owner"].as_str() == owner
        && record["hold"].as_str() == hold
        && record["metadata"]["k"].as_str() == meta
        && record["expires_at"].is_string() == (end != End::Never);
    if is_same { Ok(()) } else { Err(text) }
}

fn word(hold: Hold) -> Option<&'static str> {
    match hold {
        Hold::Lease => Some("lease"),
        Hold::Process => Some("process"),
        Hold::Foreign => None,
    }
}

fn is_freeze(path: &Path, must: Option<Freeze>) -> Result<(), String> {
    match (fs::read_to_string(path), must) {
        (Err(_), None) | (Ok(_), Some(Freeze::Broken)) => Ok(()),
        (Ok(text), Some(Freeze::Order { by, .. })) => {
            let freeze: Value = serde_json::from_str(&text).unwrap_or_default();
            if freeze["owner"] == by.as_str() { Ok(()) } else { Err(text) }
        }
        (found, _) => Err(format!("{found:?}")),
    }
}

/// What a call told on stdout.
fn told(step: Step, done: &Done) -> Told {
    let is_call =
        !matches!(step, Step::Leave(_) | Step::Kill(..) | Step::Queue(..) | Step::GiveUp(_));
    if done.out.is_empty() || !is_call {
        return Told::Nothing;
    }
    match step {
        Step::Status(..) => Told::One(entry(&done.json())),
        Step::List(_) | Step::Prune(_) => {
            Told::List(done.json().as_array().into_iter().flatten().map(entry).collect())
        }
        Step::Why(..) => {
            let why = done.json();
            let reasons = why["reasons"].as_array().into_iter().flatten();
            let reasons = reasons.map(|reason| text(&reason["type"]).unwrap_or_default()).collect();
            Told::Why { status: text(&why["status"]).unwrap_or_default(), reasons }
        }
        Step::Lock(_, _, terms) if terms.json => taken(&done.json()),
        _ => Told::Text(done.out.clone()),
    }
}

fn taken(told: &Value) -> Told {
    if told["status"] == "acquired" {
        return Told::Taken { renewed: told["renewed"] == true };
    }
    Told::Blocked {
        reason: text(&told["reason"]).unwrap_or_default(),
        owner: text(&told["holder_owner"]),
    }
}

fn entry(told: &Value) -> Entry {
    let freeze = told["freeze"] == true;
    let owners = |list: &Value| {
        let guards = list.as_array().into_iter().flatten();
        guards.filter_map(|guard| text(&guard["owner"])).collect()
    };
    Entry {
        name: text(&told["name"]).unwrap_or_default(),
        freeze,
        state: text(&told["state"]).unwrap_or_default(),
        owner: text(&told["owner"]),
        version: told["version"].as_u64(),
        expired: told["expired"].as_bool(),
        process: text(&told["pid_status"]).filter(|_| !freeze),
        meta: text(&told["metadata"]["k"]),
        inside: owners(&told["inside"]),
        queue: owners(&told["queue"]),
        frozen: text(&told["frozen"]["owner"]),
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
