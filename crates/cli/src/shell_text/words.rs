//! The simple commands of shell text, as far as POSIX's grammar (XCU 2) tells them without running anything.
//!
//! Owns quotes, continuations, comments, here-documents, redirections and the places where one command ends
//! and another begins. What only a shell could know stays as written: a variable as `$NAME`, a substitution
//! as `$(…)`. Text that is not quite shell loses at most the commands around the place that is not understood;
//! the time is a small multiple of the text's length, whatever the text.

mod quoting;

use super::here_document::HereDocument;

/// A word of a command, without its quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ShellWord {
    /// The text, with variables as they are written.
    pub(crate) text: String,
    /// Whether a shell would put something else into it.
    pub(crate) is_expanded: bool,
}

/// A simple command: its words, without redirections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShellSimpleCommand {
    /// Its words, at least one.
    pub(crate) words: Vec<ShellWord>,
    /// The line that it begins in, from 1.
    pub(crate) line: usize,
}

/// How deep substitutions inside substitutions are looked into.
const DEPTH: u8 = 4;
/// How often an end that is nowhere is looked for: each time costs a walk to the text's end.
const SEARCHES: u8 = 8;

/// All simple commands of a text, those inside substitutions too.
pub(crate) fn commands(text: &str) -> Vec<ShellSimpleCommand> {
    let text = text.replace("\r\n", "\n");
    ShellReader::new(&text, 1, DEPTH).read()
}

struct ShellReader<'a> {
    rest: &'a str,
    line: usize,
    depth: u8,
    searches: u8,
    word: Option<ShellWord>,
    words: Vec<ShellWord>,
    began: usize,
    /// The next word is a redirection's file.
    skips_word: bool,
    documents: Vec<HereDocument>,
    found: Vec<ShellSimpleCommand>,
}

impl<'a> ShellReader<'a> {
    fn new(rest: &'a str, line: usize, depth: u8) -> Self {
        Self {
            rest,
            line,
            depth,
            searches: SEARCHES,
            word: None,
            words: Vec::new(),
            began: line,
            skips_word: false,
            documents: Vec::new(),
            found: Vec::new(),
        }
    }

    fn read(mut self) -> Vec<ShellSimpleCommand> {
        while let Some(c) = self.next() {
            match c {
                '\n' => {
                    self.end_command();
                    self.skip_documents();
                }
                ';' | '|' | '(' | ')' => self.end_command(),
                '&' => self.ampersand(),
                '<' | '>' => self.redirection(c),
                '#' if self.word.is_none() => self.skip_comment(),
                c if c.is_whitespace() => self.end_word(),
                c => self.part(c),
            }
        }
        self.end_command();
        self.found
    }

    /// The next character, unchanged.
    fn next_raw(&mut self) -> Option<char> {
        let mut rest = self.rest.chars();
        let c = rest.next()?;
        self.rest = rest.as_str();
        self.line += usize::from(c == '\n');
        Some(c)
    }

    /// The next character; a line that goes on in the next one is one line.
    fn next(&mut self) -> Option<char> {
        while let Some(rest) = self.rest.strip_prefix("\\\n") {
            self.rest = rest;
            self.line += 1;
        }
        self.next_raw()
    }

    fn eats(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The word that is being read; begins one if there is no open word.
    fn open_word(&mut self) -> &mut ShellWord {
        if self.word.is_none() && self.words.is_empty() {
            self.began = self.line;
        }
        self.word.get_or_insert_default()
    }

    fn put(&mut self, c: char) {
        self.open_word().text.push(c);
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take()
            && !std::mem::take(&mut self.skips_word)
        {
            self.words.push(word);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        self.skips_word = false;
        let words = std::mem::take(&mut self.words);
        if !words.is_empty() {
            self.found.push(ShellSimpleCommand { words, line: self.began });
        }
    }

    fn ampersand(&mut self) {
        if self.rest.starts_with('>') {
            self.end_word();
            return;
        }
        self.end_command();
    }

    fn redirection(&mut self, sign: char) {
        let is_number = |it: &ShellWord| it.text.chars().all(|c| c.is_ascii_digit());
        if self.word.as_ref().is_some_and(is_number) {
            self.word = None;
        }
        self.end_word();
        if sign == '<' && self.rest.starts_with('<') && !self.rest.starts_with("<<") {
            self.eats("<");
            self.begin_document();
            return;
        }
        while ["<", ">", "&", "|"].iter().any(|sign| self.eats(sign)) {}
        self.skips_word = true;
    }

    fn begin_document(&mut self) {
        let tabs_before_end = self.eats("-");
        let rest = self.rest.trim_start_matches([' ', '\t']);
        let end = rest.find(|c: char| c.is_whitespace() || ";|&<>()".contains(c));
        let (word, rest) = rest.split_at(end.unwrap_or(rest.len()));
        self.rest = rest;
        let end = word.replace(['\'', '"', '\\'], "");
        if !end.is_empty() {
            self.documents.push(HereDocument { end, tabs_before_end });
        }
    }

    /// Passes over the lines of here-documents. Where one has no end, it was none.
    fn skip_documents(&mut self) {
        for document in std::mem::take(&mut self.documents) {
            if !self.may_search() {
                return;
            }
            if let Some(length) = document.length(self.rest) {
                let (skipped, rest) = self.rest.split_at(length);
                self.line += skipped.matches('\n').count();
                self.rest = rest;
                self.searches += 1;
            }
        }
    }

    /// Whether one more search for an end is allowed; a search that succeeds does not count.
    fn may_search(&mut self) -> bool {
        let may = self.searches > 0;
        self.searches = self.searches.saturating_sub(1);
        may
    }

    fn skip_comment(&mut self) {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        self.rest = self.rest.split_at(end).1;
    }
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
