//! Words that mean something else to the parser than to the caller: it may accept them.
//!
//! A wrong guess here would cost a caller a call that was right. So each function knows one mistake
//! that is seen often and has no sensible reading as it stands.

use super::{
    call::{Role, TypedCall, option_in},
    program::{self, RunnableCommandPredicate},
};
use crate::{span, view::command_line};

/// Words with two meanings, and the words for the meant one.
pub(super) struct MisreadCall {
    /// What is wrong.
    pub(super) message: String,
    /// The right words.
    pub(super) words: Vec<String>,
}

/// The first part of a call that is read otherwise than it is meant.
///
/// At most one mistake is returned; the caller corrects it and asks again.
pub(super) fn find(
    call: &TypedCall<'_>,
    finds: &RunnableCommandPredicate<'_>,
) -> Option<MisreadCall> {
    dash(call)
        .or_else(|| time_limit(call))
        .or_else(|| program_with_c(call, finds))
        .or_else(|| line_without_quotes(call))
}

/// Whether words may be misread. It is quick, and in doubt it says yes.
///
/// Only words before the `--` are looked at: a duration behind `--wait`, and a `-c` that stands
/// behind a second name or option, or whose line is followed by another word.
pub(super) fn is_doubtful(words: &[String]) -> bool {
    let ours = words.iter().position(|it| it == "--").unwrap_or(words.len());
    let words = words.get(..ours).unwrap_or_default();
    let follows = |at: usize| words.get(at + 1).is_some_and(|it| is_duration(it));
    let is_name = |it: &String| !it.starts_with('-');
    (0..).zip(words).any(|(at, word)| match word.as_str() {
        "--wait" => follows(at),
        "-c" => {
            let is_behind_names = at > 2 && words.get(at - 1).is_some_and(is_name);
            is_behind_names || words.get(at + 2).is_some_and(is_name)
        }
        _ => false,
    })
}

/// Whether a word is a duration, with or without a unit.
pub(super) fn is_duration(word: &str) -> bool {
    span::parse(word).is_ok()
}

/// A long dash that an editor made of `--`.
fn dash(call: &TypedCall<'_>) -> Option<MisreadCall> {
    let is_dash = |at: &usize| call.words.get(*at).is_some_and(|it| it.starts_with(['—', '–']));
    let at = call.places(Role::Positional).into_iter().find(is_dash)?;
    let word = call.words.get(at)?;
    let right = format!("--{}", word.trim_start_matches(['—', '–']));
    let message = format!("{word:?} begins with a long dash, and not with {:?}", "--");
    Some(MisreadCall { message, words: call.replacing(at, &[right]) })
}

/// A duration behind `--wait`: the name of a lock to the parser, and a time limit to the caller.
fn time_limit(call: &TypedCall<'_>) -> Option<MisreadCall> {
    ["guard", "lock", "tool run"].contains(&&*call.name()).then_some(())?;
    let limit = |at: usize| {
        let word = call.words.get(at)?;
        let (value, is_attached) = match word.strip_prefix("--wait") {
            Some("") if call.role(at + 1) == Some(Role::Positional) => {
                (call.words.get(at + 1)?.clone(), false)
            }
            Some(rest) => (rest.strip_prefix('=')?.to_owned(), true),
            None => return None,
        };
        is_duration(&value).then_some((at, value, is_attached))
    };
    let (at, value, is_attached) = call.places(Role::Option).into_iter().find_map(limit)?;
    let message =
        format!("--wait takes no value, but {value:?} follows it: --timeout limits the wait");
    let mut right = vec!["--wait".to_owned()];
    if call.find("--timeout").is_none() {
        right.extend(["--timeout".to_owned(), value]);
    }
    let (before, rest) = call.words.split_at(at);
    let behind = rest.get(if is_attached { 1.. } else { 2.. }).unwrap_or_default();
    Some(MisreadCall { message, words: [before, right.as_slice(), behind].concat() })
}

/// Programs that are called with `-c`, or that call others.
const LAUNCHERS: &str = "sh bash zsh dash ksh fish env time nice ionice nohup sudo timeout xargs watch make npm \
    npx pnpm yarn bun cargo go python python3 node ruby perl uv pytest";

/// Programs whose names are usual for locks, too.
///
/// A lock may be called so, so finding such a program in `PATH` proves nothing.
const USUAL_NAMES: [&str; 7] = ["test", "install", "sync", "link", "true", "false", "tests"];

/// A program behind the names, with a `-c` that is meant for it: `guard build bash -c LINE`.
///
/// The first name of a call is always the lock's: a program counts from the second on.
fn program_with_c(
    call: &TypedCall<'_>,
    finds: &RunnableCommandPredicate<'_>,
) -> Option<MisreadCall> {
    let line = line_option(call)?;
    let names = call.places(Role::Positional);
    let is_program = |at: &&usize| {
        call.words.get(**at).is_some_and(|it| {
            LAUNCHERS.split_whitespace().any(|known| known == it)
                || finds(it) && !USUAL_NAMES.contains(&it.as_str())
        })
    };
    let start = *names.get(1..)?.iter().take_while(|at| **at < line).find(is_program)?;
    let program = call.words.get(start)?;
    let message = format!("{program:?} is a program, but it stands where the names of locks stand");
    Some(MisreadCall { message, words: program::separated(call, start, finds) })
}

/// Words behind `-c LINE` that belong to the line.
///
/// The words are joined to one line, as the shell would have passed it with quotes.
fn line_without_quotes(call: &TypedCall<'_>) -> Option<MisreadCall> {
    let at = line_option(call)?;
    let has_name = call.places(Role::Positional).first().is_some_and(|it| *it < at);
    let (line, end) = whole_line(call, at)?;
    if !has_name || end == at + 2 {
        return None;
    }
    let more = call.words.get(at + 2)?;
    let message = format!("-c takes one word, but {more:?} follows it: quote the line");
    let (before, behind) = (call.words.get(..=at)?, call.words.get(end..)?);
    Some(MisreadCall { message, words: [before, &[line], behind].concat() })
}

/// The place of the `-c` of a guard whose line is the next word.
fn line_option(call: &TypedCall<'_>) -> Option<usize> {
    let is_it = |at: &usize| {
        call.words.get(*at).is_some_and(|it| it == "-c") && call.role(at + 1) == Some(Role::Value)
    };
    let is_alone = call.name() == "guard" && call.separator().is_none();
    call.places(Role::Option).into_iter().find(is_it).filter(|_| is_alone)
}

/// The line of the `-c` at a place, with the words behind it that belong to it, and the place behind them.
///
/// The line ends at the first option of lokt's own or at `--`.
pub(super) fn whole_line(call: &TypedCall<'_>, at: usize) -> Option<(String, usize)> {
    let is_own = |it: &usize| {
        call.role(*it) == Some(Role::Option)
            && call.words.get(*it).is_some_and(|it| option_in(call.command, it).is_some())
    };
    let is_end = |it: &usize| is_own(it) || call.role(*it) == Some(Role::Separator);
    let end = (at + 2..call.words.len()).find(is_end).unwrap_or(call.words.len());
    let first = call.words.get(at + 1)?.clone();
    let more = call.words.get(at + 2..end)?.iter();
    let more = more.map(|it| command_line(std::slice::from_ref(it)));
    Some((std::iter::once(first).chain(more).collect::<Vec<_>>().join(" "), end))
}
