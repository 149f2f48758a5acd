#![expect(unsafe_code, reason = "nix marks signal(2) unsafe, because a handler could be given")]

use nix::sys::signal::{SigHandler, Signal, signal};

/// Lets this process learn of its children's ends, whatever its parent set: where `SIGCHLD` is ignored,
/// the kernel collects them unseen, and their exit codes with them (wait(2), "Notes").
pub(crate) fn expect_children() {
    // SAFETY: the default action is no handler, so no code runs in signal context.
    let _ = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
}
