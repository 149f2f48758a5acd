//! JSON with comments: where they are, and the same text without them, in which every other byte has its place.

use std::ops::Range;

/// A JSON text that may have comments (`// …` and `/* … */`).
#[derive(Debug)]
pub(super) struct JsonText<'a> {
    /// The text as it is.
    pub(super) text: &'a str,
    /// The same with spaces in place of comments.
    pub(super) plain: String,
    comments: Vec<Range<usize>>,
}

impl<'a> JsonText<'a> {
    /// Finds the comments. One that is never closed is left, and a parser refuses it.
    pub(super) fn of(text: &'a str) -> Self {
        let mut json =
            Self { text, plain: String::with_capacity(text.len()), comments: Vec::new() };
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let comment = comment_length(rest);
            let length = comment.unwrap_or_else(|| match first {
                '"' => string_length(rest),
                other => other.len_utf8(),
            });
            let (part, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
            if comment.is_some() {
                let begins = json.plain.len();
                json.comments.push(begins..begins + part.len());
                json.plain.extend(part.chars().flat_map(blank));
            } else {
                json.plain.push_str(part);
            }
            rest = behind;
        }
        json
    }

    /// Behind the comments that follow a place in its line.
    pub(super) fn behind_comments(&self, place: usize) -> usize {
        let follows = |it: &&Range<usize>, place| {
            it.start >= place
                && self
                    .text
                    .get(place..it.start)
                    .is_some_and(|it| it.trim_matches([' ', '\t']).is_empty())
        };
        let next = self.comments.iter().find(|it| follows(it, place));
        next.map_or(place, |it| self.behind_comments(it.end))
    }

    /// Behind the last comment between two places.
    pub(super) fn last_comment(&self, places: Range<usize>) -> Option<usize> {
        let inside = |it: &&Range<usize>| it.start >= places.start && it.end <= places.end;
        self.comments.iter().rfind(inside).map(|it| it.end)
    }

    /// Whether a comment that the line's end closes ends at a place.
    pub(super) fn ends_line_comment(&self, place: usize) -> bool {
        let comment = self.comments.iter().find(|it| it.end == place);
        let text = comment.and_then(|it| self.text.get(it.clone()));
        text.is_some_and(|it| it.starts_with("//"))
    }
}

/// As many spaces as a character has bytes; line ends stay.
fn blank(letter: char) -> impl Iterator<Item = char> {
    let (with, count) =
        if matches!(letter, '\n' | '\r') { (letter, 1) } else { (' ', letter.len_utf8()) };
    std::iter::repeat_n(with, count)
}

fn comment_length(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find(['\n', '\r']).unwrap_or(text.len()));
    }
    text.strip_prefix("/*")?.find("*/").map(|it| it + "/**/".len())
}

fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
