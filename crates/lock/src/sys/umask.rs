//! Making files and folders that their owner can use, whatever the umask of the caller.
//!
//! The umask itself is left alone: it belongs to the whole process, and commands inherit it.

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, RenameFlags, renameat2},
};
use std::{
    fs::{self, DirBuilder, File, Permissions},
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
    process,
};

/// What a mode gives to the owner.
const OWNER: u32 = 0o700;

/// Makes a folder, and those above it, with a mode from which the umask takes nothing of the owner's; one that exists
/// keeps its mode.
///
/// # Errors
/// What mkdir(2) says, and [`ErrorKind::AlreadyExists`] where something else stands there.
pub fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    match (make_one_folder(path, mode), path.parent()) {
        (Err(error), Some(above)) if error.kind() == ErrorKind::NotFound && above != path => {
            make_folder(above, mode)?;
            make_one_folder(path, mode)
        }
        (outcome, _) => outcome,
    }
}

/// Gives a file that was just made with `mode` what the umask took from its owner.
///
/// # Errors
/// What fchmod(2) says.
pub fn keep_owner_bits(file: &File, mode: u32) -> io::Result<()> {
    let permissions = file.metadata()?.permissions();
    match missing(&permissions, mode) {
        Some(whole) => file.set_permissions(whole),
        None => Ok(()),
    }
}

/// The same for a folder.
///
/// # Errors
/// What chmod(2) says.
pub fn keep_owner_bits_of(folder: &Path, mode: u32) -> io::Result<()> {
    match missing(&fs::symlink_metadata(folder)?.permissions(), mode) {
        Some(whole) => fs::set_permissions(folder, whole),
        None => Ok(()),
    }
}

fn missing(permissions: &Permissions, mode: u32) -> Option<Permissions> {
    with_owner_bits(permissions.mode(), mode).map(Permissions::from_mode)
}

/// A mode with the owner's part of another, where something of that is missing.
pub(super) const fn with_owner_bits(now: u32, mode: u32) -> Option<u32> {
    let owner = mode & OWNER;
    if now & owner == owner { None } else { Some(now | owner) }
}

/// A folder gets its name when its mode is right: another process that finds it may enter it.
fn make_one_folder(path: &Path, mode: u32) -> io::Result<()> {
    let draft = path.with_file_name(unused_name());
    let make = |path: &Path| {
        DirBuilder::new().mode(mode).create(path).and_then(|()| keep_owner_bits_of(path, mode))
    };
    let outcome = make(&draft).and_then(|()| appear(&draft, path));
    let Err(error) = outcome else { return Ok(()) };
    // Where it could not be made, nothing is there to be removed.
    let _ = fs::remove_dir(&draft);
    match if is_impossible(&error) { make(path) } else { Err(error) } {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        outcome => outcome,
    }
}

/// Gives a draft its name, never over something else.
fn appear(draft: &Path, path: &Path) -> io::Result<()> {
    renameat2(AT_FDCWD, draft, AT_FDCWD, path, RenameFlags::RENAME_NOREPLACE).map_err(Into::into)
}

/// Whether the file system does not know how to rename without replacing.
pub(super) fn is_impossible(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EINVAL | Errno::ENOSYS))
}

/// A name for what is to become another, which no other process has, in another pid namespace neither.
pub(super) fn unused_name() -> String {
    let number = RandomState::new().build_hasher().finish();
    format!(".lokt-{}-{number:016x}.new", process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folders_are_made_with_those_above_them_and_existing_ones_stay_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        make_folder(&deep, 0o700).unwrap();
        assert!([&*deep, deep.parent().unwrap()].iter().all(|it| mode(it) == 0o700));
        fs::set_permissions(&deep, Permissions::from_mode(0o500)).unwrap();
        make_folder(&deep, 0o700).unwrap();
        assert_eq!(mode(&deep), 0o500, "an existing folder keeps its mode");
        let file = folder.path().join("file");
        fs::write(&file, "text").unwrap();
        let error = make_folder(&file, 0o700).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "a file is no folder");
        let names: Vec<_> = folder.path().read_dir().unwrap().flatten().collect();
        assert_eq!(names.len(), 2, "no draft is left: {names:?}");
    }

    #[test]
    fn what_the_owner_misses_is_given_back_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = File::create(&path).unwrap();
        for (now, wanted, expected) in [
            (0o000, 0o600, 0o600),
            (0o044, 0o666, 0o644),
            (0o640, 0o666, 0o640),
            (0o066, 0o777, 0o766),
        ] {
            file.set_permissions(Permissions::from_mode(now)).unwrap();
            keep_owner_bits(&file, wanted).unwrap();
            assert_eq!(mode(&path), expected, "{now:o} as of {wanted:o}");
        }
    }
}
