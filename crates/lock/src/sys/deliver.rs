#![expect(
    unsafe_code,
    reason = "nix sends no real-time signals, and cannot only ask for an action"
)]

use super::SignalNumber;
use nix::{libc, sys::signal::Signal};
use std::mem::MaybeUninit;

/// Sends a signal to a process. One that has ended meanwhile, or that may not be signalled, needs or gets none.
pub(crate) fn send(pid: i32, signal: SignalNumber) {
    // SAFETY: kill(2) takes two integers.
    let _ = unsafe { libc::kill(pid, signal.get()) };
}

/// Sends a signal to a process group.
pub(crate) fn send_to_group(group: i32, signal: SignalNumber) {
    // SAFETY: kill(2) takes two integers.
    let _ = unsafe { libc::killpg(group, signal.get()) };
}

/// Whether this process was told to ignore a signal (`nohup`, a background job of a script). One that is
/// ignored is still seen where it is held back.
pub(crate) fn is_ignored(signal: SignalNumber) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: no new action is given, and the place for the present one is large enough. All zeroes is a
    // valid value too, so it may be read whatever the call did.
    let action = unsafe {
        libc::sigaction(signal.get(), std::ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

/// Lets a signal that is held back through, and sends it to this thread. Returns where it does not end the
/// process; it is let through from then on.
pub(crate) fn raise_through(signal: SignalNumber) {
    let mut only = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: `only` is a signal set, which the first call makes an empty one; the others take integers, and
    // null for the old mask, which is allowed.
    unsafe {
        libc::sigemptyset(only.as_mut_ptr());
        libc::sigaddset(only.as_mut_ptr(), signal.get());
        libc::pthread_sigmask(libc::SIG_UNBLOCK, only.as_ptr(), std::ptr::null_mut());
        libc::raise(signal.get());
    }
}

/// Stops this process as a terminal's stop signal does by default: not where its process group is orphaned, so
/// that no process could continue it (`setpgid(2)`). Returns when it has been continued. The signal is held
/// back again.
pub(crate) fn stop_by(signal: Signal) {
    // SAFETY: the default action is no handler, so no code runs in signal context.
    let _ = unsafe { libc::signal(signal as i32, libc::SIG_DFL) };
    raise_through(signal.into());
    // Where it fails, the next one stops this process at once.
    let _ = nix::sys::signal::SigSet::from(signal).thread_block();
}
