//! Writing to a pipe or a device, which may have no reader: that never takes long.
//!
//! open(2) of a named pipe blocks until there is a reader (fifo(7)), and write(2) blocks while a
//! pipe is full. The guard's process holds its signals back, so it could not be stopped during such
//! a call. All calls here are therefore non-blocking, and give up after [`PATIENCE`].

use nix::{
    errno::Errno,
    libc::{O_NOCTTY, O_NONBLOCK},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    unistd::{AccessFlags, access},
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::{
        fd::AsFd,
        unix::fs::{FileTypeExt, OpenOptionsExt},
    },
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How long a reader may take to come, or to make room in a pipe that is full.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often to look whether a reader has come to a named pipe: nothing else tells a writer of that.
const PAUSE: Duration = Duration::from_millis(10);

/// Whether a path leads to an open file of this process, as `/dev/stdout` does: whatever is behind it, it is
/// a stream, and must be neither replaced nor cut.
///
/// The path itself and the target of a link are looked at, by their text: anything below `/proc` or
/// `/dev/fd` counts.
pub(super) fn is_descriptor(path: &Path) -> bool {
    let link = fs::read_link(path).unwrap_or_default();
    [path, &link].iter().any(|it| it.starts_with("/proc") || it.starts_with("/dev/fd"))
}

/// Whether it could be opened for writing, as far as this can be found out without a reader.
///
/// # Errors
/// `Unsupported` for a socket, else the error of stat(2) or access(2). A success is no promise: the
/// reader of a named pipe may never come.
pub(super) fn try_access(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.file_type().is_socket() {
        // No path to a socket can be opened (open(2), `ENXIO`).
        return Err(io::Error::new(ErrorKind::Unsupported, "it is a socket"));
    }
    Ok(access(path, AccessFlags::W_OK)?)
}

/// Writes all of `text` to the end of a pipe, a device or an open file.
///
/// # Errors
/// [`ErrorKind::TimedOut`] if no process reads, else the error of the system. A part of the text
/// may have been written by then.
pub(super) fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    let end = Instant::now() + PATIENCE;
    let mut stream = open(path, end)?;
    let mut rest = text;
    while !rest.is_empty() {
        match stream.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => await_room(&stream, end)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Opens it without waiting in the kernel, where no signal could end the wait: signals are held back here.
///
/// # Errors
/// `TimedOut` if a named pipe has no reader until `end`, else the error of open(2).
fn open(path: &Path, end: Instant) -> io::Result<File> {
    loop {
        let opened = OpenOptions::new().append(true).custom_flags(O_NONBLOCK | O_NOCTTY).open(path);
        match opened {
            // A named pipe without a reader (fifo(7)); to a pipe of one's own that has lost its, none comes.
            Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => {
                if is_descriptor(path) || Instant::now() >= end {
                    return Err(unread());
                }
                thread::sleep(PAUSE);
            }
            opened => return opened,
        }
    }
}

/// Waits until the stream can be written again, or until `end`.
///
/// # Errors
/// `TimedOut` if there is no room at `end`. A signal (`EINTR`) is no error: the caller tries to
/// write and comes back.
fn await_room(stream: &File, end: Instant) -> io::Result<()> {
    let left = end.saturating_duration_since(Instant::now());
    let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
    let mut fds = [PollFd::new(stream.as_fd(), PollFlags::POLLOUT)];
    match poll(&mut fds, timeout) {
        Ok(0) => Err(unread()),
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// The error for a stream that takes nothing within the limit.
fn unread() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "no process reads it")
}
