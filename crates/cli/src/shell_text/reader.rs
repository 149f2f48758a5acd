//! The grammar of shell text, read strictly: lists, pipelines, simple commands, redirections.
//!
//! Each byte is looked at a limited number of times, and the first thing that is not understood ends the reading.

use super::{
    here_document::HereDocument,
    line::{PlacedCommand, PlacedWord, ShellLine},
};

/// How deep brackets, bodies, expansions and substitutions may stand in each other.
const MOST_NESTED: usize = 60;
/// Longer than any reserved word.
const LONGEST_RESERVED: usize = 9;
/// Operators of redirections, a longer one before its beginning.
const REDIRECTIONS: [&str; 12] =
    ["&>>", "&>", "<<<", "<<-", "<<", ">>", ">&", ">|", "<&", "<>", "<", ">"];

/// Says why shell text was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnreadableLineError {
    /// A character that no shell reads as a person does.
    #[error("it has a character that shells treat differently: NUL or a carriage return")]
    Character,
    /// Something has no end.
    #[error("{0} has no end")]
    Unclosed(&'static str),
    /// Shells read it in different ways, or one of them does not read it.
    #[error("{0} is not understood")]
    Unsupported(&'static str),
    /// No grammar has this there.
    #[error("byte {0} is not where a shell expects it")]
    Unexpected(usize),
    /// It is nested deeper than the limit.
    #[error("it is nested too deep")]
    TooDeep,
}

/// The result of reading a part.
pub(super) type Read<T = ()> = Result<T, UnreadableLineError>;

/// Reads shell text whole, or says why not.
///
/// # Errors
/// [`UnreadableLineError`] where any part of the text is not certain.
pub(crate) fn read_line(text: &str) -> Result<ShellLine, UnreadableLineError> {
    if text.contains(['\0', '\r']) {
        return Err(UnreadableLineError::Character);
    }
    let mut reader = ShellLineReader::new(text);
    reader.list(&[])?;
    if reader.peek().is_some() {
        return Err(reader.unexpected());
    }
    if !reader.documents.is_empty() {
        return Err(UnreadableLineError::Unclosed("a here-document"));
    }
    Ok(reader.line)
}

/// A place in shell text, and what was found before it.
pub(super) struct ShellLineReader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// Where the reading ends: the text's end, or that of a part of it.
    pub(super) end: usize,
    pub(super) line: ShellLine,
    /// Here-documents whose lines are still to come, and whether a shell puts anything into those.
    pub(super) documents: Vec<(HereDocument, bool)>,
    pub(super) branch: Option<usize>,
    pub(super) pipelines: usize,
    depth: usize,
}

impl<'a> ShellLineReader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            end: text.len(),
            line: ShellLine::default(),
            documents: Vec::new(),
            branch: None,
            pipelines: 0,
            depth: 0,
        }
    }

    /// The rest of the text.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    /// The next byte.
    pub(super) fn peek(&self) -> Option<u8> {
        if self.at < self.end { self.text.as_bytes().get(self.at).copied() } else { None }
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        let rest = self.text.as_bytes().get(self.at..self.end).unwrap_or_default();
        rest.starts_with(text.as_bytes())
    }

    pub(super) fn eats(&mut self, text: &str) -> bool {
        let eats = self.starts_with(text);
        self.at += if eats { text.len() } else { 0 };
        eats
    }

    pub(super) fn expect(&mut self, text: &str) -> Read {
        if self.eats(text) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn unexpected(&self) -> UnreadableLineError {
        if self.at >= self.end {
            UnreadableLineError::Unclosed("it")
        } else {
            UnreadableLineError::Unexpected(self.at)
        }
    }

    /// Reads something that may stand in itself.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.depth += 1;
        if self.depth > MOST_NESTED {
            return Err(UnreadableLineError::TooDeep);
        }
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// The unquoted word that is next, if it is short enough to be reserved; else an empty text.
    pub(super) fn reserved(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.bytes().take(LONGEST_RESERVED + 1).position(ends_bare_word);
        let end = end.unwrap_or(rest.len());
        let is_quoted =
            matches!(rest.as_bytes().get(end), Some(b'\'' | b'"' | b'\\' | b'$' | b'`'));
        if end > LONGEST_RESERVED || is_quoted {
            return "";
        }
        rest.get(..end).unwrap_or_default()
    }

    /// Reads a reserved word.
    pub(super) fn expect_reserved(&mut self, word: &str) -> Read {
        if self.skip_reserved(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Passes over a reserved word, if it is next.
    fn skip_reserved(&mut self, word: &str) -> bool {
        let is_next = self.reserved() == word;
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.eats(" ") || self.eats("\t") || self.eats("\\\n") {}
    }

    /// Passes over empty lines and comments, and over here-documents at the end of their line.
    pub(super) fn skip_newlines(&mut self) -> Read {
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b'\n') => self.newline()?,
                Some(b'#') => self.skip_comment(),
                _ => return Ok(()),
            }
        }
    }

    fn skip_comment(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    pub(super) fn newline(&mut self) -> Read {
        self.expect("\n")?;
        for (document, is_expanded) in std::mem::take(&mut self.documents) {
            let length = document.length(self.rest());
            let length = length.ok_or(UnreadableLineError::Unclosed("a here-document"))?;
            let after = self.at + length;
            if is_expanded {
                self.document_body(after)?;
            }
            self.at = after;
        }
        Ok(())
    }

    /// Reads commands up to a bracket, one of the reserved words, or the end.
    pub(super) fn list(&mut self, stops: &[&str]) -> Read {
        self.nested(|it| it.commands(stops))
    }

    fn commands(&mut self, stops: &[&str]) -> Read {
        let mut may_begin = true;
        loop {
            self.skip_newlines()?;
            if self.is_end_of_list(stops) {
                return Ok(());
            }
            if !may_begin {
                return Err(self.unexpected());
            }
            let first = self.line.commands.len();
            self.and_or()?;
            self.skip_blanks();
            may_begin = self.separator(first) || self.peek() == Some(b'\n');
        }
    }

    /// Reads what separates commands; those from `first` on may run in the background.
    fn separator(&mut self, first: usize) -> bool {
        if self.starts_with(";;") || self.starts_with(";&") {
            return false;
        }
        if self.eats("&") {
            for command in self.line.commands.iter_mut().skip(first) {
                command.is_background = true;
            }
            return true;
        }
        self.eats(";")
    }

    fn is_end_of_list(&self, stops: &[&str]) -> bool {
        let is_bracket = matches!(self.peek(), None | Some(b')'));
        let is_clause = self.starts_with(";;") || self.starts_with(";&");
        is_bracket || is_clause || stops.contains(&self.reserved())
    }

    fn and_or(&mut self) -> Read {
        loop {
            self.pipeline()?;
            self.skip_blanks();
            if !(self.eats("&&") || self.eats("||")) {
                return Ok(());
            }
            self.skip_newlines()?;
        }
    }

    fn pipeline(&mut self) -> Read {
        let (outer, first) = (self.branch, self.line.commands.len());
        let is_prefixed = self.skip_prefix();
        self.pipelines += 1;
        let pipeline = self.pipelines;
        for element in 0.. {
            self.branch = Some(self.line.add_branch(pipeline, element, outer));
            self.command()?;
            self.skip_blanks();
            if self.starts_with("||") || !self.eats("|") {
                break;
            }
            self.eats("&");
            self.skip_newlines()?;
        }
        self.branch = outer;
        for command in self.line.commands.iter_mut().skip(first) {
            command.is_prefixed |= is_prefixed;
        }
        Ok(())
    }

    /// Passes over `!` and `time`.
    fn skip_prefix(&mut self) -> bool {
        let start = self.at;
        loop {
            self.skip_blanks();
            match self.reserved() {
                "!" => self.at += 1,
                "time" => {
                    self.at += 4;
                    self.skip_blanks();
                    self.skip_reserved("-p");
                }
                _ => return self.at > start,
            }
        }
    }

    /// Reads a simple command, or the definition of a function.
    pub(super) fn simple(&mut self) -> Read {
        let start = self.at;
        let mut command = PlacedCommand { depth: self.depth, ..PlacedCommand::default() };
        command.branch = self.branch;
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b'#') => self.skip_comment(),
                Some(b'(') => return self.function(&command),
                _ if self.is_redirection() => {
                    self.redirection()?;
                    command.has_redirections = true;
                }
                None | Some(b'\n' | b';' | b'|' | b'&' | b')') => break,
                _ => self.word_of(&mut command)?,
            }
        }
        if self.at == start {
            return Err(self.unexpected());
        }
        if !command.words.is_empty() {
            self.line.functions.extend(aliases(&command.words));
            self.line.commands.push(command);
        }
        Ok(())
    }

    fn word_of(&mut self, command: &mut PlacedCommand) -> Read {
        let word = self.word()?;
        let is_number =
            !word.text().is_empty() && word.text().bytes().all(|it| it.is_ascii_digit());
        let is_descriptor =
            is_number || (word.text().starts_with('{') && word.text().ends_with('}'));
        if is_descriptor && word.is_bare() && matches!(self.peek(), Some(b'<' | b'>')) {
            return Ok(());
        }
        let assigned = word.assigned().map(str::to_owned);
        self.line.sets_path |= assigned.as_deref() == Some("PATH");
        match assigned {
            Some(name) if command.words.is_empty() => command.assignments.push(name),
            _ => command.words.push(word),
        }
        Ok(())
    }

    fn function(&mut self, so_far: &PlacedCommand) -> Read {
        let name = match so_far.words.as_slice() {
            [word] if word.is_bare() && !so_far.has_redirections => word,
            _ => return Err(self.unexpected()),
        };
        if !so_far.assignments.is_empty() {
            return Err(self.unexpected());
        }
        self.line.functions.insert(name.text().to_owned());
        self.expect("(")?;
        self.skip_blanks();
        self.expect(")")?;
        self.skip_newlines()?;
        self.compound()
    }

    /// Whether a redirection is next, and not a process substitution.
    fn is_redirection(&self) -> bool {
        let is_sign = matches!(self.peek(), Some(b'<' | b'>')) || self.starts_with("&>");
        is_sign && !self.is_process_substitution()
    }

    pub(super) fn is_process_substitution(&self) -> bool {
        self.starts_with("<(") || self.starts_with(">(")
    }

    /// Reads all redirections that are next.
    pub(super) fn redirections(&mut self) -> Read {
        loop {
            self.skip_blanks();
            let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
            let before = self.at;
            self.at += digits;
            if !self.is_redirection() {
                self.at = before;
                return Ok(());
            }
            self.redirection()?;
        }
    }

    fn redirection(&mut self) -> Read {
        let sign = REDIRECTIONS.into_iter().find(|it| self.starts_with(it)).unwrap_or_default();
        self.at += sign.len();
        self.skip_blanks();
        let before = self.at;
        let word: PlacedWord = self.word()?;
        if self.at == before {
            return Err(self.unexpected());
        }
        if matches!(sign, "<<" | "<<-") {
            let is_expanded = word.is_bare();
            let end = word.literal().ok_or(UnreadableLineError::Unsupported("a here-document"))?;
            let document = HereDocument { end: end.to_owned(), tabs_before_end: sign == "<<-" };
            self.documents.push((document, is_expanded));
        }
        Ok(())
    }
}

/// The names that a command gives a new meaning as aliases.
fn aliases(words: &[PlacedWord]) -> impl Iterator<Item = String> {
    let is_alias = words.first().is_some_and(|it| it.text() == "alias");
    let defined = words.iter().skip(1).filter(move |_| is_alias);
    defined.filter_map(|it| it.text().split_once('=').map(|(name, _)| name.to_owned()))
}

fn ends_bare_word(byte: u8) -> bool {
    b" \t\n;&|<>()'\"\\$`".contains(&byte)
}
