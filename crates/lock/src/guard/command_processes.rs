use super::stop_sequence::RemainingProcesses;
use crate::sys::{self, FileId, Process, SignalNumber};
use nix::{
    sys::signal::Signal,
    unistd::{getpgrp, getpid},
};

/// The signals that stop a process by default (signal(7)).
const STOPS: [Signal; 4] = [Signal::SIGSTOP, Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU];

/// All processes of a command, as far as they can be found.
///
/// Their process group is the one of the guard's caller, with others in it, so it tells nothing. The command's
/// processes have the ticket that they inherited open for writing, or descend from one that has. A waiter has
/// the ticket open for reading.
#[derive(Clone, Debug)]
pub(super) struct CommandProcesses {
    /// The process that the guard started.
    pub(super) command: i32,
    /// The tickets that the command inherited.
    pub(super) tickets: Vec<FileId>,
    /// Another file that the command inherited, and that no other process has open.
    pub(super) mark: Option<FileId>,
    /// The child of the guard that does not belong to the command.
    pub(super) observer: Option<i32>,
    /// Those that got SIGTERM. One whose parent has ended and that has closed the ticket is not found any more.
    signaled: Vec<Process>,
    /// Whether the command that no table shows got SIGTERM.
    signaled_unseen: bool,
}

impl CommandProcesses {
    pub(super) fn new(command: i32, tickets: Vec<FileId>, mark: Option<FileId>) -> Self {
        Self {
            command,
            tickets,
            mark,
            observer: None,
            signaled: Vec::new(),
            signaled_unseen: false,
        }
    }

    /// Sends a signal to all of them.
    pub(super) fn forward(&self, signal: SignalNumber) {
        self.send(&self.all(), signal);
    }

    /// Passes a signal that the guard's group has got to a command that has made its own group in the same
    /// session, as timeout(1) does: without a guard, a shell would have made the command the leader of the
    /// job's group.
    pub(super) fn mirror(&self, signal: SignalNumber) {
        if let Some(group) = self.new_group() {
            sys::send_to_group(group, signal);
        }
    }

    /// The process group that the command has made and leads in the guard's session.
    fn new_group(&self) -> Option<i32> {
        let command = Process::of(self.command)?;
        let guard = Process::of(getpid().as_raw())?;
        let leads = command.group == self.command;
        (leads && command.group != guard.group && command.session == guard.session)
            .then_some(command.group)
    }

    /// Continues those that have left the guard's group, as far as they are stopped or about to stop.
    ///
    /// A group that the command has made gets SIGCONT as a whole, as a job does from its shell: a process that has not
    /// got as far as to stop does not stop then, and whether it has stopped cannot be read without a race.
    pub(super) fn continue_others(&self) {
        let (guard, new) = (getpgrp().as_raw(), self.new_group());
        let mut others = self.all();
        others.retain(|it| it.group != guard && Some(it.group) != new && is_stopping(it.pid));
        if let Some(group) = new {
            sys::send_to_group(group, Signal::SIGCONT.into());
        }
        send(&others, Signal::SIGCONT.into());
    }

    /// Sends SIGTERM to all of them, each once: a process that gets it twice may break off what it does to end
    /// well. A process that a signal has stopped must run to end.
    pub(super) fn stop(&mut self) {
        let mut unsignaled = self.all();
        if unsignaled.is_empty() && !self.signaled_unseen {
            self.send(&[], Signal::SIGTERM.into());
            self.send(&[], Signal::SIGCONT.into());
            self.signaled_unseen = true;
        }
        unsignaled.retain(|it| !self.signaled.contains(it));
        send(&unsignaled, Signal::SIGTERM.into());
        send(&unsignaled, Signal::SIGCONT.into());
        self.signaled.extend(unsignaled);
    }

    /// Kills all of them.
    pub(super) fn kill(&self) {
        self.send(&self.all(), Signal::SIGKILL.into());
    }

    /// Sends a signal to those that were found. Without a `/proc` none is: then the command itself gets it, as long as
    /// it is this process's child and has not ended.
    fn send(&self, found: &[Process], signal: SignalNumber) {
        send(found, signal);
        let runs = || {
            matches!(
                sys::child_state(self.command),
                Ok(sys::ChildState::Same | sys::ChildState::Stopped(_))
            )
        };
        if found.is_empty() && runs() {
            sys::send(self.command, signal);
        }
    }

    /// What is left of the command, now that its first process has ended.
    pub(super) fn rest(&self) -> RemainingProcesses {
        if self.all().is_empty() { RemainingProcesses::Ended } else { RemainingProcesses::Others }
    }

    /// Those that have not ended. First the observers of guards in there: these find out by it that their commands
    /// get the signal too. Then parents before children: a shell that first learnt of its child's end would go on to
    /// its next command.
    fn all(&self) -> Vec<Process> {
        let mut seeds = sys::writers_of(&self.tickets);
        seeds.extend(self.mark.map(sys::openers_of).unwrap_or_default());
        seeds.extend(self.signaled.iter().filter(|it| it.runs()).map(|it| it.pid));
        seeds.push(self.command);
        let me = getpid().as_raw();
        let is_own = |pid: i32| pid != me && Some(pid) != self.observer;
        seeds.retain(|pid| is_own(*pid));
        seeds.sort_unstable();
        seeds.dedup();
        let mut all = sys::started_by(seeds);
        all.retain(|it| is_own(it.pid));
        all.sort_by_key(|it| !it.observes);
        all
    }
}

/// Whether a process is stopped, or has been sent a signal that may stop it and that it has not acted on yet.
fn is_stopping(pid: i32) -> bool {
    let stops = STOPS.into_iter().fold(0, |all, it| all | SignalNumber::from(it).bit());
    sys::is_stopped(pid) || sys::pending_signals(pid).is_some_and(|it| it & stops != 0)
}

fn send(processes: &[Process], signal: SignalNumber) {
    for process in processes {
        sys::send(process.pid, signal);
    }
}
