//! The parts of a word: quotes, escapes, variables and substitutions.

use super::{ShellReader, ShellWord};

/// A variable with more than this in its braces is not worth its room.
const MOST_IN_BRACES: usize = 40;

impl ShellReader<'_> {
    /// Reads one part of a word, which begins with `c`.
    pub(super) fn part(&mut self, c: char) {
        match c {
            '\\' => {
                if let Some(c) = self.next_raw() {
                    self.put(c);
                }
            }
            '\'' => self.single_quoted(),
            '"' => self.double_quoted(),
            '$' if self.eats("'") => self.single_quoted(),
            '$' => self.expansion(),
            '`' => self.backquoted(),
            c => self.put(c),
        }
    }

    fn single_quoted(&mut self) {
        match self.up_to('\'') {
            Some(text) => self.open_word().text.push_str(&text),
            None => self.put('\''),
        }
    }

    /// All up to a character, which is passed over; none where it does not come.
    fn up_to(&mut self, end: char) -> Option<String> {
        if !self.may_search() {
            return None;
        }
        let (text, rest) = self.rest.split_once(end)?;
        let text = text.to_owned();
        self.searches += 1;
        self.line += text.matches('\n').count();
        self.rest = rest;
        Some(text)
    }

    fn double_quoted(&mut self) {
        self.open_word();
        if !self.may_search() {
            return;
        }
        let Some(inner) = quoted(self.rest).map(str::to_owned) else { return };
        self.searches += 1;
        let after = self.rest.split_at(inner.len()).1;
        let end = after.len();
        while self.rest.len() > end {
            let Some(c) = self.next() else { break };
            match c {
                '\\' if self.rest.starts_with(['$', '`', '"', '\\']) => {
                    let escaped = self.next_raw();
                    self.open_word().text.extend(escaped);
                }
                '$' => self.expansion(),
                '`' => self.backquoted(),
                c => self.put(c),
            }
        }
        self.eats("\"");
    }

    /// Reads what follows a `$`.
    fn expansion(&mut self) {
        self.open_word().is_expanded = true;
        let line = self.line;
        let text = match self.rest.chars().next() {
            Some('(') => self.enclosed('(', ')').map(|inner| {
                self.look_into(&inner, line);
                "$(…)".to_owned()
            }),
            Some('{') => self.enclosed('{', '}').map(|inner| {
                let is_short = inner.chars().count() <= MOST_IN_BRACES;
                format!("${{{}}}", if is_short { &inner } else { "…" })
            }),
            _ => None,
        };
        match text {
            Some(text) => self.open_word().text.push_str(&text),
            None => self.put('$'),
        }
    }

    fn backquoted(&mut self) {
        let line = self.line;
        match self.up_to('`') {
            Some(inner) => {
                self.look_into(&inner, line);
                let ShellWord { text, is_expanded } = self.open_word();
                text.push_str("$(…)");
                *is_expanded = true;
            }
            None => self.put('`'),
        }
    }

    /// The commands of a substitution are commands too.
    fn look_into(&mut self, inner: &str, line: usize) {
        if let Some(depth) = self.depth.checked_sub(1) {
            self.found.extend(ShellReader::new(inner, line, depth).read());
        }
    }

    /// What is between a bracket, which is next, and the one that closes it.
    fn enclosed(&mut self, open: char, close: char) -> Option<String> {
        if !self.may_search() {
            return None;
        }
        let length = closed(self.rest, open, close)?;
        self.searches += 1;
        let (whole, rest) = self.rest.split_at(length);
        let inner = whole.strip_prefix(open)?.strip_suffix(close)?.to_owned();
        self.line += whole.matches('\n').count();
        self.rest = rest;
        Some(inner)
    }
}

/// What is before the quote that ends a double-quoted text; quotes inside substitutions are their own.
fn quoted(text: &str) -> Option<&str> {
    let mut escaped = false;
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' if before == '$' || depth > 0 => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '"' if depth == 0 => return Some(text.split_at(at).0),
            _ => {}
        }
        before = c;
    }
    None
}

/// How many bytes there are from an opening bracket to the one that closes it.
fn closed(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('"') | None, '\\') => escaped = true,
            (Some(open), c) => quote = (c != open).then_some(open),
            (None, '\'' | '"') => quote = Some(c),
            (None, c) if c == open => depth += 1,
            (None, c) if c == close => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + c.len_utf8());
                }
            }
            _ => {}
        }
    }
    None
}
