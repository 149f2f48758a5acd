//! The hooks of harnesses in a plan: put in, taken out, and what they cannot do.

use super::{
    agent::{CodingAgent, StarterFile},
    hooks_file::{HookStrictness, HooksFile},
    opencode_plugin,
    plan::{InitPlan, there},
    project_file::{InitTargetFile, refused},
    settings::{self, HookRemoval},
};
use crate::failure::CliFailure;
use std::path::Path;

impl InitPlan {
    /// Plans the hooks that an agent's harness offers; without a given strictness, as strict as those that are there.
    pub(super) fn put_hooks(
        &mut self,
        project: &Path,
        agent: CodingAgent,
        strictness: Option<HookStrictness>,
    ) -> Result<(), CliFailure> {
        let changed = match agent.hooks_file() {
            Some(file) => self.put_hooks_file(project, file, strictness)?,
            None if agent == CodingAgent::Opencode => self.put_plugin(project, strictness)?,
            None => false,
        };
        if changed {
            self.limits.extend(agent.limits().iter().map(|it| (*it).to_owned()));
            self.limits.extend(doubled(project, agent, self).map(str::to_owned));
        }
        Ok(())
    }

    /// Plans to take them out.
    pub(super) fn take_out_hooks(
        &mut self,
        project: &Path,
        agent: CodingAgent,
    ) -> Result<(), CliFailure> {
        if agent == CodingAgent::Opencode {
            return self.take_out_plugin(project);
        }
        agent.hooks_file().map_or(Ok(()), |file| self.take_out_hooks_file(project, file))
    }

    /// Returns whether the file is to change.
    fn put_hooks_file(
        &mut self,
        project: &Path,
        file: &HooksFile,
        strictness: Option<HookStrictness>,
    ) -> Result<bool, CliFailure> {
        let place = self.planned(InitTargetFile::read(project, file.path)?);
        let after = settings::put(place.text.as_deref(), file, strictness).map_err(|flaw| {
            refused(file.path, &flaw.to_string())
                .hint("put the hooks in by hand (docs/hooks.md shows them), and run this again")
        })?;
        if strictness == Some(HookStrictness::Strict) {
            let other =
                settings::others(&after, file).into_iter().find(|(_, it)| *it == "lokt hook");
            self.notes.extend(other.map(|(event, program)| {
                format!("{}: a {event} hook there runs `{program}` in another form; add --strict to it by hand", file.path)
            }));
        }
        let is_changed = place.text.as_ref() != Some(&after);
        self.change(place, Some(after))?;
        Ok(is_changed)
    }

    fn take_out_hooks_file(&mut self, project: &Path, file: &HooksFile) -> Result<(), CliFailure> {
        let Some((place, text)) = there(project, file.path)? else { return Ok(()) };
        let rest =
            settings::cut(&text, file).map_err(|flaw| refused(file.path, &flaw.to_string()))?;
        let left = match &rest {
            HookRemoval::Same => text.as_str(),
            HookRemoval::Text(text) => text,
            HookRemoval::Nothing => "",
        };
        for (event, program) in settings::others(left, file) {
            self.notes.push(format!(
                "{}: a {event} hook there runs `{program}` beside something else, and stays",
                file.path
            ));
        }
        match rest {
            HookRemoval::Same => Ok(()),
            HookRemoval::Text(text) => self.change(place, Some(text)),
            HookRemoval::Nothing => self.change(place, None),
        }
    }

    /// Returns whether the plugin is to change.
    fn put_plugin(
        &mut self,
        project: &Path,
        strictness: Option<HookStrictness>,
    ) -> Result<bool, CliFailure> {
        let place = InitTargetFile::read(project, opencode_plugin::PATH)?;
        let now = place.text.as_deref().map(opencode_plugin::strictness_of);
        if now == Some(None) {
            self.notes.push(changed_plugin());
            return Ok(false);
        }
        let strictness = strictness.or(now.flatten()).unwrap_or(HookStrictness::Lenient);
        let after = opencode_plugin::text(strictness);
        let is_changed = place.text.as_ref() != Some(&after);
        self.change(place, Some(after))?;
        Ok(is_changed)
    }

    fn take_out_plugin(&mut self, project: &Path) -> Result<(), CliFailure> {
        let Some((place, text)) = there(project, opencode_plugin::PATH)? else { return Ok(()) };
        if opencode_plugin::strictness_of(&text).is_some() {
            return self.change(place, None);
        }
        self.notes.push(changed_plugin());
        Ok(())
    }
}

/// The text of a file for servers that has nothing but hooks of `init`, with the servers in it.
pub(super) fn servers_beside_hooks(
    agent: CodingAgent,
    servers: StarterFile,
    text: &str,
) -> Option<String> {
    let file = agent.hooks_file().filter(|it| it.path == servers.path)?;
    let is_ours = settings::cut(text, file).is_ok_and(|it| it == HookRemoval::Nothing);
    let strictness = Some(settings::strictness_of(text, file));
    is_ours.then(|| settings::put(Some(servers.content), file, strictness).ok()).flatten()
}

fn changed_plugin() -> String {
    format!("{} was changed since, and stays", opencode_plugin::PATH)
}

/// What is wrong where a harness also runs the hooks of Claude Code, and both are set up.
fn doubled(project: &Path, agent: CodingAgent, plan: &InitPlan) -> Option<&'static str> {
    let is_set_up = |agent: CodingAgent| {
        let file = agent.hooks_file()?;
        let place = plan.planned(InitTargetFile::read(project, file.path).ok()?);
        place.text.filter(|it| it.contains("lokt hook"))
    };
    let other =
        if agent == CodingAgent::Cursor { CodingAgent::Claude } else { CodingAgent::Cursor };
    let is_pair = matches!(agent, CodingAgent::Cursor | CodingAgent::Claude);
    (is_pair && is_set_up(other).is_some()).then_some(
        "cursor: turn off its setting for third-party hooks: with the hooks of Claude Code, too, it would deny its own edits",
    )
}
