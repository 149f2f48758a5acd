//! What is known of files that were read before.
//!
//! The file: `lokt-tree 2` and a newline; the id of the kernel's start and a newline; the moment before anything was
//! read, seconds and nanoseconds (8 bytes each, the lowest first); for each file, in the order of the paths, the length
//! of the path (4 bytes), the path, its state and the digest of its content; in the end the digest of all that.
//! Anything else counts as nothing: a cache may be lost at any time.

use super::{
    FileSelection,
    file_state::{FileStamp, FileTime},
    trust,
};
use crate::{digest::Digest, files};
use std::{ops::Range, os::unix::fs::MetadataExt, path::Path};

const FIRST_LINE: &[u8] = b"lokt-tree 2\n";

/// A cache as it was loaded.
#[derive(Default)]
pub(super) struct FileStateCache {
    bytes: Vec<u8>,
    /// Where each file's entry is: path, and what follows it.
    entries: Vec<(Range<usize>, usize)>,
    /// Where the files are of which something is known.
    device: u64,
}

/// When, and where, files are read.
pub(super) struct FileStateCacheHeader {
    boot: String,
    now: FileTime,
    device: u64,
}

impl FileStateCache {
    /// The cache of a file, as far as it is to be [trusted](trust).
    pub(super) fn load(path: &Path, boot: &str) -> Self {
        let device = path.parent().and_then(trust::device);
        let Some(device) = device.filter(|_| !boot.is_empty()) else { return Self::default() };
        let bytes = files::read(path).ok().flatten().unwrap_or_default();
        let entries = index(&bytes, boot).unwrap_or_default();
        Self { bytes, entries, device }
    }

    /// The content of a file, if it is known in just this state. A caller that asks for one file after the
    /// other in the order of their paths finds most of them at `next`.
    pub(super) fn find(&self, path: &[u8], state: &FileStamp, next: &mut usize) -> Option<Digest> {
        let found = self.position(path, *next)?;
        *next = found + 1;
        let (_, after) = self.entries.get(found)?;
        let rest = self.bytes.get(*after..)?;
        let known = FileStamp::take(rest, self.device)?;
        let content = rest.get(FileStamp::BYTES..FileStamp::BYTES + 32)?.try_into().ok()?;
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

fn index(bytes: &[u8], boot: &str) -> Option<Vec<(Range<usize>, usize)>> {
    let (content, digest) = bytes.split_last_chunk::<32>()?;
    if Digest::of(content).as_bytes() != digest {
        return None;
    }
    let rest = content.strip_prefix(FIRST_LINE)?;
    let rest = rest.strip_prefix(boot.as_bytes())?.strip_prefix(b"\n")?;
    let (seconds, rest) = rest.split_first_chunk::<8>()?;
    let (nanoseconds, mut rest) = rest.split_first_chunk::<8>()?;
    if trust::is_future((i64::from_le_bytes(*seconds), i64::from_le_bytes(*nanoseconds))) {
        return None;
    }
    let mut entries = Vec::new();
    while let Some((length, more)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let start = content.len() - more.len();
        let after = start + length;
        entries.push((start..after, after));
        rest = more.get(length + FileStamp::BYTES + 32..)?;
    }
    rest.is_empty().then_some(entries)
}

/// What time it is on the file system that has the cache, which may have another clock than this machine; `None` where
/// no state is trusted.
pub(super) fn stamp(tree: &FileSelection, path: &Path) -> Option<FileStateCacheHeader> {
    files::make_folder(path.parent()?).ok()?;
    let device = trust::device(path.parent()?).filter(|_| !tree.boot.is_empty())?;
    let (draft, file) = files::draft(path, 0o600).ok()?;
    let metadata = file.metadata();
    let _ = std::fs::remove_file(draft);
    let metadata = metadata.ok().filter(|it| it.dev() == device)?;
    Some(FileStateCacheHeader {
        boot: tree.boot.clone(),
        now: (metadata.mtime(), metadata.mtime_nsec()),
        device,
    })
}

/// A file's path, state and content.
pub(super) type CacheEntry<'a> = (&'a [u8], FileStamp, Digest);

/// Writes a cache of those files whose state tells of their content, as it had settled when they were read; they are in
/// the order of their paths.
pub(super) fn store<'a>(
    path: &Path,
    stamp: &FileStateCacheHeader,
    entries: impl Iterator<Item = CacheEntry<'a>>,
) {
    let mut bytes = [FIRST_LINE, stamp.boot.as_bytes(), b"\n"].concat();
    bytes.extend(stamp.now.0.to_le_bytes());
    bytes.extend(stamp.now.1.to_le_bytes());
    let is_trusted =
        |state: &FileStamp| state.device == stamp.device && state.is_settled(stamp.now);
    for (name, state, content) in entries.filter(|(_, state, _)| is_trusted(state)) {
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

    const NOW: FileTime = (1000, 0);

    fn state(size: u64, device: u64) -> FileStamp {
        FileStamp { device, inode: 1, size, mode: 3, modified: (4, 5), changed: (6, 7) }
    }

    fn folder() -> (tempfile::TempDir, u64) {
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().metadata().unwrap().dev();
        (folder, device)
    }

    fn stamp(device: u64) -> FileStateCacheHeader {
        FileStateCacheHeader { boot: "boot".to_owned(), now: NOW, device }
    }

    /// What is found, whatever the file system is.
    fn load(path: &Path, device: u64, boot: &str) -> FileStateCache {
        let bytes = std::fs::read(path).unwrap_or_default();
        let entries = index(&bytes, boot).unwrap_or_default();
        FileStateCache { bytes, entries, device }
    }

    #[test]
    fn what_was_stored_is_found_in_the_same_state_alone() {
        let (folder, device) = folder();
        let path = folder.path().join("cache");
        let none = load(&path, device, "boot");
        assert_eq!(none.find(b"a", &state(1, device), &mut 0), None, "nothing is known at first");
        let content = Digest::of(b"x");
        let entries = [
            (b"a".as_slice(), state(1, device), content),
            (b"b/c", state(2, device), content),
            (b"d", state(2, device + 1), content),
            (b"e", FileStamp { changed: (999, 0), ..state(2, device) }, content),
        ];
        store(&path, &stamp(device), entries.into_iter());
        let cache = load(&path, device, "boot");
        let find = |path: &[u8], size, device| cache.find(path, &state(size, device), &mut 0);
        assert_eq!(find(b"a", 1, device), Some(content));
        assert_eq!(find(b"b/c", 2, device), Some(content));
        assert_eq!(find(b"b/c", 3, device), None, "in another state, nothing is known");
        assert_eq!(find(b"b/c", 2, device + 1), None, "nor on another file system");
        assert_eq!(find(b"b", 2, device), None);
        assert_eq!(cache.entries.len(), 2, "what is elsewhere, or has not settled, is not kept");
        assert_eq!(load(&path, device, "another").entries.len(), 0, "nor for the next start");
    }

    #[test]
    fn what_was_stored_at_a_time_that_has_not_come_is_nothing() {
        let (folder, device) = folder();
        let path = folder.path().join("cache");
        let future = FileStateCacheHeader { now: (i64::MAX, 0), ..stamp(device) };
        store(&path, &future, [(b"a".as_slice(), state(1, device), Digest::of(b"x"))].into_iter());
        assert_eq!(load(&path, device, "boot").entries.len(), 0);
    }

    #[test]
    fn a_damaged_cache_is_none() {
        let (folder, device) = folder();
        let path = folder.path().join("cache");
        let entry = (b"a".as_slice(), state(1, device), Digest::of(b"x"));
        store(&path, &stamp(device), [entry].into_iter());
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(load(&path, device, "boot").entries.len(), 1);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            std::fs::write(&path, &damaged).unwrap();
            assert_eq!(load(&path, device, "boot").entries.len(), 0, "byte {at}");
            std::fs::write(&path, &bytes[..at]).unwrap();
            assert_eq!(load(&path, device, "boot").entries.len(), 0, "cut at {at}");
        }
    }
}
