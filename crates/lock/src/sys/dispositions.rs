//! What this process does about signals that differs from what it was started with, and how a command that it
//! starts gets what was there before.
#![expect(unsafe_code, reason = "signal(2) could be given a handler")]

use super::{SignalNumber, is_ignored};
use nix::{
    libc,
    sys::signal::{SigHandler, SigSet, Signal, signal},
};
use std::sync::atomic::{AtomicU64, Ordering};

/// The signals that this program ignores for itself: a write to a closed pipe, or past the limit for the size of a
/// file, is an error then, which is dealt with where it happens.
const IGNORED: [Signal; 2] = [Signal::SIGPIPE, Signal::SIGXFSZ];

/// The signals whose disposition is or may be no longer what it was at the start, and those of them that were
/// ignored then; as sets of bits.
static CHANGED: AtomicU64 = AtomicU64::new(0);
static IGNORED_BEFORE: AtomicU64 = AtomicU64::new(0);

/// Sets, in this process alone, the dispositions that this program needs. To be called first of all.
pub fn set_dispositions() {
    for ignored in IGNORED {
        change(ignored, SigHandler::SigIgn);
    }
    expect_children();
}

/// Lets this process learn of its children's ends, whatever its parent set: where `SIGCHLD` is ignored,
/// the kernel collects them unseen, and their exit codes with them (wait(2), "Notes").
pub(crate) fn expect_children() {
    change(Signal::SIGCHLD, SigHandler::SigDfl);
}

fn change(changed: Signal, handler: SigHandler) {
    // SAFETY: no handler is given but the default action and to ignore, so no code runs in signal context.
    if let Ok(before) = unsafe { signal(changed, handler) } {
        note(changed, matches!(before, SigHandler::SigIgn));
    }
}

/// Notes what a signal's disposition is, before it is changed in this process for the first time.
pub fn remember(signal: Signal) {
    if CHANGED.load(Ordering::SeqCst) & SignalNumber::from(signal).bit() == 0 {
        note(signal, is_ignored(signal.into()));
    }
}

fn note(signal: Signal, is_ignored: bool) {
    let bit = SignalNumber::from(signal).bit();
    if CHANGED.fetch_or(bit, Ordering::SeqCst) & bit == 0 && is_ignored {
        IGNORED_BEFORE.fetch_or(bit, Ordering::SeqCst);
    }
}

/// The signals that a command must get with their default action, though this process has another. Those that it
/// must ignore, it inherits; that is seen to here.
pub(crate) fn prepare_for_spawn() -> SigSet {
    let mut defaults: SigSet = changed().filter(|it| !was_ignored(*it)).collect();
    if CHANGED.load(Ordering::SeqCst) & SignalNumber::from(Signal::SIGPIPE).bit() == 0 {
        // Rust's runtime ignores it before anything else can look.
        defaults.add(Signal::SIGPIPE);
    }
    let defaults = with_internal(defaults);
    for ignored in changed().filter(|it| was_ignored(*it) && *it != Signal::SIGCHLD) {
        // SAFETY: to ignore is no handler, so no code runs in signal context.
        let _ = unsafe { signal(ignored, SigHandler::SigIgn) };
    }
    defaults
}

/// Whether `SIGCHLD` was ignored: the one signal that a child cannot inherit as ignored from a process which has to
/// learn of its end.
pub(crate) fn ignores_children() -> bool {
    was_ignored(Signal::SIGCHLD)
}

/// Gives all dispositions that were changed back what they were. It is for a process that is about to become another
/// program: a child between fork(2) and exec(3) too, for it makes only system calls.
pub fn restore() {
    for changed in changed() {
        let handler = if was_ignored(changed) { SigHandler::SigIgn } else { SigHandler::SigDfl };
        // SAFETY: neither is a handler, so no code runs in signal context.
        let _ = unsafe { signal(changed, handler) };
    }
}

/// The signals that the C library keeps for itself.
#[cfg(target_env = "gnu")]
const INTERNAL: [i32; 2] = [32, 33];

/// Adds the C library's own signals, unless they are ignored: its `posix_spawn(3)` has every program ignore them for
/// which nothing else is said (`__spawni_child()` in glibc).
#[cfg(target_env = "gnu")]
fn with_internal(defaults: SigSet) -> SigSet {
    let mut set = *defaults.as_ref();
    for number in INTERNAL {
        let mut action = [0u64; 4];
        // SAFETY: no new action is given; the kernel's answer has four words, of which the first is the handler, 1 for
        // SIG_IGN. The set has 1024 bits, of which the kernel's 64 are the first.
        unsafe {
            libc::syscall(libc::SYS_rt_sigaction, number, 0, action.as_mut_ptr(), 8);
            if action.first() != Some(&1) {
                *(&raw mut set).cast::<u64>() |= 1 << (number - 1);
            }
        }
    }
    // SAFETY: it was a signal set, and is one with two more bits.
    unsafe { SigSet::from_sigset_t_unchecked(set) }
}

#[cfg(not(target_env = "gnu"))]
fn with_internal(defaults: SigSet) -> SigSet {
    defaults
}

fn changed() -> impl Iterator<Item = Signal> {
    let changed = CHANGED.load(Ordering::SeqCst);
    Signal::iterator().filter(move |it| changed & SignalNumber::from(*it).bit() != 0)
}

fn was_ignored(signal: Signal) -> bool {
    IGNORED_BEFORE.load(Ordering::SeqCst) & SignalNumber::from(signal).bit() != 0
}
