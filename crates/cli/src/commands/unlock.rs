//! The command `unlock`: unlocking leases, and breaking locks.
//!
//! The rules are in `lokt_lock::ops::unlock`. Without `--force` and `--break-stale` only leases of
//! the caller are unlocked. A guard's lock is never unlocked by its owner: it ends with the
//! command.

use crate::{
    completion, context::CommandContext, denial, exit::ExitCode, failure::CliFailure, output, view,
    view::unlocked_guard,
};
use clap::Args;
use lokt_lock::{
    ops::{UnlockForce, UnlockOutcome, UnlockedGuard, survey_all, unlock, unlock_only},
    record::{HoldKind, LockRecord},
    rules::OwnerSource,
    store::{LockRecordKind, LockStoreError},
    words::{Fence, LockName},
};
use serde_json::{Value, json};

/// Unlock leases
///
/// Unlocks only your own, unless you force it. A lock that a running guard holds ends with its command.
#[derive(Args, Debug)]
#[command(
    override_usage = "lokt unlock [OPTIONS] <NAME>...\n       lokt unlock --all [--owner <OWNER>]"
)]
pub(crate) struct UnlockCommand {
    /// The locks to unlock
    #[arg(add = completion::locks(), value_name = "NAME")]
    names: Vec<LockName>,
    #[command(flatten)]
    breaking: BreakOptions,
    /// Unlock all your leases, or all leases of the owner given by --owner
    #[arg(long, conflicts_with_all = ["names", "force", "break_stale"])]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Options to break a lock.
#[derive(Args, Debug)]
struct BreakOptions {
    /// Unlock it even if another owner holds it
    #[arg(long, conflicts_with = "break_stale", requires = "names")]
    force: bool,
    /// With --force and one name: unlock only the holder with this fence, as `status` shows it
    #[arg(long, value_name = "N", conflicts_with_all = ["break_stale", "all"])]
    fence: Option<Fence>,
    /// Unlock only if it is provably stale, abandoned or corrupted
    #[arg(long, requires = "names")]
    break_stale: bool,
}

impl BreakOptions {
    /// How far the caller wants to go.
    fn might(&self) -> UnlockForce {
        match (self.force, self.break_stale) {
            (true, _) => UnlockForce::Force,
            (_, true) => UnlockForce::Stale,
            _ => UnlockForce::Own,
        }
    }
}

impl UnlockCommand {
    /// Several names are unlocked one by one; a failure of one does not keep the others locked. The
    /// exit code is that of the first failure.
    pub(crate) fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let is_forced = self.breaking.force;
        let (released, failures) = match self.names.as_slice() {
            [] if self.all => (all_of_mine(context)?, Vec::new()),
            [] => return Err(nothing_named(context)),
            [name, ..] if self.breaking.fence.is_some() && !is_forced => {
                return Err(fence_without_force(name));
            }
            [_, _, ..] if self.breaking.fence.is_some() => {
                return Err(CliFailure::usage(
                    "--fence goes with one name: every lock has its own fences",
                ));
            }
            names => self.each(context, names),
        };
        let report = released_json(&released);
        if failures.is_empty() || !(released.is_empty() || self.json) {
            let names: Vec<&str> = released.iter().map(|it| it.name.as_str()).collect();
            output::even_if_untold(&format!("released {names:?}"), self.report(&released));
        }
        // As JSON, what was unlocked and what was not is one document.
        let failed: Vec<Value> = failures.iter().map(|it| it.to_json().into()).collect();
        let first = failed.first().cloned();
        let mut failures = failures.into_iter().peekable();
        let mut code = None;
        while let Some(failure) = failures.next() {
            let first_code = *code.get_or_insert(failure.code);
            if failures.peek().is_none() {
                let failure = CliFailure { code: first_code, ..failure };
                return Err(failure.facts(&first).facts(&report).fact("failed", failed));
            }
            output::fail(&failure);
        }
        Ok(ExitCode::Done)
    }

    /// Unlocks each of several locks, even if others fail. Returns those that are free now, and the failures of the
    /// others.
    fn each(
        &self,
        context: &CommandContext,
        names: &[LockName],
    ) -> (Vec<UnlockedLock>, Vec<CliFailure>) {
        let (mut released, mut failures) = (Vec::new(), Vec::new());
        for (place, name) in names.iter().enumerate() {
            if names.iter().take(place).any(|earlier| earlier == name) {
                continue;
            }
            match self.one(context, name) {
                Ok(unlocked) => released.push(unlocked),
                Err(failure) => failures.push(failure.fact("name", name.as_str())),
            }
        }
        (released, failures)
    }

    fn one(&self, context: &CommandContext, name: &LockName) -> Result<UnlockedLock, CliFailure> {
        let (store, caller, might) = (&context.store, &context.caller, self.breaking.might());
        let unlocked = match self.breaking.fence {
            None => unlock(store, name, caller, might)?,
            Some(fence) => unlock_only(store, name, caller, might, &[fence])?,
        };
        match (unlocked, self.breaking.fence) {
            (UnlockOutcome::Done { guards, unlogged, unsynced }, _) => {
                warn_unwritten(name, unlogged, unsynced);
                Ok(UnlockedLock { name: name.to_string(), guards })
            }
            (UnlockOutcome::OtherFence(now), Some(asked)) => {
                Err(denial::unlock::other_fence(name, asked, now.as_deref()))
            }
            (refused, _) => Err(denial::unlock::refusal(name, &refused, context)),
        }
    }

    fn report(&self, released: &[UnlockedLock]) -> Result<(), CliFailure> {
        if self.json {
            return output::json(&released_json(released));
        }
        if released.is_empty() {
            output::note("no lease of yours is held");
        }
        for lock in released {
            output::text(&format!("released lock {:?}", lock.name))?;
            lock.guards.iter().for_each(|guard| output::note(&unlocked_guard::told(guard)));
        }
        Ok(())
    }
}

/// `--fence` says which acquisition of another is to be broken; your own lease needs none. The call that breaks one is
/// in the help, and in no hint.
fn fence_without_force(name: &LockName) -> CliFailure {
    CliFailure::usage("--fence goes with --force, which takes a lock away from its holder")
        .hint(format!("{}   unlocks your own lease", view::call("unlock", name, "")))
        .hint("lokt unlock --help")
}

/// With a given owner, `--all` is not mentioned: together they would unlock leases that the caller did not name.
fn nothing_named(context: &CommandContext) -> CliFailure {
    let own = "lokt unlock NAME   unlocks your lease of that name";
    let failure = match context.caller.identity.source {
        OwnerSource::Given => CliFailure::usage("name a lock").hint(own),
        OwnerSource::Derived => CliFailure::usage("name a lock, or give --all")
            .hint(own)
            .hint("lokt unlock --all   unlocks all your leases"),
    };
    failure.hint("lokt unlock --help")
}

/// A lock that is free now.
struct UnlockedLock {
    name: String,
    /// The guards that have lost it.
    guards: Vec<UnlockedGuard>,
}

fn released_json(released: &[UnlockedLock]) -> Value {
    let names: Vec<&str> = released.iter().map(|it| it.name.as_str()).collect();
    let guards = released
        .iter()
        .flat_map(|lock| lock.guards.iter().map(|guard| unlocked_guard::json(&lock.name, guard)));
    let guards: Vec<Value> = guards.collect();
    if guards.is_empty() {
        return json!({"released": names, "count": names.len()});
    }
    json!({"released": names, "count": names.len(), "guards": guards})
}

/// Unlocks every lease of the caller; guards stay.
fn all_of_mine(context: &CommandContext) -> Result<Vec<UnlockedLock>, CliFailure> {
    let mut released = Vec::new();
    for entry in survey_all(&context.store, &context.caller)? {
        let identity = &context.caller.identity;
        let mine = |it: &LockRecord| it.hold != Some(HoldKind::Guard) && identity.owns(it);
        let record = entry.record().filter(|_| entry.kind == LockRecordKind::Lock);
        if !record.is_some_and(|it| it.holders().any(mine)) {
            continue;
        }
        let unlocked = unlock(&context.store, &entry.name, &context.caller, UnlockForce::Own);
        match unlocked.map_err(|it| CliFailure::from(it).facts(&released_json(&released)))? {
            UnlockOutcome::Done { guards, unlogged, unsynced } => {
                warn_unwritten(&entry.name, unlogged, unsynced);
                released.push(UnlockedLock { name: entry.name.to_string(), guards });
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

/// Warns of an unlock that took effect, but could not be written.
fn warn_unwritten(
    name: &LockName,
    unlogged: Option<LockStoreError>,
    unsynced: Option<LockStoreError>,
) {
    let done = format!("lock {:?} is free", name.as_str());
    output::warn_unsynced(&done, unsynced);
    output::warn_unlogged(&done, unlogged);
}
