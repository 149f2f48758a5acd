//! From a line and the rules to a decision: a pure function.

use super::{
    DiscardingGitCall, ShellAnswer, ShellDecision, ShellDenial, ShellToolCall, ToolInputMutability,
    git_call::GitCall,
    guard_call::{GuardCall, whole_line},
    started_program::{StartedProgram, folder_after},
};
use crate::shell_text::{
    line::{PlacedCommand, ShellLine},
    read_line,
};
use lokt_lock::words::LockName;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// How deep shells inside shells, and guards inside guards, are looked into.
const MOST_SHELLS: usize = 4;
/// The most notes: one line that is wrong a thousand times is one fact.
const MOST_NOTES: usize = 3;

/// The most different calls of git that are looked at: each costs a question to git.
const MOST_DISCARDS: usize = 8;

/// Decides what is done with a line.
pub(crate) fn decide(call: &ShellToolCall<'_>) -> ShellAnswer {
    let mut search = GuardSearch { call, notes: BTreeSet::new(), discards: Vec::new() };
    let line = match read_line(call.line) {
        Ok(line) => line,
        Err(why) => {
            if mentions_a_rule(call) {
                search.notes.insert(format!("the line is left as it is: {why}"));
            }
            return search.answer(ShellDecision::Unchanged);
        }
    };
    let found = search.line(&line, Some(call.folder), 0);
    let decision = judge(call, &line, &found);
    search.answer(decision)
}

/// Whether a line that cannot be read may have a command that a rule is about.
fn mentions_a_rule(call: &ShellToolCall<'_>) -> bool {
    call.rules.iter().any(|it| call.line.contains(it.pattern.mark()))
}

/// A guard, and the command in front of which it comes.
pub(super) struct PlacedGuard<'l> {
    pub(super) command: &'l PlacedCommand,
    pub(super) at: usize,
    pub(super) guard: GuardCall,
}

fn judge(call: &ShellToolCall<'_>, line: &ShellLine, found: &[PlacedGuard<'_>]) -> ShellDecision {
    if found.is_empty() {
        return ShellDecision::Unchanged;
    }
    let program = if line.sets_path { &call.program.absolute } else { &call.program.usual };
    if let Some(name) = concurrent(line, found) {
        let line = whole_line(call, program, found);
        return ShellDecision::Denied(ShellDenial::Concurrent { name, line });
    }
    let mut text = String::with_capacity(call.line.len() + found.len() * 64);
    let mut places: Vec<&PlacedGuard<'_>> = found.iter().collect();
    places.sort_by_key(|it| it.at);
    let mut from = 0;
    for it in places {
        text.push_str(call.line.get(from..it.at).unwrap_or_default());
        let is_whole = line.commands.len() == 1 && line.functions.is_empty();
        text.push_str(&it.guard.words(program, call.time_limit, it.command, is_whole));
        from = it.at;
    }
    text.push_str(call.line.get(from..).unwrap_or_default());
    match call.input {
        ToolInputMutability::Changeable => ShellDecision::Rewritten(text),
        ToolInputMutability::Fixed => ShellDecision::Denied(ShellDenial::RunInstead(text)),
    }
}

/// A lock that two elements of one pipeline need.
fn concurrent(line: &ShellLine, found: &[PlacedGuard<'_>]) -> Option<LockName> {
    let needs = found.iter().flat_map(|it| {
        let branches = move |name| line.branches(it.command).map(move |branch| (name, branch));
        it.guard.names.iter().flat_map(branches)
    });
    let mut elements: BTreeMap<(&LockName, usize), usize> = BTreeMap::new();
    for (name, branch) in needs {
        let first = *elements.entry((name, branch.pipeline)).or_insert(branch.element);
        if first != branch.element {
            return Some(name.clone());
        }
    }
    None
}

/// Looks for commands that need a guard.
struct GuardSearch<'a> {
    call: &'a ShellToolCall<'a>,
    notes: BTreeSet<String>,
    discards: Vec<DiscardingGitCall>,
}

impl GuardSearch<'_> {
    fn answer(self, decision: ShellDecision) -> ShellAnswer {
        let notes = self.notes.into_iter().take(MOST_NOTES).collect();
        ShellAnswer { decision, notes, discards: self.discards }
    }

    fn note(&mut self, text: String) {
        if self.notes.len() < MOST_NOTES {
            self.notes.insert(text);
        }
    }

    fn discard(&mut self, found: Option<DiscardingGitCall>) {
        let has_room = self.discards.len() < MOST_DISCARDS;
        self.discards.extend(found.filter(|it| has_room && !self.discards.contains(it)));
    }

    fn line<'l>(
        &mut self,
        line: &'l ShellLine,
        folder: Option<&Path>,
        shells: usize,
    ) -> Vec<PlacedGuard<'l>> {
        let mut folder = folder.map(Path::to_owned);
        let mut found = Vec::new();
        for command in &line.commands {
            let program = StartedProgram::of(command, line);
            if let Some(guard) = self.command(&program, folder.as_deref(), shells)
                && let Some(at) = program.place()
            {
                found.push(PlacedGuard { command, at, guard });
            }
            folder = folder_after(command, folder);
        }
        found
    }

    /// The guard that a command needs.
    fn command(
        &mut self,
        program: &StartedProgram<'_>,
        folder: Option<&Path>,
        shells: usize,
    ) -> Option<GuardCall> {
        if program.is_lokt() {
            self.under_lock(program, folder, shells);
            return None;
        }
        let mut guard = self.by_rule(program);
        if let Some(git) = GitCall::read(program.innermost(), folder) {
            self.discard(git.discards());
            if guard.is_none() && git.takes_a_turn() {
                let folder = git.folder.as_deref().unwrap_or(self.call.folder);
                guard = (self.call.index_lock)(folder).map(GuardCall::of_index);
            }
        }
        if let Some(inner) = program.line_for_shell()
            && shells < MOST_SHELLS
        {
            let inner = self.inner(inner, folder, shells + 1);
            guard = GuardCall::merged(guard.into_iter().chain(inner));
        }
        let mut guard = guard?;
        guard.names.retain(|name| !self.call.held.contains(name));
        if guard.names.is_empty() {
            return None;
        }
        if let Some(why) = program.obstacle() {
            self.note(format!("{why}, so it runs without {}", guard.shown_names()));
            return None;
        }
        Some(guard)
    }

    /// Looks only for what a command would discard that Lokt runs already.
    fn under_lock(&mut self, program: &StartedProgram<'_>, folder: Option<&Path>, shells: usize) {
        if let Some(program) = program.guarded().filter(|_| shells < MOST_SHELLS) {
            let notes = self.notes.clone();
            self.command(&program, folder, shells + 1);
            self.notes = notes;
        }
    }

    fn by_rule(&self, program: &StartedProgram<'_>) -> Option<GuardCall> {
        let rule = program
            .forms()
            .find_map(|words| self.call.rules.iter().find(|rule| rule.pattern.matches(words)));
        rule.map(GuardCall::of_rule)
    }

    /// The guards of a line inside the line. They are one around its shell.
    fn inner(&mut self, text: &str, folder: Option<&Path>, shells: usize) -> Vec<GuardCall> {
        let Ok(line) = read_line(text) else {
            if self.call.rules.iter().any(|it| text.contains(it.pattern.mark())) {
                self.note(
                    "a line for another shell is left as it is: it is not understood".to_owned(),
                );
            }
            return Vec::new();
        };
        let mut guards = Vec::new();
        for it in self.line(&line, folder, shells) {
            if it.command.is_background {
                let names = it.guard.shown_names();
                self.note(format!(
                    "a shell inside the line does not wait for a command, so that runs without {names}"
                ));
                continue;
            }
            let is_alone = line.commands.len() == 1;
            guards.push(it.guard.around_shell(is_alone));
        }
        guards
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "hostile_tests.rs"]
mod hostile_tests;
