//! The program that `guard` and `once` run: where it begins, and how it is written.
//!
//! Without a `--`, words cannot tell where the names of locks end. The functions here decide by two
//! facts: a word that is found as a program, or that only a shell can run, is meant as a program.

use super::{
    call::{Role, TypedCall, option_in},
    synonyms,
    values::name_like,
};
use crate::view::command_line;

/// A call with `--` before the program that it runs. `start` is the program's first word.
pub(super) fn separated(
    call: &TypedCall<'_>,
    start: usize,
    finds: &RunnableCommandPredicate<'_>,
) -> Vec<String> {
    let (before, program) = call.words.split_at(start.min(call.words.len()));
    let (program, options) = program.split_at(program.len() - own_options(call, program));
    let run = written(&call.name(), program, finds);
    before.iter().chain(options).cloned().chain(run).collect()
}

/// Whether a word is a command that can be run.
///
/// A parameter, so that tests need no programs.
pub(super) type RunnableCommandPredicate<'a> = dyn Fn(&str) -> bool + 'a;

/// Whether a word is meant as a program and not as the name of a lock.
pub(super) fn looks_like_a_program(word: &str, finds: &RunnableCommandPredicate<'_>) -> bool {
    word.contains(['/', ' ']) || synonyms::is_of_a_shell(word) || finds(word)
}

/// The place where the program begins if no `--` says so: the first argument behind a name that looks like one,
/// else the second argument.
///
/// `once` takes one name, so its program is always the second argument. `None` if there is only one
/// argument.
pub(super) fn start(call: &TypedCall<'_>, finds: &RunnableCommandPredicate<'_>) -> Option<usize> {
    let arguments = call.places(Role::Positional);
    let later = arguments.get(1..)?;
    let is_program =
        |at: &&usize| call.words.get(**at).is_some_and(|it| looks_like_a_program(it, finds));
    let chosen = if call.name() == "once" { None } else { later.iter().find(is_program) };
    chosen.or(later.first()).copied()
}

/// How many of the last words are options of lokt: only where `--wait` is among them, which no other program needs.
///
/// Callers often write `lokt guard build make --wait`. Other options are left to the program,
/// because it may have them too.
fn own_options(call: &TypedCall<'_>, program: &[String]) -> usize {
    let first = call.words.len() - program.len();
    let mut from = call.words.len();
    for at in (first + 1..call.words.len()).rev() {
        let is_own = match call.role(at) {
            Some(Role::Option) => call
                .words
                .get(at)
                .is_some_and(|it| it != "-c" && option_in(call.command, it).is_some()),
            role => role == Some(Role::Value),
        };
        if !is_own {
            break;
        }
        if call.role(at) == Some(Role::Option) {
            from = at;
        }
    }
    let own = call.words.get(from..).unwrap_or_default();
    if own.iter().any(|it| it == "--wait") { own.len() } else { 0 }
}

/// The words that make `guard` or `once` run a program.
///
/// A line for a shell becomes `-c LINE` for `guard`, and `-- sh -c LINE` for `once`, which has no
/// `-c`.
pub(super) fn written(
    command: &str,
    program: &[String],
    finds: &RunnableCommandPredicate<'_>,
) -> Vec<String> {
    let words = |fixed: &[&str]| fixed.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
    match shell_line(program, finds) {
        Some(line) if command == "guard" => [words(&["-c"]), vec![line]].concat(),
        Some(line) => [words(&["--", "sh", "-c"]), vec![line]].concat(),
        None => [words(&["--"]), program.to_vec()].concat(),
    }
}

/// The line for a shell, if only a shell can run the words.
///
/// That is so for a word with spaces in it, a builtin such as `cd`, and an assignment, unless a
/// program of that name exists.
pub(super) fn shell_line(
    program: &[String],
    finds: &RunnableCommandPredicate<'_>,
) -> Option<String> {
    let (first, rest) = program.split_first()?;
    if finds(first) {
        return None;
    }
    let is_line = first.trim().contains(char::is_whitespace);
    if !is_line && !synonyms::is_of_a_shell(first) {
        return None;
    }
    let rest = rest.iter().map(|it| command_line(std::slice::from_ref(it)));
    Some(std::iter::once(first.trim().to_owned()).chain(rest).collect::<Vec<_>>().join(" "))
}

/// A call that names no lock, with one that is called as the program.
///
/// If the words behind `--` look like `NAME PROGRAM…`, the first becomes the name.
pub(super) fn named_after_program(
    call: &TypedCall<'_>,
    finds: &RunnableCommandPredicate<'_>,
) -> Option<Vec<String>> {
    let separator = call.separator()?;
    let (first, rest) = call.tail().split_first()?;
    if !rest.is_empty() && !looks_like_a_program(first, finds) && !first.starts_with('-') {
        // The name stands on the wrong side.
        let swapped = call.replacing(separator + 1, &["--"]);
        let (before, after) = swapped.split_at(separator);
        let name = std::iter::once(first.clone());
        return Some(
            before.iter().cloned().chain(name).chain(after.iter().skip(1).cloned()).collect(),
        );
    }
    Some(call.adding(&[name_of(first)?]))
}

/// A name for the lock of a program: the last part of its path.
pub(super) fn name_of(program: &str) -> Option<String> {
    let program = program.split_whitespace().next()?;
    name_like(program.rsplit('/').next()?, 100)
}

/// The corrected words of a call whose program was not found, if a shell can run it, or if an option of lokt stands in
/// its place.
pub(super) fn not_found(
    call: &TypedCall<'_>,
    finds: &RunnableCommandPredicate<'_>,
) -> Option<Vec<String>> {
    let separator = call.separator().filter(|_| call.runs_a_program())?;
    let (before, tail) = (call.words.get(..separator)?, call.tail());
    let options = leading_options(call, tail);
    if options > 0 && options < tail.len() {
        let (options, program) = tail.split_at(options);
        let run = written(&call.name(), program, finds);
        return Some(before.iter().chain(options).cloned().chain(run).collect());
    }
    shell_line(tail, finds)?;
    Some(before.iter().cloned().chain(written(&call.name(), tail, finds)).collect())
}

/// How many words at the beginning are options of lokt, with their values.
///
/// 0 if one of them is no option of this command: then all belong to the program.
fn leading_options(call: &TypedCall<'_>, words: &[String]) -> usize {
    let mut count = 0;
    while let Some(option) = words.get(count).filter(|it| it.starts_with('-')) {
        let Some(known) = option_in(call.command, option) else {
            return 0;
        };
        let has_value = known.get_action().takes_values() && !option.contains('=');
        count += 1 + usize::from(has_value);
    }
    count
}
