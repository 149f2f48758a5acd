//! The entry point on Linux with glibc: C's `main`, without Rust's runtime around it.
//!
//! The runtime reads `/proc/self/maps` to find the main thread's stack, so that it can name a stack
//! overflow before the process dies of it; that costs as much as all of Lokt's own file operations
//! (`docs/decisions/0002-entry-point.md`). What else the runtime does at the start is done here.
#![cfg(all(not(test), target_os = "linux", target_env = "gnu"))]
#![expect(unsafe_code, reason = "C's main has a fixed name, and fcntl(2) takes any descriptor")]

use crate::{exit::ExitCode, failure::CliFailure};
use nix::{
    libc,
    sys::resource::{Resource, getrlimit},
};
use std::{
    fs::{File, OpenOptions},
    os::fd::{AsRawFd, IntoRawFd},
};

/// The code of a program that panicked, as Rust's runtime gives it.
const PANICKED: u8 = 101;

/// The stack that the program needs, with room to spare.
const STACK: u64 = 512 * 1024;

// SAFETY: no other item of the program is called `main`, and this has the signature that C gives it. The
// arguments are not needed: glibc gives them to Rust's library before `main`.
#[unsafe(no_mangle)]
extern "C" fn main(_count: i32, _arguments: *const *const u8) -> i32 {
    if !fill_standard_streams() {
        return 1;
    }
    lokt_lock::sys::set_dispositions();
    if let Some(stack) = stack_that_is_too_small() {
        let text = format!("the stack may have {stack} bytes (ulimit -s), and lokt needs {STACK}");
        return crate::output::fail(&CliFailure::new(ExitCode::Error, text)).number().into();
    }
    // The panic message is on stderr by then.
    std::panic::catch_unwind(crate::run).unwrap_or(PANICKED).into()
}

/// The limit of the stack, where it is so low that the program would die in the middle of something.
fn stack_that_is_too_small() -> Option<u64> {
    let (limit, _) = getrlimit(Resource::RLIMIT_STACK).ok()?;
    (limit < STACK).then_some(limit)
}

/// Opens `/dev/null` in place of standard streams that are closed: else the next file that is opened, a
/// latch maybe, would be stderr. Where there is no such device, the folder `/` does as well: nothing can be read from
/// it and nothing written to it. False where a stream stays closed.
fn fill_standard_streams() -> bool {
    loop {
        let null = OpenOptions::new().read(true).write(true).open("/dev/null");
        let Ok(stream) = null.or_else(|_| File::open("/")) else {
            return standard_streams_are_open();
        };
        if stream.as_raw_fd() > 2 {
            return true;
        }
        // It stays open for good.
        let _ = stream.into_raw_fd();
    }
}

/// Whether the descriptors 0, 1 and 2 are all open.
fn standard_streams_are_open() -> bool {
    // SAFETY: F_GETFD takes no third argument and touches no memory.
    (0..=2).all(|stream| unsafe { libc::fcntl(stream, libc::F_GETFD) } >= 0)
}
