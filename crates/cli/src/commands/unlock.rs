use crate::{completion, context::Context, exit::ExitCode, failure::Failure, output, span, view};
use clap::Args;
use lokt_lock::{
    ops::{UnlockForce, UnlockOutcome, survey_all, unlock, unlock_only},
    record::{HoldKind, LockRecord},
    rules::{HoldState, Liveness},
    store::{RecordKind, StoreError},
    words::{Fence, LockName, Timestamp},
};

/// Give leases back
///
/// Only your own, unless you say otherwise. A lock that a living guard holds ends with its command.
#[derive(Args, Debug)]
#[command(
    override_usage = "lokt unlock [OPTIONS] <NAME>...\n       lokt unlock --all [--owner <OWNER>]"
)]
pub(crate) struct UnlockCommand {
    /// The locks to give back
    #[arg(add = completion::locks(), value_name = "NAME")]
    names: Vec<LockName>,
    #[command(flatten)]
    breaking: BreakOptions,
    /// Give back all leases of yours, or of the owner that --owner names
    #[arg(long, conflicts_with_all = ["names", "force", "break_stale"])]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How much to break.
#[derive(Args, Debug)]
struct BreakOptions {
    /// Remove whatever is there, whoever holds it
    #[arg(long, conflicts_with = "break_stale", requires = "names")]
    force: bool,
    /// With --force and one name: only the acquisition that has this fence, as `status` shows it
    #[arg(long, value_name = "N", requires = "force", conflicts_with_all = ["break_stale", "all"])]
    fence: Option<Fence>,
    /// Remove only what is provably stale, abandoned or corrupted
    #[arg(long, requires = "names")]
    break_stale: bool,
}

impl BreakOptions {
    fn might(&self) -> UnlockForce {
        match (self.force, self.break_stale) {
            (true, _) => UnlockForce::Force,
            (_, true) => UnlockForce::Stale,
            _ => UnlockForce::Own,
        }
    }
}

impl UnlockCommand {
    pub(crate) fn run(&self, context: &Context) -> Result<ExitCode, Failure> {
        let (released, failures) = match self.names.as_slice() {
            [] if self.all => (all_of_mine(context)?, Vec::new()),
            [] => return Err(Failure::usage("name a lock, or give --all")),
            [_, _, ..] if self.breaking.fence.is_some() => {
                return Err(Failure::usage(
                    "--fence goes with one name: every lock has its own fences",
                ));
            }
            names => self.each(context, names),
        };
        if failures.is_empty() || !released.is_empty() {
            output::even_if_untold(&format!("released {released:?}"), self.report(&released));
        }
        let mut failures = failures.into_iter().peekable();
        let mut code = None;
        while let Some(failure) = failures.next() {
            let first = *code.get_or_insert(failure.code);
            if failures.peek().is_none() {
                return Err(Failure { code: first, ..failure });
            }
            output::fail(&failure);
        }
        Ok(ExitCode::Done)
    }

    /// Gives back each of several locks, whatever becomes of the others: the names that are free now, and what kept
    /// the others from it.
    fn each(&self, context: &Context, names: &[LockName]) -> (Vec<String>, Vec<Failure>) {
        let (mut released, mut failures) = (Vec::new(), Vec::new());
        for (place, name) in names.iter().enumerate() {
            if names.iter().take(place).any(|earlier| earlier == name) {
                continue;
            }
            match self.one(context, name) {
                Ok(()) => released.push(name.to_string()),
                Err(failure) => failures.push(failure),
            }
        }
        (released, failures)
    }

    fn one(&self, context: &Context, name: &LockName) -> Result<(), Failure> {
        let (store, caller, might) = (&context.store, &context.caller, self.breaking.might());
        let unlocked = match self.breaking.fence {
            None => unlock(store, name, caller, might)?,
            Some(fence) => unlock_only(store, name, caller, might, &[fence])?,
        };
        match (unlocked, self.breaking.fence) {
            (UnlockOutcome::Done { unlogged, unsynced }, _) => {
                warn_unwritten(name, unlogged, unsynced);
                Ok(())
            }
            (UnlockOutcome::OtherFence(now), Some(asked)) => {
                Err(other_fence(name, asked, now.as_deref()))
            }
            (refused, _) => Err(refusal(name, &refused, context)),
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
        let mine = |it: &LockRecord| it.hold != Some(HoldKind::Guard) && identity.owns(it);
        let record = entry.record().filter(|_| entry.kind == RecordKind::Lock);
        if !record.is_some_and(|it| it.holders().any(mine)) {
            continue;
        }
        match unlock(&context.store, &entry.name, &context.caller, UnlockForce::Own)? {
            UnlockOutcome::Done { unlogged, unsynced } => {
                warn_unwritten(&entry.name, unlogged, unsynced);
                released.push(entry.name.to_string());
            }
            UnlockOutcome::GuardLives { .. } => output::warn(&format!(
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
pub(crate) fn refusal(name: &LockName, refused: &UnlockOutcome, context: &Context) -> Failure {
    let shown = name.as_str();
    match refused {
        UnlockOutcome::Done { .. } | UnlockOutcome::NotFound => {
            Failure::new(ExitCode::NotFound, format!("lock {shown:?} is not held"))
        }
        UnlockOutcome::NotYours(record) => not_yours(name, record, context),
        UnlockOutcome::GuardLives { pid, supervisor } => guard_lives(name, *pid, *supervisor),
        UnlockOutcome::NotStale { record, holding } => not_stale(name, record.as_deref(), *holding),
        UnlockOutcome::OtherFence(now) => Failure::new(
            ExitCode::NotYours,
            format!("lock {shown:?} is not what you saw any more: {}", standing(now.as_deref())),
        ),
    }
}

/// The refusal to break an acquisition that is not the one with the fence that was asked for.
fn other_fence(name: &LockName, asked: Fence, now: Option<&LockRecord>) -> Failure {
    let text =
        format!("lock {:?} has another fence than {asked}: {}", name.as_str(), standing(now));
    Failure::new(ExitCode::NotYours, text)
        .hint(format!("lokt status {name}   shows what holds it now"))
}

/// Who holds a lock now, with the fences: `it is held by ada (pid 7 on box), fence 12`.
fn standing(now: Option<&LockRecord>) -> String {
    let Some(record) = now else {
        return "it is held by a guard whose record is gone, and with it its fence".to_owned();
    };
    let told = |holder: &LockRecord| {
        let fence =
            holder.fence.map_or_else(|| "without a fence".to_owned(), |it| format!("fence {it}"));
        format!("{}, {fence}", view::holder::who(holder))
    };
    let holders: Vec<String> = record.holders().map(told).collect();
    format!("it is held by {}", holders.join("; "))
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
        Failure::new(ExitCode::NotYours, format!("lock {:?} is held by {who}", name.as_str()));
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

fn not_yours(name: &LockName, record: &LockRecord, context: &Context) -> Failure {
    let identity = &context.caller.identity;
    let text = format!("lock {:?} is not yours: {}", name.as_str(), view::holder::who(record));
    let failure = Failure::new(ExitCode::NotYours, text);
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

fn not_stale(name: &LockName, record: Option<&LockRecord>, holding: Option<HoldState>) -> Failure {
    let why = match (holding, record) {
        (Some(HoldState::Overdue), _) => {
            "its lifetime has passed, but the guard's processes live".to_owned()
        }
        (Some(HoldState::Orphaned), _) => {
            "its guard is gone, but processes of its command live".to_owned()
        }
        (_, Some(record)) => match record.expiry() {
            Some(end) if record.hold != Some(HoldKind::Guard) => {
                format!("it is valid for another {}", span::show(end.since(Timestamp::now())))
            }
            _ => "nothing proves that its holder is gone".to_owned(),
        },
        (_, None) => "a program may be writing it at this moment".to_owned(),
    };
    Failure::new(ExitCode::NotYours, format!("lock {:?} is not stale: {why}", name.as_str()))
        .hint(view::call("why", name, ""))
}
