//! The entry point on Linux with glibc: C's `main`, without Rust's runtime around it.
//!
//! The runtime reads `/proc/self/maps` to find the main thread's stack, so that it can name a stack
//! overflow before the process dies of it; that costs as much as all of Lokt's own file operations
//! (`docs/decisions/0002-entry-point.md`). What else the runtime does at the start is done here.
#![cfg(all(not(test), target_os = "linux", target_env = "gnu"))]
#![expect(unsafe_code, reason = "C's main has a fixed name")]

use std::{
    fs::OpenOptions,
    os::fd::{AsRawFd, IntoRawFd},
};

/// The code of a program that panicked, as Rust's runtime gives it.
const PANICKED: u8 = 101;

// SAFETY: no other item of the program is called `main`, and this has the signature that C gives it. The
// arguments are not needed: glibc gives them to Rust's library before `main`.
#[unsafe(no_mangle)]
extern "C" fn main(_count: i32, _arguments: *const *const u8) -> i32 {
    fill_standard_streams();
    lokt_lock::sys::set_dispositions();
    // The panic message is on stderr by then.
    std::panic::catch_unwind(crate::run).unwrap_or(PANICKED).into()
}

/// Opens `/dev/null` in place of standard streams that are closed: else the next file that is opened, a
/// latch maybe, would be stderr.
fn fill_standard_streams() {
    loop {
        let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") else {
            return;
        };
        if null.as_raw_fd() > 2 {
            return;
        }
        // It stays open for good.
        let _ = null.into_raw_fd();
    }
}
