//! Whose word is taken for the state of a file.
//!
//! A state tells of a content only as long as nothing but the kernel sets a file's time of change, and as long as it is
//! the same file system. So a state is trusted
//!
//! * on file systems that are known to do that ([`TRUSTED`]): not where times come from an image (squashfs, erofs,
//!   iso9660), from another machine or program (NFS, CIFS, 9p, FUSE), or from layers that may be any of these
//!   (overlayfs);
//! * on the file system that has the cache: another one that is mounted in its place has another cache, or none. A
//!   device number says nothing of that, it is used again;
//! * since this start of the kernel: before, a file system may have been changed by other means, and a power cut may
//!   have kept a new content with an old time;
//! * unless the clock has been set back since.

use super::file_state::FileTime;
use lokt_lock::sys::nofollow;
use nix::sys::statfs::fstatfs;
use std::{
    os::unix::fs::MetadataExt,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// Numbers of file systems (statfs(2), and `magic.h` of the kernel) on which the kernel alone sets the time of change.
const TRUSTED: [(i64, &str); 6] = [
    (0xEF53, "ext2, ext3 and ext4"),
    (0x5846_5342, "xfs"),
    (0x9123_683E, "btrfs"),
    (0xF2F5_2010, "f2fs"),
    (0x2FC1_2FC1, "zfs"),
    (0x0102_1994, "tmpfs"),
];

/// The device whose files' states are trusted, for a folder that has what is known of them.
pub(super) fn device(folder: &Path) -> Option<u64> {
    let folder = nofollow::open_folder(folder).ok()?;
    let kind = fstatfs(&folder).ok()?.filesystem_type();
    let device = folder.metadata().ok()?.dev();
    is_trusted(kind.0).then_some(device)
}

fn is_trusted(kind: i64) -> bool {
    // The number is 32 bits wide; some platforms sign-extend it.
    TRUSTED.iter().any(|(number, _)| *number == kind & 0xFFFF_FFFF)
}

/// Whether the clock says a moment that has not come yet.
pub(super) fn is_future(moment: FileTime) -> bool {
    // Before 1970, every moment has not come yet.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    (seconds, i64::from(now.subsec_nanos())) < moment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sets_its_own_times_is_not_trusted() {
        let others = [
            (0x7371_7368, "squashfs"),
            (0xE0F5_E1E2, "erofs"),
            (0x9660, "iso9660"),
            (0x794C_7630, "overlayfs"),
            (0x6573_5546, "fuse"),
            (0x6969, "nfs"),
            (0xFF53_4D42, "cifs"),
            (0xFE53_4D42, "smb2"),
            (0x0102_1997, "9p"),
            (0x4D44, "vfat"),
            (0x2011_BAB0, "exfat"),
            (0x9FA0, "proc"),
            (0, "unknown"),
        ];
        for (number, name) in others {
            assert!(!is_trusted(number), "{name}");
            assert!(!is_trusted(number - (1 << 32)), "{name}, sign-extended");
        }
        for (number, name) in TRUSTED {
            assert!(is_trusted(number) && is_trusted(number - (1 << 32)), "{name}");
        }
        assert_eq!(device(Path::new("/proc/self")), None);
    }

    #[test]
    fn a_moment_that_has_not_come_is_known() {
        assert!(is_future((i64::MAX, 0)));
        assert!(!is_future((1, 0)));
    }
}
