#![expect(unsafe_code, reason = "pidfd_open(2) has no wrapper in nix or std")]

use nix::libc;
use std::{
    io,
    os::fd::{FromRawFd, OwnedFd},
};

/// Opens a descriptor that becomes readable when the process ends (`pidfd_open(2)`, Linux 5.3).
pub(crate) fn watch_exit(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two integers, touches no memory of ours and sets close-on-exec by itself.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, libc::c_long::from(pid), 0) };
    match i32::try_from(fd) {
        // SAFETY: a non-negative result is a descriptor that the kernel just gave to us alone.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}
