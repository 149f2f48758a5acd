use crate::{exit::Code, failure::Failure, output};
use clap::error::{Error, ErrorKind};

/// Tells what clap has to say: help and version on stdout, anything else as wrong usage in the house's
/// form, one `error:` line and then hints.
pub(crate) fn report(error: &Error) -> Code {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Where stdout is closed, nobody asked.
            let _ = error.print();
            Code::Done
        }
        _ => output::fail(&failure(error)),
    }
}

fn failure(error: &Error) -> Failure {
    let text = error.render().to_string();
    let mut paragraphs = text
        .split("\n\n")
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let first = paragraphs.next().unwrap_or_default();
    let message = first.strip_prefix("error: ").unwrap_or(&first).to_owned();
    let failure = Failure::usage(if message.is_empty() {
        "no command given".to_owned()
    } else {
        message
    });
    paragraphs.fold(failure, |failure, part| match hint_of(&part) {
        Some(hint) => failure.hint(hint),
        None => failure,
    })
}

/// What of a paragraph helps: tips, the usage line, where to read on.
fn hint_of(part: &str) -> Option<String> {
    if let Some(tip) = part.strip_prefix("tip: ") {
        return Some(tip.to_owned());
    }
    let usage = part
        .strip_prefix("Usage: ")
        .map(|usage| format!("usage: {usage}"));
    usage.or_else(|| {
        part.starts_with("For more information")
            .then(|| "lokt --help".to_owned())
    })
}
