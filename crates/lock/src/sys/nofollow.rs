//! Operations on files that follow no symbolic link, neither at the end of a path nor on the way to it.
//!
//! A path must be without links from the beginning: [`LockRoot::find`](crate::file::LockRoot::find) gives such a one.
//! What another program puts in the place of a file or a folder later is an error (`ELOOP`) then, never a way out of
//! the folder.
//!
//! openat2(2) does that in one call. Where the kernel or a sandbox does not know it, the folders on the way are opened
//! one after the other.

use super::{
    open_folders::{forget_folders, kept, opened},
    regular::{not_regular, require_regular},
    umask::{is_impossible, keep_owner_bits, unused_name, with_owner_bits},
};
use nix::{
    dir::Dir,
    errno::Errno,
    fcntl::{
        AT_FDCWD, AtFlags, OFlag, OpenHow, RenameFlags, ResolveFlag, openat, openat2, renameat,
        renameat2,
    },
    sys::stat::{FchmodatFlags, Mode, fchmodat, fstatat, mkdirat},
    unistd::{UnlinkatFlags, linkat, unlinkat},
};
use std::{
    ffi::{OsStr, OsString},
    fs::{File, Metadata},
    io::{self, ErrorKind, Read},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStringExt,
    },
    path::{Component, Path},
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
};

/// What finds a folder and opens nothing of it: enough to name files in it.
pub(super) const FOLDER: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY);

/// The kernel has no openat2(2), or a sandbox keeps it from this process.
static IS_STEPWISE: AtomicBool = AtomicBool::new(false);

/// Opens a regular file, and closes it in programs that are started. A new one gets what `mode` gives its owner,
/// whatever the umask.
///
/// # Errors
/// `ELOOP` where a symbolic link stands there or on the way; a separate error, and never a wait, where it is no
/// regular file; else what the kernel said.
pub fn open(path: &Path, flags: OFlag, mode: u32) -> io::Result<File> {
    let is_new = flags.contains(OFlag::O_EXCL);
    if flags.contains(OFlag::O_CREAT) && !is_new {
        let existing = || open(path, flags.difference(OFlag::O_CREAT), 0);
        return match existing() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                create_empty(path, mode)?;
                existing()
            }
            opened => opened,
        };
    }
    let file = match open_whatever(path, flags | OFlag::O_NONBLOCK | OFlag::O_NOCTTY, mode) {
        // A socket, or a named pipe that nothing reads (open(2)).
        Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => {
            return Err(not_regular("a socket or a named pipe"));
        }
        opened => opened?,
    };
    if is_new { keep_owner_bits(&file, mode) } else { require_regular(&file) }.map(|()| file)
}

fn open_whatever(path: &Path, flags: OFlag, mode: u32) -> io::Result<File> {
    let (folder, name) = parts(path)?;
    let Some(folder) = kept(folder) else { return Ok(open_any(path, flags, mode)?.into()) };
    let (flags, mode) =
        (flags | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW, Mode::from_bits_truncate(mode));
    let opened = openat(&*folder, name, flags, mode).map_err(|errno| if_link(&folder, name, errno));
    Ok(opened?.into())
}

/// Opens a regular file for reading.
///
/// # Errors
/// As [`open`].
pub fn open_to_read(path: &Path) -> io::Result<File> {
    open(path, OFlag::O_RDONLY, 0)
}

/// Opens what stands at a path for reading, of whatever kind it is; a pipe does not make the caller wait.
///
/// # Errors
/// `ELOOP` where a symbolic link stands there or on the way; else what the kernel said: `ENXIO` for a socket.
pub fn open_any_kind(path: &Path) -> io::Result<File> {
    open_whatever(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY, 0)
}

/// Makes a file that must not be there yet.
///
/// # Errors
/// As [`open`]; `EEXIST` where anything stands there.
pub fn create(path: &Path, mode: u32) -> io::Result<File> {
    open(path, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL, mode)
}

/// Makes an empty file where nothing stands. It gets its name when its mode is right: another process that finds it may
/// open it.
fn create_empty(path: &Path, mode: u32) -> io::Result<()> {
    let draft = path.with_file_name(unused_name());
    let created = create(&draft, mode).and_then(|_| rename_to_new(&draft, path));
    let Err(error) = created else { return Ok(()) };
    let linked = if is_impossible(&error) { link(&draft, path) } else { Err(error) };
    // It has its other name now, or is not needed.
    let _ = remove_file(&draft);
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

/// Opens a folder, to lock it or to write its entries to disk.
///
/// # Errors
/// As [`open`]; `ENOTDIR` where it is no folder.
pub fn open_folder(path: &Path) -> io::Result<File> {
    open_whatever(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY, 0)
}

/// Makes sure that a folder is there.
///
/// # Errors
/// As [`open`]; `ENOTDIR` where it is no folder.
pub fn require_folder(path: &Path) -> io::Result<()> {
    open_any(path, FOLDER, 0).map(drop)
}

/// Reads a file whole.
///
/// # Errors
/// As [`open`], and what reading said.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_to_read(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The names of what is in a folder.
///
/// # Errors
/// As [`open`], and what listing said.
pub fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    let entries = Dir::from_fd(open_folder(folder)?.into())?.into_iter();
    let names = entries.map(|entry| Ok(OsString::from_vec(entry?.file_name().to_bytes().to_vec())));
    let is_inside =
        |name: &io::Result<OsString>| !name.as_ref().is_ok_and(|name| name == "." || name == "..");
    names.filter(is_inside).collect()
}

/// What stands at a path; of a link there, the link itself.
///
/// # Errors
/// As [`open`].
pub fn metadata(path: &Path) -> io::Result<Metadata> {
    open_whatever(path, OFlag::O_PATH | OFlag::O_NOFOLLOW, 0)?.metadata()
}

/// Makes a folder, with what `mode` gives its owner, whatever the umask. It gets its name when its mode is right:
/// another process that finds it may enter it.
///
/// # Errors
/// As [`open`]; `EEXIST` where anything stands there.
pub fn create_folder(path: &Path, mode: u32) -> io::Result<()> {
    let draft = path.with_file_name(unused_name());
    let created = create_folder_at(&draft, mode).and_then(|()| rename_to_new(&draft, path));
    let Err(error) = created else { return Ok(()) };
    // Where it could not be made, nothing is there to be removed.
    let _ = remove_folder(&draft);
    if is_impossible(&error) { create_folder_at(path, mode) } else { Err(error) }
}

fn create_folder_at(path: &Path, mode: u32) -> io::Result<()> {
    in_folder(path, |folder, name| {
        mkdirat(folder, name, Mode::from_bits_truncate(mode))?;
        let now = fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW)?.st_mode;
        let Some(whole) = with_owner_bits(now & 0o7777, mode) else { return Ok(()) };
        let whole = Mode::from_bits_truncate(whole);
        fchmodat(folder, name, whole, FchmodatFlags::NoFollowSymlink)
    })
}

/// Makes a folder and those above it that are missing; one that is there keeps its mode.
///
/// # Errors
/// As [`open`]; `ENOTDIR` where something else stands there.
pub fn create_folders(path: &Path, mode: u32) -> io::Result<FolderCreateOutcome> {
    forget_folders();
    let existing = || require_folder(path).map(|()| FolderCreateOutcome::Existed);
    if path.file_name().is_none() {
        return existing();
    }
    match existing() {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        found => return found,
    }
    let created = match create_folder(path, mode) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), |above| create_folders(above, mode).map(drop))?;
            create_folder(path, mode)
        }
        created => created,
    };
    match created {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => existing(),
        created => created.map(|()| FolderCreateOutcome::Made),
    }
}

/// Whether a folder was made, or existed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderCreateOutcome {
    /// This call made it.
    Made,
    /// It existed, or another process made it at the same time.
    Existed,
}

/// Removes a file's name.
///
/// # Errors
/// As [`open`], and what the kernel said.
pub fn remove_file(path: &Path) -> io::Result<()> {
    in_folder(path, |folder, name| unlinkat(folder, name, UnlinkatFlags::NoRemoveDir))
}

/// Removes an empty folder.
///
/// # Errors
/// As [`open`], and what the kernel said.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    in_folder(path, |folder, name| unlinkat(folder, name, UnlinkatFlags::RemoveDir))
}

/// Renames a file, over whatever has the new name.
///
/// # Errors
/// As [`open`], and what the kernel said.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    between(from, to, |from, to| renameat(from.0, from.1, to.0, to.1))
}

/// Renames a file, never over another.
///
/// # Errors
/// As [`open`], and what the kernel said: `EINVAL` where the file system cannot do that.
pub fn rename_to_new(from: &Path, to: &Path) -> io::Result<()> {
    let flags = RenameFlags::RENAME_NOREPLACE;
    between(from, to, |from, to| renameat2(from.0, from.1, to.0, to.1, flags))
}

/// Gives a file one more name, which must be free.
///
/// # Errors
/// As [`open`], and what the kernel said.
pub fn link(from: &Path, to: &Path) -> io::Result<()> {
    between(from, to, |from, to| linkat(from.0, from.1, to.0, to.1, AtFlags::empty()))
}

/// A file by the folder that it is in, and its name there.
type FileNameInFolder<'a> = (BorrowedFd<'a>, &'a OsStr);

fn in_folder(path: &Path, act: impl FnOnce(&OwnedFd, &OsStr) -> nix::Result<()>) -> io::Result<()> {
    let (folder, name) = parts(path)?;
    Ok(act(&*opened(folder)?, name)?)
}

fn between<F>(from: &Path, to: &Path, act: F) -> io::Result<()>
where
    F: FnOnce(FileNameInFolder<'_>, FileNameInFolder<'_>) -> nix::Result<()>,
{
    let ((from, old), (to, new)) = (parts(from)?, parts(to)?);
    let first = opened(from)?;
    let second = if from == to { Rc::clone(&first) } else { opened(to)? };
    Ok(act((first.as_fd(), old), (second.as_fd(), new))?)
}

fn parts(path: &Path) -> io::Result<(&Path, &OsStr)> {
    let name = path.file_name().ok_or(Errno::EINVAL)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok((folder.unwrap_or(Path::new(".")), name))
}

pub(super) fn open_any(path: &Path, flags: OFlag, mode: u32) -> io::Result<OwnedFd> {
    let flags = flags | OFlag::O_CLOEXEC;
    let mode = Mode::from_bits_truncate(mode);
    if !IS_STEPWISE.load(Ordering::Relaxed) {
        let how = OpenHow::new().flags(flags).mode(mode).resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
        match openat2(AT_FDCWD, path, how) {
            Err(Errno::ENOSYS) => IS_STEPWISE.store(true, Ordering::Relaxed),
            // A sandbox may say so to every call that it does not know; the other way tells what is so.
            Err(Errno::EPERM) => {}
            opened => return Ok(opened?),
        }
    }
    Ok(open_stepwise(path, flags, mode)?)
}

/// Opens each folder on the way, none of them through a link.
fn open_stepwise(path: &Path, flags: OFlag, mode: Mode) -> nix::Result<OwnedFd> {
    let start = if path.is_absolute() { "/" } else { "." };
    let mut folder = openat(AT_FDCWD, start, FOLDER | OFlag::O_CLOEXEC, Mode::empty())?;
    let mut parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        Component::ParentDir => Some(OsStr::new("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    let mut next = parts.next();
    while let Some(name) = next {
        next = parts.next();
        let is_last = next.is_none();
        let flags = if is_last { flags } else { FOLDER | OFlag::O_CLOEXEC };
        let opened = openat(&folder, name, flags | OFlag::O_NOFOLLOW, mode);
        folder = opened.map_err(|errno| if_link(&folder, name, errno))?;
    }
    Ok(folder)
}

/// `ELOOP` where a link is what could not be opened as a folder, as openat2(2) says it.
fn if_link(folder: &OwnedFd, name: &OsStr, errno: Errno) -> Errno {
    let kind = || fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok().map(|stat| stat.st_mode);
    let is_link = |mode: u32| mode & nix::libc::S_IFMT == nix::libc::S_IFLNK;
    match errno {
        Errno::ENOTDIR if kind().is_some_and(is_link) => Errno::ELOOP,
        errno => errno,
    }
}

#[cfg(test)]
#[path = "nofollow_tests.rs"]
mod tests;
