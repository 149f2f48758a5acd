use crate::{completion, context::Context, exit::Code, failure::Failure, output, span, view};
use clap::Args;
use lokt_lock::{
    ops::{Might, Unlocked, survey_all, unlock},
    record::{Hold, Record},
    rules::{Holding, Liveness},
    store::{RecordKind, StoreError},
    words::{LockName, Timestamp},
};

/// Give a lease back
///
/// Only your own, unless you say otherwise. A lock that a living guard holds ends with its command.
#[derive(Args, Debug)]
#[command(
    override_usage = "lokt unlock [OPTIONS] <NAME>\n       lokt unlock --all | --owner <OWNER>"
)]
pub(crate) struct Unlock {
    /// The lock to give back
    #[arg(add = completion::locks())]
    name: Option<LockName>,
    #[command(flatten)]
    breaking: Breaking,
    /// Give back all leases of yours; --owner without a name does the same for that owner
    #[arg(long, conflicts_with_all = ["name", "force", "break_stale"])]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How much to break.
#[derive(Args, Debug)]
struct Breaking {
    /// Remove whatever is there, whoever holds it
    #[arg(long, conflicts_with = "break_stale", requires = "name")]
    force: bool,
    /// Remove only what is provably stale, abandoned or corrupted
    #[arg(long, requires = "name")]
    break_stale: bool,
}

impl Breaking {
    fn might(&self) -> Might {
        match (self.force, self.break_stale) {
            (true, _) => Might::Force,
            (_, true) => Might::Stale,
            _ => Might::Own,
        }
    }
}

impl Unlock {
    pub(crate) fn run(&self, context: &Context, owner_given: bool) -> Result<Code, Failure> {
        let released = match &self.name {
            Some(name) => {
                self.one(context, name)?;
                vec![name.to_string()]
            }
            None if self.all || owner_given => all_of_mine(context)?,
            None => {
                return Err(Failure::usage("name a lock, or give --all or --owner OWNER"));
            }
        };
        output::even_if_untold(&format!("released {released:?}"), self.report(&released));
        Ok(Code::Done)
    }

    fn one(&self, context: &Context, name: &LockName) -> Result<(), Failure> {
        match unlock(&context.store, name, &context.caller, self.breaking.might())? {
            Unlocked::Done { unlogged, unsynced } => {
                warn_unwritten(name, unlogged, unsynced);
                Ok(())
            }
            refused => Err(refusal(name, &refused, context)),
        }
    }

    fn report(&self, released: &[String]) -> Result<(), Failure> {
        if self.json {
            return output::json(
                &serde_json::json!({"released": released, "count": released.len()}),
            );
        }
        if released.is_empty() {
            output::note("no lease of yours is held");
        }
        released.iter().try_for_each(|name| output::text(&format!("released lock {name:?}")))
    }
}

/// Gives back every lease that is the caller's; guards live on.
fn all_of_mine(context: &Context) -> Result<Vec<String>, Failure> {
    let mut released = Vec::new();
    for entry in survey_all(&context.store, &context.caller)? {
        let identity = &context.caller.identity;
        let mine = |it: &Record| it.hold != Some(Hold::Guard) && identity.owns(it);
        let record = entry.record().filter(|_| entry.kind == RecordKind::Lock);
        if !record.is_some_and(|it| it.holders().any(mine)) {
            continue;
        }
        match unlock(&context.store, &entry.name, &context.caller, Might::Own)? {
            Unlocked::Done { unlogged, unsynced } => {
                warn_unwritten(&entry.name, unlogged, unsynced);
                released.push(entry.name.to_string());
            }
            Unlocked::GuardLives { .. } => output::warn(&format!(
                "lock {:?} stays: a guard of yours runs under it",
                entry.name.as_str()
            )),
            // Gone or taken by another since it was listed.
            _ => {}
        }
    }
    Ok(released)
}

/// Tells what of an unlock that took effect could not be written.
fn warn_unwritten(name: &LockName, unlogged: Option<StoreError>, unsynced: Option<StoreError>) {
    let done = format!("lock {:?} is free", name.as_str());
    output::warn_unsynced(&done, unsynced);
    output::warn_unlogged(&done, unlogged);
}

/// The refusal to free a name.
pub(crate) fn refusal(name: &LockName, refused: &Unlocked, context: &Context) -> Failure {
    let shown = name.as_str();
    match refused {
        Unlocked::Done { .. } | Unlocked::NotFound => {
            Failure::new(Code::NotFound, format!("lock {shown:?} is not held"))
        }
        Unlocked::NotYours(record) => not_yours(name, record, context),
        Unlocked::GuardLives { pid, supervisor } => guard_lives(name, *pid, *supervisor),
        Unlocked::NotStale { record, holding } => not_stale(name, record.as_deref(), *holding),
    }
}

fn guard_lives(name: &LockName, pid: Option<i32>, supervisor: Liveness) -> Failure {
    let named = |text: &str| pid.map_or_else(String::new, |pid| format!(" (pid {pid}{text})"));
    let who = match supervisor {
        Liveness::Alive => format!("a living guard{}", named("")),
        Liveness::Dead => {
            format!("what is left of a guard's command{}", named(", the guard, is gone"))
        }
        Liveness::Unknown => {
            format!("a guard, or what is left of its command{}", named(" is not to be seen here"))
        }
    };
    let failure =
        Failure::new(Code::NotYours, format!("lock {:?} is held by {who}", name.as_str()));
    match supervisor {
        Liveness::Alive => {
            failure.hint("it is given back when the guard's command ends; end that, or wait")
        }
        _ => failure
            .hint("it is free when the last process of the command has ended; end them, or wait")
            .hint(format!(
                "{}   names them, as far as they can be seen",
                view::call("why", name, "")
            )),
    }
}

fn not_yours(name: &LockName, record: &Record, context: &Context) -> Failure {
    let identity = &context.caller.identity;
    let text = format!("lock {:?} is not yours: {}", name.as_str(), view::holder::who(record));
    let failure = Failure::new(Code::NotYours, text);
    if record.owner == identity.owner {
        let owner = view::command_line(&[record.owner.to_string()]);
        return failure
            .hint(format!(
                "the same user, but another terminal or agent (you are {})",
                identity.agent
            ))
            .hint(format!("act as the owner by name with --owner {owner} or LOKT_OWNER"));
    }
    failure.hint(format!("{}   tells what can be done", view::call("why", name, "")))
}

fn not_stale(name: &LockName, record: Option<&Record>, holding: Option<Holding>) -> Failure {
    let why = match (holding, record) {
        (Some(Holding::Overdue), _) => {
            "its lifetime has passed, but the guard's processes live".to_owned()
        }
        (Some(Holding::Orphaned), _) => {
            "its guard is gone, but processes of its command live".to_owned()
        }
        (_, Some(record)) => match record.expiry() {
            Some(end) if record.hold != Some(Hold::Guard) => {
                format!("it is valid for another {}", span::show(end.since(Timestamp::now())))
            }
            _ => "nothing proves that its holder is gone".to_owned(),
        },
        (_, None) => "a program may be writing it at this moment".to_owned(),
    };
    Failure::new(Code::NotYours, format!("lock {:?} is not stale: {why}", name.as_str()))
        .hint(view::call("why", name, ""))
}
