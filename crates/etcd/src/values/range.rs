/// What is read of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RangeContent {
    /// Keys with their values.
    KeysAndValues,
    /// Keys only: their values are empty.
    KeysOnly,
}

/// A range of keys: one key, all keys with a prefix, or all keys between two.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyRange {
    /// The first key.
    pub(crate) start: Vec<u8>,
    /// The first key after the range; empty for one key, `[0]` for all keys from the first on.
    pub(crate) end: Vec<u8>,
    pub(crate) content: RangeContent,
    /// The most keys that are read; zero for all.
    pub(crate) limit: u32,
}

impl KeyRange {
    /// One key.
    pub fn key(key: impl Into<Vec<u8>>) -> Self {
        Self::new(key.into(), Vec::new())
    }

    /// All keys that begin with a prefix.
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let start = prefix.into();
        let end = prefix_end(&start);
        // A start of no bytes would be no key.
        Self::new(if start.is_empty() { vec![0] } else { start }, end)
    }

    /// All keys from `start` on and before `end`.
    pub fn between(start: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) -> Self {
        Self::new(start.into(), end.into())
    }

    fn new(start: Vec<u8>, end: Vec<u8>) -> Self {
        Self { start, end, content: RangeContent::KeysAndValues, limit: 0 }
    }

    /// The same range, but with this content.
    #[must_use]
    pub fn with(self, content: RangeContent) -> Self {
        Self { content, ..self }
    }

    /// The same range, but no more than its first keys.
    #[must_use]
    pub fn first(self, limit: u32) -> Self {
        Self { limit, ..self }
    }
}

/// The first key that is greater than all keys with a prefix: the prefix with its last byte that can grow made
/// greater by one.
fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let kept = prefix.iter().rposition(|byte| *byte < u8::MAX);
    let mut end: Vec<u8> = prefix.iter().copied().take(kept.map_or(0, |it| it + 1)).collect();
    match end.last_mut() {
        Some(last) => *last += 1,
        None => end.push(0),
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_that_is_greater() {
        for (prefix, end) in [
            (&b"a/"[..], &b"a0"[..]),
            (b"a\xff\xff", b"b"),
            (b"\xff\xff", b"\0"),
            (b"", b"\0"),
            (b"z", b"{"),
        ] {
            assert_eq!(prefix_end(prefix), end, "the end of {prefix:?}");
        }
    }
}
