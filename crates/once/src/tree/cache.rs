//! What is known of files that were read before.
//!
//! The file: `lokt-tree 1` and a newline; for each file, in the order of the paths, the length of the path
//! (4 bytes, the lowest first), the path, its state and the digest of its content; in the end the digest of all
//! that. Anything else counts as nothing: a cache may be lost at any time.

use super::state::State;
use crate::{digest::Digest, files};
use std::{ops::Range, path::Path};

const FIRST_LINE: &[u8] = b"lokt-tree 1\n";

/// A cache as it was loaded.
#[derive(Default)]
pub(super) struct Cache {
    bytes: Vec<u8>,
    /// Where each file's entry is: path, and what follows it.
    entries: Vec<(Range<usize>, usize)>,
}

impl Cache {
    pub(super) fn load(path: &Path) -> Self {
        let bytes = files::read(path).ok().flatten().unwrap_or_default();
        let entries = index(&bytes).unwrap_or_default();
        Self { bytes, entries }
    }

    /// The content of a file, if it is known in just this state. Who asks for one file after the other in the
    /// order of their paths finds most of them at `next`.
    pub(super) fn find(&self, path: &[u8], state: &State, next: &mut usize) -> Option<Digest> {
        let found = self.position(path, *next)?;
        *next = found + 1;
        let (_, after) = self.entries.get(found)?;
        let rest = self.bytes.get(*after..)?;
        let known = State::take(rest)?;
        let content = rest.get(State::BYTES..State::BYTES + 32)?.try_into().ok()?;
        (known == *state).then(|| Digest::from_bytes(content))
    }

    fn position(&self, path: &[u8], guess: usize) -> Option<usize> {
        let at = |range: &Range<usize>| self.bytes.get(range.clone()).unwrap_or_default();
        if self.entries.get(guess).is_some_and(|(range, _)| at(range) == path) {
            return Some(guess);
        }
        self.entries.binary_search_by(|(range, _)| at(range).cmp(path)).ok()
    }
}

fn index(bytes: &[u8]) -> Option<Vec<(Range<usize>, usize)>> {
    let (content, digest) = bytes.split_last_chunk::<32>()?;
    if Digest::of(content).as_bytes() != digest {
        return None;
    }
    let mut rest = content.strip_prefix(FIRST_LINE)?;
    let mut entries = Vec::new();
    while let Some((length, more)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let start = content.len() - more.len();
        let after = start + length;
        entries.push((start..after, after));
        rest = more.get(length + State::BYTES + 32..)?;
    }
    rest.is_empty().then_some(entries)
}

/// A file's path, state and content.
pub(super) type Entry<'a> = (&'a [u8], State, Digest);

/// Writes a cache; the entries are in the order of their paths.
pub(super) fn store<'a>(path: &Path, entries: impl Iterator<Item = Entry<'a>>) {
    let mut bytes = FIRST_LINE.to_vec();
    for (name, state, content) in entries {
        bytes.extend(u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(name);
        state.put(&mut bytes);
        bytes.extend(content.as_bytes());
    }
    let digest = Digest::of(&bytes);
    bytes.extend(digest.as_bytes());
    // Without it, files are read again: slower, and just as right.
    let _ = files::write(path, &bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(size: u64) -> State {
        State { inode: 1, size, mode: 3, modified: (4, 5), changed: (6, 7) }
    }

    #[test]
    fn what_was_stored_is_found_in_the_same_state_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        assert_eq!(
            Cache::load(&path).find(b"a", &state(1), &mut 0),
            None,
            "nothing is known at first"
        );
        let content = Digest::of(b"x");
        store(
            &path,
            [(b"a".as_slice(), state(1), content), (b"b/c", state(2), content)].into_iter(),
        );
        let cache = Cache::load(&path);
        assert_eq!(cache.find(b"a", &state(1), &mut 0), Some(content));
        assert_eq!(cache.find(b"b/c", &state(2), &mut 0), Some(content));
        assert_eq!(
            cache.find(b"b/c", &state(3), &mut 0),
            None,
            "in another state, nothing is known"
        );
        assert_eq!(cache.find(b"b", &state(2), &mut 0), None);
    }

    #[test]
    fn a_damaged_cache_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        store(&path, [(b"a".as_slice(), state(1), Digest::of(b"x"))].into_iter());
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            std::fs::write(&path, &damaged).unwrap();
            assert_eq!(Cache::load(&path).find(b"a", &state(1), &mut 0), None, "byte {at}");
            std::fs::write(&path, &bytes[..at]).unwrap();
            assert_eq!(Cache::load(&path).find(b"a", &state(1), &mut 0), None, "cut at {at}");
        }
    }
}
