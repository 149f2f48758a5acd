//! The command `status`: one lock in full, or a table of all.
//!
//! Each lock is looked at by itself, without a section, so a long list can be a moment old.

use crate::{
    completion,
    context::{CommandContext, OwnerOption},
    exit::ExitCode,
    failure::{CliFailure, chain},
    output,
    view::{self, entry::TableColumns},
};
use clap::Args;
use lokt_lock::{
    ops::{
        self, LockStatusEntry, LockStatusEntryState, list_reservations, prune, survey, survey_all,
    },
    reservation::Reservation,
    store::LockRecordKind,
    words::{LockName, Owner},
};

/// Show holders, waiters, freezes and reservations
///
/// Without a name, shows all locks and freezes, including expired ones that are not removed yet.
#[derive(Args, Debug)]
pub(crate) struct StatusCommand {
    /// Show one lock in full
    #[arg(add = completion::locks())]
    name: Option<LockName>,
    /// Print JSON: a list, or one object if you give a name
    #[arg(long)]
    json: bool,
    /// Show more columns in the list: V, the version of the record
    #[arg(long)]
    long: bool,
    /// Remove expired locks and freezes first
    #[arg(long)]
    prune_expired: bool,
    /// With --prune-expired: act as this owner, whom the audit log names
    #[arg(long, value_name = "OWNER", requires = "prune_expired")]
    owner: Option<Owner>,
}

impl StatusCommand {
    /// The owner, if this command changes anything.
    pub(crate) fn owner(&mut self) -> Option<&mut Option<Owner>> {
        self.prune_expired.then_some(&mut self.owner)
    }

    pub(crate) fn run(&self) -> Result<ExitCode, CliFailure> {
        let context = &CommandContext::new(&OwnerOption { owner: self.owner.clone() })?;
        match &self.name {
            Some(name) => self.one(context, name),
            None => self.all(context),
        }
    }

    /// Shows all locks and freezes, then the reservations. JSON has the locks and freezes only.
    fn all(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let mut entries = survey_all(&context.store, &context.caller)?;
        if self.prune_expired && prune_all(context, &entries) {
            entries = survey_all(&context.store, &context.caller)?;
        }
        let me = &context.caller.identity;
        if self.json {
            output::json_list(&entries, |it| view::entry::json(it, None, me))?;
        } else if !entries.is_empty() {
            let columns = if self.long { TableColumns::All } else { TableColumns::Usual };
            output::lines(view::entry::table(&entries, columns, me).lines())?;
        } else if output::is_for_people() {
            output::note("nothing is held or frozen");
        }
        warn_of_problems(&entries);
        if !self.json {
            show_reservations(context, !entries.is_empty())?;
        }
        Ok(ExitCode::Done)
    }

    /// # Errors
    /// [`ExitCode::NotFound`] if the name is neither held nor frozen, and a failure if its record
    /// cannot be read; what is known is printed before that.
    fn one(&self, context: &CommandContext, name: &LockName) -> Result<ExitCode, CliFailure> {
        if self.prune_expired {
            for kind in [LockRecordKind::Lock, LockRecordKind::Freeze] {
                prune(&context.store, name, kind, &context.caller);
            }
        }
        let entries = survey(&context.store, name, &context.caller);
        let Some(entry) = entries.first() else {
            let text = format!("lock {:?} is not held", name.as_str());
            return Err(CliFailure::new(ExitCode::NotFound, text).fact("name", name.as_str()));
        };
        let freeze = entries.get(1).and_then(LockStatusEntry::record);
        let me = &context.caller.identity;
        output::even_if_unread(if self.json {
            output::json(&view::entry::json(entry, freeze, me))
        } else {
            output::lines(view::entry::full(entry, freeze, me))
        })?;
        let what = if entry.kind == LockRecordKind::Freeze { "freeze" } else { "lock" };
        ops::readable(entry.slot.clone(), what, name)?;
        Ok(ExitCode::Done)
    }
}

/// Shows what is reserved, if anything is, below the locks.
fn show_reservations(context: &CommandContext, is_below: bool) -> Result<(), CliFailure> {
    let Some(files) = context.store.files() else {
        output::note(&format!(
            "these are the locks at {}; a cluster has no reservations yet",
            context.root.shown()
        ));
        return Ok(());
    };
    let list = list_reservations(files, &context.caller)?;
    let all: Vec<&Reservation> = list.standing.iter().collect();
    if !all.is_empty() {
        let table = view::reservation::table(&all, &list, &context.caller.identity).lines();
        let space = is_below.then(String::new);
        output::lines(space.into_iter().chain(table))?;
    }
    list.faults.iter().for_each(|fault| output::warn(&chain(fault)));
    Ok(())
}

/// Removes every expired record. Returns whether there was one.
fn prune_all(context: &CommandContext, entries: &[LockStatusEntry]) -> bool {
    // If there is a holder or a waiter, the state does not show whether the record has expired.
    let may_be_over = |it: &&LockStatusEntry| {
        matches!(
            it.state,
            LockStatusEntryState::Expired
                | LockStatusEntryState::Dead
                | LockStatusEntryState::Queued
        ) || !it.inside.is_empty()
    };
    let pruned = |it: &&LockStatusEntry| prune(&context.store, &it.name, it.kind, &context.caller);
    entries.iter().filter(may_be_over).filter(pruned).count() > 0
}

/// Warns of each record that cannot be read, also with `--json`.
fn warn_of_problems(entries: &[LockStatusEntry]) {
    for entry in entries {
        if let Some(problem) = view::entry::problem(entry) {
            output::warn(&format!(
                "the record of {:?} is unreadable: {problem}",
                entry.name.as_str()
            ));
        }
    }
}
