//! Wrong usage, told: one `error:` line, the right call made from the words that were typed, and where to read more.
//!
//! * [`correction`]: from wrong words to right ones, without running anything.
//! * [`call`]: what each typed word is.
//! * [`unknown`], [`incomplete`], [`program`], [`misread`](mod@misread): one kind of mistake each.
//! * [`synonyms`], [`values`]: words of other programs, and valid values that are like invalid ones.
//!
//! The words that a person or an agent typed are taken apart, corrected step by step, and parsed
//! again after each step. What is shown as a hint is therefore a call that the parser accepts.
//! Nothing is run, and no correction adds an option that takes away what is another's.

mod call;
mod correction;
mod incomplete;
mod misread;
mod program;
mod synonyms;
mod unknown;
mod values;

pub(crate) use correction::CommandLineCorrector;

use crate::{exit::ExitCode, failure::CliFailure, output, printable};
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use std::{
    env,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// Prints clap's message: help and version to stdout, usage errors to stderr in lokt's form, one `error:` line
/// and then hints.
///
/// Called for every error of the parser. Returns [`ExitCode::Done`] for `--help` and `--version`,
/// if they could be printed, and [`ExitCode::Usage`] for wrong usage.
pub(crate) fn report(mut error: Error, grammar: &CommandLineCorrector<'_>) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Text that stays in the buffer would be lost silently.
            let printed = error.print().and_then(|()| io::stdout().flush());
            printed.map_or_else(|error| output::fail(&error.into()), |()| ExitCode::Done)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let failure = CliFailure::usage("a command is missing");
            let code = output::fail(&corrected(failure, &[], grammar));
            let _ = error.print();
            code
        }
        _ => {
            make_printable(&mut error);
            let (message, advice) = paragraphs(&error);
            output::end_with(&corrected(CliFailure::usage(message), &advice, grammar))
        }
    }
}

/// Whether the words that this process was started with may mean something else to the caller than to the parser.
///
/// Quick enough for every call. Only if it says yes does the caller build the corrector and call
/// [`misread`](fn@misread).
pub(crate) fn is_doubtful() -> bool {
    typed().is_some_and(|words| misread::is_doubtful(&words))
}

/// The failure for words that the parser accepts, and that mean something else to the caller.
///
/// `None` if the words mean the same to both, or are not all text. The failure is
/// [`ExitCode::Usage`]: what the caller did not mean is not run.
pub(crate) fn misread(grammar: &CommandLineCorrector<'_>) -> Option<CliFailure> {
    let words = typed()?;
    let failure = CliFailure::usage(grammar.misread(&words)?);
    Some(advise(failure, grammar))
}

/// Adds the right call to the failure of a command, if other words would have helped.
///
/// This covers two cases that the parser cannot see: a program that was not found because a shell
/// should have run it, and a usage error that the command itself reports. A failure that has hints
/// already stays as it is.
pub(crate) fn advise(failure: CliFailure, grammar: &CommandLineCorrector<'_>) -> CliFailure {
    let (Some(words), true) = (typed(), failure.hints.is_empty()) else {
        return failure;
    };
    match failure.code {
        code if is_missing(code) => {
            let right = grammar.not_found(&words).and_then(|it| CommandLineCorrector::line(&it));
            right.into_iter().fold(failure, CliFailure::hint)
        }
        ExitCode::Usage => {
            let right = grammar.refused(&words).filter(|it| *it != words);
            let right = right.and_then(|it| CommandLineCorrector::line(&it));
            right.into_iter().chain([grammar.help(&words)]).fold(failure, CliFailure::hint)
        }
        _ => failure,
    }
}

/// Whether [`advise`] may have something to add.
///
/// Callers ask before they build a [`CommandLineCorrector`], which needs the whole tree of
/// commands.
pub(crate) fn can_advise(failure: &CliFailure) -> bool {
    (failure.code == ExitCode::Usage || is_missing(failure.code)) && !failure.silent
}

/// Whether a code says that a program was not found. `once` takes it from its record.
fn is_missing(code: ExitCode) -> bool {
    code.number() == ExitCode::NoCommand.number()
}

/// Adds the right call, or else what the parser advises; then the call that shows the help.
fn corrected(
    failure: CliFailure,
    advice: &[String],
    grammar: &CommandLineCorrector<'_>,
) -> CliFailure {
    let right = typed().and_then(|typed| grammar.corrected(&typed).filter(|it| *it != typed));
    let shown = || env::args_os().skip(1).map(|it| it.to_string_lossy().into_owned()).collect();
    let help = grammar.help(&right.clone().unwrap_or_else(shown));
    let line = right.and_then(|it| CommandLineCorrector::line(&it));
    let mut hints = line.map_or_else(|| advice.to_vec(), |it| vec![it]);
    if !hints.contains(&help) {
        hints.push(help);
    }
    hints.into_iter().fold(failure, CliFailure::hint)
}

/// The words that this process was started with, if all are text.
///
/// A word that is not UTF-8 could not be shown exactly, so there is no correction then.
fn typed() -> Option<Vec<String>> {
    env::args_os().skip(1).map(|it| it.into_string().ok()).collect()
}

/// Whether a word is a program, by its path or in a folder of `PATH`.
///
/// Only the permission bits are looked at, as execvp(3) would find it for some user. Nothing is
/// run.
pub(crate) fn finds(word: &str) -> bool {
    let is_program = |path: &Path| {
        path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    if word.is_empty() || word.contains('/') {
        return is_program(Path::new(word));
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| is_program(&folder.join(word)))
}

/// Makes the words printable that were typed, which may be of others: none of them must be taken for a paragraph
/// of the explanation.
fn make_printable(error: &mut Error) {
    let typed = |(kind, value): (ContextKind, &ContextValue)| match value {
        ContextValue::String(text) => Some((kind, printable::line(text).into_owned())),
        _ => None,
    };
    let texts: Vec<(ContextKind, String)> = error.context().filter_map(typed).collect();
    for (kind, text) in texts {
        error.insert(kind, ContextValue::String(text));
    }
}

/// The parser's message, and its advice.
///
/// clap separates the message, the tips and the usage by empty lines. Advice that names a harmful
/// option is left out.
fn paragraphs(error: &Error) -> (String, Vec<String>) {
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n");
    let first = one_line(paragraphs.next().unwrap_or_default());
    let message = first.strip_prefix("error: ").unwrap_or(&first).to_owned();
    let advice = paragraphs.flat_map(hints_of);
    (message, advice.filter(|it| !unknown::names_harm(it)).collect())
}

/// The words of a text with one space between them: clap breaks its lines for a terminal.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The useful parts of a paragraph: tips and the usage.
///
/// The reference to `--help` at clap's end is dropped, because every failure gets its own.
fn hints_of(part: &str) -> Vec<String> {
    let part = part.trim();
    if let Some(usage) = part.strip_prefix("Usage:") {
        return usage.lines().map(|line| format!("usage: {}", one_line(line))).collect();
    }
    if part.starts_with("For more information") {
        return Vec::new();
    }
    part.split("tip:").map(one_line).filter(|tip| !tip.is_empty()).collect()
}
