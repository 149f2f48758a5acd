//! `[…]` and `?`: sets of characters.

use super::error::PatternFlaw;

/// The members of `[…]`, and whether the class is the rest of all characters.
#[derive(Clone, Debug)]
pub(super) struct CharacterClass {
    is_negated: bool,
    /// Sorted, apart from each other, without `/`.
    members: Vec<(char, char)>,
}

/// A flaw, and its position from the class's first byte behind `[`.
pub(super) type ClassFlaw = (usize, PatternFlaw);

impl CharacterClass {
    /// Reads a class from the text behind its `[`. Returns also the length up to and with the `]`.
    pub(super) fn parse(text: &[u8]) -> Result<(Self, usize), ClassFlaw> {
        let is_negated = matches!(text.first(), Some(b'!' | b'^'));
        let start = usize::from(is_negated);
        let mut members = Vec::new();
        let mut at = start;
        loop {
            match text.get(at..).unwrap_or_default() {
                [] => return Err((at, PatternFlaw::UnclosedClass)),
                // The first member can be `]`, as in POSIX.
                [b']', ..] if at > start => break,
                [b'[', b':' | b'.' | b'=', ..] => return Err((at, PatternFlaw::NamedClass)),
                _ => {}
            }
            let (range, end) = range(text, at)?;
            members.push(range);
            at = end;
        }
        Ok((Self { is_negated, members: normal(members) }, at + 1))
    }

    /// Returns the characters that the class matches, as ranges; never `/` or NUL.
    pub(super) fn ranges(&self) -> Vec<(char, char)> {
        if !self.is_negated {
            return self.members.clone();
        }
        let mut others = Vec::new();
        let mut start = '\u{1}';
        for (low, high) in &self.members {
            if let Some(before) = before(*low).filter(|before| start <= *before) {
                others.push((start, before));
            }
            match after(*high) {
                Some(next) => start = next,
                None => return normal(others),
            }
        }
        others.push((start, char::MAX));
        normal(others)
    }

    /// Appends the class as a pattern has it.
    pub(super) fn write(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(if self.is_negated { b"[!" } else { b"[" });
        for (low, high) in &self.members {
            write_member(*low, text);
            if low == high {
                continue;
            }
            if after(*low) != Some(*high) {
                text.push(b'-');
            }
            write_member(*high, text);
        }
        text.push(b']');
    }
}

/// Returns the characters that `?` matches.
pub(super) fn any_character() -> Vec<(char, char)> {
    normal(vec![('\u{1}', char::MAX)])
}

fn range(text: &[u8], at: usize) -> Result<((char, char), usize), ClassFlaw> {
    let (low, end) = member(text, at)?;
    match text.get(end..).unwrap_or_default() {
        [b'-', next, ..] if *next != b']' => {
            let (high, end) = member(text, end + 1)?;
            if high < low {
                return Err((at, PatternFlaw::ReversedRange));
            }
            Ok(((low, high), end))
        }
        _ => Ok(((low, low), end)),
    }
}

fn member(text: &[u8], at: usize) -> Result<(char, usize), ClassFlaw> {
    let start = at + usize::from(text.get(at) == Some(&b'\\'));
    let rest = text.get(start..).unwrap_or_default();
    if rest.is_empty() {
        return Err((at, PatternFlaw::UnclosedClass));
    }
    let window = rest.get(..4).unwrap_or(rest);
    let valid = window.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
    match valid {
        Some('/') => Err((at, PatternFlaw::SlashInClass)),
        Some(character) => Ok((character, start + character.len_utf8())),
        None => Err((at, PatternFlaw::ClassNotUtf8)),
    }
}

/// Sorts and joins ranges, and takes `/` out of them.
fn normal(mut ranges: Vec<(char, char)>) -> Vec<(char, char)> {
    ranges.sort_unstable();
    let mut joined: Vec<(char, char)> = Vec::new();
    for (low, high) in ranges {
        match joined.last_mut() {
            Some(last) if after(last.1).is_none_or(|next| low <= next) => last.1 = last.1.max(high),
            _ => joined.push((low, high)),
        }
    }
    let parts = joined.into_iter().flat_map(|(low, high)| {
        let sides = [(low, high.min('.')), (low.max('0'), high)];
        sides.into_iter().filter(|(low, high)| low <= high)
    });
    parts.collect()
}

fn before(character: char) -> Option<char> {
    ('\0'..character).next_back()
}

fn after(character: char) -> Option<char> {
    (character..=char::MAX).nth(1)
}

fn write_member(character: char, text: &mut Vec<u8>) {
    if matches!(character, '\\' | ']' | '[' | '-' | '!' | '^') {
        text.push(b'\\');
    }
    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}
