//! Text of others as it may be shown: one line, in which every character is seen.
//!
//! Owners, command lines, metadata, file names and reasons are untrusted text. Raw, they could obey a
//! terminal's escape sequences, end a line and forge the next one, turn the direction of writing, or carry words
//! that only a model reads. So a character that is not seen is replaced by its escape, as Rust writes it: `\n`,
//! `\u{202e}`. What it was can still be read.
//!
//! | replaced | because |
//! | --- | --- |
//! | control characters (Cc), also DEL and U+0080 to U+009F | they are a terminal's commands, and end lines |
//! | line and paragraph separators (Zl, Zp) | they end lines |
//! | format characters (Cf): marks, embeddings, overrides and isolates of direction, zero-width space, byte order mark, soft hyphen, tags | they reorder a line, or hide a text in it |
//! | other ignorable ones: fillers, selectors, U+034F | the same |
//! | spaces that no keyboard types, U+2800 | they cannot be told from a space |
//! | unassigned (Cn) and private (Co) characters | neither what they look like nor how wide they are is known |
//! | combining marks without a letter or symbol before them, and from the fifth in a row on | they are drawn over other text |
//!
//! What people write stays as it is: letters of all scripts with their marks; a zero-width joiner or non-joiner
//! between two letters of a script that needs them, and a joiner between two pictures; a selector for the form
//! of a picture behind that picture.
//!
//! Limits: letters that are written from right to left still turn the words around them on terminals that
//! reorder lines. Letters that look like others stay. A text that has the characters of an escape in it looks
//! like a replaced character.
//!
//! Sources: Unicode Technical Report 36, sections 2.10 and 3; Unicode Technical Standard 39, sections 3.1.1 and
//! 5.4; Unicode Standard Annex 31, section 2.3; CVE-2021-42574 ("Trojan Source").

use std::{borrow::Cow, fmt::Write as _};
use unicode_general_category::{GeneralCategory as Category, get_general_category};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many combining marks may follow each other (Unicode Technical Standard 39, section 5.4).
const MOST_MARKS: usize = 4;

/// A text as one line in which every character is seen.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    replaced(text, |shown, c| shown.extend(c.escape_default()))
}

/// The text of a JSON value, with the same characters replaced by escapes of JSON: it is still the text of the
/// same value.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    replaced(text, |shown, c| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a text cannot fail.
            let _ = write!(shown, "\\u{unit:04x}");
        }
    })
}

/// How many columns of a terminal a text takes.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A text with spaces behind it, so that it takes this many columns.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    // Not by a format's width, which counts characters, and takes no more than 65,535.
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// As much of a text as this many columns have room for, also on a terminal that draws the pictures of a joined
/// one side by side.
pub(crate) fn fitted(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0) + usize::from(*c == AS_PICTURE);
        used > columns
    });
    end.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// The same, shortened with `…`.
pub(crate) fn shortened(text: &str, columns: usize) -> Cow<'_, str> {
    if fitted(text, columns).len() == text.len() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}…", fitted(text, columns.saturating_sub(1))))
}

fn replaced(text: &str, escape: impl Fn(&mut String, char)) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut before = PrecedingCharacters::default();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if before.admits(c, rest.peek().copied()) {
            shown.push(c);
            before.is_followed_by(c);
        } else {
            escape(&mut shown, c);
            before = PrecedingCharacters::default();
        }
    }
    if shown == text { Cow::Borrowed(text) } else { Cow::Owned(shown) }
}

/// The effect of a character on the reader of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CharacterDisplayClass {
    /// It is visible at any place.
    Seen,
    /// A combining mark.
    Mark,
    /// U+200C or U+200D.
    Joiner,
    /// U+FE0E or U+FE0F.
    Selector,
    /// It is not seen, or is no text.
    Unseen,
}

/// Zero-width joiner and non-joiner.
const JOINER: char = '\u{200d}';
const NON_JOINER: char = '\u{200c}';
/// The selectors that show a character as text, or as a picture.
const AS_TEXT: char = '\u{fe0e}';
const AS_PICTURE: char = '\u{fe0f}';

impl CharacterDisplayClass {
    fn of(c: char) -> Self {
        match c {
            // No-break space, narrow no-break space, ideographic space: people type them.
            ' '..='~' | '\u{a0}' | '\u{202f}' | '\u{3000}' => Self::Seen,
            JOINER | NON_JOINER => Self::Joiner,
            AS_TEXT | AS_PICTURE => Self::Selector,
            // Default_Ignorable_Code_Point without those of the categories below; a blank of Braille.
            '\u{34f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0d}'
            | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}' => Self::Unseen,
            _ => Self::of_category(get_general_category(c)),
        }
    }

    const fn of_category(category: Category) -> Self {
        match category {
            Category::Control
            | Category::Format
            | Category::LineSeparator
            | Category::ParagraphSeparator
            | Category::SpaceSeparator
            | Category::PrivateUse
            | Category::Surrogate
            | Category::Unassigned => Self::Unseen,
            Category::NonspacingMark | Category::EnclosingMark => Self::Mark,
            _ => Self::Seen,
        }
    }
}

/// The text shown before a character.
#[derive(Default)]
struct PrecedingCharacters {
    /// The last character; none at the beginning and behind an escape.
    last: Option<char>,
    /// How many marks there are since the last letter or symbol.
    marks: usize,
}

impl PrecedingCharacters {
    /// Whether a character is seen as what it is between these and the next one.
    fn admits(&self, c: char, next: Option<char>) -> bool {
        let last = |is: fn(char) -> bool| self.last.is_some_and(is);
        match CharacterDisplayClass::of(c) {
            CharacterDisplayClass::Seen => true,
            CharacterDisplayClass::Unseen => false,
            CharacterDisplayClass::Mark => self.marks < MOST_MARKS && last(bears_marks),
            CharacterDisplayClass::Selector => {
                last(|it| is_picture(it) || matches!(it, '0'..='9' | '#' | '*'))
            }
            CharacterDisplayClass::Joiner if last(is_joined) => {
                let has_room = |it| {
                    CharacterDisplayClass::of(it) != CharacterDisplayClass::Mark
                        || self.marks < MOST_MARKS
                };
                next.is_some_and(|it| is_joined(it) && has_room(it))
            }
            CharacterDisplayClass::Joiner => {
                let is_seen_picture = |it| {
                    is_picture(it) && CharacterDisplayClass::of(it) == CharacterDisplayClass::Seen
                };
                let joins = last(|it| is_picture(it) || it == AS_PICTURE);
                c == JOINER && joins && next.is_some_and(is_seen_picture)
            }
        }
    }

    fn is_followed_by(&mut self, c: char) {
        match CharacterDisplayClass::of(c) {
            CharacterDisplayClass::Seen | CharacterDisplayClass::Unseen => self.marks = 0,
            CharacterDisplayClass::Mark => self.marks += 1,
            CharacterDisplayClass::Joiner | CharacterDisplayClass::Selector => {}
        }
        self.last = Some(c);
    }
}

/// Whether a combining mark is drawn on this character, and not on what others wrote before it.
fn bears_marks(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && !c.is_whitespace())
}

/// Whether it is a letter or mark of a script in which joiners change the form of letters: Arabic and Syriac, the
/// scripts of India and South-East Asia, Mongolian.
fn is_joined(c: char) -> bool {
    let is_of_script = matches!(c,
        '\u{600}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{18af}'
        | '\u{1a20}'..='\u{1aaf}' | '\u{1b00}'..='\u{1c4f}' | '\u{a8e0}'..='\u{a8ff}'
        | '\u{11000}'..='\u{11fff}');
    let kind = CharacterDisplayClass::of(c);
    is_of_script
        && (kind == CharacterDisplayClass::Mark
            || (kind == CharacterDisplayClass::Seen && c.is_alphabetic()))
}

/// Whether it is in a block that has pictures (emoji) in it.
fn is_picture(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2194}'..='\u{21aa}' | '\u{231a}'..='\u{23ff}' | '\u{24c2}' | '\u{25aa}'..='\u{27bf}'
        | '\u{2934}'..='\u{2935}' | '\u{2b05}'..='\u{2b55}' | '\u{3030}' | '\u{303d}'
        | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

#[cfg(test)]
#[path = "printable_tests.rs"]
mod tests;
