use super::{
    nesting,
    waiting::{Line, Waiting},
};
use crate::{
    completion,
    context::Context,
    exit::Code,
    failure::{Failure, chain},
    output, span, view,
};
use clap::Args;
use lokt_lock::{
    file::FileTicket,
    guard::{Command, Ending, Received, Seat, Signals, Trouble, supervise},
    ops::{Grant, Outcome, Released, Request, acquire, release},
    record::Hold,
    store::Ticket,
    words::{LockId, LockName},
};
use nix::sys::signal::Signal;
use std::{ffi::OsString, time::Duration};

/// Run a command while holding a lock
///
/// The lock is held by the command's whole process tree: when the guard is killed, nobody gets in until
/// the last process of the command has ended, and then the next in line gets in at once.
///
/// The command sees `LOKT_NAME`, `LOKT_LOCK_ID`, `LOKT_FENCE` and `LOKT_OWNER`.
#[derive(Args, Debug)]
#[command(override_usage = "lokt guard [OPTIONS] <NAME> -- <COMMAND>...")]
pub(crate) struct Guard {
    /// The lock to hold
    #[arg(add = completion::locks())]
    name: LockName,
    /// Announce a lifetime to others, extended while the command runs
    #[arg(long, value_name = "DURATION", value_parser = span::parse_positive)]
    ttl: Option<Duration>,
    #[command(flatten)]
    waiting: Waiting,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Guard {
    pub(crate) fn run(self, context: &Context) -> Result<Code, Failure> {
        let held = nesting::held();
        if let Some(id) = nesting::inside(context, &self.name, &held) {
            return Err(nesting::run_straight_through(context, &self.name, &id, &self.command));
        }
        let seat = Seat::of(&context.caller);
        let signals = Signals::hold(seat).map_err(|error| {
            Failure::new(Code::Error, format!("cannot hold signals back: {error}"))
        })?;
        let request = self.request(context, &held);
        let mut line = Line::new(&self.name, &signals);
        let outcome = acquire(&context.store, &request, self.waiting.patience(), &mut line)?;
        let ended_by = line.ended_by();
        drop(line);
        match outcome {
            Outcome::Entered(grant) => self.run_under(context, grant, &held, (seat, &signals)),
            Outcome::Denied(denial) => Err(view::holder::denied(&self.name, &denial)),
            Outcome::Interrupted => Ok(interrupted(&signals, ended_by)),
        }
    }

    fn request<'a>(&'a self, context: &'a Context, held: &[(LockName, LockId)]) -> Request<'a> {
        Request {
            name: &self.name,
            caller: &context.caller,
            hold: Hold::Guard,
            pid: nix::unistd::getpid().as_raw(),
            ttl: self.ttl,
            metadata: None,
            command: self.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
            held: held.iter().map(|(_, id)| id.clone()).collect(),
        }
    }

    fn run_under(
        &self,
        context: &Context,
        grant: Grant<FileTicket>,
        held: &[(LockName, LockId)],
        (seat, signals): (Seat, &Signals),
    ) -> Result<Code, Failure> {
        let ticket = grant.ticket.as_ref().map(|ticket| ticket.place().lock_id.clone());
        let mine = ticket.map(|id| (self.name.clone(), id));
        let command = Command {
            words: self.command.clone(),
            environment: nesting::environment(context, &grant.record, held.iter().chain(&mine)),
        };
        let party = (&context.store, &grant, &context.caller);
        let mut lost = false;
        let ending = supervise(party, &command, (seat, signals), &mut |it| {
            lost |= matches!(it, Trouble::Lost);
            self.tell(&it);
        });
        self.give_back(context, grant, lost);
        Ok(code_of(ending?, seat, signals))
    }

    /// Gives the lock back, and says if it was lost, unless that has been said.
    fn give_back(&self, context: &Context, grant: Grant<FileTicket>, told: bool) {
        let name = self.name.as_str();
        match release(&context.store, grant, &context.caller) {
            Ok(Released::Done { unlogged }) => {
                output::warn_unlogged(&format!("lock {name:?} is free"), unlogged);
            }
            Ok(Released::Lost) if told => {}
            Ok(Released::Lost) => self.tell(&Trouble::Lost),
            // The ticket is gone, so the next taker gets in; only the record is left behind.
            Err(error) => output::warn(&format!(
                "the record of lock {name:?} could not be removed, which the next taker does: {}",
                chain(&error)
            )),
        }
    }

    fn tell(&self, trouble: &Trouble) {
        let name = self.name.as_str();
        output::warn(&match trouble {
            Trouble::Lost => {
                format!(
                    "lock {name:?} was taken away while the command ran (lokt audit --name {name} tells by whom)"
                )
            }
            Trouble::Heartbeat(error) => {
                format!(
                    "cannot announce that lock {name:?} is still held (it is): {}",
                    chain(error)
                )
            }
        });
    }
}

/// The command's code. A command that Ctrl-C ended takes the guard with it in the same way, so that a
/// script which runs the guard ends too, as it would without one.
fn code_of(ending: Ending, seat: Seat, signals: &Signals) -> Code {
    if ending == Ending::Signaled(Signal::SIGINT) && seat == Seat::Terminal {
        signals.die_of(Signal::SIGINT);
    }
    Code::Command(ending.code())
}

/// Ends as the signal would have ended this process.
pub(super) fn interrupted(signals: &Signals, by: Option<Received>) -> Code {
    let Some(received) = by else {
        return Code::Error;
    };
    signals.die_of(received.signal);
    Code::Command(Ending::Signaled(received.signal).code())
}
