#![expect(unsafe_code, reason = "nix does not have posix_spawn_file_actions_addchdir_np(3)")]

use nix::{errno::Errno, libc, spawn::PosixSpawnFileActions};
use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsRawFd, OwnedFd, RawFd},
        unix::ffi::OsStringExt,
    },
    path::PathBuf,
};

/// What a command starts with, apart from its words and environment. By default: the folder and the
/// standard streams of this process, and nothing else.
#[derive(Debug, Default)]
pub struct SpawnSettings {
    /// The working folder; none means that of this process.
    pub folder: Option<PathBuf>,
    /// The standard input; none means that of this process. So with the next two.
    pub input: Option<OwnedFd>,
    /// The standard output.
    pub output: Option<OwnedFd>,
    /// The standard error output.
    pub errors: Option<OwnedFd>,
    /// A file that the command and all its descendants inherit, under a number that scripts do not use. Like a
    /// lock's ticket, it distinguishes the command's processes from others of the same process group; no other
    /// process may have it open.
    pub mark: Option<OwnedFd>,
    /// Files with kernel locks that live as long as any process of the command: it inherits them like the
    /// ticket.
    pub inherited: Vec<OwnedFd>,
}

impl SpawnSettings {
    /// Adds what the new process does about its folder and streams before it becomes the command.
    pub(super) fn add_to(&self, actions: &mut PosixSpawnFileActions) -> io::Result<()> {
        if let Some(folder) = &self.folder {
            add_chdir(actions, folder.clone())?;
        }
        let streams = [(&self.input, 0), (&self.output, 1), (&self.errors, 2)];
        for (stream, number) in streams {
            if let Some(stream) = stream {
                actions.add_dup2(above_streams(stream)?, number)?;
            }
        }
        Ok(())
    }
}

/// The number of a stream's descriptor. One that has the number of a standard stream itself, which happens
/// only where this process was started without one, could be overwritten before it is copied.
fn above_streams(stream: &OwnedFd) -> io::Result<RawFd> {
    let number = stream.as_raw_fd();
    if number > 2 {
        return Ok(number);
    }
    Err(io::Error::other("a standard stream of this process is closed"))
}

/// Changes the folder in the new process alone: that of this process is shared by all its threads, and every
/// relative path in it depends on that.
fn add_chdir(actions: &mut PosixSpawnFileActions, folder: PathBuf) -> io::Result<()> {
    let folder = CString::new(folder.into_os_string().into_vec())?;
    let actions: *mut PosixSpawnFileActions = actions;
    // SAFETY: nix's type is `repr(transparent)` over libc's and is initialised by its only constructor; the
    // call copies the path and keeps no pointer.
    let code =
        unsafe { libc::posix_spawn_file_actions_addchdir_np(actions.cast(), folder.as_ptr()) };
    if code == 0 { Ok(()) } else { Err(Errno::from_raw(code).into()) }
}
