//! Arguments that are missing, are not valid, or exclude each other.
//!
//! Each function takes the call and the parser's error, and returns new words, or `None` if it has
//! no correction. What cannot be known is filled in as a placeholder in capitals (`NAME`,
//! `COMMAND`) or with a usual value (`10m`); what may only be given by a person, such as an owner,
//! is never filled in.

use super::{
    call::{Role, TypedCall},
    program::{self, RunnableCommandPredicate},
    synonyms,
    unknown::{may_harm, nearest_of, text_of},
    values::{duration_like, is_endless, name_like, sample},
};
use clap::{
    Arg,
    error::{ContextKind, Error},
};

/// Adds the command of a command.
///
/// Only a command that changes nothing is added: `check` or `list`.
pub(super) fn command(call: &TypedCall<'_>) -> Option<Vec<String>> {
    match &*call.name() {
        "fence" => Some(call.adding(&["check"])),
        "tool" | "key" | "results" => Some(call.adding(&["list"])),
        _ => None,
    }
}

/// Adds an argument that is missing.
///
/// A missing program is added by [`with_program`], a missing name is made from the program. Never
/// adds an option for which [`may_harm`] says yes.
pub(super) fn argument(
    call: &TypedCall<'_>,
    error: &Error,
    finds: &RunnableCommandPredicate<'_>,
) -> Option<Vec<String>> {
    let missing = text_of(error, ContextKind::InvalidArg)?;
    if missing.starts_with("<COMMAND>") {
        return Some(with_program(call, finds));
    }
    if missing == "--prune-expired" {
        return call.find("--owner").map(|at| call.without(at));
    }
    let is_name = missing.starts_with("<NAME>");
    if is_name && call.runs_a_program() && !call.tail().is_empty() {
        return program::named_after_program(call, finds);
    }
    let Some((option, _)) = missing.split_once(' ').filter(|_| missing.starts_with('-')) else {
        let is_option = missing.starts_with('-');
        let word = if is_option { missing.to_owned() } else { example(call, missing)? };
        return (!may_harm(&word)).then(|| call.adding(&[word]));
    };
    (!may_harm(option)).then_some(())?;
    Some(call.adding(&[option.to_owned(), example(call, missing)?]))
}

/// The call with the program that it runs, behind `--`. The program is one of the words that are
/// there, if one of them looks like it, else the placeholder `COMMAND`.
fn with_program(call: &TypedCall<'_>, finds: &RunnableCommandPredicate<'_>) -> Vec<String> {
    if let Some(separator) = call.separator() {
        let looks_like_one = |at: &usize| {
            call.words.get(*at).is_some_and(|it| program::looks_like_a_program(it, finds))
        };
        let start = program::start(call, finds).filter(looks_like_one);
        if let (Some(start), true) = (start, call.tail().is_empty()) {
            // The separator stands behind the program.
            let without = TypedCall::new(call.root, call.without(separator));
            return program::separated(&without, start, finds);
        }
        return call.words.iter().cloned().chain(["COMMAND".to_owned()]).collect();
    }
    match program::start(call, finds) {
        Some(start) => program::separated(call, start, finds),
        None => call.adding(&["--", "COMMAND"]),
    }
}

/// The argument that a message names as `--ttl <DURATION>` or `<NAME>...`.
fn named<'c>(call: &TypedCall<'c>, shown: &str) -> Option<&'c Arg> {
    call.command.get_arguments().find(|it| it.to_string() == shown)
}

/// The name of a value: `DURATION`.
fn value_name(shown: &str) -> &str {
    let start = shown.find(['<', '[']).map_or(0, |at| at + 1);
    shown.get(start..).unwrap_or_default().split(['>', ']']).next().unwrap_or_default()
}

/// A value that an argument takes.
///
/// The first of its choices, else a usual value for the name that the help gives it. `None` for
/// values that cannot be guessed.
fn example(call: &TypedCall<'_>, shown: &str) -> Option<String> {
    let choices = named(call, shown).map(Arg::get_possible_values).unwrap_or_default();
    let first = choices.first().map(|it| it.get_name().to_owned());
    first.or_else(|| sample(value_name(shown)))
}

/// Puts a valid value in the place of one that is not.
///
/// What is put there depends on the value's name in the help: a name or a duration is made from the
/// typed text, an unlimited duration and an owner are left out with their option, a choice becomes
/// the one that the word stands for, or the nearest.
pub(super) fn value(
    call: &TypedCall<'_>,
    error: &Error,
    finds: &RunnableCommandPredicate<'_>,
) -> Option<Vec<String>> {
    let shown = text_of(error, ContextKind::InvalidArg)?;
    let value = text_of(error, ContextKind::InvalidValue)?;
    let option = shown.split([' ', '=']).next().filter(|it| it.starts_with('-'));
    let at = match option {
        Some(option) => value_of(call, option)?,
        None => call.words.iter().position(|it| it == value)?,
    };
    if call.role(at) == Some(Role::Option) && call.attached_value(at).is_none() {
        let option = call.words.get(at)?.clone();
        let value = example(call, shown);
        return Some(
            value.map_or_else(|| call.without(at), |it| call.replacing(at, &[option, it])),
        );
    }
    match value_name(shown) {
        "NAME" if call.name() == "init" => agents(call, at, value),
        "NAME" => name(call, at, value, finds),
        "DURATION" if is_endless(value) => Some(call.without(option_at(call, at))),
        "DURATION" => Some(call.with_value(at, &duration_like(value))),
        "OWNER" => Some(call.without(option_at(call, at))),
        "KEY=VALUE" => Some(call.with_value(at, &pair(value))),
        _ => {
            let choices = named(call, shown).map(Arg::get_possible_values).unwrap_or_default();
            let is_choice = |it: &&str| choices.iter().any(|choice| choice.get_name() == *it);
            let meant = synonyms::value(value).filter(is_choice);
            let near = meant.or_else(|| nearest_of(error, ContextKind::SuggestedValue));
            let better = near
                .map(str::to_owned)
                .or_else(|| example(call, shown))
                .filter(|it| it != value)?;
            Some(call.with_value(at, &better))
        }
    }
}

/// The option `--agent` once for each agent that a value names, as others write them: `Claude`, `claude-code`.
///
/// `None` if one of the names is unknown. All are corrected at once, because each would be a
/// mistake by itself.
fn agents(call: &TypedCall<'_>, at: usize, value: &str) -> Option<Vec<String>> {
    let agent = call.command.get_arguments().find(|it| it.get_long() == Some("agent"))?;
    let choices = agent.get_possible_values();
    let known = |text: &str| {
        let text = text.trim().to_ascii_lowercase();
        let is_it = |name: &&str| text == *name || text.starts_with(&format!("{name}-"));
        choices.iter().map(clap::builder::PossibleValue::get_name).find(is_it).map(str::to_owned)
    };
    let option = option_at(call, at);
    let names = value.split(',').filter(|it| !it.trim().is_empty());
    let names = names.map(known).collect::<Option<Vec<String>>>().filter(|it| !it.is_empty())?;
    let right = names.into_iter().flat_map(|it| ["--agent".to_owned(), it]);
    let without = call.without(option);
    let (before, behind) = without.split_at(option);
    Some(before.iter().cloned().chain(right).chain(behind.iter().cloned()).collect())
}

/// A text as `KEY=VALUE`: the typed text is taken for the key.
fn pair(text: &str) -> String {
    let text = text.trim_start_matches('=');
    if text.is_empty() {
        "KEY=VALUE".to_owned()
    } else {
        format!("{}=VALUE", text.replace('=', "-"))
    }
}

/// The place of an option's value: the option itself if the value is behind a `=`, or missing.
fn value_of(call: &TypedCall<'_>, option: &str) -> Option<usize> {
    let at = call.find(option)?;
    Some(if call.role(at + 1) == Some(Role::Value) { at + 1 } else { at })
}

/// The place of the option that a value belongs to; the place itself if the value is behind a `=`.
fn option_at(call: &TypedCall<'_>, value: usize) -> usize {
    if call.role(value) == Some(Role::Value) { value.saturating_sub(1) } else { value }
}

/// A lock's name that is not valid, or a program in its place.
///
/// Without a `--`, a second or later name is taken for the program. A single one with spaces is
/// taken for the program's whole line, and its name for the lock. In all other cases the nearest
/// valid name is put there. `once` leaves fewer bytes for the name, because it adds a digest to it.
fn name(
    call: &TypedCall<'_>,
    at: usize,
    value: &str,
    finds: &RunnableCommandPredicate<'_>,
) -> Option<Vec<String>> {
    let is_bare = call.runs_a_program()
        && call.separator().is_none()
        && call.role(at) == Some(Role::Positional);
    let place = call.places(Role::Positional).iter().position(|it| *it == at);
    if is_bare && place.is_some_and(|it| it > 0) {
        return Some(program::separated(call, program::start(call, finds)?, finds));
    }
    let is_line = value.trim().contains(' ') && call.places(Role::Positional).len() == 1;
    if is_bare && is_line {
        let run = program::written(&call.name(), &[value.to_owned()], finds);
        return Some(call.replacing(at, &[vec![program::name_of(value)?], run].concat()));
    }
    let most = if call.name() == "once" { 183 } else { 200 };
    let valid = name_like(value, most).unwrap_or_else(|| "NAME".to_owned());
    Some(call.with_value(at, &valid))
}

/// Removes one of two arguments that exclude each other, or the earlier of two equal ones.
///
/// `--owner` goes first if it is one of the two.
pub(super) fn conflict(call: &TypedCall<'_>, error: &Error) -> Option<Vec<String>> {
    let places = |kind| {
        let shown = text_of(error, kind)?;
        call.find(shown.split([' ', '=']).next()?)
    };
    let both = [ContextKind::InvalidArg, ContextKind::PriorArg].map(places);
    let is_owner = |at: &usize| call.words.get(*at).is_some_and(|it| it.starts_with("--owner"));
    let mut both = both.into_iter().flatten();
    let at = both.clone().find(is_owner).or_else(|| both.next())?;
    Some(call.without(at))
}

/// Removes the value of an option that takes none.
pub(super) fn surplus_value(call: &TypedCall<'_>, error: &Error) -> Option<Vec<String>> {
    let shown = text_of(error, ContextKind::InvalidArg)?;
    let option = shown.split([' ', '=']).next()?;
    let at = call.find(option)?;
    Some(call.replacing(at, &[option]))
}

/// Corrects what the parser accepts and the command refuses.
///
/// These rules are checked by the commands themselves, so the parser reports no error for them:
/// `unlock` without a name, a name given twice to `guard`, a name of `once` that is too long or not
/// valid, and `tool run --wait` without a lock to wait for.
pub(super) fn refused(call: &TypedCall<'_>) -> Option<Vec<String>> {
    let arguments = call.places(Role::Positional);
    let word = |at: usize| call.words.get(at);
    let names_nothing = arguments.is_empty() && call.tail().is_empty();
    match &*call.name() {
        "unlock" if names_nothing && call.find("--all").is_none() => Some(call.adding(&["NAME"])),
        "guard" => {
            let is_again =
                |at: &&usize| arguments.iter().any(|it| it < *at && word(*it) == word(**at));
            arguments.iter().find(is_again).map(|at| call.without(*at))
        }
        "once" => {
            let at = *arguments.first()?;
            let name = name_like(word(at)?, 183)?;
            (Some(&name) != word(at)).then(|| call.with_value(at, &name))
        }
        "tool run" if call.find("--wait").is_some() && call.find("--guard").is_none() => {
            Some(call.adding(&["--guard", "NAME"]))
        }
        _ => None,
    }
}
