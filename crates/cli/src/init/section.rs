//! A section between two markers in a text file: inserted, updated, removed.
//!
//! The text around the section shows what was there before, so a removal restores the file byte for byte: a
//! section at the end of a file without a final newline has none either, and was set apart by two
//! newlines; else one was put before it and one behind it. A byte order mark stays at the beginning. A section that is
//! followed by nothing and preceded by nothing but the opening made its file.

use super::fenced_code::fenced;
use std::ops::Range;

/// The line before the section.
const BEGIN: &str = "<!-- lokt:begin: `lokt init` keeps this section up to date -->";
/// The line behind it.
const END: &str = "<!-- lokt:end -->";
const BYTE_ORDER_MARK: char = '\u{feff}';
/// How the first line begins, whatever later versions add.
const BEGINS: &str = "<!-- lokt:begin";

/// Says why a section cannot be found for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MarkedSectionError {
    /// A marker is missing, or the second is before the first.
    #[error("a mark of lokt's section has no counterpart")]
    Unpaired,
    /// There are several sections.
    #[error("there are several sections of lokt")]
    Several,
    /// Whatever is added to the end would be an example.
    #[error("a block of fenced code in it is never closed")]
    Open,
}

/// What is left without the section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SectionRemoval {
    /// There is no section.
    Same,
    /// The file as it was before.
    Text(String),
    /// There was no file before.
    Nothing,
}

/// A text between the marks.
pub(crate) fn marked(body: &str) -> String {
    format!("{BEGIN}\n{body}\n{END}")
}

/// The file with the section; `opening` is what a new one begins with.
pub(super) fn put(
    text: Option<&str>,
    body: &str,
    opening: &str,
) -> Result<String, MarkedSectionError> {
    let section = marked(body);
    let Some(text) = text else { return Ok(format!("{opening}{section}\n")) };
    let (mark, text) = unmarked(text);
    put_into(text, &section).map(|text| format!("{mark}{text}"))
}

/// A byte order mark, where there is one, and the text behind it.
pub(super) fn unmarked(text: &str) -> (&str, &str) {
    let begin = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
    text.split_at_checked(begin).unwrap_or(("", text))
}

fn put_into(text: &str, section: &str) -> Result<String, MarkedSectionError> {
    if let Some(place) = place(text)? {
        let section = section.replace('\n', newline_inside(text, &place));
        let (before, after) = around(text, &place);
        return Ok(format!("{before}{section}{after}"));
    }
    if fenced(text).open.is_some() {
        return Err(MarkedSectionError::Open);
    }
    let newline = newline_of(text);
    let section = section.replace('\n', newline);
    Ok(match (text.is_empty(), text.ends_with('\n')) {
        (true, _) => section,
        (false, true) => format!("{text}{newline}{section}{newline}"),
        (false, false) => format!("{text}{newline}{newline}{section}"),
    })
}

/// The file without the section.
pub(super) fn cut(text: &str, opening: &str) -> Result<SectionRemoval, MarkedSectionError> {
    let (mark, text) = unmarked(text);
    Ok(match cut_from(text, opening)? {
        SectionRemoval::Text(rest) => SectionRemoval::Text(format!("{mark}{rest}")),
        rest => rest,
    })
}

fn cut_from(text: &str, opening: &str) -> Result<SectionRemoval, MarkedSectionError> {
    let Some(place) = place(text)? else { return Ok(SectionRemoval::Same) };
    let newline = newline_inside(text, &place);
    let (before, after) = around(text, &place);
    if before == opening && after == "\n" {
        return Ok(SectionRemoval::Nothing);
    }
    let without = |text: &str| text.strip_suffix(newline).unwrap_or(text).to_owned();
    if after.is_empty() {
        let before = without(before);
        return Ok(SectionRemoval::Text(without(&before)));
    }
    let after = after.strip_prefix(newline).unwrap_or(after);
    Ok(SectionRemoval::Text(without(before) + after))
}

fn around<'a>(text: &'a str, place: &Range<usize>) -> (&'a str, &'a str) {
    let before = text.get(..place.start).unwrap_or_default();
    (before, text.get(place.end..).unwrap_or_default())
}

/// Where the section is, from the first mark to the end of the second, without that line's end. Marks in fenced
/// code are none.
fn place(text: &str) -> Result<Option<Range<usize>>, MarkedSectionError> {
    let mut begins = Vec::new();
    let mut ends = Vec::new();
    let mut at = 0;
    let examples = fenced(text);
    let is_example = |at: &usize| {
        examples.blocks.iter().any(|it| it.contains(at)) || examples.open.is_some_and(|it| it < *at)
    };
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        if is_example(&at) {
            // It shows what a mark looks like.
        } else if content.starts_with(BEGINS) && content.ends_with("-->") {
            begins.push(at);
        } else if content == END {
            ends.push(at + content.len());
        }
        at += line.len();
    }
    match (begins.as_slice(), ends.as_slice()) {
        ([], []) => Ok(None),
        ([begin], [end]) if begin < end => Ok(Some(*begin..*end)),
        ([_] | [], [_] | []) => Err(MarkedSectionError::Unpaired),
        _ => Err(MarkedSectionError::Several),
    }
}

/// How the lines of the section end: what was put around it ends so too.
fn newline_inside(text: &str, place: &Range<usize>) -> &'static str {
    newline_of(text.get(place.clone()).unwrap_or_default())
}

/// How the lines of a text end: as its first one does.
pub(super) fn newline_of(text: &str) -> &'static str {
    let first = text.split_inclusive('\n').next().unwrap_or_default();
    if first.ends_with("\r\n") { "\r\n" } else { "\n" }
}

#[cfg(test)]
#[path = "section_tests.rs"]
mod tests;
