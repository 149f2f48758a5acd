/// A key, or keys pressed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyPress {
    Character(char),
    Control(char),
    Enter,
    Escape,
    Backspace,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
}

/// Finds keys in what a terminal sends (ECMA-48, and the sequences of xterm).
///
/// What ends in the middle of a sequence waits for the rest, but for an escape alone, which is that key.
#[derive(Debug, Default)]
pub(super) struct KeyDecoder {
    rest: Vec<u8>,
}

/// What some bytes begin with.
enum KeyDecodeOutcome {
    Key(KeyPress, usize),
    /// A sequence that means nothing here.
    Nothing(usize),
    /// More bytes are needed.
    Part,
}

impl KeyDecoder {
    /// Takes in bytes, and gives the keys that they complete.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<KeyPress> {
        self.rest.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.rest);
        let mut left = all.as_slice();
        let mut keys = Vec::new();
        while !left.is_empty() {
            let used = match find(left) {
                KeyDecodeOutcome::Key(key, used) => {
                    keys.push(key);
                    used
                }
                KeyDecodeOutcome::Nothing(used) => used,
                KeyDecodeOutcome::Part => {
                    self.rest = left.to_vec();
                    break;
                }
            };
            left = left.get(used.max(1)..).unwrap_or_default();
        }
        keys
    }
}

fn find(bytes: &[u8]) -> KeyDecodeOutcome {
    match bytes {
        [0x1b, b'[', rest @ ..] => sequence(rest),
        [0x1b, b'O', last, ..] => key_of(*last, &[])
            .map_or(KeyDecodeOutcome::Nothing(3), |it| KeyDecodeOutcome::Key(it, 3)),
        [0x1b, b'O'] => KeyDecodeOutcome::Part,
        [0x1b, ..] => KeyDecodeOutcome::Key(KeyPress::Escape, 1),
        [b'\r' | b'\n', ..] => KeyDecodeOutcome::Key(KeyPress::Enter, 1),
        [0x7f | 0x08, ..] => KeyDecodeOutcome::Key(KeyPress::Backspace, 1),
        [byte @ 1..=26, ..] => {
            KeyDecodeOutcome::Key(KeyPress::Control(char::from(byte - 1 + b'a')), 1)
        }
        [0..=31, ..] => KeyDecodeOutcome::Nothing(1),
        _ => character(bytes),
    }
}

/// What follows `ESC [`: parameters, then a byte that says which it is.
fn sequence(bytes: &[u8]) -> KeyDecodeOutcome {
    let Some(length) = bytes.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
        // No sequence of a keyboard is so long.
        return if bytes.len() > 32 {
            KeyDecodeOutcome::Nothing(bytes.len() + 2)
        } else {
            KeyDecodeOutcome::Part
        };
    };
    let (parameters, last) = bytes.split_at(length);
    let key = last.first().and_then(|last| key_of(*last, parameters));
    key.map_or(KeyDecodeOutcome::Nothing(length + 3), |key| KeyDecodeOutcome::Key(key, length + 3))
}

fn key_of(last: u8, parameters: &[u8]) -> Option<KeyPress> {
    Some(match (last, parameters) {
        (b'A', _) => KeyPress::Up,
        (b'B', _) => KeyPress::Down,
        (b'H', _) | (b'~', b"1" | b"7") => KeyPress::Home,
        (b'F', _) | (b'~', b"4" | b"8") => KeyPress::End,
        (b'~', b"5") => KeyPress::PageUp,
        (b'~', b"6") => KeyPress::PageDown,
        (b'M', _) => KeyPress::Enter,
        _ => return None,
    })
}

/// A character in UTF-8.
fn character(bytes: &[u8]) -> KeyDecodeOutcome {
    let length = match bytes.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => 1,
    };
    let Some(encoded) = bytes.get(..length) else { return KeyDecodeOutcome::Part };
    let text = std::str::from_utf8(encoded).ok();
    match text.and_then(|text| text.chars().next()) {
        Some(found) => KeyDecodeOutcome::Key(KeyPress::Character(found), length),
        None => KeyDecodeOutcome::Nothing(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8]) -> Vec<KeyPress> {
        KeyDecoder::default().take(bytes)
    }

    #[test]
    fn keys_are_known_by_what_terminals_send() {
        let known: [(&[u8], KeyPress); 16] = [
            (b"q", KeyPress::Character('q')),
            ("ü".as_bytes(), KeyPress::Character('ü')),
            (b"\r", KeyPress::Enter),
            (b"\x1b", KeyPress::Escape),
            (b"\x7f", KeyPress::Backspace),
            (b"\x03", KeyPress::Control('c')),
            (b"\x1b[A", KeyPress::Up),
            (b"\x1bOA", KeyPress::Up),
            (b"\x1b[B", KeyPress::Down),
            (b"\x1b[1;5B", KeyPress::Down),
            (b"\x1b[5~", KeyPress::PageUp),
            (b"\x1b[6~", KeyPress::PageDown),
            (b"\x1b[H", KeyPress::Home),
            (b"\x1b[1~", KeyPress::Home),
            (b"\x1b[F", KeyPress::End),
            (b"\x1b[4~", KeyPress::End),
        ];
        for (bytes, key) in known {
            assert_eq!(all(bytes), [key], "{bytes:?}");
        }
        assert_eq!(
            all(b"a\x1b[Ab"),
            [KeyPress::Character('a'), KeyPress::Up, KeyPress::Character('b')]
        );
        assert_eq!(all(b"\x1bq"), [KeyPress::Escape, KeyPress::Character('q')], "typed fast");
        assert_eq!(
            all(b"\x1b[200~x\x1b[201~"),
            [KeyPress::Character('x')],
            "what means nothing is left out"
        );
    }

    #[test]
    fn a_sequence_may_come_in_parts() {
        let mut keys = KeyDecoder::default();
        assert_eq!(keys.take(b"\x1b["), []);
        assert_eq!(keys.take(b"5"), []);
        assert_eq!(keys.take(b"~\xc3"), [KeyPress::PageUp]);
        assert_eq!(keys.take(b"\xbc"), [KeyPress::Character('ü')]);
    }

    proptest! {
        #[test]
        fn whatever_is_typed_does_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut keys = KeyDecoder::default();
            keys.take(&bytes);
            prop_assert!(keys.rest.len() < 40, "nothing piles up: {:?}", keys.rest);
        }
    }
}
