use super::{GuardRule, ShellToolCall, decide::PlacedGuard};
use crate::{shell_text::line::PlacedCommand, view::command_line};
use lokt_lock::words::LockName;
use std::{fmt::Write, time::Duration};

/// How long before the harness stops a call a waiter gives up, so that the agent reads who holds the lock.
const BEFORE_LIMIT: Duration = Duration::from_secs(10);

/// A call of Lokt that runs a command under locks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GuardCall {
    pub(super) names: Vec<LockName>,
    waits: bool,
    is_once: bool,
    max_hold: Option<String>,
}

impl GuardCall {
    pub(super) fn of_rule(rule: &GuardRule) -> Self {
        Self {
            names: rule.names.clone(),
            waits: rule.waits,
            is_once: rule.is_once,
            max_hold: rule.max_hold.clone(),
        }
    }

    /// A turn at the index of git.
    pub(super) fn of_index(name: LockName) -> Self {
        Self { names: vec![name], waits: true, is_once: false, max_hold: None }
    }

    /// The same around a shell that runs the command, and perhaps others.
    pub(super) fn around_shell(self, is_alone: bool) -> Self {
        Self { is_once: false, max_hold: self.max_hold.filter(|_| is_alone), ..self }
    }

    /// One guard for several. It waits if one of them does, and has the time limit of a single one only: others may run
    /// longer.
    pub(super) fn merged(guards: impl Iterator<Item = Self>) -> Option<Self> {
        guards.reduce(|mut one, mut other| {
            other.names.retain(|name| !one.names.contains(name));
            one.names.extend(other.names);
            one.waits |= other.waits;
            one.max_hold = None;
            one.is_once = false;
            one
        })
    }

    /// Its locks, for people.
    pub(super) fn shown_names(&self) -> String {
        let names: Vec<String> = self.names.iter().map(|it| format!("{:?}", it.as_str())).collect();
        format!("the lock {}", names.join(", "))
    }

    /// What comes in front of the command's words.
    pub(super) fn words(
        &self,
        program: &str,
        time_limit: Option<Duration>,
        command: &PlacedCommand,
        is_whole: bool,
    ) -> String {
        let is_plain = !command.has_redirections && !command.is_background && !command.is_prefixed;
        let is_in_place = command.depth == 1 && is_plain;
        let mut text = String::new();
        if self.is_once && is_whole && is_in_place {
            self.once(&mut text, program, time_limit, &command.assignments);
        } else {
            self.guard(&mut text, program, time_limit);
        }
        if let Some(limit) = &self.max_hold {
            let _ = write!(text, "--max-hold {limit} ");
        }
        text.push_str("-- ");
        text
    }

    fn once(
        &self,
        text: &mut String,
        program: &str,
        time_limit: Option<Duration>,
        variables: &[String],
    ) {
        let _ = write!(text, "{program} once {} ", self.listed());
        for variable in variables {
            let _ = write!(text, "--env {variable} ");
        }
        if let Some(limit) = time_limit {
            let _ = write!(text, "--timeout {} ", duration(limit.saturating_sub(BEFORE_LIMIT)));
        }
    }

    fn guard(&self, text: &mut String, program: &str, time_limit: Option<Duration>) {
        let _ = write!(text, "{program} guard {} ", self.listed());
        match time_limit.map(|it| it.saturating_sub(BEFORE_LIMIT)) {
            _ if !self.waits => {}
            None => text.push_str("--wait "),
            // No time to wait: the refusal says at once who holds it.
            Some(Duration::ZERO) => {}
            Some(limit) => {
                let _ = write!(text, "--wait --timeout {} ", duration(limit));
            }
        }
    }

    fn listed(&self) -> String {
        self.names.iter().map(LockName::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// The whole line under all its locks, in a shell.
pub(super) fn whole_line(
    call: &ShellToolCall<'_>,
    program: &str,
    found: &[PlacedGuard<'_>],
) -> String {
    let guards = found.iter().map(|it| it.guard.clone().around_shell(false));
    let Some(guard) = GuardCall::merged(guards) else { return call.line.to_owned() };
    let mut text = String::new();
    guard.guard(&mut text, program, call.time_limit);
    text.push_str("-- ");
    text.push_str(&command_line(&["bash", "-c", call.line].map(str::to_owned)));
    text
}

/// A duration as an argument.
fn duration(span: Duration) -> String {
    match span.subsec_millis() {
        0 => format!("{}s", span.as_secs()),
        _ => format!("{}ms", span.as_millis()),
    }
}
