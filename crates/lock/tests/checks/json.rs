//! A JSON reader that shares no code with Lokt's reader, so that the two can be compared.
//!
//! It trusts its input to be JSON, and only checks what two readers may treat differently: nesting depth,
//! halves of surrogate pairs, equal keys, and digits.

use std::{iter::Peekable, str::Chars};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`, `true` or `false`.
    Word(String),
    /// A number, with its digits as written.
    Number(String),
    /// A text, without its escapes.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(JsonObjectFields),
}

/// The fields of an object, in their order, also those with equal keys.
pub type JsonObjectFields = Vec<Field>;

/// A field of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The key, without its escapes.
    pub key: String,
    /// The value.
    pub value: Json,
    /// Key and value as written.
    pub written: (String, String),
}

impl Json {
    /// The value as a whole number from 0, if it is one.
    pub fn whole(&self) -> Option<u64> {
        match self {
            Self::Number(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// The value as a text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Word(word) if word == "null")
    }
}

/// The deepest nesting that Lokt's reader allows, to limit its stack.
const DEEPEST: usize = 127;

/// Reads the fields of an object; `None` if the text is something else, is nested too deep, or has half a
/// surrogate pair.
pub fn object(text: &str) -> Option<JsonObjectFields> {
    if depth(text) > DEEPEST {
        return None;
    }
    let mut reader =
        JsonReader { rest: text.chars().peekable(), taken: String::new(), has_halves: false };
    match reader.value() {
        Json::Object(fields) if !reader.has_halves => Some(fields),
        _ => None,
    }
}

/// The nesting depth of a text.
fn depth(text: &str) -> usize {
    let (mut now, mut most, mut is_text, mut is_escaped) = (0_usize, 0, false, false);
    for c in text.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_text = !is_text,
            '[' | '{' if !is_text => now += 1,
            ']' | '}' if !is_text => now = now.saturating_sub(1),
            _ => {}
        }
        most = most.max(now);
    }
    most
}

struct JsonReader<'a> {
    rest: Peekable<Chars<'a>>,
    /// The characters that were read so far.
    taken: String,
    has_halves: bool,
}

impl JsonReader<'_> {
    fn value(&mut self) -> Json {
        self.blank();
        match self.rest.peek() {
            Some('{') => Json::Object(self.object()),
            Some('[') => Json::List(self.list()),
            Some('"') => Json::Text(self.text()),
            Some('-' | '0'..='9') => Json::Number(self.number()),
            _ => Json::Word(self.take_while(char::is_ascii_lowercase)),
        }
    }

    fn object(&mut self) -> JsonObjectFields {
        let mut fields = JsonObjectFields::new();
        self.next();
        while self.has_next('}') {
            let from = self.taken.len();
            let key = self.text();
            let key_text = self.taken[from..].to_owned();
            self.blank();
            assert_eq!(self.next(), Some(':'), "a key has a value");
            self.blank();
            let from = self.taken.len();
            let value = self.value();
            let written = (key_text, self.taken[from..].to_owned());
            fields.push(Field { key, value, written });
        }
        fields
    }

    fn next(&mut self) -> Option<char> {
        self.next_if(|_| true)
    }

    fn next_if(&mut self, fits: impl FnOnce(&char) -> bool) -> Option<char> {
        let next = self.rest.next_if(fits);
        self.taken.extend(next);
        next
    }

    fn list(&mut self) -> Vec<Json> {
        let mut values = Vec::new();
        self.next();
        while self.has_next(']') {
            values.push(self.value());
        }
        values
    }

    /// Goes to the next entry of a list or an object. Returns false after the last one.
    fn has_next(&mut self, end: char) -> bool {
        self.blank();
        self.next_if(|c| *c == ',');
        self.blank();
        assert!(self.rest.peek().is_some(), "what begins has an end: {end}");
        self.next_if(|c| *c == end).is_none()
    }

    fn number(&mut self) -> String {
        self.take_while(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E'))
    }

    fn text(&mut self) -> String {
        let mut units = Vec::new();
        assert_eq!(self.next(), Some('"'), "a text begins with a quote");
        while let Some(c) = self.next().filter(|c| *c != '"') {
            match c {
                '\\' => units.push(self.escaped()),
                c => units.extend_from_slice(c.encode_utf16(&mut [0; 2])),
            }
        }
        self.has_halves |= String::from_utf16(&units).is_err();
        String::from_utf16_lossy(&units)
    }

    fn escaped(&mut self) -> u16 {
        let c = match self.next().expect("an escape is whole") {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.code(),
            c => c,
        };
        u16::try_from(u32::from(c)).expect("what is escaped is ASCII")
    }

    fn code(&mut self) -> u16 {
        let digits: String = (0..4).filter_map(|_| self.next()).collect();
        u16::from_str_radix(&digits, 16).expect("four hex digits")
    }

    fn blank(&mut self) {
        self.take_while(char::is_ascii_whitespace);
    }

    fn take_while(&mut self, fits: impl Fn(&char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(c) = self.next_if(&fits) {
            taken.push(c);
        }
        taken
    }
}
