//! The report of a path to a violation.

use crate::model::{
    invariants,
    memory_root::{LockRecordFileContent, MemoryRoot},
    process::{Phase, Process},
    state::State,
    store::InjectedStoreEvent,
    transitions::{Transition, TransitionKind},
};
use stateright::Path;
use std::fmt::Write;

/// Describes each step of a path, and the violation at its end.
pub(crate) fn describe_path(path: Path<State, Transition>) -> String {
    let mut text = String::new();
    for (number, (state, step)) in path.into_vec().into_iter().enumerate() {
        let _ = write!(text, "{}", describe_state(&state));
        match step {
            Some(step) => {
                let _ = writeln!(text, "{:>3}. {}", number + 1, describe_transition(step.what));
            }
            None => {
                let _ = writeln!(text, "WRONG: {}", describe_violation(&state).unwrap_or_default());
            }
        }
    }
    text
}

fn describe_violation(state: &State) -> Option<String> {
    let violation = state
        .violation
        .as_ref()
        .map(|violation| format!("{:?}: {}", violation.guarantee, violation.description));
    violation
        .or_else(|| invariants::find_conflicting_holders(state))
        .or_else(|| invariants::find_overfull_record(state))
        .or_else(|| invariants::find_missed_wakeup(state))
        .or_else(|| invariants::find_misjudged_guard(state))
        .or_else(|| invariants::find_refused_newcomer(state))
}

fn describe_transition(what: TransitionKind) -> String {
    match what {
        TransitionKind::Action(index, action, step, injection) => {
            let injected = match injection {
                InjectedStoreEvent::None => String::new(),
                InjectedStoreEvent::Foreign(at, step) => {
                    format!("; before its touch {at} of the record, another program does {step:?}")
                }
                InjectedStoreEvent::Tick(at) => {
                    format!("; before its reading {at} of the clock, time passes")
                }
                InjectedStoreEvent::Failure(at) => format!("; its verb {at} fails"),
                InjectedStoreEvent::Death(at, who) => {
                    format!(
                        "; before its probe {at} of a ticket, process {who} dies with its command"
                    )
                }
            };
            format!("process {index}: {action:?} {}{injected}", describe_step(step))
        }
        TransitionKind::Crash(index, action, step, at, change) => {
            let step = describe_step(step);
            format!("process {index}: {action:?} {step}, and dies after change {at}, {change}")
        }
        TransitionKind::Ends(index) => format!("process {index} ends"),
        TransitionKind::Dies(index) => format!("process {index} is killed"),
        TransitionKind::CommandEnds(index) => format!("the command of process {index} ends"),
        TransitionKind::Tick => "time passes".to_owned(),
        TransitionKind::Foreign(step) => format!("another program does {step:?}"),
    }
}

fn describe_step(step: Option<crate::model::process::ProcessScriptStep>) -> String {
    step.map_or_else(String::new, |step| format!("{step:?}"))
}

fn describe_state(state: &State) -> String {
    let mut text = format!("     time {} | {}\n", state.root.ticks, describe_root(&state.root));
    for (index, process) in state.processes.iter().enumerate() {
        let _ = writeln!(
            text,
            "     {index} of owner {}: {}",
            process.owner,
            describe_process(process)
        );
    }
    text
}

fn describe_root(root: &MemoryRoot) -> String {
    let lock = match &root.lock {
        LockRecordFileContent::Nothing => "no record".to_owned(),
        LockRecordFileContent::Empty(since) => format!("an empty file since {since}"),
        LockRecordFileContent::Record(record) => {
            let holders = record.holders().map(|it| {
                let hold = it.hold.as_ref().map_or("foreign", |hold| hold.as_str());
                let id = it.lock_id.as_ref().map_or("", |id| id.as_str());
                let end = it.expiry().map_or_else(|| "no end".into(), |end| end.to_string());
                format!("{hold} {id} ({}, {end})", it.mode)
            });
            format!("record of {}", holders.collect::<Vec<_>>().join(" and "))
        }
    };
    let line = root.queue.iter().map(|file| {
        let state = if file.place.entered { "in" } else { "waits" };
        let alive = if file.lives() { "" } else { ", dead" };
        let place = &file.place;
        format!("{}:{} ({}, {state}{alive})", place.number, place.lock_id, place.mode)
    });
    let freeze = if root.freeze.is_some() { " | frozen" } else { "" };
    format!("{lock}{freeze} | line: {}", line.collect::<Vec<_>>().join(" "))
}

fn describe_process(process: &Process) -> String {
    let next: Vec<String> = process.script.iter().rev().map(|step| format!("{step:?}")).collect();
    let phase = match &process.phase {
        Phase::Idle => "idle".to_owned(),
        Phase::Waiting { place, obstacle: None } => format!("{} waits, woken", place.lock_id),
        Phase::Waiting { place, obstacle: Some(obstacle) } => {
            format!("{} asleep until {}", place.lock_id, describe_obstacle(obstacle))
        }
        Phase::Inside(it) => format!(
            "{} inside ({:?}): guard {}, command {}{}{}",
            it.place.lock_id,
            it.kind,
            if it.supervisor { "alive" } else { "dead" },
            if it.command { "alive" } else { "ended" },
            if it.main_process_ended { ", over" } else { "" },
            if it.broken { ", broken by force" } else { "" },
        ),
        Phase::Gone => "gone".to_owned(),
    };
    format!("{phase}; {}", next.join(", "))
}

fn describe_obstacle(obstacle: &lokt_lock::rules::Obstacle) -> String {
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
