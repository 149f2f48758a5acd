use nix::sys::statfs::{FUSE_SUPER_MAGIC, statfs};
use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// What kind of file system a folder is on, as far as locks are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileSystemKind {
    /// One whose locks this kernel keeps.
    Local,
    /// One that other machines share and whose locks may not reach them.
    Network(&'static str),
    /// A user-space file system that is not known to be shared: the kernel keeps its locks, but nothing
    /// says whether another machine writes to it too.
    UserSpace(String),
}

/// File system numbers (statfs(2), and the kernel's `magic.h`) of what is shared over a network.
const NETWORK: [(i64, &str); 14] = [
    (0x6969, "nfs"),
    (0xFF53_4D42, "cifs"),
    (0xFE53_4D42, "smb2"),
    (0x517B, "smb"),
    (0x0102_1997, "9p"),
    (0x5346_414F, "afs"),
    (0x6B41_4653, "afs"),
    (0x00C3_6400, "ceph"),
    (0x7375_7245, "coda"),
    (0x564C, "ncp"),
    (0x0BD0_0BD0, "lustre"),
    (0x7461_636F, "ocfs2"),
    (0x0116_1970, "gfs2"),
    (0x4750_4653, "gpfs"),
];

/// User-space file systems that are shared over a network, as they are named in mountinfo.
const NETWORK_FUSE: [&str; 10] = [
    "sshfs",
    "s3fs",
    "rclone",
    "glusterfs",
    "virtiofs",
    "gcsfuse",
    "davfs",
    "goofys",
    "juicefs",
    "gvfsd-fuse",
];

/// Says what kind of file system `path` is on; [`FileSystemKind::Local`] where the kernel cannot tell.
pub fn file_system_of(path: &Path) -> FileSystemKind {
    let Ok(found) = statfs(path) else {
        return FileSystemKind::Local;
    };
    let kind = found.filesystem_type();
    if kind == FUSE_SUPER_MAGIC {
        return user_space(path);
    }
    // The number is 32 bits wide; some platforms sign-extend it.
    let number = kind.0 & 0xFFFF_FFFF;
    match NETWORK.iter().find(|(magic, _)| *magic == number) {
        Some((_, name)) => FileSystemKind::Network(name),
        None => FileSystemKind::Local,
    }
}

fn user_space(path: &Path) -> FileSystemKind {
    let device = fs::metadata(path).map_or(0, |meta| meta.dev());
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let kind = mounts.lines().find_map(|line| kind_if(line, device)).unwrap_or("fuse");
    let short = kind.trim_start_matches("fuse.");
    match NETWORK_FUSE.into_iter().find(|name| *name == short) {
        Some(name) => FileSystemKind::Network(name),
        None => FileSystemKind::UserSpace(kind.to_owned()),
    }
}

/// The file system type of a mountinfo line (`proc_pid_mountinfo(5)`), where it is that of `device`.
fn kind_if(line: &str, device: u64) -> Option<&str> {
    let (mount, details) = line.split_once(" - ")?;
    let (major, minor) = mount.split_ascii_whitespace().nth(2)?.split_once(':')?;
    let found = nix::sys::stat::makedev(major.parse().ok()?, minor.parse().ok()?);
    (found == device).then(|| details.split_ascii_whitespace().next())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mountinfo_line_is_matched_by_its_device() {
        let line = "36 35 0:45 / /mnt/repo rw,noatime shared:1 - fuse.sshfs host:/srv rw";
        let device = nix::sys::stat::makedev(0, 45);
        assert_eq!(kind_if(line, device), Some("fuse.sshfs"));
        assert_eq!(kind_if(line, device + 1), None);
    }

    #[test]
    fn a_temporary_folder_is_local() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(file_system_of(folder.path()), FileSystemKind::Local);
        assert_eq!(file_system_of(Path::new("/proc")), FileSystemKind::Local);
    }
}
