//! Which commands are calls of `lokt guard` and `lokt once`, and what they say.

use crate::{
    shell_text::{
        is_identifier, is_wrapper, names_lokt,
        words::{ShellSimpleCommand, ShellWord},
    },
    view::command_line,
};
use lokt_lock::words::LockName;
use serde::Serialize;
use std::collections::BTreeSet;

/// What kind of operation a call makes of its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ScriptLoktCallKind {
    /// One at a time.
    Guard,
    /// Once, with a shared result.
    Once,
}

/// A call of Lokt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScriptLoktCall {
    pub(super) kind: ScriptLoktCallKind,
    pub(super) names: Vec<String>,
    /// The command, as a person would type it; empty if the call shows no command.
    pub(super) command: String,
    pub(super) line: usize,
}

/// Words before a program that do not change which program it is.
const BEFORE: [&str; 12] =
    ["if", "then", "elif", "else", "while", "until", "do", "!", "{", "command", "builtin", "time"];
/// Flags whose value is a separate word.
const WITH_VALUE: [&str; 12] = [
    "--owner",
    "--ttl",
    "--slots",
    "--timeout",
    "--on-lost",
    "--max-hold",
    "--conflict-exit-code",
    "--status-file",
    "--input",
    "--env",
    "--key",
    "--artifact",
];

/// The variables that are known to hold the program.
pub(super) type LoktProgramVariableNames = BTreeSet<String>;

/// The call that a command is, if it is one.
pub(super) fn call(
    command: &ShellSimpleCommand,
    programs: &LoktProgramVariableNames,
) -> Option<ScriptLoktCall> {
    let (first, arguments) = program(&command.words).split_first()?;
    if !is_lokt(first, programs) {
        return None;
    }
    let mut arguments = arguments.iter();
    let kind = loop {
        match arguments.next()?.text.as_str() {
            "guard" => break ScriptLoktCallKind::Guard,
            "once" => break ScriptLoktCallKind::Once,
            "--owner" => arguments.next().map(drop)?,
            other if other.starts_with("--owner=") => {}
            _ => return None,
        }
    };
    let (mut names, command_line) = arguments_of(arguments);
    if kind == ScriptLoktCallKind::Once {
        names.truncate(1);
    }
    let names: Vec<String> = names.into_iter().filter_map(name).collect();
    let call = ScriptLoktCall { kind, names, command: command_line, line: command.line };
    Some(call).filter(|it| !it.names.is_empty())
}

/// The names, and the command as one line.
fn arguments_of<'a>(
    mut words: impl Iterator<Item = &'a ShellWord>,
) -> (Vec<&'a ShellWord>, String) {
    let mut names = Vec::new();
    while let Some(word) = words.next() {
        match word.text.as_str() {
            "--" => {
                let command: Vec<String> = words.map(|it| it.text.clone()).collect();
                return (names, command_line(&command));
            }
            "-c" => return (names, words.next().map(|it| it.text.clone()).unwrap_or_default()),
            flag if WITH_VALUE.contains(&flag) => {
                words.next();
            }
            flag if flag.starts_with('-') => {}
            _ => names.push(word),
        }
    }
    (names, String::new())
}

/// The name to show; `None` for a word that is not a valid lock name: the call would be refused.
fn name(word: &ShellWord) -> Option<String> {
    if !word.is_expanded {
        return LockName::new(word.text.as_str()).ok().map(|it| it.to_string());
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-${}(…)@*#?!:".contains(c);
    let shown: String = word.text.chars().map(|c| if fits(c) { c } else { '…' }).collect();
    Some(shown)
}

/// The words from the program on.
fn program(words: &[ShellWord]) -> &[ShellWord] {
    let mut has_wrapper = false;
    let mut rest = words;
    while let Some((first, after)) = rest.split_first() {
        let text = first.text.as_str();
        let is_wrapper = text == "exec" || is_wrapper(text);
        let is_option =
            |it: &str| it.starts_with('-') || it.starts_with(|c: char| c.is_ascii_digit());
        let is_before = BEFORE.contains(&text) || assignment(text).is_some();
        if !(is_wrapper || is_before || (has_wrapper && is_option(text))) {
            break;
        }
        has_wrapper |= is_wrapper;
        rest = after;
    }
    rest
}

/// A variable and what is put into it.
fn assignment(text: &str) -> Option<(&str, &str)> {
    text.split_once('=').filter(|(name, _)| is_identifier(name))
}

/// Whether a word is the program: by its name, behind whatever folder, or by a variable that is known to hold it.
fn is_lokt(word: &ShellWord, programs: &LoktProgramVariableNames) -> bool {
    names_lokt(&word.text) || (word.is_expanded && is_program(&word.text, programs))
}

/// Whether `$NAME`, `${NAME}` or `${NAME:-lokt}` is the program.
fn is_program(text: &str, programs: &LoktProgramVariableNames) -> bool {
    let Some(inner) = text.strip_prefix('$') else { return false };
    let inner = inner.strip_prefix('{').and_then(|it| it.strip_suffix('}')).unwrap_or(inner);
    match inner.split_once(":-").or_else(|| inner.split_once(":=")) {
        Some((_, default)) => names_lokt(default.trim_matches(['"', '\''])),
        None => programs.contains(inner),
    }
}

/// The variables of a text that hold the program, by what is put into them there.
pub(super) fn programs(
    commands: &[ShellSimpleCommand],
    known: &LoktProgramVariableNames,
) -> LoktProgramVariableNames {
    const SETTING: [&str; 5] = ["export", "readonly", "local", "declare", "typeset"];
    let mut programs = known.clone();
    for command in commands {
        let sets =
            |it: &&ShellWord| assignment(&it.text).is_some() || SETTING.contains(&it.text.as_str());
        for word in command.words.iter().take_while(sets) {
            let Some((name, value)) = assignment(&word.text) else { continue };
            if names_lokt(value) || is_program(value, &programs) {
                programs.insert(name.to_owned());
            }
        }
    }
    programs
}
