//! The parts of a word, read strictly: quotes, escapes, expansions and substitutions.

use super::{
    line::PlacedWord,
    reader::{Read, ShellLineReader, UnreadableLineError},
    words::ShellWord,
};

/// A word that is being read.
#[derive(Default)]
pub(super) struct OpenWord {
    text: String,
    is_expanded: bool,
    /// How much of the text is before the first quote or expansion.
    bare: Option<usize>,
}

impl OpenWord {
    fn quote(&mut self) {
        self.bare.get_or_insert(self.text.len());
    }

    fn expand(&mut self) {
        self.quote();
        self.is_expanded = true;
    }

    /// Whether a bracket behind it would begin a list of values.
    fn is_array(&self) -> bool {
        let name = self.text.strip_suffix('=').map(|it| it.strip_suffix('+').unwrap_or(it));
        self.bare.is_none() && name.is_some_and(super::is_identifier)
    }
}

impl ShellLineReader<'_> {
    /// Reads a word up to what ends it. It is empty where no word begins.
    pub(super) fn word(&mut self) -> Read<PlacedWord> {
        let start = self.at;
        let mut word = OpenWord::default();
        while let Some(byte) = self.peek() {
            match byte {
                b'<' | b'>' if self.is_process_substitution() => {
                    self.process_substitution(&mut word)?;
                }
                b'(' if word.is_array() => self.array(&mut word)?,
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' => break,
                b'\'' => self.single_quoted(&mut word)?,
                b'"' => self.double_quoted(&mut word)?,
                b'$' => self.dollar(&mut word, Quotes::Outside)?,
                b'`' => self.backquoted(&mut word)?,
                b'\\' => self.escaped(&mut word)?,
                _ => self.plain(&mut word, b" \t\n;&|<>()'\"$`\\"),
            }
        }
        let bare = word.bare.unwrap_or(word.text.len());
        let read = ShellWord { text: word.text, is_expanded: word.is_expanded };
        Ok(PlacedWord::new(read, start, bare))
    }

    /// Takes all up to one of the bytes.
    fn plain(&mut self, word: &mut OpenWord, ends: &[u8]) {
        let rest = self.rest();
        let end = rest.bytes().position(|it| ends.contains(&it)).unwrap_or(rest.len());
        word.text.push_str(rest.get(..end).unwrap_or_default());
        self.at += end;
    }

    fn escaped(&mut self, word: &mut OpenWord) -> Read {
        self.at += 1;
        if self.eats("\n") {
            return Ok(());
        }
        word.quote();
        self.character(word)
    }

    /// Takes the next character as it is.
    fn character(&mut self, word: &mut OpenWord) -> Read {
        let c = self.rest().chars().next();
        let c = c.ok_or(UnreadableLineError::Unclosed("an escape"))?;
        word.text.push(c);
        self.at += c.len_utf8();
        Ok(())
    }

    fn single_quoted(&mut self, word: &mut OpenWord) -> Read {
        self.at += 1;
        word.quote();
        self.plain(word, b"'");
        self.closing("'", "a quotation")
    }

    fn closing(&mut self, sign: &str, what: &'static str) -> Read {
        if self.eats(sign) { Ok(()) } else { Err(UnreadableLineError::Unclosed(what)) }
    }

    fn double_quoted(&mut self, word: &mut OpenWord) -> Read {
        self.at += 1;
        word.quote();
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => break,
                b'$' => self.dollar(word, Quotes::Inside)?,
                b'`' => self.backquoted(word)?,
                b'\\' => self.escaped_inside(word)?,
                _ => self.plain(word, b"\"$`\\"),
            }
        }
        self.closing("\"", "a quotation")
    }

    fn escaped_inside(&mut self, word: &mut OpenWord) -> Read {
        self.at += 1;
        match self.peek() {
            Some(b'\n') => {
                self.at += 1;
                return Ok(());
            }
            Some(b'$' | b'`' | b'"' | b'\\') => {}
            _ => word.text.push('\\'),
        }
        self.character(word)
    }

    /// Reads what a `$` begins.
    fn dollar(&mut self, word: &mut OpenWord, quotes: Quotes) -> Read {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'\'') if quotes == Quotes::Outside => return self.escapes(word),
            Some(b'"') if quotes == Quotes::Outside => return self.double_quoted(word),
            Some(b'[') => return Err(UnreadableLineError::Unsupported("`$[`")),
            Some(b'(') => {
                word.expand();
                word.text.push_str("$(…)");
                if self.eats("((") {
                    return self.arithmetic();
                }
                self.at += 1;
                return self.substitution();
            }
            Some(b'{') => {
                word.expand();
                self.nested(|it| it.braces(quotes))?;
            }
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                word.expand();
                let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                self.at += self.rest().bytes().take_while(is_part).count();
            }
            Some(byte) if byte.is_ascii_digit() || b"?#@*!$-".contains(&byte) => {
                word.expand();
                self.at += 1;
            }
            _ => word.quote(),
        }
        word.text.push_str(self.text.get(start..self.at).unwrap_or_default());
        Ok(())
    }

    /// Reads `$'…'`. Its escapes are not looked up.
    fn escapes(&mut self, word: &mut OpenWord) -> Read {
        self.at += 1;
        word.quote();
        loop {
            self.plain(word, b"'\\");
            if self.peek() != Some(b'\\') {
                return self.closing("'", "a quotation");
            }
            word.expand();
            self.at += 1;
            self.character(word)?;
        }
    }

    /// Reads what is between `${` and `}`.
    fn braces(&mut self, quotes: Quotes) -> Read {
        self.expect("{")?;
        if matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'|' | b'(')) {
            return Err(UnreadableLineError::Unsupported("`${` with a blank, `|` or `(`"));
        }
        while let Some(byte) = self.peek() {
            match byte {
                b'}' => break,
                // Shells differ on whether it quotes there.
                b'\'' if quotes == Quotes::Inside => {
                    return Err(UnreadableLineError::Unsupported("a quote in `\"${…}\"`"));
                }
                b'<' | b'>' if self.is_process_substitution() => {
                    return Err(UnreadableLineError::Unsupported("`<(` in `${…}`"));
                }
                b'\'' => self.single_quoted(&mut OpenWord::default())?,
                _ if self.part_of_quotation(byte)? => {}
                _ => self.at += 1,
            }
        }
        self.closing("}", "`${`")
    }

    /// Reads a quotation, an escape or an expansion whose text does not matter; says whether there was one.
    pub(super) fn part_of_quotation(&mut self, byte: u8) -> Read<bool> {
        let word = &mut OpenWord::default();
        match byte {
            b'"' => self.double_quoted(word)?,
            b'$' => self.dollar(word, Quotes::Inside)?,
            b'`' => self.backquoted(word)?,
            b'\\' => self.escaped(word)?,
            b'\'' => return Err(UnreadableLineError::Unsupported("a quote in arithmetic")),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Reads what is behind `$(` or `<(`, with the bracket at its end. Its here-documents end in it.
    fn substitution(&mut self) -> Read {
        let outer = std::mem::take(&mut self.documents);
        self.list(&[])?;
        self.closing(")", "a substitution")?;
        if !self.documents.is_empty() {
            return Err(UnreadableLineError::Unclosed("a here-document"));
        }
        self.documents = outer;
        Ok(())
    }

    /// Reads a process substitution: it runs beside the command, as an element of its pipeline would.
    fn process_substitution(&mut self, word: &mut OpenWord) -> Read {
        self.at += 2;
        word.expand();
        word.text.push_str("<(…)");
        let outer = self.branch;
        let around = self.line.branch(outer);
        let pipeline = around.map_or(0, |it| it.pipeline);
        // No other element has this number: each is given only once for a place in the text.
        let element = self.at + usize::MAX / 2;
        let parent = around.and_then(super::line::ShellBranch::parent);
        self.branch = Some(self.line.add_branch(pipeline, element, parent));
        self.substitution()?;
        self.branch = outer;
        Ok(())
    }

    fn backquoted(&mut self, word: &mut OpenWord) -> Read {
        self.at += 1;
        word.expand();
        word.text.push_str("$(…)");
        let length = self.rest().find('`');
        let length = length.ok_or(UnreadableLineError::Unclosed("a substitution"))?;
        let close = self.at + length;
        if self.rest().get(..length).is_some_and(|it| it.contains('\\')) {
            return Err(UnreadableLineError::Unsupported("an escape between backquotes"));
        }
        let end = std::mem::replace(&mut self.end, close);
        let outer = std::mem::take(&mut self.documents);
        self.list(&[])?;
        if self.at != close || !self.documents.is_empty() {
            return Err(self.unexpected());
        }
        (self.end, self.documents) = (end, outer);
        self.closing("`", "a substitution")
    }

    fn array(&mut self, word: &mut OpenWord) -> Read {
        self.at += 1;
        word.expand();
        self.nested(Self::values)
    }

    fn values(&mut self) -> Read {
        loop {
            self.skip_newlines()?;
            if self.eats(")") {
                return Ok(());
            }
            self.required_word()?;
        }
    }

    /// Reads the lines of a here-document into which a shell puts values.
    pub(super) fn document_body(&mut self, end: usize) -> Read {
        let outer_end = std::mem::replace(&mut self.end, end);
        let outer = std::mem::take(&mut self.documents);
        let word = &mut OpenWord::default();
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => self.at += 2,
                b'$' => self.dollar(word, Quotes::Inside)?,
                b'`' => self.backquoted(word)?,
                _ => self.at += 1,
            }
            word.text.clear();
        }
        (self.end, self.documents) = (outer_end, outer);
        Ok(())
    }
}

/// Whether a part of a word stands inside double quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Inside,
    Outside,
}
