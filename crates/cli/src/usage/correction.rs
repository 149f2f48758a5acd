//! From the words of a call that is wrong usage to those of a call that is right: functions of values.
//!
//! The parser judges every step: it names a mistake, one function for that kind of mistake changes the words, and the
//! parser judges again. So a corrected call is always one that the parser accepts.

use super::{
    call::{Role, TypedCall},
    incomplete, misread, program,
    unknown::{self, may_harm},
};
use crate::{printable, view::command_line};
use clap::{
    Command,
    error::{Error, ErrorKind},
};

/// What a correction needs to know.
pub(crate) struct CommandLineCorrector<'a> {
    /// All commands, [built](Command::build).
    pub(crate) root: &'a Command,
    /// The parser's error for words, without the program's name; nothing if it accepts them.
    pub(crate) fault: &'a dyn Fn(&[String]) -> Option<Error>,
    /// Whether a word is a program that can be run.
    pub(crate) finds: &'a dyn Fn(&str) -> bool,
}

/// How many mistakes in one call are corrected.
///
/// A call that needs more is not understood, and then a guess would not help its caller.
const STEPS: usize = 12;

impl CommandLineCorrector<'_> {
    /// The right call for words that are wrong usage.
    ///
    /// `None` if a step does not know the mistake, or changes nothing, or after [`STEPS`] steps.
    /// Words that ask for help or the version count as right.
    pub(crate) fn corrected(&self, typed: &[String]) -> Option<Vec<String>> {
        let mut words = typed.to_vec();
        for _ in 0..STEPS {
            let call = self.harmless(words);
            if let Some(meant) = misread::find(&call, self.finds) {
                words = meant.words;
                continue;
            }
            let error = match (self.fault)(&call.words) {
                None => return self.refused(&call.words),
                Some(error) if is_display(&error) => return Some(call.words),
                Some(error) => error,
            };
            let next = self.step(&call, &error)?;
            if next == call.words {
                return None;
            }
            words = next;
        }
        None
    }

    /// The right call for words that the parser accepts and the command refuses as wrong usage.
    ///
    /// `None` if no call is found that the parser accepts. The same words come back if nothing has
    /// to change.
    pub(crate) fn refused(&self, typed: &[String]) -> Option<Vec<String>> {
        let call = self.harmless(typed.to_vec());
        if misread::find(&call, self.finds).is_some() {
            return self.corrected(&call.words);
        }
        let next = incomplete::refused(&call).unwrap_or(call.words);
        (self.fault)(&next).is_none().then_some(next)
    }

    /// What is wrong with words that mean something else to the parser than to the caller.
    pub(crate) fn misread(&self, typed: &[String]) -> Option<String> {
        let call = TypedCall::new(self.root, typed.to_vec());
        misread::find(&call, self.finds).map(|it| it.message)
    }

    /// The right call where a program was not found that a shell can run.
    ///
    /// Only the words from the separator on are moved, and none of them may be a harmful option:
    /// the caller had put them behind the `--`, where lokt did not read them.
    pub(crate) fn not_found(&self, typed: &[String]) -> Option<Vec<String>> {
        let call = TypedCall::new(self.root, typed.to_vec());
        let separator = call.separator()?;
        let next = program::not_found(&call, self.finds)?;
        let moved = next.get(separator..).unwrap_or_default();
        let is_valid = (self.fault)(&next).is_none() && !moved.iter().any(|it| may_harm(it));
        is_valid.then_some(next)
    }

    /// A call as a line for a shell. Words that cannot be shown exactly make no line.
    ///
    /// Words with control or invisible characters are such words: a reader who copies the line
    /// would run something else.
    pub(crate) fn line(words: &[String]) -> Option<String> {
        let is_exact = words.iter().all(|it| printable::line(it) == it.as_str());
        is_exact.then(|| format!("lokt {}", command_line(words)))
    }

    /// The call that shows the help of the command that words name.
    pub(crate) fn help(&self, words: &[String]) -> String {
        let path = TypedCall::new(self.root, words.to_vec()).path;
        let path = path.iter().map(String::as_str).filter(|it| *it != "help");
        std::iter::once("lokt").chain(path).chain(["--help"]).collect::<Vec<_>>().join(" ")
    }

    /// Corrects one mistake, the one that the parser reports; `None` if there is no correction for
    /// that kind.
    fn step(&self, call: &TypedCall<'_>, error: &Error) -> Option<Vec<String>> {
        match error.kind() {
            ErrorKind::InvalidSubcommand => unknown::command(call, error, self.finds),
            ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                incomplete::command(call)
            }
            ErrorKind::UnknownArgument => unknown::argument(call, error, self.finds),
            ErrorKind::MissingRequiredArgument => incomplete::argument(call, error, self.finds),
            ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
                incomplete::value(call, error, self.finds)
            }
            ErrorKind::ArgumentConflict => incomplete::conflict(call, error),
            ErrorKind::TooManyValues => incomplete::surplus_value(call, error),
            _ => None,
        }
    }

    /// The call without options that take away what is another's: no hint teaches them.
    fn harmless(&self, words: Vec<String>) -> TypedCall<'_> {
        let mut call = TypedCall::new(self.root, words);
        while let Some(at) = harm_in(&call) {
            let words = call.without(at);
            call = TypedCall::new(self.root, words);
        }
        call
    }
}

/// Whether an error is the help or the version that the caller asked for.
fn is_display(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
}

/// The place of the first option that must not be in a hint. `--owner` is allowed except with
/// `unlock` and `unfreeze`, where it would end locks of another owner.
fn harm_in(call: &TypedCall<'_>) -> Option<usize> {
    let ends_locks = ["unlock", "unfreeze"].contains(&&*call.name());
    let harms = |at: &usize| {
        call.words.get(*at).is_some_and(|it| {
            let is_harmless = match &**it {
                // Others call so what `once --refresh` does.
                "--force" => call.name() == "once",
                it => !ends_locks && it.starts_with("--owner"),
            };
            may_harm(it) && !is_harmless
        })
    };
    call.places(Role::Option).into_iter().find(harms)
}

#[cfg(test)]
#[path = "correction_tests.rs"]
mod tests;
