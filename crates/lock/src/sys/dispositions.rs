#![expect(unsafe_code, reason = "sigaction(2) could be given a handler, and nix cannot only ask")]

use nix::{
    libc,
    sys::signal::{SigHandler, Signal, signal},
};
use std::mem::MaybeUninit;

/// Lets this process learn of its children's ends, whatever its parent set: where `SIGCHLD` is ignored,
/// the kernel collects them unseen, and their exit codes with them (wait(2), "Notes").
pub(crate) fn expect_children() {
    // SAFETY: the default action is no handler, so no code runs in signal context.
    let _ = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
}

/// Whether this process was told to ignore a signal (`nohup`, a background job of a script). One that is
/// ignored is still seen where it is held back.
pub(crate) fn is_ignored(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: no new action is given, and the place for the present one is large enough. All zeroes is a
    // valid value too, so it may be read whatever the call did.
    let action = unsafe {
        libc::sigaction(signal as libc::c_int, std::ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}
