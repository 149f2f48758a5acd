//! A process that tells what a process group was sent.
//!
//! A signal says who sent it, but not whether to one process or to all of a group. The observer is in the group and
//! holds all signals back. Those that the group gets stay pending in it, where its parent reads them
//! (`proc_pid_status(5)`, `ShdPnd`). The kernel signals the members of a group one after the other, the youngest
//! first (`__kill_pgrp_info()` in Linux), so when the parent has a signal, the observer has it already.
//!
//! # Limits
//! A signal that is sent to the observer itself makes its parent believe that all have got it. So it carries
//! another name and other words than its parent, and programs that choose processes by name do not find it.
#![expect(unsafe_code, reason = "fork(2), and what its child may do in a program with threads")]

use super::{kill_child, process};
use nix::{
    fcntl::OFlag,
    libc,
    sys::{
        prctl,
        signal::{SigSet, SigmaskHow, Signal},
    },
    unistd::{ForkResult, Pid, fork, getpid, getppid, pipe2, write},
};
use std::{
    ffi::{CStr, CString},
    os::fd::{AsRawFd, OwnedFd, RawFd},
};

/// The name of an observer (proc(5), `comm`).
pub(super) const OBSERVER: &str = "group-observer";
const NAME: &CStr = c"group-observer";

/// How often an observer looks whether a command that was stopped has been continued, in milliseconds.
const LOOK: i32 = 100;

/// How many looks a parent has for stopping.
const LOOKS: u32 = 10;

/// A child in the process group of this process. It ends with this value, or with the thread that made it.
#[derive(Debug)]
pub(crate) struct GroupSignalObserver {
    pid: i32,
    orders: OwnedFd,
}

impl GroupSignalObserver {
    /// Starts one, for a parent that runs `command`; none where the kernel gives no process, or shows nothing of it.
    pub(crate) fn start(command: i32) -> Option<Self> {
        let (orders, end) = pipe2(OFlag::O_CLOEXEC).ok()?;
        let life = GroupSignalObserverSetup::of(orders.as_raw_fd(), command)?;
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK).ok()?;
        // SAFETY: the child calls `GroupSignalObserverSetup::lead` alone, which makes system calls and touches only its
        // own memory.
        let forked = unsafe { fork() };
        if let Ok(ForkResult::Child) = forked {
            life.lead();
        }
        // Setting a mask that was in force before cannot fail.
        let _ = before.thread_set_mask();
        let Ok(ForkResult::Parent { child }) = forked else { return None };
        let observer = Self { pid: child.as_raw(), orders: end };
        observer.noted().is_some().then_some(observer)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// The signals that the group has got since the observer was started; none where it has ended.
    pub(crate) fn noted(&self) -> Option<u64> {
        process::pending_signals(self.pid)
    }

    /// Has this process continued (SIGCONT), once it has stopped, as soon as its command is not stopped any more.
    pub(crate) fn continue_with_command(&self) {
        // If it fails, a user has to continue this process.
        let _ = write(&self.orders, &[1]);
    }
}

impl Drop for GroupSignalObserver {
    fn drop(&mut self) {
        kill_child(self.pid);
    }
}

/// All that an observer needs, made before it is started.
struct GroupSignalObserverSetup {
    parent: Pid,
    orders: RawFd,
    /// The files that tell whether the parent and its command are stopped.
    states: [CString; 2],
    /// Where the words of this program are in memory, and what is to be there.
    words: (usize, usize),
    title: Vec<u8>,
}

impl GroupSignalObserverSetup {
    fn of(orders: RawFd, command: i32) -> Option<Self> {
        let parent = getpid();
        let state = |pid: i32| CString::new(format!("/proc/{pid}/stat")).ok();
        Some(Self {
            parent,
            orders,
            states: [state(parent.as_raw())?, state(command)?],
            words: process::place_of_words()?,
            title: format!("{OBSERVER} of {parent}").into_bytes(),
        })
    }

    /// What an observer does, in a process that has one thread and may have been cut off from others in the middle
    /// of anything: no memory is allocated, and nothing is dropped.
    fn lead(&self) -> ! {
        let dies_too = prctl::set_pdeathsig(Signal::SIGKILL).is_ok() && getppid() == self.parent;
        if dies_too {
            let _ = prctl::set_name(NAME);
            self.take_title();
            // SAFETY: these take integers. All files but the one that orders come from are closed: the ticket of a
            // lock is among them.
            unsafe {
                libc::dup2(self.orders, 0);
                libc::syscall(libc::SYS_close_range, 1, libc::c_uint::MAX, 0);
            }
            while is_ordered() {
                self.wait_for_command();
            }
        }
        // SAFETY: it ends this process, without running anything.
        unsafe { libc::_exit(0) }
    }

    fn take_title(&self) {
        let (start, end) = self.words;
        for (at, place) in (start..end).enumerate() {
            let byte = self.title.get(at).copied().unwrap_or(0);
            // SAFETY: the kernel says that the program's words are from `start` to `end`, on the stack; this process
            // does not read them any more.
            unsafe { std::ptr::without_provenance_mut::<u8>(place).write_volatile(byte) };
        }
    }

    /// Continues the parent, once it has stopped and the command is not stopped any more.
    fn wait_for_command(&self) {
        let [parent, command] = &self.states;
        let mut looks = 0;
        while looks < LOOKS && !is_stopped(parent) {
            if !rest() {
                return;
            }
            looks += 1;
        }
        while is_stopped(parent) && is_stopped(command) {
            if !rest() {
                return;
            }
        }
        // It may have been continued by another process meanwhile.
        if is_stopped(parent) {
            super::send(self.parent.as_raw(), Signal::SIGCONT.into());
        }
    }
}

/// Waits for an order; false where there will be none.
fn is_ordered() -> bool {
    let mut order = 0u8;
    // SAFETY: the buffer is one byte long.
    unsafe { libc::read(0, (&raw mut order).cast(), 1) == 1 }
}

/// Waits for a moment; false where the parent has closed its end.
fn rest() -> bool {
    let mut orders = libc::pollfd { fd: 0, events: 0, revents: 0 };
    // SAFETY: one descriptor is given.
    unsafe { libc::poll(&raw mut orders, 1, LOOK) == 0 }
}

/// Whether a process is stopped, by its `stat` file. One that is gone is not.
fn is_stopped(path: &CStr) -> bool {
    let mut text = [0u8; 128];
    // SAFETY: the path ends in NUL, and the buffer is as long as is said.
    let read = unsafe {
        let file = libc::open(path.as_ptr(), libc::O_RDONLY);
        let read = libc::read(file, text.as_mut_ptr().cast(), text.len());
        libc::close(file);
        read
    };
    let text = usize::try_from(read).ok().and_then(|read| text.get(..read)).unwrap_or_default();
    let state = text.iter().rposition(|it| *it == b')').and_then(|end| text.get(end + 2));
    matches!(state, Some(b'T' | b't'))
}

#[cfg(test)]
mod tests {
    use super::{super::SignalNumber, *};
    use nix::sys::signal::kill;

    fn bit(signal: Signal) -> u64 {
        SignalNumber::from(signal).bit()
    }

    #[test]
    fn it_notes_what_it_is_sent_and_nothing_else() {
        let observer = GroupSignalObserver::start(1).unwrap();
        assert_eq!(observer.noted(), Some(0), "nothing is sent yet");
        for signal in [Signal::SIGTERM, Signal::SIGCONT, Signal::SIGCHLD] {
            kill(Pid::from_raw(observer.pid()), signal).unwrap();
        }
        let sent = bit(Signal::SIGTERM) | bit(Signal::SIGCONT) | bit(Signal::SIGCHLD);
        assert_eq!(observer.noted(), Some(sent), "also what is ignored by default");
    }

    #[test]
    fn it_goes_by_another_name_and_has_no_file_of_its_parent() {
        let observer = GroupSignalObserver::start(1).unwrap();
        let read = |name: &str| std::fs::read(format!("/proc/{}/{name}", observer.pid()));
        let fds = || std::fs::read_dir(format!("/proc/{}/fd", observer.pid())).unwrap().count();
        while fds() != 1 {
            std::thread::yield_now();
        }
        assert_eq!(read("comm").unwrap(), b"group-observer\n");
        let words = String::from_utf8(read("cmdline").unwrap()).unwrap();
        let title = format!("group-observer of {}", getpid());
        assert!(title.starts_with(words.trim_end_matches('\0')), "{words:?}");
        let pid = observer.pid();
        drop(observer);
        assert!(process::pending_signals(pid).is_none(), "it ends with its value");
    }
}
