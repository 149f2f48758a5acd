//! A history as a shell script, to reproduce a failure.

use super::{
    model::{BrokenRecord, Model},
    queue::ExpectedWaitOutcome,
    real_system::{LONG_AGO, record_text},
    resolved_step::{GuardPosition, LoktCall, ResolvedStep},
    step::{
        ForeignRecordContent, LockCommandOptions, Step, TestLockName, TiedProcessState, Ttl, Victim,
    },
};
use std::fmt::Write as _;

/// The functions that the steps use.
const PREAMBLE: &str = r#"#!/bin/bash
# Every step of the history is a line that says which exit code must come of it.
cd "$(mktemp -d)" || exit
export LOKT_ROOT=$PWD/root
want() { # CODE COMMAND...
    "${@:2}"
    local code=$?
    ((code == $1)) || { echo "exit code $code in place of: want $*"; exit 1; }
}
record() { echo "$LOKT_ROOT/locks/$1.json"; }
create() { # NAME CONTENT
    mkdir -p "$LOKT_ROOT/locks"
    (set -C; printf %s "$2" >"$(record "$1")") 2>/dev/null
}
folder() { mkdir -p "$LOKT_ROOT/locks"; mkdir "$(record "$1")" 2>/dev/null; }
expire() { # NAME
    jq '.expires_at = "LONG_AGO"' "$(record "$1")" >draft && mv -f draft "$(record "$1")"
}
replace() { # NAME CONTENT TIME
    mkdir -p "$LOKT_ROOT/locks"
    printf %s "$2" >draft && touch -d "$3" draft
    rmdir "$(record "$1")" 2>/dev/null
    mv -f draft "$(record "$1")"
}
enter() { # NUMBER COMMAND...: its command writes its pid, and ends when it reads a line
    mkfifo "in$1"
    "${@:2}" sh -c "echo \$\$ >pid$1; read line; exit 0" <"in$1" &
    guard[$1]=$!
    exec {input}>"in$1"
    inputs[$1]=$input
    inside "$1"
}
queue() { # NUMBER COMMAND...: the same, for a guard that waits
    mkfifo "in$1"
    "${@:2}" sh -c "echo \$\$ >pid$1; read line; exit 0" <"in$1" 2>"err$1" &
    guard[$1]=$!
    exec {input}>"in$1"
    inputs[$1]=$input
    until grep -qs 'waiting for lock' "err$1"; do kill -0 "${guard[$1]}" || return; done
}
inside() { until [[ -s pid$1 ]]; do kill -0 "${guard[$1]}" || return; done; }
gone() { until ! grep -qs '^State:[[:space:]]*[A-WYa-z]' "/proc/$(<"pid$1")/status"; do :; done; }
leave() { echo >&"${inputs[$1]}"; wait "${guard[$1]}"; }
leave_alone() { echo >&"${inputs[$1]}"; gone "$1"; }
tied() { sleep 1000 & tied[$1]=$!; }
# Commands whose guard was killed end with their input, which this script has.
trap 'kill $(jobs -p) 2>/dev/null' EXIT

"#;

/// A script that grows with the history.
pub(crate) struct ReproductionScript {
    text: String,
    tied: usize,
}

impl ReproductionScript {
    pub(crate) fn new() -> Self {
        Self { text: PREAMBLE.replace("LONG_AGO", LONG_AGO), tied: 0 }
    }

    /// The script's text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Adds a step. `before` is the state before it, `position` where its guard is afterwards, and `code` its
    /// expected exit code.
    pub(crate) fn add(
        &mut self,
        resolved: ResolvedStep,
        (before, position): (&Model, GuardPosition),
        code: i32,
    ) {
        for name in TestLockName::ALL {
            if before.state(name).broken().is_some_and(BrokenRecord::is_young) {
                self.line(&format!("touch -d '1 second' \"$(record {})\"", name.as_str()));
            }
        }
        if let Step::Lock(_, _, LockCommandOptions { tied_to: Some(TiedProcessState::Living), .. }) =
            resolved.step
            && self.tied == before.ended_processes
        {
            self.line(&format!("tied {}", self.tied));
            self.tied += 1;
        }
        let line = match resolved.step {
            Step::EndOldestCommand(_) if is_alone(before, resolved.guard) => {
                format!("leave_alone {}", resolved.guard)
            }
            Step::EndOldestCommand(_) => format!("want 0 leave {}", resolved.guard),
            Step::Kill(_, victim) => {
                kill_line(resolved.guard, victim, is_alone(before, resolved.guard))
            }
            Step::EndTiedProcess => {
                let process = format!("${{tied[{}]}}", before.ended_processes);
                format!("kill -9 {process}; wait {process}")
            }
            Step::EndFirstWaiter(_) => {
                let waiting = format!("${{guard[{}]}}", resolved.guard);
                format!("kill {waiting}; want 143 wait {waiting}")
            }
            step => step_line(step, (resolved, before, position), code),
        };
        self.line(&line);
        if let Step::Lock(_, _, LockCommandOptions { ttl: Some(Ttl::Short), .. })
        | Step::Freeze(_, _, Ttl::Short) = resolved.step
        {
            self.line("sleep 0.01");
        }
    }

    /// Adds the end of a wait.
    pub(crate) fn end_wait(&mut self, wait: &ExpectedWaitOutcome) {
        let number = wait.guard;
        self.line(&match &wait.failed {
            None => format!("want 0 inside {number}"),
            Some((code, _)) => format!("want {code} wait ${{guard[{number}]}}"),
        });
    }

    fn line(&mut self, line: &str) {
        // Writing to memory cannot fail.
        let _ = writeln!(self.text, "{line}");
    }
}

/// A step, the state before it, and where its guard is afterwards.
type StepWithPriorState<'a> = (ResolvedStep, &'a Model, GuardPosition);

/// Whether a guard's supervisor has ended.
fn is_alone(model: &Model, number: usize) -> bool {
    model.clone().guard_mut(number).is_some_and(|guard| !guard.supervisor)
}

fn kill_line(guard: usize, victim: Victim, alone: bool) -> String {
    let (supervisor, command) = (format!("${{guard[{guard}]}}"), format!("$(<pid{guard})"));
    match (victim, alone) {
        (Victim::Supervisor, _) => format!("kill -9 {supervisor}; wait {supervisor}"),
        (Victim::Command, true) => format!("kill -9 {command}; gone {guard}"),
        (Victim::Command, false) => format!("kill -9 {command}; want 137 wait {supervisor}"),
        (Victim::Both, _) => {
            format!("kill -9 {supervisor} {command}; wait {supervisor}; gone {guard}")
        }
    }
}

fn step_line(step: Step, around: StepWithPriorState<'_>, code: i32) -> String {
    match step {
        Step::CreateRecord(name, content) => {
            format!("want {code} {}", creation_line(name, content))
        }
        Step::OverwriteRecord(name, content) => replacement_line(name, content),
        Step::DeleteRecord(name) => format!("rm -rf \"$(record {})\"", name.as_str()),
        Step::ExpireRecord(name) => format!("expire {}", name.as_str()),
        Step::AgeRecord(name) => format!("touch -d '1 minute ago' \"$(record {})\"", name.as_str()),
        Step::BreakFreeze(name) => {
            let path = format!("\"$LOKT_ROOT/freezes/{}.json\"", name.as_str());
            format!("mkdir -p \"$LOKT_ROOT/freezes\"; printf '{{' >{path}")
        }
        step => call_line(step, around, code),
    }
}

/// The commands that create a record's file.
fn creation_line(name: TestLockName, content: ForeignRecordContent) -> String {
    let name_of = name.as_str();
    match (record_text(name, content), age(content)) {
        (None, _) => format!("folder {name_of}"),
        (Some(text), "now") => format!("create {name_of} '{text}'"),
        (Some(text), age) => {
            format!("create {name_of} '{text}' && touch -d '{age}' \"$(record {name_of})\"")
        }
    }
}

/// The commands that replace a record's file.
fn replacement_line(name: TestLockName, content: ForeignRecordContent) -> String {
    let name_of = name.as_str();
    match record_text(name, content) {
        None => format!("rm -rf \"$(record {name_of})\"; folder {name_of}"),
        Some(text) => format!("replace {name_of} '{text}' '{}'", age(content)),
    }
}

/// The time of a file's last change.
fn age(content: ForeignRecordContent) -> &'static str {
    match content {
        ForeignRecordContent::Empty { young: false }
        | ForeignRecordContent::Half { young: false } => "1 minute ago",
        _ => "now",
    }
}

fn call_line(
    step: Step,
    (resolved, before, position): StepWithPriorState<'_>,
    code: i32,
) -> String {
    let tied = match step {
        Step::Lock(_, _, LockCommandOptions { tied_to: Some(TiedProcessState::Gone), .. }) => {
            before.ended_processes - 1
        }
        _ => before.ended_processes,
    };
    let pid = format!("${{tied[{tied}]}}");
    let command: &[&str] = if position == GuardPosition::Gone { &["true"] } else { &[] };
    let Some(call) = LoktCall::of_step(step, &pid, command) else { return String::new() };
    let arguments = call.arguments.join(" ");
    let env = format!("env LOKT_OWNER={}", call.owner);
    match (position, call.by_script) {
        (GuardPosition::Inside, _) => {
            format!("want {code} enter {} {env} lokt {arguments}", resolved.guard)
        }
        (GuardPosition::Queued, _) => {
            format!("want {code} queue {} {env} lokt {arguments}", resolved.guard)
        }
        (_, true) => format!("want {code} {env} sh -c \"lokt {arguments}; exit \\$?\""),
        (_, false) => format!("want {code} {env} lokt {arguments}"),
    }
}
