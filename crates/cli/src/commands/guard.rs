use super::waiting::{Line, Waiting};
use crate::{
    completion, context, context::Context, env, exit::Code, failure::Failure, output, span, view,
};
use clap::Args;
use lokt_lock::{
    file::FileTicket,
    guard::{Command, Ending, Received, Seat, Signals, SpawnError, Trouble, supervise},
    ops::{Grant, GrantKind, Outcome, Released, Request, acquire, release},
    record::{Hold, Record},
    rules::OwnerSource,
    store::{Shelf, Store, Ticket},
    words::{LockId, LockName},
};
use nix::sys::signal::Signal;
use std::{ffi::OsString, os::unix::process::CommandExt, process, time::Duration};

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
        let held = context::held();
        if let Some((_, id)) = held
            .iter()
            .find(|(name, id)| *name == self.name && is_inside(context, name, id))
        {
            return self.run_straight_through(context, id);
        }
        let seat = Seat::of_this_process();
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
            command: self
                .command
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect(),
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
        let ticket = grant
            .ticket
            .as_ref()
            .map(|ticket| ticket.place().lock_id.clone());
        let held = held
            .iter()
            .cloned()
            .chain(ticket.map(|id| (self.name.clone(), id)))
            .collect();
        let command = Command {
            words: self.command.clone(),
            environment: environment(context, &grant.record, held),
        };
        let party = (&context.store, &grant, &context.caller);
        let ending = supervise(party, &command, (seat, signals), &mut |it| self.tell(&it));
        self.give_back(context, grant);
        Ok(code_of(ending?, seat, signals))
    }

    fn give_back(&self, context: &Context, grant: Grant<FileTicket>) {
        let under_lease = grant.kind == GrantKind::UnderLease;
        match release(&context.store, grant, &context.caller) {
            Ok(Released::Done { unlogged: None }) => {}
            Ok(Released::Done {
                unlogged: Some(error),
            }) => {
                output::warn(&format!(
                    "lock {:?} is free, but: {}",
                    self.name.as_str(),
                    crate::failure::chain(&error)
                ));
            }
            Ok(Released::Lost) if !under_lease => self.tell(&Trouble::Lost),
            Ok(Released::Lost) => {}
            // The ticket is gone, so the next taker gets in; only the record is left behind.
            Err(error) => output::warn(&format!(
                "the record of lock {:?} could not be removed, which the next taker does: {}",
                self.name.as_str(),
                crate::failure::chain(&error)
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
                    crate::failure::chain(error)
                )
            }
        });
    }

    /// Runs inside a guard of the same name: waiting for oneself would never end.
    fn run_straight_through(self, context: &Context, id: &LockId) -> Result<Code, Failure> {
        let (program, arguments) = self
            .command
            .split_first()
            .ok_or_else(|| Failure::usage("no command given"))?;
        let mut command = process::Command::new(program);
        command
            .args(arguments)
            .env(env::NAME, self.name.as_str())
            .env(env::LOCK_ID, id.as_str());
        if let Some(fence) = context
            .store
            .peek(&self.name, Shelf::Lock)
            .record()
            .and_then(|it| it.fence)
        {
            command.env(env::FENCE, fence.to_string());
        }
        // Comes back only with an error.
        let source = command.exec();
        let program = program.to_string_lossy().into_owned();
        Err(lokt_lock::guard::GuardError::Spawn(match source.kind() {
            std::io::ErrorKind::NotFound => SpawnError::NotFound(program),
            _ => SpawnError::NotExecutable { program, source },
        })
        .into())
    }
}

/// Whether the guard that the environment names is really in: a process that outlived its guard must
/// stand in line like everybody.
fn is_inside(context: &Context, name: &LockName, id: &LockId) -> bool {
    let line = context.store.line(name).unwrap_or_default();
    line.iter()
        .any(|place| place.entered && place.lock_id == *id && context.store.lives(name, place))
}

/// This process's environment, with what the command is told of its lock.
fn environment(
    context: &Context,
    record: &Record,
    held: Vec<(LockName, LockId)>,
) -> Vec<(OsString, OsString)> {
    let owner = context.caller.identity.owner.to_string();
    let derived = (context.caller.identity.source == OwnerSource::Derived).then(|| owner.clone());
    let held: Vec<String> = held
        .iter()
        .map(|(name, id)| format!("{name}={id}"))
        .collect();
    let told = [
        (env::NAME, Some(record.name.to_string())),
        (
            env::LOCK_ID,
            record.lock_id.as_ref().map(ToString::to_string),
        ),
        (env::FENCE, record.fence.map(|fence| fence.to_string())),
        (env::OWNER, Some(owner)),
        (env::OWNER_DERIVED, derived),
        (env::HELD, Some(held.join(","))),
    ];
    let inherited = std::env::vars_os().filter(|(key, _)| told.iter().all(|(told, _)| key != told));
    let told = told
        .iter()
        .filter_map(|(key, value)| Some((OsString::from(key), OsString::from(value.as_ref()?))));
    inherited.chain(told).collect()
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
