use super::{ResultInput, ResultInputFileKind, ResultInputs};
use crate::digest::Digest;

const FIRST_LINE: &[u8] = b"lokt-once 1\n";

impl ResultInputs {
    /// The manifest as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64 + self.parts.len() * 96);
        bytes.extend(FIRST_LINE);
        self.parts.iter().for_each(|part| put(&mut bytes, part));
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote; `None` where it is anything else.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(FIRST_LINE)?;
        let mut parts = Vec::new();
        while let Some((&letter, fields)) = rest.split_first() {
            rest = fields;
            parts.push(take_part(letter, &mut rest)?);
        }
        Some(Self { parts })
    }
}

fn put(bytes: &mut Vec<u8>, part: &ResultInput) {
    let (letter, fields): (u8, [&[u8]; 3]) = match part {
        ResultInput::Name(name) => (b'N', [name.as_bytes(), b"", b""]),
        ResultInput::Word(word) => (b'W', [word, b"", b""]),
        ResultInput::Folder(folder) => (b'D', [folder, b"", b""]),
        ResultInput::Text(text) => (b'K', [text.as_bytes(), b"", b""]),
        ResultInput::Variable(name, value) => {
            let value = value.as_ref().map_or(b"".as_slice(), |it| it.as_bytes().as_slice());
            (b'E', [name.as_bytes(), value, b""])
        }
        ResultInput::Input(pattern) => (b'I', [pattern, b"", b""]),
        ResultInput::Artifact(path) => (b'A', [path, b"", b""]),
        ResultInput::File { path, kind, content } => {
            (b'F', [path, kind.letter(), content.as_bytes().as_slice()])
        }
    };
    bytes.push(letter);
    for field in fields.iter().take(count_of(letter)) {
        // A part of 4 GiB cannot be given to a program.
        let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
        bytes.extend(length.to_le_bytes());
        bytes.extend(*field);
    }
}

/// How many fields a part has.
const fn count_of(letter: u8) -> usize {
    match letter {
        b'F' => 3,
        b'E' => 2,
        _ => 1,
    }
}

fn take_part(letter: u8, rest: &mut &[u8]) -> Option<ResultInput> {
    let mut field = || {
        let (length, more) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (field, more) = more.split_at_checked(length)?;
        *rest = more;
        Some(field.to_vec())
    };
    let first = field()?;
    let text = |bytes| String::from_utf8(bytes).ok();
    Some(match letter {
        b'N' => ResultInput::Name(text(first)?),
        b'W' => ResultInput::Word(first),
        b'D' => ResultInput::Folder(first),
        b'K' => ResultInput::Text(text(first)?),
        b'I' => ResultInput::Input(first),
        b'A' => ResultInput::Artifact(first),
        b'E' => {
            let value = field()?;
            let value = if value.is_empty() { None } else { Some(digest(&value)?) };
            ResultInput::Variable(text(first)?, value)
        }
        b'F' => {
            let kind = ResultInputFileKind::of_letter(&field()?)?;
            ResultInput::File { path: first, kind, content: digest(&field()?)? }
        }
        _ => return None,
    })
}

fn digest(bytes: &[u8]) -> Option<Digest> {
    bytes.try_into().ok().map(Digest::from_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn part() -> impl Strategy<Value = ResultInput> {
        let bytes = || vec(any::<u8>(), 0..6);
        let digest = || any::<[u8; 32]>().prop_map(Digest::from_bytes);
        let kind = prop::sample::select(ResultInputFileKind::ALL.to_vec());
        prop_oneof![
            ".{0,4}".prop_map(ResultInput::Name),
            bytes().prop_map(ResultInput::Word),
            bytes().prop_map(ResultInput::Folder),
            ".{0,4}".prop_map(ResultInput::Text),
            bytes().prop_map(ResultInput::Input),
            bytes().prop_map(ResultInput::Artifact),
            (".{0,4}", prop::option::of(digest()))
                .prop_map(|(it, value)| ResultInput::Variable(it, value)),
            (bytes(), kind, digest()).prop_map(|(path, kind, content)| ResultInput::File {
                path,
                kind,
                content
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(parts in vec(part(), 0..6)) {
            let manifest = ResultInputs { parts };
            prop_assert_eq!(ResultInputs::parse(&manifest.encode()), Some(manifest));
        }

        #[test]
        fn different_parts_have_different_keys(one in vec(part(), 0..4), other in vec(part(), 0..4)) {
            let same = one == other;
            let (one, other) = (ResultInputs { parts: one }, ResultInputs { parts: other });
            prop_assert_eq!(one.key() == other.key(), same);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..64)) {
            let whole = [FIRST_LINE, &bytes].concat();
            if let Some(manifest) = ResultInputs::parse(&whole) {
                prop_assert_eq!(manifest.encode(), whole, "nothing is read that would be written otherwise");
            }
            prop_assert_eq!(ResultInputs::parse(&bytes), None);
        }
    }

    #[test]
    fn words_are_not_run_together() {
        let words = |words: &[&[u8]]| ResultInputs {
            parts: words.iter().map(|it| ResultInput::Word(it.to_vec())).collect(),
        };
        assert_ne!(words(&[b"ab", b"c"]).key(), words(&[b"a", b"bc"]).key());
        assert_ne!(words(&[b"ab"]).key(), words(&[b"ab", b""]).key());
    }
}
