use super::{Seat, stopping::Rest};
use crate::sys::{self, FileId};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::{Pid, getpgrp, getpid},
};

/// All processes of a command, as far as they can be reached.
///
/// Most are in its group. Others have left it: a program with jobs of its own, or another supervisor, which
/// gives its command a group. These are the strays. A supervisor passes on what it is told as long as it
/// lives, but it may be killed, and then nothing but the inherited ticket leads to what it started.
#[derive(Clone, Debug)]
pub(super) struct Crew {
    pub(super) seat: Seat,
    /// The process that the guard started.
    pub(super) command: Pid,
    /// The tickets that the command inherited: who has one open for writing is of the crew, wherever it is.
    /// Those who wait in line have it open for reading.
    pub(super) tickets: Vec<FileId>,
    /// Another file that the command inherited; who has it open, in the guard's own group, is of the crew.
    pub(super) mark: Option<FileId>,
}

impl Crew {
    /// Passes a signal on.
    ///
    /// In a terminal's job the group also has the guard itself, and what stands beside it in a pipeline or
    /// a script; so there the command's descendants in the group are sought out.
    pub(super) fn forward(&self, signal: Signal) {
        // Those that have ended meanwhile need no signal.
        match self.seat {
            Seat::OwnGroup => drop(killpg(self.command, signal)),
            Seat::Terminal => send(&sys::tree_in_group(self.command.as_raw()), signal),
        }
    }

    /// Sends a signal to all that is left of the command in its group.
    pub(super) fn send_to_group(&self, signal: Signal) {
        match self.seat {
            Seat::OwnGroup => drop(killpg(self.command, signal)),
            Seat::Terminal => send(&self.in_group(), signal),
        }
    }

    /// Sends a signal to those that have left the group.
    pub(super) fn tell_strays(&self, signal: Signal) {
        send(&self.strays(), signal);
    }

    /// Kills all that is left of the command, and all that it started.
    pub(super) fn kill(&self) {
        // Sought first: what has lost its parent is harder to find.
        let mut all = self.in_group();
        all.extend(self.strays());
        self.send_to_group(Signal::SIGKILL);
        send(&all, Signal::SIGKILL);
    }

    /// What is left of the command, now that its first process has ended.
    pub(super) fn rest(&self) -> Rest {
        if !self.in_group().is_empty() {
            return Rest::Members;
        }
        if self.strays().is_empty() { Rest::Nobody } else { Rest::Strays }
    }

    /// The processes of the command that have not ended and are in its group. In a terminal's job these are
    /// the descendants, and those of the group whose parent has ended, by a file that they have open.
    fn in_group(&self) -> Vec<i32> {
        let command = self.command.as_raw();
        if self.seat == Seat::OwnGroup {
            return sys::group(command);
        }
        let mut members = sys::tree_in_group(command);
        members.retain(|pid| *pid != command || sys::is_running(*pid));
        let me = getpid().as_raw();
        let strangers = sys::group(getpgrp().as_raw()).into_iter();
        let strangers = strangers.filter(|pid| *pid != me && !members.contains(pid));
        let is_ours = |pid: &i32| {
            sys::writes_any(*pid, &self.tickets)
                || self.mark.is_some_and(|mark| sys::has(*pid, mark))
        };
        let ours: Vec<i32> = strangers.filter(is_ours).collect();
        members.extend(ours);
        members
    }

    /// The processes of the command that have not ended and have left its group: those that have its ticket,
    /// and what any of its processes started.
    fn strays(&self) -> Vec<i32> {
        let grouped = self.in_group();
        let mut seeds = sys::writers_of(&self.tickets);
        seeds.extend(&grouped);
        seeds.push(self.command.as_raw());
        let me = getpid().as_raw();
        seeds.retain(|pid| *pid != me);
        let mut strays = sys::started_by(seeds);
        strays.retain(|pid| *pid != me && !grouped.contains(pid));
        strays
    }
}

fn send(pids: &[i32], signal: Signal) {
    for pid in pids {
        let _ = kill(Pid::from_raw(*pid), signal);
    }
}
