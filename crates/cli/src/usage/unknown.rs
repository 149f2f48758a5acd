//! Commands and arguments that lokt does not know.

use super::{
    call::{Role, TypedCall, option_in},
    program::{self, Finder},
    synonyms,
};
use clap::error::{ContextKind, ContextValue, Error};

/// The text that an error has about something.
pub(super) fn text_of(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        ContextValue::Strings(texts) => texts.first().map(String::as_str),
        _ => None,
    }
}

/// The most similar of the words that an error suggests.
pub(super) fn nearest_of(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        // The parser sorts them: the last is the most similar.
        ContextValue::Strings(texts) => texts.last().map(String::as_str),
        _ => None,
    }
}

/// Puts a command of lokt in the place of an unknown one.
pub(super) fn command(
    call: &TypedCall<'_>,
    error: &Error,
    finds: &Finder<'_>,
) -> Option<Vec<String>> {
    let at = *call.places(Role::Positional).first()?;
    let word = call.words.get(at)?;
    let is_first = call.path.is_empty();
    let synonym = synonyms::command(&call.name(), word);
    let runs = |it: &Vec<&str>| it.iter().any(|it| ["guard", "once"].contains(it));
    let is_alone = call.places(Role::Positional).len() == 1 && !call.tail().is_empty();
    if is_first && is_alone && !synonym.as_ref().is_some_and(runs) && !is_near(error, "guard") {
        let (before, after) = call.words.split_at(at);
        return Some([before, &["guard".to_owned()], after].concat());
    }
    if let Some(ours) = synonym.or_else(|| in_small_letters(call, word)) {
        return Some(call.replacing(at, &ours));
    }
    if is_first && finds(word) {
        let name = program::name_of(word)?;
        return Some(call.replacing(at, &["guard", &name, "--", word]));
    }
    match nearest_of(error, ContextKind::SuggestedSubcommand) {
        Some(near) => Some(call.replacing(at, &[near])),
        None => default_command(call, at),
    }
}

/// The only command of a command does not have to be typed to be meant.
fn default_command(call: &TypedCall<'_>, at: usize) -> Option<Vec<String>> {
    let word = call.words.get(at)?;
    (call.name() == "fence").then(|| call.replacing(at, &["check", word]))
}

fn is_near(error: &Error, name: &str) -> bool {
    nearest_of(error, ContextKind::SuggestedSubcommand) == Some(name)
}

fn in_small_letters<'c>(call: &TypedCall<'c>, word: &str) -> Option<Vec<&'c str>> {
    let word = word.to_ascii_lowercase().replace('_', "-");
    let parent = if call.path == ["help"] { call.root } else { call.command };
    Some(vec![parent.find_subcommand(word)?.get_name()])
}

/// Corrects or removes an argument that the command does not have.
pub(super) fn argument(
    call: &TypedCall<'_>,
    error: &Error,
    finds: &Finder<'_>,
) -> Option<Vec<String>> {
    let at = call.find(text_of(error, ContextKind::InvalidArg)?)?;
    match call.role(at)? {
        Role::Tail => Some(call.as_command("guard")).filter(|_| !call.path.is_empty()),
        Role::Positional => positional(call, at, finds),
        Role::Option => option(call, at, error, finds),
        _ => None,
    }
}

/// An argument too many.
fn positional(call: &TypedCall<'_>, at: usize, finds: &Finder<'_>) -> Option<Vec<String>> {
    if call.runs_a_program() && call.separator().is_none() {
        return Some(program::separated(call, at, finds));
    }
    let word = call.words.get(at)?;
    match &*call.name() {
        "audit" => Some(call.replacing(at, &["--name", word])),
        "lock" if program::looks_like_a_program(word, finds) => Some(call.as_command("guard")),
        _ => Some(call.without(at)),
    }
}

fn option(
    call: &TypedCall<'_>,
    at: usize,
    error: &Error,
    finds: &Finder<'_>,
) -> Option<Vec<String>> {
    let word = call.words.get(at)?;
    let names = call.places(Role::Positional).into_iter().filter(|it| *it < at).count();
    if call.runs_a_program() && call.separator().is_none() && names > 1 {
        return Some(program::separated(call, program::start(call, finds)?, finds));
    }
    if call.places(Role::Command).first().is_none_or(|it| at < *it) {
        return before_the_command(call, at);
    }
    let near = nearest_of(error, ContextKind::SuggestedArg).filter(|it| !may_harm(it));
    if let Some(ours) = synonyms::option(call.command, word).or(near) {
        return Some(renamed(call, at, ours));
    }
    let other = other_command(call, word);
    Some(other.map_or_else(|| call.without(at), |it| call.as_command(it)))
}

/// Whether an option takes away what is another's, so that no hint may name it.
pub(super) fn may_harm(option: &str) -> bool {
    let name = option.split('=').next().unwrap_or_default();
    ["--force", "--break-stale", "--fence", "--allow-force", "--owner"].contains(&name)
}

/// Whether a text has such an option.
pub(super) fn names_harm(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(may_harm)
}

/// The same option by another name. A value stays only where the new option takes one.
fn renamed(call: &TypedCall<'_>, at: usize, ours: &str) -> Vec<String> {
    let takes_value =
        option_in(call.command, ours).is_some_and(|it| it.get_action().takes_values());
    match call.attached_value(at) {
        Some(value) if takes_value => call.replacing(at, &[format!("{ours}={value}")]),
        _ => call.replacing(at, &[ours]),
    }
}

/// Options that only `guard` has.
const OF_GUARD: [&str; 5] =
    ["-c", "--max-hold", "--on-lost", "--status-file", "--conflict-exit-code"];

/// Options that only `once` has.
const OF_ONCE: [&str; 8] = [
    "--input",
    "--env",
    "--key",
    "--artifact",
    "--keep-failures",
    "--refresh",
    "--check",
    "--explain",
];

/// The command that has an option, of those that lock.
fn other_command(call: &TypedCall<'_>, option: &str) -> Option<&'static str> {
    let option = option.split('=').next()?;
    match &*call.name() {
        "lock" | "once" if OF_GUARD.contains(&option) => Some("guard"),
        "guard" if OF_ONCE.contains(&option) && call.places(Role::Positional).len() < 2 => {
            Some("once")
        }
        _ => None,
    }
}

/// An option that stands where no command is named yet.
fn before_the_command(call: &TypedCall<'_>, at: usize) -> Option<Vec<String>> {
    let word = call.words.get(at)?;
    let rest = call.without(at);
    if let Some(later) = TypedCall::new(call.root, rest.clone()).path.first() {
        // Behind the name of the command, with its value.
        let moved = call.words.get(at..at + call.words.len() - rest.len())?;
        let behind = rest.iter().position(|it| it == later)? + 1;
        let (before, after) = rest.split_at(behind);
        return Some([before, moved, after].concat());
    }
    if word == "-v" {
        return Some(call.replacing(at, &["--version"]));
    }
    let name = word.trim_start_matches('-').to_ascii_lowercase();
    let known = call.root.find_subcommand(&name).map(|it| vec![it.get_name()]);
    known.or_else(|| synonyms::command("", word)).map(|ours| call.replacing(at, &ours))
}
