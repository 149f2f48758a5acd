//! The id of a client's request: read, and found in a line that is no JSON or too long to be kept.

use serde_json::Value;

/// How much of a member's name, or of an id, is kept while a line is scanned. Longer ids are not found there.
const LONGEST: usize = 256;

/// The id of a request, which its answer repeats: a text or a number of any size, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct McpRequestId(Box<str>);

impl McpRequestId {
    /// Reads an id; `None` where the value cannot be one.
    pub(super) fn new(value: &Value) -> Option<Self> {
        let fits = matches!(value, Value::String(_) | Value::Number(_));
        fits.then(|| Self(value.to_string().into()))
    }

    /// The id as JSON.
    pub(super) fn as_json(&self) -> &str {
        &self.0
    }
}

/// Finds the id in the outermost object of a line, byte by byte, in constant memory. Inside of the members of
/// that object any text is allowed whose quotes and brackets are in pairs, even if it is not JSON: half of a
/// surrogate pair, bytes that are not UTF-8, any depth. The members themselves must be well-formed up to the id.
#[derive(Debug, Default)]
pub(super) struct RequestIdScanner {
    /// What the next byte belongs to.
    state: RequestIdScanState,
    /// The member's name or its value, as far as it is needed.
    token: Vec<u8>,
    /// Whether the member that is read is called "id".
    is_id: bool,
    found: RequestIdScanOutcome,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum RequestIdScanState {
    /// The text before the object.
    #[default]
    Before,
    /// The beginning of a member's name, or the object's end.
    Name,
    /// In a member's name.
    InName(JsonStringScanState),
    /// The colon after a name.
    Colon,
    /// The beginning of a value.
    Value,
    /// In a text that is a value.
    InText(JsonStringScanState),
    /// A number or a word.
    Bare,
    /// So many brackets deep in a value.
    Nested(usize),
    /// In a text, so many brackets deep.
    NestedText(usize, JsonStringScanState),
    /// What follows a value.
    Separator,
    /// The text after the object: only white space.
    After,
    /// It is no object, or its members are not well-formed.
    Lost,
}

/// The position of the next byte in a quoted text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JsonStringScanState {
    /// The byte stands for itself, or ends the text.
    Plain,
    /// The byte follows a backslash.
    Escaped,
}

/// What a scan has found.
#[derive(Debug, Default)]
enum RequestIdScanOutcome {
    /// No member called "id" so far.
    #[default]
    Nothing,
    /// One id, or the same one several times.
    One(McpRequestId),
    /// The member called "id" is not a valid id, or there are several that differ.
    Unclear,
}

impl JsonStringScanState {
    /// Goes on by one byte; `None` where that ends the text.
    const fn next(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Plain, b'"') => None,
            (Self::Plain, b'\\') => Some(Self::Escaped),
            _ => Some(Self::Plain),
        }
    }
}

impl RequestIdScanner {
    /// The id in a line.
    pub(super) fn of(line: &[u8]) -> Option<McpRequestId> {
        let mut scan = Self::default();
        scan.read(line);
        scan.id()
    }

    /// Reads on.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.state = self.step(*byte);
        }
    }

    /// The id, where exactly one was found.
    pub(super) fn id(self) -> Option<McpRequestId> {
        match self.found {
            RequestIdScanOutcome::One(id) => Some(id),
            RequestIdScanOutcome::Nothing | RequestIdScanOutcome::Unclear => None,
        }
    }

    /// Reads one byte, and returns the state after it.
    fn step(&mut self, byte: u8) -> RequestIdScanState {
        match self.state {
            RequestIdScanState::InName(quoted) => self.in_name(quoted, byte),
            RequestIdScanState::InText(quoted) => self.in_text(quoted, byte),
            RequestIdScanState::Nested(depth) => self.nested(depth, byte),
            RequestIdScanState::NestedText(depth, quoted) => match quoted.next(byte) {
                Some(quoted) => RequestIdScanState::NestedText(depth, quoted),
                None => RequestIdScanState::Nested(depth),
            },
            RequestIdScanState::Bare if !is_space(byte) && !matches!(byte, b',' | b'}') => {
                self.keep(byte);
                RequestIdScanState::Bare
            }
            RequestIdScanState::Bare => {
                self.end_value();
                self.between(RequestIdScanState::Separator, byte)
            }
            state => self.between(state, byte),
        }
    }

    /// Reads a byte outside of names and values.
    fn between(&mut self, state: RequestIdScanState, byte: u8) -> RequestIdScanState {
        match (state, byte) {
            // A byte order mark is not part of the text.
            (RequestIdScanState::Before, 0xEF | 0xBB | 0xBF) => RequestIdScanState::Before,
            (RequestIdScanState::Lost, _) => RequestIdScanState::Lost,
            (_, byte) if is_space(byte) => state,
            (RequestIdScanState::Before, b'{') | (RequestIdScanState::Separator, b',') => {
                RequestIdScanState::Name
            }
            (RequestIdScanState::Name, b'"') => {
                self.token.clear();
                RequestIdScanState::InName(JsonStringScanState::Plain)
            }
            (RequestIdScanState::Name | RequestIdScanState::Separator, b'}') => {
                RequestIdScanState::After
            }
            (RequestIdScanState::Colon, b':') => {
                self.token.clear();
                RequestIdScanState::Value
            }
            (RequestIdScanState::Value, b'"') => {
                self.keep(byte);
                RequestIdScanState::InText(JsonStringScanState::Plain)
            }
            (RequestIdScanState::Value, b'{' | b'[') => RequestIdScanState::Nested(1),
            (RequestIdScanState::Value, byte) => {
                self.keep(byte);
                RequestIdScanState::Bare
            }
            // Something follows the object: the line is no message, and the id none of a message.
            (RequestIdScanState::After, _) => {
                self.found = RequestIdScanOutcome::Unclear;
                RequestIdScanState::Lost
            }
            _ => RequestIdScanState::Lost,
        }
    }

    /// Reads a byte of a member's name.
    fn in_name(&mut self, quoted: JsonStringScanState, byte: u8) -> RequestIdScanState {
        let Some(quoted) = quoted.next(byte) else {
            self.is_id = self.is_called("id");
            return RequestIdScanState::Colon;
        };
        self.keep(byte);
        RequestIdScanState::InName(quoted)
    }

    /// Reads a byte of a text that is a value.
    fn in_text(&mut self, quoted: JsonStringScanState, byte: u8) -> RequestIdScanState {
        self.keep(byte);
        let Some(quoted) = quoted.next(byte) else {
            self.end_value();
            return RequestIdScanState::Separator;
        };
        RequestIdScanState::InText(quoted)
    }

    /// Reads a byte inside of brackets. Their kinds are not compared.
    fn nested(&mut self, depth: usize, byte: u8) -> RequestIdScanState {
        match byte {
            b'"' => RequestIdScanState::NestedText(depth, JsonStringScanState::Plain),
            b'{' | b'[' => RequestIdScanState::Nested(depth + 1),
            b'}' | b']' if depth == 1 => {
                self.end_value();
                RequestIdScanState::Separator
            }
            b'}' | b']' => RequestIdScanState::Nested(depth - 1),
            _ => RequestIdScanState::Nested(depth),
        }
    }

    /// Keeps a byte. One more than is kept marks that it was too long.
    fn keep(&mut self, byte: u8) {
        if self.token.len() <= LONGEST {
            self.token.push(byte);
        }
    }

    /// Whether the name that was read is this one. Escapes count as what they stand for.
    fn is_called(&self, name: &str) -> bool {
        let quoted = [b"\"", self.token.as_slice(), b"\""].concat();
        serde_json::from_slice::<String>(&quoted).is_ok_and(|it| it == name)
    }

    /// Takes the value that was read for the id, if its member is called so.
    fn end_value(&mut self) {
        if !self.is_id {
            return;
        }
        let fits = self.token.len() <= LONGEST;
        let value = serde_json::from_slice::<Value>(&self.token).ok().filter(|_| fits);
        self.found = match (value.as_ref().and_then(McpRequestId::new), &self.found) {
            (Some(id), RequestIdScanOutcome::Nothing) => RequestIdScanOutcome::One(id),
            (Some(id), RequestIdScanOutcome::One(before)) if id == *before => {
                RequestIdScanOutcome::One(id)
            }
            _ => RequestIdScanOutcome::Unclear,
        };
    }
}

/// Whether a byte is white space of JSON (RFC 8259).
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(line: &str) -> Option<String> {
        RequestIdScanner::of(line.as_bytes()).map(|id| id.as_json().to_owned())
    }

    #[test]
    fn the_id_of_the_outermost_object_is_found_where_one_can_be_sure() {
        for (line, found) in [
            (r#"{"id":7}"#, Some("7")),
            (r#" {"a":"\ud83d", "id" : "x\"y" }"#, Some(r#""x\"y""#)),
            (r#"{"\u0069d":7,"id":7}"#, Some("7")),
            (r#"{"params":{"id":1,"x":["}",{"id":2}]},"id":3}"#, Some("3")),
            (r#"{"id":7,"method":"pi"#, Some("7")),
            (r#"{"id":7 "method":"ping"}"#, Some("7")),
            ("\u{feff}{\"id\":18446744073709551617}", Some("18446744073709551617")),
            (r#"{"id":7,"id":8}"#, None),
            (r#"{"id":7}{"id":8}"#, None),
            (r#"{"id":{}}"#, None),
            (r#"{"id":null}"#, None),
            (r#"{"id":"\ud83d"}"#, None),
            (r#"{"id":7"#, None),
            (r#"{"id":"#, None),
            (r#"{"a":"b"c","id":7}"#, None),
            (r#"[{"id":7}]"#, None),
            (r#""id":7"#, None),
            ("", None),
        ] {
            assert_eq!(id(line).as_deref(), found, "the id in {line}");
        }
        let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(LONGEST));
        assert_eq!(id(&long), None, "memory is constant");
        let long = format!(r#"{{"{}":1,"id":7}}"#, "id".repeat(LONGEST));
        assert_eq!(id(&long).as_deref(), Some("7"), "a long name is another name");
    }

    /// Any JSON, not too deep.
    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            Just(Value::from("id\":9,\\")),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("id|[a-c\"\\\\]{0,2}", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// In what is JSON, the scan finds what a parser finds; wherever the line is cut into two reads.
        #[test]
        fn a_scan_agrees_with_a_parser(value in json(), cut in any::<prop::sample::Index>()) {
            let line = value.to_string();
            let mut scan = RequestIdScanner::default();
            let (front, back) = line.as_bytes().split_at(cut.index(line.len()));
            scan.read(front);
            scan.read(back);
            let expected = value.as_object().and_then(|it| it.get("id")).and_then(McpRequestId::new);
            prop_assert_eq!(scan.id(), expected, "the id in {}", line);
        }

        /// What a parser takes offence at does not hide the id that stands after it.
        #[test]
        fn the_id_is_found_after_what_is_no_json(
            bad in prop::sample::select(vec![
                br"\ud83d".to_vec(), br"\x".to_vec(), vec![0xff, 0xfe], vec![0], vec![0xed, 0xa0, 0x80],
            ]),
            text in "[a-z{}\\[\\],:]{0,20}",
            id in any::<i64>(),
        ) {
            let mut line = format!(r#"{{"params":{{"x":["{text}"#).into_bytes();
            line.extend(bad);
            line.extend(format!(r#""]}},"id":{id}}}"#).into_bytes());
            prop_assert!(serde_json::from_slice::<Value>(&line).is_err());
            prop_assert_eq!(RequestIdScanner::of(&line), McpRequestId::new(&id.into()));
        }

        #[test]
        fn any_bytes_are_scanned(line in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = RequestIdScanner::of(&line);
        }
    }
}
