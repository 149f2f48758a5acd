/// A key, or keys pressed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
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
pub(super) struct Keys {
    rest: Vec<u8>,
}

/// What stands at the beginning of some bytes.
enum Found {
    Key(Key, usize),
    /// A sequence that means nothing here.
    Nothing(usize),
    /// More bytes are needed.
    Part,
}

impl Keys {
    /// Takes in bytes, and gives the keys that they complete.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.rest.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.rest);
        let mut left = all.as_slice();
        let mut keys = Vec::new();
        while !left.is_empty() {
            let used = match find(left) {
                Found::Key(key, used) => {
                    keys.push(key);
                    used
                }
                Found::Nothing(used) => used,
                Found::Part => {
                    self.rest = left.to_vec();
                    break;
                }
            };
            left = left.get(used.max(1)..).unwrap_or_default();
        }
        keys
    }
}

fn find(bytes: &[u8]) -> Found {
    match bytes {
        [0x1b, b'[', rest @ ..] => sequence(rest),
        [0x1b, b'O', last, ..] => {
            key_of(*last, &[]).map_or(Found::Nothing(3), |it| Found::Key(it, 3))
        }
        [0x1b, b'O'] => Found::Part,
        [0x1b, ..] => Found::Key(Key::Escape, 1),
        [b'\r' | b'\n', ..] => Found::Key(Key::Enter, 1),
        [0x7f | 0x08, ..] => Found::Key(Key::Backspace, 1),
        [byte @ 1..=26, ..] => Found::Key(Key::Control(char::from(byte - 1 + b'a')), 1),
        [0..=31, ..] => Found::Nothing(1),
        _ => character(bytes),
    }
}

/// What follows `ESC [`: parameters, then a byte that says which it is.
fn sequence(bytes: &[u8]) -> Found {
    let Some(length) = bytes.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
        // No sequence of a keyboard is so long.
        return if bytes.len() > 32 { Found::Nothing(bytes.len() + 2) } else { Found::Part };
    };
    let (parameters, last) = bytes.split_at(length);
    let key = last.first().and_then(|last| key_of(*last, parameters));
    key.map_or(Found::Nothing(length + 3), |key| Found::Key(key, length + 3))
}

fn key_of(last: u8, parameters: &[u8]) -> Option<Key> {
    Some(match (last, parameters) {
        (b'A', _) => Key::Up,
        (b'B', _) => Key::Down,
        (b'H', _) | (b'~', b"1" | b"7") => Key::Home,
        (b'F', _) | (b'~', b"4" | b"8") => Key::End,
        (b'~', b"5") => Key::PageUp,
        (b'~', b"6") => Key::PageDown,
        (b'M', _) => Key::Enter,
        _ => return None,
    })
}

/// A character in UTF-8.
fn character(bytes: &[u8]) -> Found {
    let length = match bytes.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => 1,
    };
    let Some(encoded) = bytes.get(..length) else { return Found::Part };
    let text = std::str::from_utf8(encoded).ok();
    match text.and_then(|text| text.chars().next()) {
        Some(found) => Found::Key(Key::Character(found), length),
        None => Found::Nothing(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8]) -> Vec<Key> {
        Keys::default().take(bytes)
    }

    #[test]
    fn keys_are_known_by_what_terminals_send() {
        let known: [(&[u8], Key); 16] = [
            (b"q", Key::Character('q')),
            ("ü".as_bytes(), Key::Character('ü')),
            (b"\r", Key::Enter),
            (b"\x1b", Key::Escape),
            (b"\x7f", Key::Backspace),
            (b"\x03", Key::Control('c')),
            (b"\x1b[A", Key::Up),
            (b"\x1bOA", Key::Up),
            (b"\x1b[B", Key::Down),
            (b"\x1b[1;5B", Key::Down),
            (b"\x1b[5~", Key::PageUp),
            (b"\x1b[6~", Key::PageDown),
            (b"\x1b[H", Key::Home),
            (b"\x1b[1~", Key::Home),
            (b"\x1b[F", Key::End),
            (b"\x1b[4~", Key::End),
        ];
        for (bytes, key) in known {
            assert_eq!(all(bytes), [key], "{bytes:?}");
        }
        assert_eq!(all(b"a\x1b[Ab"), [Key::Character('a'), Key::Up, Key::Character('b')]);
        assert_eq!(all(b"\x1bq"), [Key::Escape, Key::Character('q')], "typed fast");
        assert_eq!(
            all(b"\x1b[200~x\x1b[201~"),
            [Key::Character('x')],
            "what means nothing is left out"
        );
    }

    #[test]
    fn a_sequence_may_come_in_parts() {
        let mut keys = Keys::default();
        assert_eq!(keys.take(b"\x1b["), []);
        assert_eq!(keys.take(b"5"), []);
        assert_eq!(keys.take(b"~\xc3"), [Key::PageUp]);
        assert_eq!(keys.take(b"\xbc"), [Key::Character('ü')]);
    }

    proptest! {
        #[test]
        fn whatever_is_typed_does_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut keys = Keys::default();
            keys.take(&bytes);
            prop_assert!(keys.rest.len() < 40, "nothing piles up: {:?}", keys.rest);
        }
    }
}
