//! A history as a shell script, for a person who wants to see for themselves.

use super::{
    model::{Broken, Model},
    step::{Name, Step, Terms, Thing, Tie, Ttl, Victim},
    turn::{Call, Stay, Turn},
    waiting::Ended,
    world::{LONG_AGO, content},
};
use std::fmt::Write as _;

/// What the steps are made of.
const BEGINNING: &str = r#"#!/bin/bash
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
enter() { # NUMBER COMMAND...: its command says who it is, and ends when it is told something
    mkfifo "in$1"
    "${@:2}" sh -c "echo \$\$ >pid$1; read line; exit 0" <"in$1" &
    guard[$1]=$!
    exec {input}>"in$1"
    inputs[$1]=$input
    inside "$1"
}
queue() { # NUMBER COMMAND...: the same, of one who waits
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
pub(crate) struct Script {
    text: String,
    tied: usize,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self { text: BEGINNING.replace("LONG_AGO", LONG_AGO), tied: 0 }
    }

    /// The script, to be written to a file.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Adds a step. `before` is what was true before it, `stay` where its guard is afterwards, and `code`
    /// what must come of it.
    pub(crate) fn add(&mut self, turn: Turn, (before, stay): (&Model, Stay), code: i32) {
        for name in Name::ALL {
            if before.at(name).broken().is_some_and(Broken::is_young) {
                self.line(&format!("touch -d '1 second' \"$(record {})\"", name.as_str()));
            }
        }
        if let Step::Lock(_, _, Terms { tie: Some(Tie::Living), .. }) = turn.step
            && self.tied == before.ended
        {
            self.line(&format!("tied {}", self.tied));
            self.tied += 1;
        }
        let line = match turn.step {
            Step::Leave(_) if is_alone(before, turn.guard) => {
                format!("leave_alone {}", turn.guard)
            }
            Step::Leave(_) => format!("want 0 leave {}", turn.guard),
            Step::Kill(_, victim) => of_kill(turn.guard, victim, is_alone(before, turn.guard)),
            Step::EndTied => {
                let process = format!("${{tied[{}]}}", before.ended);
                format!("kill -9 {process}; wait {process}")
            }
            Step::GiveUp(_) => {
                let waiting = format!("${{guard[{}]}}", turn.guard);
                format!("kill {waiting}; want 143 wait {waiting}")
            }
            step => of_step(step, (turn, before, stay), code),
        };
        self.line(&line);
        if let Step::Lock(_, _, Terms { ttl: Some(Ttl::Short), .. })
        | Step::Freeze(_, _, Ttl::Short) = turn.step
        {
            self.line("sleep 0.01");
        }
    }

    /// Adds the end of a wait.
    pub(crate) fn end_wait(&mut self, wait: &Ended) {
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

/// A step as it is taken, what was true before, and where its guard is afterwards.
type Around<'a> = (Turn, &'a Model, Stay);

/// Whether a guard's supervisor is gone.
fn is_alone(model: &Model, number: usize) -> bool {
    model.clone().guard_mut(number).is_some_and(|guard| !guard.supervisor)
}

fn of_kill(guard: usize, victim: Victim, alone: bool) -> String {
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

fn of_step(step: Step, around: Around<'_>, code: i32) -> String {
    match step {
        Step::Create(name, thing) => format!("want {code} {}", of_creation(name, thing)),
        Step::Overwrite(name, thing) => of_replacement(name, thing),
        Step::Delete(name) => format!("rm -rf \"$(record {})\"", name.as_str()),
        Step::Expire(name) => format!("expire {}", name.as_str()),
        Step::Age(name) => format!("touch -d '1 minute ago' \"$(record {})\"", name.as_str()),
        Step::BreakFreeze(name) => {
            let path = format!("\"$LOKT_ROOT/freezes/{}.json\"", name.as_str());
            format!("mkdir -p \"$LOKT_ROOT/freezes\"; printf '{{' >{path}")
        }
        step => of_call(step, around, code),
    }
}

/// How a thing is put in a record's place where nothing stands.
fn of_creation(name: Name, thing: Thing) -> String {
    let name_of = name.as_str();
    match (content(name, thing), age(thing)) {
        (None, _) => format!("folder {name_of}"),
        (Some(content), "now") => format!("create {name_of} '{content}'"),
        (Some(content), age) => {
            format!("create {name_of} '{content}' && touch -d '{age}' \"$(record {name_of})\"")
        }
    }
}

/// How a thing is put in a record's place, whatever stands there.
fn of_replacement(name: Name, thing: Thing) -> String {
    let name_of = name.as_str();
    match content(name, thing) {
        None => format!("rm -rf \"$(record {name_of})\"; folder {name_of}"),
        Some(content) => format!("replace {name_of} '{content}' '{}'", age(thing)),
    }
}

/// When a thing was changed last.
fn age(thing: Thing) -> &'static str {
    match thing {
        Thing::Empty { young: false } | Thing::Half { young: false } => "1 minute ago",
        _ => "now",
    }
}

fn of_call(step: Step, (turn, before, stay): Around<'_>, code: i32) -> String {
    let tied = match step {
        Step::Lock(_, _, Terms { tie: Some(Tie::Gone), .. }) => before.ended - 1,
        _ => before.ended,
    };
    let pid = format!("${{tied[{tied}]}}");
    let command: &[&str] = if stay == Stay::Nowhere { &["true"] } else { &[] };
    let Some(call) = Call::of(step, &pid, command) else { return String::new() };
    let words = call.words.join(" ");
    let env = format!("env LOKT_OWNER={}", call.owner);
    match (stay, call.by_script) {
        (Stay::Inside, _) => format!("want {code} enter {} {env} lokt {words}", turn.guard),
        (Stay::InLine, _) => format!("want {code} queue {} {env} lokt {words}", turn.guard),
        (_, true) => format!("want {code} {env} sh -c \"lokt {words}; exit \\$?\""),
        (_, false) => format!("want {code} {env} lokt {words}"),
    }
}
