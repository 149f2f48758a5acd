//! A way to a fault, told for people.

use crate::model::{
    moves::{Move, What},
    oracle,
    process::{Phase, Process},
    state::State,
    store::Mishap,
    world::{Content, World},
};
use stateright::Path;
use std::fmt::Write;

/// Tells what happened, step by step, and what was wrong at the end.
pub(crate) fn tell(path: Path<State, Move>) -> String {
    let mut told = String::new();
    for (number, (state, step)) in path.into_vec().into_iter().enumerate() {
        let _ = write!(told, "{}", picture(&state));
        match step {
            Some(step) => {
                let _ = writeln!(told, "{:>3}. {}", number + 1, words(step.what));
            }
            None => {
                let _ = writeln!(told, "WRONG: {}", wrong(&state).unwrap_or_default());
            }
        }
    }
    told
}

fn wrong(state: &State) -> Option<String> {
    let fault = state.fault.as_ref().map(|fault| format!("{:?}: {}", fault.promise, fault.how));
    fault
        .or_else(|| oracle::crowd(state))
        .or_else(|| oracle::sleeper(state))
        .or_else(|| oracle::misjudged(state))
        .or_else(|| oracle::wedge(state))
}

fn words(what: What) -> String {
    match what {
        What::Act(index, act, step, mishap) => {
            let befalls = match mishap {
                Mishap::None => String::new(),
                Mishap::Foreign(at, step) => {
                    format!("; before its touch {at} of the record, another program does {step:?}")
                }
                Mishap::Tick(at) => format!("; before its reading {at} of the clock, time passes"),
                Mishap::Failure(at) => format!("; its verb {at} fails"),
            };
            format!("process {index}: {act:?} {}{befalls}", step_words(step))
        }
        What::Crash(index, act, step, at, change) => {
            let step = step_words(step);
            format!("process {index}: {act:?} {step}, and dies after change {at}, {change}")
        }
        What::Ends(index) => format!("process {index} ends"),
        What::Dies(index) => format!("process {index} is killed"),
        What::CommandEnds(index) => format!("the command of process {index} ends"),
        What::Tick => "time passes".to_owned(),
        What::Foreign(step) => format!("another program does {step:?}"),
    }
}

fn step_words(step: Option<crate::model::process::Step>) -> String {
    step.map_or_else(String::new, |step| format!("{step:?}"))
}

fn picture(state: &State) -> String {
    let mut told = format!("     time {} | {}\n", state.world.ticks, of_world(&state.world));
    for (index, process) in state.processes.iter().enumerate() {
        let _ = writeln!(told, "     {index} of owner {}: {}", process.owner, of_process(process));
    }
    told
}

fn of_world(world: &World) -> String {
    let lock = match &world.lock {
        Content::Nothing => "no record".to_owned(),
        Content::Empty(since) => format!("an empty file since {since}"),
        Content::Record(record) => {
            let holders = record.holders().map(|it| {
                let hold = it.hold.as_ref().map_or("foreign", |hold| hold.as_str());
                let id = it.lock_id.as_ref().map_or("", |id| id.as_str());
                let end = it.expiry().map_or_else(|| "no end".into(), |end| end.to_string());
                format!("{hold} {id} ({}, {end})", it.mode)
            });
            format!("record of {}", holders.collect::<Vec<_>>().join(" and "))
        }
    };
    let line = world.line.iter().map(|file| {
        let state = if file.place.entered { "in" } else { "waits" };
        let alive = if file.lives() { "" } else { ", dead" };
        let place = &file.place;
        format!("{}:{} ({}, {state}{alive})", place.number, place.lock_id, place.mode)
    });
    let freeze = if world.freeze.is_some() { " | frozen" } else { "" };
    format!("{lock}{freeze} | line: {}", line.collect::<Vec<_>>().join(" "))
}

fn of_process(process: &Process) -> String {
    let next: Vec<String> = process.script.iter().rev().map(|step| format!("{step:?}")).collect();
    let phase = match &process.phase {
        Phase::Idle => "idle".to_owned(),
        Phase::Waiting { place, obstacle: None } => format!("{} waits, woken", place.lock_id),
        Phase::Waiting { place, obstacle: Some(obstacle) } => {
            format!("{} asleep until {}", place.lock_id, of_obstacle(obstacle))
        }
        Phase::Inside(it) => format!(
            "{} inside ({:?}): guard {}, command {}{}{}",
            it.place.lock_id,
            it.kind,
            if it.supervisor { "alive" } else { "dead" },
            if it.command { "alive" } else { "ended" },
            if it.over { ", over" } else { "" },
            if it.broken { ", broken by force" } else { "" },
        ),
        Phase::Gone => "gone".to_owned(),
    };
    format!("{phase}; {}", next.join(", "))
}

fn of_obstacle(obstacle: &lokt_lock::rules::Obstacle) -> String {
    use lokt_lock::rules::Obstacle;
    match obstacle {
        Obstacle::Ahead(place) => format!("{} goes", place.lock_id),
        Obstacle::Full(inside, _) => {
            let inside: Vec<&str> = inside.iter().map(|place| place.lock_id.as_str()).collect();
            format!("one of {} goes", inside.join(" "))
        }
        Obstacle::Held(_) => "the record changes or ends".to_owned(),
        Obstacle::Frozen(_) => "the freeze ends".to_owned(),
        Obstacle::Corrupted(_) => "the broken file changes".to_owned(),
    }
}
