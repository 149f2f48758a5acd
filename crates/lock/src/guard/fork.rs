//! Starting a command that has to be what `posix_spawn(3)` cannot make it: one that ignores the ends of its children,
//! or that is signalled at the death of its parent.
#![expect(unsafe_code, reason = "what a child does before exec(3) has no safe form")]

use super::GuardedCommand;
use crate::sys;
use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::{
        prctl,
        signal::{SigSet, Signal},
    },
    unistd::{Pid, getpid, getppid},
};
use std::{
    io,
    os::{
        fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd},
        unix::process::CommandExt,
    },
    process,
};

/// What a new process does before it becomes the command.
pub(super) struct PreExecSetup {
    /// The files that it inherits.
    descriptors: Vec<RawFd>,
    mask: SigSet,
    /// The signal that it gets when its parent dies.
    at_death: Option<Signal>,
    parent: Pid,
}

impl PreExecSetup {
    pub(super) fn new(inherited: &[OwnedFd], mask: SigSet, at_death: Option<Signal>) -> Self {
        let descriptors = inherited.iter().map(AsRawFd::as_raw_fd).collect();
        Self { descriptors, mask, at_death, parent: getpid() }
    }

    fn run(&self) -> io::Result<()> {
        for descriptor in &self.descriptors {
            // SAFETY: the parent keeps it open until this process has become the command.
            let descriptor = unsafe { BorrowedFd::borrow_raw(*descriptor) };
            fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        if let Some(signal) = self.at_death {
            prctl::set_pdeathsig(signal)?;
            if getppid() != self.parent {
                // It has died before that, and nothing will tell.
                return Err(io::ErrorKind::Interrupted.into());
            }
        }
        sys::restore_dispositions();
        Ok(self.mask.thread_set_mask()?)
    }
}

impl GuardedCommand {
    pub(super) fn start_by_fork(&self, preparation: PreExecSetup) -> io::Result<Pid> {
        let mut words = self.words.iter();
        let mut command = process::Command::new(words.next().ok_or(io::ErrorKind::NotFound)?);
        command.args(words).env_clear();
        // Of equal names, the first counts in a C program, and here the last.
        command.envs(self.environment.iter().rev().map(|(name, value)| (name, value)));
        let setting = &self.setting;
        if let Some(folder) = &setting.folder {
            command.current_dir(folder);
        }
        if let Some(input) = &setting.input {
            command.stdin(input.try_clone()?);
        }
        if let Some(output) = &setting.output {
            command.stdout(output.try_clone()?);
        }
        if let Some(errors) = &setting.errors {
            command.stderr(errors.try_clone()?);
        }
        // SAFETY: between fork(2) and exec(3) only system calls are made, and no memory is allocated: an error is one
        // of the operating system's, which holds a number alone.
        unsafe { command.pre_exec(move || preparation.run()) };
        let child = command.spawn()?;
        i32::try_from(child.id()).map(Pid::from_raw).map_err(io::Error::other)
    }
}
