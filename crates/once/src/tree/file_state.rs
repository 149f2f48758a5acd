use nix::sys::stat::FileStat;
use std::time::Duration;

/// How long a file must have been left alone before its state tells of its content. Times of files are as
/// coarse as the kernel's clock tick, on some file systems as 2 s; within that, a second change may leave the
/// same times behind.
const SETTLED: Duration = Duration::from_secs(2);

/// A moment on the clock of a file system: seconds and nanoseconds.
pub(super) type FileTime = (i64, i64);

/// What the kernel tells of a file; as long as all of it is the same, so is the content, if the file was
/// [settled](FileStamp::is_settled) when it was read, and its file system is [trusted](super::trust).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileStamp {
    /// The file system. It is no part of what is kept: what is kept is all of one file system.
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) size: u64,
    pub(super) mode: u32,
    pub(super) modified: FileTime,
    /// Of the inode. No program can set it, so it tells of changes that hide behind utimes(2).
    pub(super) changed: FileTime,
}

impl FileStamp {
    /// How many bytes it takes in a cache.
    pub(super) const BYTES: usize = 8 + 8 + 4 + 4 * 8;

    pub(super) fn of(stat: &FileStat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            mode: stat.st_mode,
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    /// Whether any change after `now`, a moment before the content was read, leaves another state behind.
    pub(super) fn is_settled(&self, now: FileTime) -> bool {
        let latest = self.modified.max(self.changed);
        let span = i64::try_from(SETTLED.as_secs()).unwrap_or(i64::MAX);
        (latest.0.saturating_add(span), latest.1) < now
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.inode.to_le_bytes());
        bytes.extend(self.size.to_le_bytes());
        bytes.extend(self.mode.to_le_bytes());
        for part in [self.modified.0, self.modified.1, self.changed.0, self.changed.1] {
            bytes.extend(part.to_le_bytes());
        }
    }

    /// Reads what [`put`](Self::put) wrote, of a file on a device.
    pub(super) fn take(bytes: &[u8], device: u64) -> Option<Self> {
        let (inode, rest) = bytes.split_first_chunk::<8>()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let (mode, mut rest) = rest.split_first_chunk::<4>()?;
        let mut number = || {
            let (taken, after) = rest.split_first_chunk::<8>()?;
            rest = after;
            Some(i64::from_le_bytes(*taken))
        };
        Some(Self {
            device,
            inode: u64::from_le_bytes(*inode),
            size: u64::from_le_bytes(*size),
            mode: u32::from_le_bytes(*mode),
            modified: (number()?, number()?),
            changed: (number()?, number()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_trusted_only_when_it_has_settled() {
        let at = |modified, changed| FileStamp {
            device: 7,
            inode: 1,
            size: 2,
            mode: 3,
            modified,
            changed,
        };
        for (state, now, settled) in [
            (at((10, 5), (10, 5)), (12, 6), true),
            (at((10, 5), (10, 5)), (12, 5), false),
            (at((10, 5), (11, 0)), (12, 6), false),
            (at((11, 0), (10, 0)), (12, 6), false),
            // The clock was set back: nothing is known.
            (at((10, 0), (99, 0)), (50, 0), false),
        ] {
            assert_eq!(state.is_settled(now), settled, "{state:?} at {now:?}");
        }
    }

    #[test]
    fn it_is_read_back() {
        let state =
            FileStamp { device: 7, inode: 1, size: 2, mode: 3, modified: (-4, 5), changed: (6, 7) };
        let mut bytes = Vec::new();
        state.put(&mut bytes);
        assert_eq!(bytes.len(), FileStamp::BYTES);
        assert_eq!(FileStamp::take(&bytes, 7), Some(state));
        assert_eq!(FileStamp::take(&bytes[1..], 7), None);
    }
}
