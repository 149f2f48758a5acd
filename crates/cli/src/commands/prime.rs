//! The command `prime`: the briefing for an agent, from the files of the project and the locks of
//! this moment.
//!
//! The room [`prime`](crate::prime) finds and words it. As a hook it reads the session from
//! standard input.

use crate::{
    context::{CommandContext, OwnerOption, caller, require_own_project},
    exit::ExitCode,
    failure::{CliFailure, chain},
    init, output,
    prime::{
        InstructionFileKind, now,
        project::{self, GuardedOperationFindings},
        session_start::SessionStart,
        text::{self, BriefedCaller},
    },
    sandbox::advice,
    shell_rules::project::lock_of_index,
    tool::project_folder,
    view,
};
use clap::Args;
use lokt_lock::{
    harness::AgentSource,
    ops::{LockOperationError, LockStatusEntry, ReservationList, list_reservations, survey_all},
    project::ProjectWorkingFolder,
    reservation::{Reservation, is_own},
    rules::{CallerIdentity, OwnerSource},
    store::LockStoreError,
    words::LockName,
};
use serde_json::{Value, json};

/// Print a briefing for agents: guarded operations, what to do when a lock is held, what is held now
///
/// The text has less than 300 words, for the start of a session. To find the operations, lokt searches for calls of
/// `lokt guard` and `lokt once` in scripts/, bin/, .github/scripts/, scripts in the project's folder, the Makefile,
/// the justfile and the scripts of package.json; the rules of lokt.toml are operations too. It runs nothing.
///
/// As a session-start hook of Claude Code, it passes the session's id on to the shell commands of the session.
#[derive(Args, Debug)]
pub(crate) struct PrimeCommand {
    /// Print the permanent part for an instruction file, between the markers that `lokt init` looks for
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["json", "owner"])]
    format: Option<InstructionFileKind>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl PrimeCommand {
    /// Whether the text is about this moment and this caller.
    pub(crate) fn is_about_now(&self) -> bool {
        self.format.is_none()
    }

    /// An agent gets the briefing even if something cannot be read: that becomes a warning or a
    /// part of the text. With `--format` the text has only what stays true, for a file that is
    /// committed.
    pub(crate) fn run(&self, acting: &OwnerOption) -> Result<ExitCode, CliFailure> {
        if let Some(format) = self.format {
            require_own_project()?;
            let findings = project::find(&project_folder(None)?);
            output::lines(init::section::marked(&text::lasting(&findings, format)).lines())?;
            return Ok(ExitCode::Done);
        }
        // Another user's files are not read: they may be made to deceive.
        if let Err(failure) = require_own_project() {
            return self.without_root(acting, &GuardedOperationFindings::default(), &failure);
        }
        let findings = project::find(&project_folder(None)?);
        let (context, is_known_to_shell) = match session(acting) {
            Ok(found) => found,
            Err(failure) => return self.without_root(acting, &findings, &failure),
        };
        let now = PrimeMoment {
            entries: survey_all(&context.store, &context.caller),
            reserved: reserved(&context),
        };
        now.warn_of_what_is_not_known();
        if self.json {
            output::json(&now.json(&findings, &context))?;
            return Ok(ExitCode::Done);
        }
        let advice = advised(&context);
        let held = now.lines(&context.caller.identity);
        let caller = BriefedCaller { caller: &context.caller, is_known_to_shell };
        output::lines(text::live(&findings, held, &advice, caller).lines())?;
        Ok(ExitCode::Done)
    }

    /// The briefing where it is unclear which root counts: an agent must not take that for "nothing is guarded".
    ///
    /// # Errors
    /// `failure` itself, if it is wrong usage, which says nothing of the root.
    fn without_root(
        &self,
        acting: &OwnerOption,
        findings: &GuardedOperationFindings,
        failure: &CliFailure,
    ) -> Result<ExitCode, CliFailure> {
        let caller = caller(acting)?;
        output::warn(&format!("the locks cannot be used: {}", failure.message));
        let told: Vec<&String> = [&failure.message].into_iter().chain(&failure.hints).collect();
        if self.json {
            output::json(&json!({
                "operations": findings.operations,
                "unread": findings.unread,
                "owner": caller.identity.owner.as_str(),
                "owner_given": caller.identity.source == OwnerSource::Given,
                "agent_id": caller.identity.agent.to_string(),
                "agent": caller.identity.agent.spoken(),
                "held": null,
                "reserved": null,
                "advice": told,
            }))?;
            return Ok(ExitCode::Done);
        }
        let trouble = text::without_root(&told);
        let caller = BriefedCaller { caller: &caller, is_known_to_shell: true };
        let held = Err(failure.message.clone());
        output::lines(text::live(findings, held, &trouble, caller).lines())?;
        Ok(ExitCode::Done)
    }
}

/// What is held and reserved at this moment.
struct PrimeMoment {
    entries: Result<Vec<LockStatusEntry>, LockOperationError>,
    /// `None` on a cluster, which has no reservations yet.
    reserved: Option<Result<ReservationList, LockStoreError>>,
}

fn reserved(context: &CommandContext) -> Option<Result<ReservationList, LockStoreError>> {
    let store = context.store.files()?;
    Some(list_reservations(store, &context.caller))
}

impl PrimeMoment {
    /// An agent must get the rest anyway, with a note on what is not known.
    fn warn_of_what_is_not_known(&self) {
        if let Err(error) = &self.entries {
            output::warn(&format!("what is held cannot be read: {}", chain(error)));
        }
        if let Some(Err(error)) = &self.reserved {
            output::warn(&format!("what is reserved cannot be read: {}", chain(error)));
        }
    }

    /// A line for each lock and each reservation, or why the locks are not known.
    fn lines(&self, me: &CallerIdentity) -> Result<Vec<String>, String> {
        let entries = self.entries.as_ref().map_err(|error| chain(error))?;
        let reserved = match &self.reserved {
            Some(Ok(list)) => now::reserved(list, me),
            Some(Err(_)) => {
                vec!["- what is reserved cannot be read: do not edit yet".to_owned()]
            }
            None => vec![
                "- there are no reservations here (the locks are on a cluster): nothing keeps edits apart"
                    .to_owned(),
            ],
        };
        Ok([now::lines(entries, me), reserved].concat())
    }

    fn json(&self, findings: &GuardedOperationFindings, context: &CommandContext) -> Value {
        let me = &context.caller.identity;
        let held = self.entries.as_ref().ok().map(|entries| {
            let views = entries.iter().map(|it| view::entry::json(it, None, me));
            views.collect::<Vec<_>>()
        });
        let reserved = self.reserved.as_ref().and_then(|it| it.as_ref().ok()).map(|list| {
            let all = list.standing.iter();
            all.map(|it| view::reservation::json(it, list, &context.caller)).collect::<Vec<_>>()
        });
        json!({
            "operations": findings.operations,
            "unread": findings.unread,
            "owner": me.owner.as_str(),
            "owner_given": me.source == OwnerSource::Given,
            "agent_id": me.agent.to_string(),
            "agent": me.agent.spoken(),
            "held": held,
            "reserved": reserved,
            "advice": context.root.folder().map_or_else(Vec::new, advice::of_unwritable),
        })
    }
}

/// The caller and the root; where this is a hook of a session, in that session. The second value is whether its shell
/// commands are the same agent.
fn session(acting: &OwnerOption) -> Result<(CommandContext, bool), CliFailure> {
    let Some(start) = SessionStart::read() else { return Ok((CommandContext::new(acting)?, true)) };
    let handed_on = start.hand_on();
    if let Err(refused) = &handed_on {
        output::warn(&refused.to_string());
    }
    let context = CommandContext::in_session(acting, &start.session)?;
    let is_given = context.caller.agent_source == AgentSource::Given;
    Ok((context, handed_on.is_ok() || is_given))
}

/// What a session must know before it locks anything: items of a text.
fn advised(context: &CommandContext) -> Vec<String> {
    let mut items = context.root.folder().map_or_else(Vec::new, advice::for_session);
    // A paragraph below the items.
    let space = if items.is_empty() { "" } else { "\n" };
    items.extend(turns(context).map(|it| format!("{space}{it}")));
    items
}

/// How agents take turns with git, where another has reserved what may be in this worktree.
fn turns(context: &CommandContext) -> Option<String> {
    let project = context.project().ok().filter(ProjectWorkingFolder::is_in_git)?;
    let tree = project.worktree_id().ok()?;
    let list = list_reservations(&context.store, &context.caller).ok()?;
    let edits_here = |it: &Reservation| {
        let is_here =
            it.scope.tree().is_none_or(|id| tree.as_ref().is_some_and(|it| it.as_str() == id));
        is_here && !is_own(&context.caller.identity, &it.owner, it.agent_id.as_ref())
    };
    if !list.standing.iter().any(edits_here) {
        return None;
    }
    // The lock that the hook for shell commands uses, once there is one for this worktree.
    let lock = tree.as_ref().and_then(lock_of_index);
    Some(text::turns(lock.as_ref().map_or("git-index", LockName::as_str)))
}
