//! The parts of a pattern's text, and their reading and writing.

use super::{Pattern, class::CharacterClass, error::PatternFlaw};

/// One part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Token {
    /// One byte of a name.
    Byte(u8),
    /// The end of a segment; with its position in the typed text.
    Slash(usize),
    /// `?`
    AnyCharacter,
    /// `[…]`
    Class(CharacterClass),
    /// One `*`.
    Star,
    /// Two or more `*`: any number of segments where nothing else is in its segment, elsewhere one `*`.
    DoubleStar,
    /// `{…,…}`
    Alternatives(Alternatives),
}

/// `{…,…}`, with the position of its `{` in the typed text.
#[derive(Clone, Debug)]
pub(super) struct Alternatives {
    pub(super) at: usize,
    pub(super) branches: Vec<Vec<Token>>,
}

/// A flaw, and its position in the typed text; the first byte is 0.
pub(super) type Flaw = (usize, PatternFlaw);

/// Reads a pattern's text.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Token>, Flaw> {
    if let Some(at) = text.iter().position(|byte| *byte == 0) {
        return Err((at, PatternFlaw::Nul));
    }
    Reader { text, at: 0 }.sequence(0)
}

/// Returns whether a token is part of a plain path.
pub(super) fn is_literal(token: &Token) -> bool {
    matches!(token, Token::Byte(_) | Token::Slash(_))
}

/// Appends tokens as a pattern has them at its top level.
pub(super) fn write(tokens: &[Token], text: &mut Vec<u8>) {
    for token in tokens {
        match token {
            Token::Byte(byte) => write_byte(*byte, text),
            Token::Slash(_) => text.push(b'/'),
            Token::AnyCharacter => text.push(b'?'),
            Token::Class(class) => class.write(text),
            Token::Star => text.push(b'*'),
            Token::DoubleStar => text.extend_from_slice(b"**"),
            Token::Alternatives(alternatives) => alternatives.write(text),
        }
    }
}

/// Appends one byte of a name, escaped where a pattern would read an operator.
pub(super) fn write_byte(byte: u8, text: &mut Vec<u8>) {
    if is_operator(byte) {
        text.push(b'\\');
    }
    text.push(byte);
}

/// Returns whether a byte of a name must be escaped.
pub(super) fn is_operator(byte: u8) -> bool {
    matches!(byte, b'\\' | b'*' | b'?' | b'[' | b'{' | b'}')
}

impl Alternatives {
    fn write(&self, text: &mut Vec<u8>) {
        let mut before = b'{';
        for branch in &self.branches {
            text.push(before);
            for token in branch {
                write_inside(token, text);
            }
            before = b',';
        }
        text.push(b'}');
    }
}

/// Appends a token of an alternative, where a comma ends it.
fn write_inside(token: &Token, text: &mut Vec<u8>) {
    if matches!(token, Token::Byte(b',')) {
        text.push(b'\\');
    }
    write(std::slice::from_ref(token), text);
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// Reads up to the end, or to the `,` or `}` that ends a branch.
    fn sequence(&mut self, depth: usize) -> Result<Vec<Token>, Flaw> {
        let mut tokens = Vec::new();
        while let Some(byte) = self.text.get(self.at) {
            let at = self.at;
            match byte {
                b',' | b'}' if depth > 0 => break,
                b'}' => return Err((at, PatternFlaw::UnopenedAlternatives)),
                b'{' => tokens.push(self.alternatives(depth)?),
                b'[' => tokens.push(self.class()?),
                b'*' => tokens.push(self.stars()),
                _ => tokens.push(self.plain(*byte)?),
            }
        }
        Ok(tokens)
    }

    fn plain(&mut self, byte: u8) -> Result<Token, Flaw> {
        let start = self.at;
        self.at += 1;
        let token = match byte {
            b'\\' => {
                let escaped = self.text.get(self.at).ok_or((start, PatternFlaw::TrailingEscape))?;
                self.at += 1;
                // A name has no slash, so an escaped one separates too.
                if *escaped == b'/' { Token::Slash(start) } else { Token::Byte(*escaped) }
            }
            b'/' => Token::Slash(start),
            b'?' => Token::AnyCharacter,
            byte => Token::Byte(byte),
        };
        Ok(token)
    }

    fn stars(&mut self) -> Token {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| **byte == b'*').count();
        self.at += count;
        if count == 1 { Token::Star } else { Token::DoubleStar }
    }

    fn class(&mut self) -> Result<Token, Flaw> {
        let inside = self.at + 1;
        let read = CharacterClass::parse(self.text.get(inside..).unwrap_or_default());
        let (class, length) = read.map_err(|(at, flaw)| match flaw {
            PatternFlaw::UnclosedClass => (inside - 1, flaw),
            _ => (inside + at, flaw),
        })?;
        self.at = inside + length;
        Ok(Token::Class(class))
    }

    fn alternatives(&mut self, depth: usize) -> Result<Token, Flaw> {
        let start = self.at;
        if depth == Pattern::MAX_DEPTH {
            return Err((start, PatternFlaw::TooDeep));
        }
        let mut branches = Vec::new();
        loop {
            // The `{`, or the `,` behind the last branch.
            self.at += 1;
            branches.push(self.sequence(depth + 1)?);
            match self.text.get(self.at) {
                Some(b',') => {}
                Some(_) => break,
                None => return Err((start, PatternFlaw::UnclosedAlternatives)),
            }
        }
        self.at += 1;
        Ok(Token::Alternatives(Alternatives { at: start, branches }))
    }
}
