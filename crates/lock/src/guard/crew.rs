use super::Seat;
use crate::sys::{self, FileId};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

/// All processes of a command, as far as they can be reached.
#[derive(Clone, Debug)]
pub(super) struct Crew {
    pub(super) seat: Seat,
    /// The process that the guard started.
    pub(super) command: Pid,
    /// The tickets that the command inherited: who has one open is of the crew.
    pub(super) tickets: Vec<FileId>,
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
    pub(super) fn send_to_all(&self, signal: Signal) {
        match self.seat {
            Seat::OwnGroup => drop(killpg(self.command, signal)),
            Seat::Terminal => send(&self.members(), signal),
        }
    }

    /// The processes of the command that have not ended. In a terminal's job these are the descendants, and
    /// those of the group whose parent has ended, by the ticket that they have open.
    pub(super) fn members(&self) -> Vec<i32> {
        let command = self.command.as_raw();
        match self.seat {
            Seat::OwnGroup => sys::group(command),
            Seat::Terminal => {
                let mut members = sys::tree_in_group(command);
                members.retain(|pid| *pid != command || sys::is_running(*pid));
                let me = nix::unistd::getpid().as_raw();
                let strangers = sys::group(nix::unistd::getpgrp().as_raw()).into_iter();
                let kept = strangers.filter(|pid| *pid != me && !members.contains(pid));
                let kept: Vec<i32> = kept.filter(|pid| sys::has_any(*pid, &self.tickets)).collect();
                members.extend(kept);
                members
            }
        }
    }
}

fn send(pids: &[i32], signal: Signal) {
    for pid in pids {
        let _ = kill(Pid::from_raw(*pid), signal);
    }
}
