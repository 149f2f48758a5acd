//! Commands and arguments that lokt does not know.
//!
//! A synonym from the table counts more than a similar spelling, because the parser's suggestions
//! know only letters. Harmful options are never suggested.

use super::{
    call::{Role, TypedCall, option_in},
    misread::{is_duration, whole_line},
    program::{self, RunnableCommandPredicate},
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
///
/// If no command is meant and words follow a `--`, the caller meant `guard NAME -- PROGRAM`. A word
/// that is a program is run under a lock of its name.
pub(super) fn command(
    call: &TypedCall<'_>,
    error: &Error,
    finds: &RunnableCommandPredicate<'_>,
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
    if word == "info" && is_first && call.places(Role::Positional).len() == 1 {
        return Some(call.replacing(at, &["doctor"]));
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

/// Whether the parser finds a command the most similar one.
fn is_near(error: &Error, name: &str) -> bool {
    nearest_of(error, ContextKind::SuggestedSubcommand) == Some(name)
}

/// The command that a word names apart from case and underscores.
fn in_small_letters<'c>(call: &TypedCall<'c>, word: &str) -> Option<Vec<&'c str>> {
    let word = word.to_ascii_lowercase().replace('_', "-");
    let parent = if call.path == ["help"] { call.root } else { call.command };
    Some(vec![parent.find_subcommand(word)?.get_name()])
}

/// Corrects or removes an argument that the command does not have.
///
/// Words behind `--` mean that another command was to run a program: `guard` does.
pub(super) fn argument(
    call: &TypedCall<'_>,
    error: &Error,
    finds: &RunnableCommandPredicate<'_>,
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
///
/// Some commands have an option for what others take as an argument. Else the argument is removed.
fn positional(
    call: &TypedCall<'_>,
    at: usize,
    finds: &RunnableCommandPredicate<'_>,
) -> Option<Vec<String>> {
    if call.runs_a_program() && call.separator().is_none() {
        return Some(program::separated(call, at, finds));
    }
    let word = call.words.get(at)?;
    match &*call.name() {
        "audit" if is_duration(word) => Some(call.without(at)),
        "audit" => Some(call.replacing(at, &["--name", word])),
        "init" => Some(call.replacing(at, &["--agent", word])),
        "lock" | "freeze" if is_duration(word) && call.find("--ttl").is_none() => {
            Some(call.replacing(at, &["--ttl", word]))
        }
        "lock" if program::looks_like_a_program(word, finds) => Some(call.as_command("guard")),
        _ => Some(call.without(at)),
    }
}

/// An option that the command does not have.
///
/// Tried in this order: it belongs to the program of `guard` or `once`; it stands before the
/// command; lokt says it in another way; it has another name, or is misspelled; another command has
/// it. Else it is removed.
fn option(
    call: &TypedCall<'_>,
    at: usize,
    error: &Error,
    finds: &RunnableCommandPredicate<'_>,
) -> Option<Vec<String>> {
    let word = call.words.get(at)?;
    let names = call.places(Role::Positional).into_iter().filter(|it| *it < at).count();
    if call.runs_a_program() && call.separator().is_none() && names > 1 {
        return Some(program::separated(call, program::start(call, finds)?, finds));
    }
    if call.places(Role::Command).first().is_none_or(|it| at < *it) {
        return before_the_command(call, at);
    }
    if let Some(right) = meant_otherwise(call, at) {
        return Some(right);
    }
    let is_alike = |it: &&str| !may_harm(it) && is_near_to(word, it);
    let near = nearest_of(error, ContextKind::SuggestedArg).filter(is_alike);
    if let Some(ours) = synonyms::option(call.command, word).or(near) {
        return Some(renamed(call, at, ours));
    }
    let other = other_command(call, word);
    Some(other.map_or_else(|| without_value(call, at), |it| call.as_command(it)))
}

/// Whether two long options begin alike: others are no misspellings of each other.
fn is_near_to(word: &str, ours: &str) -> bool {
    let first = |it: &str| it.trim_start_matches('-').chars().next();
    first(word) == first(ours)
}

/// The word behind an option, if it is no option itself.
fn word_behind<'a>(call: &'a TypedCall<'_>, at: usize) -> Option<&'a str> {
    let is_word = matches!(call.role(at + 1), Some(Role::Positional | Role::Value));
    call.words.get(at + 1).filter(|_| is_word).map(String::as_str)
}

/// The words with others in the place of an option and of the word behind it, if that is its value.
fn with_pair<T: AsRef<str>>(
    call: &TypedCall<'_>,
    at: usize,
    has_word: bool,
    by: &[T],
) -> Vec<String> {
    let (before, rest) = call.words.split_at(at);
    let behind = rest.get(if has_word { 2.. } else { 1.. }).unwrap_or_default();
    let by = by.iter().map(|it| it.as_ref().to_owned());
    before.iter().cloned().chain(by).chain(behind.iter().cloned()).collect()
}

/// The call without an unknown option, and without the word behind it where a name stands before both.
fn without_value(call: &TypedCall<'_>, at: usize) -> Vec<String> {
    let has_name = call.places(Role::Positional).first().is_some_and(|it| *it < at);
    let is_attached = call.attached_value(at).is_some();
    let has_word = has_name && !is_attached && call.role(at + 1) == Some(Role::Positional);
    if has_word { with_pair::<&str>(call, at, true, &[]) } else { call.without(at) }
}

/// The call for an option that others have, and lokt says in another way.
///
/// `None` for any other option, so that other corrections are tried.
fn meant_otherwise(call: &TypedCall<'_>, at: usize) -> Option<Vec<String>> {
    let option = call.words.get(at)?.split('=').next()?;
    let attached = call.attached_value(at);
    let value = attached.or_else(|| word_behind(call, at));
    let has_word = attached.is_none() && value.is_some();
    let with = |by: &[&str]| with_pair(call, at, has_word, by);
    let has = |ours: &str| option_in(call.command, ours).is_some();
    let takes_names = call.command.get_positionals().any(|it| it.to_string().contains("NAME"));
    match (option, &*call.name()) {
        ("-c", "once") if has_word => {
            let (line, end) = whole_line(call, at)?;
            let (before, behind) = (call.words.get(..at)?, call.words.get(end..)?);
            let rest = TypedCall::new(call.root, [before, behind].concat());
            Some(rest.adding(&["--", "sh", "-c", &line]))
        }
        ("--watch" | "-w" | "--follow" | "-f", "status") => Some(vec!["top".to_owned()]),
        ("--name" | "--lock", _) if takes_names => Some(with(&[value?])),
        ("--format" | "--output" | "-o", _) if has("--json") => {
            let is_json = value.is_none_or(|it| it.to_ascii_lowercase().contains("json"));
            Some(with(if is_json { &["--json"] } else { &[] }))
        }
        (_, "lock") if synonyms::metadata_key(option).is_some() => {
            Some(with(&["--meta", &format!("{}={}", synonyms::metadata_key(option)?, value?)]))
        }
        _ => None,
    }
}

/// Whether an option takes away what is another's, so that no hint may name it.
///
/// `--owner` is one of them because it lets a caller act as another. A value behind a `=` does
/// not matter.
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
///
/// `None` also if the other command could not take the arguments that are there.
fn other_command(call: &TypedCall<'_>, option: &str) -> Option<&'static str> {
    let option = option.split('=').next()?;
    match &*call.name() {
        "once" if option == "-c" => None,
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
