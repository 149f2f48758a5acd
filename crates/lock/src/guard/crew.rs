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
    /// What the command inherited: who has any of it open is of the crew, wherever it went.
    pub(super) inherited: Inherited,
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

    /// Sends a signal to all that is left of the command.
    pub(super) fn send_to_all(&self, signal: Signal) {
        let near = self.near();
        let far = self.far(&near);
        match self.seat {
            // At once: nothing can be started in the group meanwhile that the signal does not reach.
            Seat::OwnGroup => drop(killpg(self.command, signal)),
            Seat::Terminal => send(&near, signal),
        }
        send(&far, signal);
    }

    /// The processes of the command that have not ended.
    pub(super) fn members(&self) -> Vec<i32> {
        let near = self.near();
        let far = self.far(&near);
        [near, far].concat()
    }

    /// Those of its group; in a terminal's job, its descendants there.
    fn near(&self) -> Vec<i32> {
        let command = self.command.as_raw();
        let mut near = match self.seat {
            Seat::OwnGroup => sys::group(command),
            Seat::Terminal => sys::tree_in_group(command),
        };
        near.retain(|pid| *pid != command || sys::is_running(*pid));
        near
    }

    /// Those that are elsewhere and are told by what they have open: what timeout(1) runs, the command of a guard
    /// inside, children whose parent has ended.
    fn far(&self, near: &[i32]) -> Vec<i32> {
        let me = nix::unistd::getpid().as_raw();
        let others = sys::all().filter(|pid| *pid != me && !near.contains(pid));
        others.filter(|pid| self.inherited.is_open_in(*pid)).collect()
    }
}

/// The files by which a command's processes are told from all others.
#[derive(Clone, Debug, Default)]
pub(super) struct Inherited {
    /// Tickets. Those who wait for one have it open too, for reading.
    pub(super) tickets: Vec<FileId>,
    /// A file that nobody else has open.
    pub(super) mark: Option<FileId>,
}

impl Inherited {
    fn is_open_in(&self, pid: i32) -> bool {
        let is_ours = |file: FileId, writable: bool| {
            self.mark == Some(file) || (writable && self.tickets.contains(&file))
        };
        sys::has_any(pid, is_ours)
    }
}

fn send(pids: &[i32], signal: Signal) {
    for pid in pids {
        let _ = kill(Pid::from_raw(*pid), signal);
    }
}
