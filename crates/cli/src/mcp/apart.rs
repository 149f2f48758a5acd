//! The sessions of the programs that are started for a client: separate ones, which end with the
//! server.
#![expect(unsafe_code, reason = "what a child does before exec(3) has no safe form")]

use lokt_lock::sys;
use nix::{
    sys::{prctl, signal::Signal},
    unistd::{Pid, getppid, setsid},
};
use std::io;
use tokio::process::Command;

/// Starts a command in a separate session, where it can neither read nor stop the terminal that its
/// client draws on. It gets SIGTERM when this process is killed.
pub(super) fn set_apart(command: &mut Command) {
    let me = nix::unistd::getpid();
    // SAFETY: between fork(2) and exec(3) only async-signal-safe system calls are made, and no memory is
    // allocated: an error is one of the operating system's, which holds a number alone.
    unsafe { command.pre_exec(move || leave(me)) };
}

/// The signals that end the server, for which the runtime sets handlers.
const CHANGED: [Signal; 3] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];

/// Notes what was done about signals before, so that the programs that are started get that. To be called before the
/// runtime changes it.
pub(super) fn remember_dispositions() {
    CHANGED.into_iter().for_each(sys::remember);
}

/// Runs in the child between fork(2) and exec(3): original signal dispositions, a new session, and
/// SIGTERM at the end of the parent. An error ends the child.
fn leave(parent: Pid) -> io::Result<()> {
    sys::restore_dispositions();
    setsid()?;
    prctl::set_pdeathsig(Signal::SIGTERM)?;
    // The parent may have been killed before that; then the kernel sends no signal.
    if getppid() == parent { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
}
