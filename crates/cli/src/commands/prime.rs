//! The command `prime`: the briefing for an agent, from the files of the project and the locks of
//! this moment.
//!
//! The room [`prime`](crate::prime) finds and words it. As a hook it reads the session from
//! standard input.

use crate::{
    context::{CommandContext, OwnerOption},
    exit::ExitCode,
    failure::{CliFailure, chain},
    init, output,
    prime::{InstructionFileKind, now, project, session_start::SessionStart, text},
    sandbox::advice,
    tool::project_folder,
    view,
};
use clap::Args;
use lokt_lock::{
    ops::{list_reservations, survey_all},
    project::ProjectWorkingFolder,
    reservation::{Reservation, is_own},
    rules::OwnerSource,
};
use serde_json::json;

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
        let findings = project::find(&project_folder(None)?);
        if let Some(format) = self.format {
            output::lines(init::section::marked(&text::lasting(&findings, format)).lines())?;
            return Ok(ExitCode::Done);
        }
        let context = match SessionStart::read() {
            None => CommandContext::new(acting)?,
            Some(start) => {
                if let Err(refused) = start.hand_on() {
                    output::warn(&refused.to_string());
                }
                CommandContext::in_session(acting, &start.session)?
            }
        };
        let me = &context.caller.identity;
        let entries = survey_all(&context.store, &context.caller);
        // An agent must get the rest anyway, with a note on what is not known.
        if let Err(error) = &entries {
            output::warn(&format!("what is held cannot be read: {}", chain(error)));
        }
        if !self.json {
            let held = entries.map(|it| now::lines(&it, me)).map_err(|it| chain(&it));
            let advice = [advice::for_session(&context.root), turns(&context)];
            let advice: Vec<String> = advice.into_iter().flatten().collect();
            let advice = advice.join("\n\n");
            output::lines(text::live(&findings, held, Some(&advice), &context.caller).lines())?;
            return Ok(ExitCode::Done);
        }
        let entries = entries.ok();
        let held = entries.as_ref().map(|entries| {
            let views = entries.iter().map(|it| view::entry::json(it, None, me));
            views.collect::<Vec<_>>()
        });
        output::json(&json!({
            "operations": findings.operations,
            "unread": findings.unread,
            "owner": me.owner.as_str(),
            "owner_given": me.source == OwnerSource::Given,
            "agent_id": me.agent.to_string(),
            "agent": me.agent.spoken(),
            "held": held,
            "advice": advice::of_unwritable(&context.root),
        }))?;
        Ok(ExitCode::Done)
    }
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
    list.standing.iter().any(edits_here).then(|| text::TURNS.to_owned())
}
