//! The only place that prints. Data goes to stdout, everything else to stderr; colour only to a terminal,
//! and not where `NO_COLOR` is set.
//!
//! Every line for people is made [`crate::printable`] here, as a whole and before it gets its colours: so
//! no view can print what others wrote as it is. JSON and [bytes] are data, and stay exact.

use crate::{
    env,
    exit::ExitCode,
    failure::{CliFailure, chain},
    printable,
};
use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use lokt_lock::{store::LockStoreError, sys::in_portions};
use serde::Serialize;
use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const QUIET: Style = AnsiColor::Cyan.on_default();

/// Whether data was printed: then an error prints no JSON, so that a reader gets one document.
static HAS_PRINTED: AtomicBool = AtomicBool::new(false);

/// Whether data was printed on stdout.
pub(crate) fn has_printed() -> bool {
    HAS_PRINTED.load(Ordering::Relaxed)
}

/// Prints data as one line of text.
pub(crate) fn text(line: &str) -> Result<(), CliFailure> {
    lines([line])
}

/// Prints data as lines of text. A newline inside one of them ends no line.
pub(crate) fn lines<L: AsRef<str>>(lines: impl IntoIterator<Item = L>) -> Result<(), CliFailure> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&printable::line(line.as_ref()));
        text.push('\n');
    }
    bytes(text.as_bytes())
}

/// A line in pieces, each in its own colour.
pub(crate) type StyledLine = Vec<(Style, String)>;

/// Prints data as lines of text in colours.
pub(crate) fn painted(lines: &[StyledLine]) -> Result<(), CliFailure> {
    bytes(&coloured(lines)?)
}

fn coloured(lines: &[StyledLine]) -> io::Result<Vec<u8>> {
    let mut text = AutoStream::new(Vec::new(), AutoStream::choice(&io::stdout()));
    for line in lines {
        for (style, piece) in line {
            write!(text, "{style}{}{style:#}", printable::line(piece))?;
        }
        writeln!(text)?;
    }
    Ok(text.into_inner())
}

/// Prints bytes as they are: data that is no text of this program, and pages and scripts that end their own
/// lines.
///
/// This is the way of all data to stdout. A closed pipe becomes a silent failure, so that `| head`
/// ends the program without a message.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), CliFailure> {
    let mut out = io::stdout().lock();
    HAS_PRINTED.store(true, Ordering::Relaxed);
    out.write_all(bytes)?;
    Ok(out.flush()?)
}

/// Prints data as one line of JSON.
///
/// The line is printed at once at its end, if it fits the buffer. The text is not made printable:
/// JSON has escapes for control characters, and programs need the exact values.
pub(crate) fn json(view: &impl Serialize) -> Result<(), CliFailure> {
    let mut out = io::BufWriter::with_capacity(1 << 18, io::stdout().lock());
    HAS_PRINTED.store(true, Ordering::Relaxed);
    serde_json::to_writer(&mut out, view).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// Prints data as one JSON list, written by several threads where it is long.
///
/// The order of the elements is kept.
pub(crate) fn json_list<'a, T: Sync, V: Serialize>(
    items: &'a [T],
    view: impl Fn(&'a T) -> V + Sync,
) -> Result<(), CliFailure> {
    let written = in_portions(items, |part| {
        let mut bytes = Vec::new();
        let write = |item| {
            bytes.push(b',');
            serde_json::to_writer(&mut bytes, &view(item))
        };
        vec![part.iter().try_for_each(write).map(|()| bytes)]
    });
    let written: Vec<Vec<u8>> =
        written.into_iter().collect::<Result<_, _>>().map_err(io::Error::from)?;
    let mut list = written.concat();
    // The first comma becomes the bracket.
    match list.first_mut() {
        Some(first) => *first = b'[',
        None => list.push(b'['),
    }
    list.extend(b"]\n");
    bytes(&list)
}

/// The exit code of an answer is the same with and without a reader.
///
/// Returns `Ok` if the reader has closed the pipe. All other failures stay.
pub(crate) fn even_if_unread(written: Result<(), CliFailure>) -> Result<(), CliFailure> {
    match written {
        Err(failure) if failure.silent => Ok(()),
        written => written,
    }
}

/// Warns if an outcome could not be printed. The operation stays done or refused, and the exit code
/// says so: `what` is what took effect, as the beginning of the warning.
pub(crate) fn even_if_untold(what: &str, written: Result<(), CliFailure>) {
    if let Err(failure) = even_if_unread(written) {
        warn(&format!("{what}, but {}", failure.message));
    }
}

/// Prints the failure that ends the command, and returns its code. A caller that asked for JSON gets the failure as
/// JSON too, unless the command has printed already.
pub(crate) fn end_with(failure: &CliFailure) -> ExitCode {
    if !failure.silent && !has_printed() && asks_for_json(std::env::args_os().skip(1)) {
        even_if_untold("the command failed", json(&failure.to_json()));
    }
    fail(failure)
}

/// Whether the words of a call ask for JSON. No flag takes `--json` as its value, and what follows `--` belongs to
/// another command.
fn asks_for_json(words: impl IntoIterator<Item = OsString>) -> bool {
    words.into_iter().take_while(|word| word != "--").any(|word| word == "--json")
}

/// Prints a failure and returns its code.
///
/// The message first, then the drift, then the hints, each in one line. A silent failure prints
/// nothing.
pub(crate) fn fail(failure: &CliFailure) -> ExitCode {
    if !failure.silent {
        say("error", ERROR, &failure.message);
        failure.drift.iter().for_each(|row| say("drift", WARNING, row));
        failure.hints.iter().for_each(|hint| say("hint", QUIET, hint));
    }
    failure.code
}

/// Warns of a problem that did not stop the command.
pub(crate) fn warn(message: &str) {
    say("warning", WARNING, message);
}

/// Warns that a change took effect, but is not in the audit log.
pub(crate) fn warn_unlogged(what: &str, unlogged: Option<LockStoreError>) {
    if let Some(error) = unlogged {
        warn(&format!("{what}, but that could not be logged: {}", chain(&error)));
    }
}

/// Warns that a change took effect, but may not survive a power cut.
pub(crate) fn warn_unsynced(what: &str, unsynced: Option<LockStoreError>) {
    if let Some(error) = unsynced {
        warn(&format!("{what}, but a power cut may undo that: {}", chain(&error)));
    }
}

/// Prints a note.
pub(crate) fn note(message: &str) {
    say("note", QUIET, message);
}

/// One line on stderr. It is written at once, so that lines of programs that share a stderr stay whole.
///
/// `label` is printed in colour, the message is not.
fn say(label: &str, style: Style, message: &str) {
    let message = printable::line(message);
    let mut line = AutoStream::new(Vec::new(), AutoStream::choice(&io::stderr()));
    // If stderr is closed, the message is lost.
    let _ = writeln!(line, "{style}{label}:{style:#} {message}")
        .and_then(|()| io::stderr().write_all(&line.into_inner()));
}

/// Prints a unified diff. What files have in them is shown like any text of others, but for tabs, which indent
/// their lines.
pub(crate) fn diff(diff: &str) -> Result<(), CliFailure> {
    let mut text = AutoStream::new(Vec::new(), AutoStream::choice(&io::stdout()));
    for line in diff.lines() {
        let style = match line.chars().next() {
            Some('+') => ADDED,
            Some('-') => REMOVED,
            _ => Style::new(),
        };
        let line: Vec<_> = line.split('\t').map(printable::line).collect();
        writeln!(text, "{style}{}{style:#}", line.join("\t"))?;
    }
    bytes(&text.into_inner())
}

/// Whether a user at a terminal can answer a question.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a yes. The end of the input counts as a no.
///
/// # Errors
/// A failure if stdin cannot be read. `--yes` is its hint, so only commands that have it may ask.
pub(crate) fn ask(question: &str) -> Result<bool, CliFailure> {
    draw(&format!("{} [y/N] ", printable::line(question)));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(|error| {
        CliFailure::new(ExitCode::Error, format!("cannot read the answer: {error}"))
            .hint("--yes does not ask")
    })?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// Whether stdout is a terminal, so that a person reads it.
pub(crate) fn is_for_people() -> bool {
    io::stdout().is_terminal()
}

/// The writer of a whole screen: stdout, written only when a picture is complete.
pub(crate) type BufferedScreenWriter = io::BufWriter<io::Stdout>;

/// A screen to draw on.
///
/// The caller flushes it after each picture.
pub(crate) fn screen() -> BufferedScreenWriter {
    io::BufWriter::with_capacity(1 << 16, io::stdout())
}

/// Whether there is a terminal to draw on and to read keys from, one that can move its cursor.
pub(crate) fn is_terminal_on_both_sides() -> bool {
    let is_dumb = env::value(env::TERM).is_some_and(|it| it == "dumb");
    !is_dumb && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Whether the screen may have colours.
pub(crate) fn may_be_coloured() -> bool {
    AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// Which characters may be used to draw with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glyphs {
    /// All that UTF-8 can show.
    Unicode,
    /// Only the characters that every terminal has.
    Ascii,
}

/// Which characters the user's locale can show (locale(7): the first of these that is set decides).
pub(crate) fn glyphs() -> Glyphs {
    let set = [env::LC_ALL, env::LC_CTYPE, env::LANG].into_iter().find_map(env::value);
    let name = set.map(|it| it.to_string_lossy().to_ascii_lowercase().replace('-', ""));
    if name.is_some_and(|it| it.contains("utf8")) { Glyphs::Unicode } else { Glyphs::Ascii }
}

/// How many columns a line of stdout may have: as many as the terminal is wide, else 80.
pub(crate) fn width() -> usize {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map_or(80, |(width, _)| usize::from(width.0))
}

/// A line about progress. On a terminal it is redrawn in its place; elsewhere it is printed
/// once.
pub(crate) struct ProgressLine {
    /// Whether stderr is a terminal.
    in_place: bool,
    /// Whether anything was printed.
    said: bool,
}

impl ProgressLine {
    pub(crate) fn new() -> Self {
        Self { in_place: io::stderr().is_terminal(), said: false }
    }

    /// Whether the line can be redrawn.
    pub(crate) fn is_live(&self) -> bool {
        self.in_place
    }

    /// Shows the line in place of the one before. Without a terminal, only the first one is
    /// printed.
    pub(crate) fn show(&mut self, line: &str) {
        if self.in_place {
            let line = printable::line(line);
            draw(&format!("\r\x1b[2K{}", fitted(&line)));
        } else if !self.said {
            note(line);
        }
        self.said = true;
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if self.in_place && self.said {
            draw("\r\x1b[2K");
        }
    }
}

/// Writes past the colour filter: moving the cursor is not colour.
fn draw(text: &str) {
    let mut out = io::stderr().lock();
    // If stderr is closed, the text is lost.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// As much of a line as the terminal is wide: a longer one would wrap and could not be drawn over.
fn fitted(line: &str) -> &str {
    let size = terminal_size::terminal_size_of(io::stderr());
    let width = size.map_or(80, |(width, _)| usize::from(width.0));
    printable::fitted(line, width.saturating_sub(1))
}

/// Lines of stdout that change. On a terminal that has room for them they are redrawn in their place; elsewhere
/// they are printed once, as they are at the end.
pub(crate) struct AnimatedLines {
    /// How many lines, always the same number.
    lines: usize,
    /// Whether they are redrawn.
    is_live: bool,
    /// Whether they were drawn before, so that the cursor is below them.
    is_drawn: bool,
}

impl AnimatedLines {
    /// An animation of so many lines.
    pub(crate) fn new(lines: usize) -> Self {
        let size = terminal_size::terminal_size_of(io::stdout());
        let rows = size.map_or(0, |(_, height)| usize::from(height.0));
        // The lines above and below it are to stay in sight.
        let is_live = is_for_people() && rows > lines + 4;
        Self { lines, is_live, is_drawn: false }
    }

    /// Shows the lines as they are now.
    pub(crate) fn show(&mut self, lines: &[StyledLine]) -> Result<(), CliFailure> {
        if !self.is_live {
            return Ok(());
        }
        let up = if self.is_drawn { format!("\x1b[{}A", self.lines) } else { String::new() };
        let all = String::from_utf8_lossy(&coloured(lines)?).replace('\n', "\x1b[K\n");
        self.is_drawn = true;
        bytes(format!("{up}{all}").as_bytes())
    }

    /// Shows the lines as they have become.
    pub(crate) fn end(mut self, lines: &[StyledLine]) -> Result<(), CliFailure> {
        if self.is_live { self.show(lines) } else { painted(lines) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_asked_for_by_a_flag_of_lokt_and_by_no_word_of_another_command() {
        let asks = |line: &str| asks_for_json(line.split(' ').map(OsString::from));
        assert!(asks("status --json") && asks("--json unlock x") && asks("tool run --json -- x"));
        assert!(!asks("status") && !asks("guard x -- lokt status --json") && !asks("lock json"));
    }
}
