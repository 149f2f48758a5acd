use crate::{exit::ExitCode, failure::CliFailure, output, printable};
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use std::io::{self, Write};

/// Prints clap's message: help and version to stdout, usage errors to stderr in lokt's form, one `error:` line
/// and then hints.
pub(crate) fn report(mut error: Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Text that stays in the buffer would be lost silently.
            let printed = error.print().and_then(|()| io::stdout().flush());
            printed.map_or_else(|error| output::fail(&error.into()), |()| ExitCode::Done)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let code = output::fail(&CliFailure::usage("a command is missing"));
            let _ = error.print();
            code
        }
        _ => {
            make_printable(&mut error);
            output::end_with(&failure(&error))
        }
    }
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

fn failure(error: &Error) -> CliFailure {
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n");
    let first = one_line(paragraphs.next().unwrap_or_default());
    let message = first.strip_prefix("error: ").unwrap_or(&first);
    let hints = paragraphs.flat_map(hints_of);
    hints.fold(CliFailure::usage(message), CliFailure::hint)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The useful parts of a paragraph: tips, the usage, further reading.
fn hints_of(part: &str) -> Vec<String> {
    let part = part.trim();
    if let Some(usage) = part.strip_prefix("Usage:") {
        return usage.lines().map(|line| format!("usage: {}", one_line(line))).collect();
    }
    if part.starts_with("For more information") {
        return vec!["lokt --help".to_owned()];
    }
    part.split("tip:").map(one_line).filter(|tip| !tip.is_empty()).collect()
}
