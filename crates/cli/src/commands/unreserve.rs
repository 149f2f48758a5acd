//! The command `unreserve`: giving back reservations, whole or pattern by pattern.

use crate::{
    completion,
    context::CommandContext,
    denial,
    exit::ExitCode,
    failure::{CliFailure, chain},
    output, view,
};
use clap::Args;
use lokt_lock::{
    ops::{ReservationReduction, UnreserveOutcome, UnreserveRequest, unreserve},
    pattern::Pattern,
    project::argument,
    rules::OwnerSource,
};
use std::ffi::OsString;

/// Give back reserved paths
///
/// Gives back only your own, unless you force it. Of a reservation with several patterns, the others stay.
#[derive(Args, Debug)]
#[command(
    override_usage = "lokt unreserve [OPTIONS] <PATTERN>...\n       lokt unreserve [OPTIONS] --id <ID> [PATTERN]...\n       lokt unreserve --all"
)]
pub(crate) struct UnreserveCommand {
    /// A pattern that you have reserved, or one that covers several of them
    #[arg(value_name = "PATTERN", add = completion::reserved_patterns())]
    patterns: Vec<OsString>,
    /// Give back the reservation with this id, as `lokt reservations` shows it
    #[arg(long, value_name = "ID", add = completion::reservation_ids())]
    id: Option<String>,
    /// Give back all your reservations
    #[arg(long, conflicts_with_all = ["patterns", "id", "force"])]
    all: bool,
    /// Give it back even if it is another's
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl UnreserveCommand {
    /// A pattern that is part of a larger one of the caller cannot be cut out: that is a refusal,
    /// or a note if it was also reserved by itself.
    pub(crate) fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        if self.patterns.is_empty() && self.id.is_none() && !self.all {
            // With another's name, --all would give back what the caller did not name.
            return Err(CliFailure::usage(match context.caller.identity.source {
                OwnerSource::Given => "name a pattern, or give --id",
                OwnerSource::Derived => "name a pattern, or give --id or --all",
            }));
        }
        let request = UnreserveRequest {
            id: self.id.clone(),
            patterns: self.patterns(context)?,
            force: self.force,
        };
        match unreserve(&context.store, &request, &context.caller)? {
            UnreserveOutcome::Done { parts, uncut, unlogged, unsynced, faults } => {
                output::even_if_untold("it is given back", self.report(&parts));
                for (asked, standing) in uncut {
                    let (asked, standing) =
                        (view::reservation::quoted(&asked), view::reservation::quoted(&standing));
                    output::note(&format!("your reservation of {standing} still covers {asked}"));
                }
                output::warn_unlogged("it is given back", unlogged);
                output::warn_unsynced("it is given back", unsynced);
                faults.iter().for_each(|fault| output::warn(&chain(fault)));
                Ok(ExitCode::Done)
            }
            UnreserveOutcome::Cleared { unlogged, unsynced } => {
                let id = self.id.as_deref().unwrap_or_default();
                let written = if self.json {
                    output::json(&serde_json::json!({"removed": id}))
                } else {
                    output::text(&format!("removed {id:?}, which was no reservation"))
                };
                output::even_if_untold("it is removed", written);
                output::warn_unlogged("it is removed", unlogged);
                output::warn_unsynced("it is removed", unsynced);
                Ok(ExitCode::Done)
            }
            refused => Err(denial::reservation::not_given_back(&refused)),
        }
    }

    /// The patterns of each argument; `None` if there are no arguments.
    fn patterns(&self, context: &CommandContext) -> Result<Option<Vec<Vec<Pattern>>>, CliFailure> {
        if self.patterns.is_empty() {
            return Ok(None);
        }
        let project = context.project()?;
        let read = |typed: &OsString| Ok(argument(&project, typed)?.patterns);
        self.patterns.iter().map(read).collect::<Result<_, CliFailure>>().map(Some)
    }

    /// Prints what was given back of each reservation, and what of it stays.
    fn report(&self, parts: &[ReservationReduction]) -> Result<(), CliFailure> {
        if self.json {
            let part = |it: &ReservationReduction| {
                serde_json::json!({"id": it.before.id.as_str(), "given_back": it.given_back,
                    "rest": it.rest})
            };
            let parts: Vec<_> = parts.iter().map(part).collect();
            return output::json(&serde_json::json!({"count": parts.len(), "released": parts}));
        }
        if parts.is_empty() {
            output::note("you have reserved nothing");
        }
        for part in parts {
            let given_back = view::reservation::list(&part.given_back);
            let rest = if part.rest.is_empty() {
                String::new()
            } else {
                format!("; {} stays reserved", view::reservation::list(&part.rest))
            };
            output::text(&format!("gave back {given_back}{rest}"))?;
        }
        Ok(())
    }
}
