//! The hooks of harnesses: what `lokt hook` reads, decides and answers.
//!
//! * `table`: the harnesses, with the names of their events, tools and fields.
//! * `input` reads standard input, `reader` makes a [`event::HookCall`] of it (`fields`, `patch`).
//! * `session`: which agent that is. `places`: which projects a file is in.
//! * `edits`: what is reserved, kept and given back. `uncommitted` asks git about a file.
//! * `shell`: what is done with a line of shell, by the rules of [`crate::shell_rules`].
//! * `text`: what a model is told. `claude_code`, `gemini`, `cursor`, `copilot`, `opencode`: the form of an answer.
//!
//! Whatever comes in, a hook ends with an answer or with a [`HookFault`]. It prints nothing itself.

mod claude_code;
mod copilot;
mod cursor;
mod edits;
mod event;
mod fields;
mod gemini;
mod input;
mod opencode;
mod patch;
mod places;
mod reader;
#[cfg(test)]
mod reader_tests;
mod session;
mod shell;
mod table;
mod text;
mod uncommitted;

pub(crate) use table::HookedHarness;
pub(crate) use uncommitted::has_none as has_no_uncommitted_change;

use crate::{context::OwnerOption, failure::CliFailure, prime::session_start::SessionStart};
use event::{HookAnswer, HookCall, HookEvent, ShellCall};
use session::HookSession;
use std::{
    io,
    path::{Path, PathBuf},
    time::Instant,
};

/// Says why a hook has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HookFault {
    /// Its input is not that of a hook.
    #[error("{0}")]
    Input(String),
    /// It failed.
    #[error("{}", .0.message)]
    Failed(Box<CliFailure>),
}

impl From<CliFailure> for HookFault {
    fn from(failure: CliFailure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// Answers a call of a harness: reads standard input, and gives the text for standard output, if there is one.
/// `understood` is told whether the harness waits for a decision, as soon as that is known.
pub(crate) fn answer(
    harness: HookedHarness,
    acting: &OwnerOption,
    end: Instant,
    understood: &dyn Fn(bool),
) -> Result<Option<String>, HookFault> {
    let row = harness.row();
    let fault = |error: &dyn ToString| HookFault::Input(error.to_string());
    let json = input::read(io::stdin(), end).map_err(|error| fault(&error))?;
    let call = reader::read(row, &json).map_err(|error| fault(&error))?;
    drop(json);
    understood(call.event.is_decided());
    let Some(session) = session::find(row, &call, acting)? else {
        return if call.event.is_decided() {
            Err(HookFault::Input("its input names no session".to_owned()))
        } else {
            Ok(None)
        };
    };
    let answer = match decide(&session, &call) {
        // The root was replaced before anything was changed in it.
        Err(HookFault::Failed(failure)) if failure.is_outdated => decide(&session, &call)?,
        decided => decided?,
    };
    let shell = match &call.event {
        HookEvent::BeforeShell(shell) => Some(shell),
        _ => None,
    };
    Ok((row.answer)(&answer, shell))
}

fn decide(session: &HookSession, call: &HookCall) -> Result<HookAnswer, HookFault> {
    let folders = folders(call);
    if let HookEvent::BeforeEdit(files) = &call.event {
        return edits::before(session, (files, call.call.as_deref()), &folders);
    }
    if let (HookEvent::SessionStarts { .. }, Some(id)) = (&call.event, &call.session)
        && let Some(start) = SessionStart::of(id).filter(|_| row_hands_on(session))
    {
        // `lokt prime` does the same, and says so where it cannot.
        let _ = start.hand_on();
    }
    let noted = edits::note(session, call, &folders);
    match &call.event {
        // What is not noted is no reason to run a command without its lock.
        HookEvent::BeforeShell(shell) => {
            let folder = folders.first().map_or(Path::new("/"), PathBuf::as_path);
            let answer = shell::before(session, shell, folder)?;
            if answer == HookAnswer::NoDecision { noted.map(|()| answer) } else { Ok(answer) }
        }
        _ => noted.map(|()| HookAnswer::NoDecision),
    }
}

/// Whether the session's id is handed on by a file: Claude Code's way. Codex has such a file too, and a variable.
fn row_hands_on(session: &HookSession) -> bool {
    session.caller.identity.agent.harness() == Some(lokt_lock::words::Harness::ClaudeCode)
}

/// The folders where the session works, the first one first: relative paths are from there.
fn folders(call: &HookCall) -> Vec<PathBuf> {
    let here = std::env::current_dir().ok();
    let from =
        |folder: PathBuf| here.as_ref().map_or_else(|| folder.clone(), |it| it.join(&folder));
    let named = crate::env::PROJECT_FOLDERS.iter().find_map(|key| crate::env::literal_path(key));
    let mut all: Vec<PathBuf> = Vec::new();
    for folder in call.folder.clone().map(from).into_iter().chain(here.clone()).chain(named) {
        if !all.contains(&folder) {
            all.push(folder);
        }
    }
    all
}

/// The text of a denial for a fault, as `--strict` wants it.
pub(crate) fn denial_of_fault(harness: HookedHarness, fault: &str) -> Option<String> {
    let text = format!(
        "lokt could not find out whether another agent has reserved this file, and this repository wants no edit then: {fault}. \
        Tell the user; `lokt doctor` checks what can be wrong."
    );
    (harness.row().answer)(&HookAnswer::Deny(text), None)
}

/// The input of a shell tool with another line.
fn rewritten_input(shell: &ShellCall, line: &str) -> Option<String> {
    let (key, input) = shell.input.as_ref()?;
    Some(fields::PayloadFields::read(input).ok()?.with_text(key, line))
}
