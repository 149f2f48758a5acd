use super::verbatim_json::VerbatimJson;
use serde::{Serialize, Serializer, ser::Error};
use serde_json::value::{RawValue, to_raw_value};
use std::borrow::Cow;

/// A JSON value as the text in which it was written: digits, escapes and blanks stay as they are.
#[derive(Clone, Debug)]
pub struct RawJsonText(Box<RawValue>);

impl RawJsonText {
    /// A text as a JSON value.
    pub fn of_text(text: &str) -> Self {
        // A text can always be written.
        Self(to_raw_value(text).unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }

    /// Reads a value that anybody may have written, and keeps it as it stands there.
    ///
    /// # Errors
    /// Where it cannot be read, although it is JSON: half of a surrogate pair, or nested too deep for the stack.
    pub(crate) fn checked(raw: &RawValue) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<VerbatimJson>(raw.get())?;
        Ok(Self(raw.to_owned()))
    }

    pub(crate) fn of_raw(raw: Box<RawValue>) -> Self {
        Self(raw)
    }

    /// The JSON, to the byte.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The text that the value is, where it is one.
    pub fn text(&self) -> Option<String> {
        serde_json::from_str(self.as_str()).ok()
    }

    /// The JSON without blanks between its parts, so that it fits in a line.
    pub fn compact(&self) -> Cow<'_, str> {
        let is_blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
        if !self.as_str().contains(is_blank) {
            return Cow::Borrowed(self.as_str());
        }
        let (mut is_text, mut is_escaped) = (false, false);
        let keep = |c: &char| {
            let stays = is_text || !is_blank(*c);
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => is_text = !is_text,
                _ => {}
            }
            stays
        };
        Cow::Owned(self.as_str().chars().filter(keep).collect())
    }

    /// For people: a text as it is, anything else as compact JSON.
    pub fn shown(&self) -> String {
        self.text().unwrap_or_else(|| self.compact().into_owned())
    }
}

impl PartialEq for RawJsonText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for RawJsonText {}

/// In one line, with every digit and escape.
impl Serialize for RawJsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.compact() {
            Cow::Borrowed(_) => self.0.serialize(serializer),
            Cow::Owned(text) => {
                RawValue::from_string(text).map_err(Error::custom)?.serialize(serializer)
            }
        }
    }
}

/// Reads a JSON string. One without escapes, as nearly all are, is not copied.
///
/// # Errors
/// When it is not a string, or has an escape that cannot be read.
pub(crate) fn read_string(raw: &RawValue) -> serde_json::Result<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner.filter(|text| !text.contains('\\')) {
        Some(text) => Ok(Cow::Borrowed(text)),
        None => serde_json::from_str(raw.get()).map(Cow::Owned),
    }
}

/// How deep the values in a JSON text are nested.
pub(super) fn depth(json: &[u8]) -> usize {
    let (mut now, mut most, mut is_text, mut is_escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_text = !is_text,
            b'[' | b'{' if !is_text => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' if !is_text => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}
