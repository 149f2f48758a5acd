//! What is to change, worked out for all files before any is written.

use super::{
    agent::{CodingAgent, InstructionFile, StarterFile},
    harness_hooks,
    hooks_file::HookStrictness,
    opencode_plugin,
    permission::{self, FileWritePermissionError},
    project_file::{InitTargetFile, refused},
    section,
};
use crate::{
    failure::CliFailure,
    prime::{project, text},
};
use std::{
    borrow::Cow,
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// The change of one file.
#[derive(Clone, Debug)]
pub(crate) struct InitFileChange {
    /// Where it is shown to be, relative to the project.
    pub(crate) shown: Cow<'static, str>,
    /// Where it really is.
    pub(crate) path: PathBuf,
    /// Its content; `None` if it does not exist.
    pub(crate) before: Option<String>,
    /// Its new content; `None` to remove it.
    pub(crate) after: Option<String>,
}

/// All changes, and what a person should know.
#[derive(Debug, Default)]
pub(crate) struct InitPlan {
    pub(crate) changes: Vec<InitFileChange>,
    pub(crate) notes: Vec<String>,
    /// Whether something is left to do by hand.
    pub(crate) is_incomplete: bool,
    /// The folder of the locks, if it has to be made for Codex.
    pub(crate) folder: Option<PathBuf>,
    /// What the hooks that are put in cannot do.
    pub(crate) limits: Vec<String>,
}

/// An example of a guarded script, for a project without one.
const EXAMPLE: &str = "scripts/guarded-example";
const EXAMPLE_TEXT: &str = "\
#!/bin/sh
# A guarded operation: only one process runs it at a time; any other is told who holds the lock. Replace the
# echo with the work that must not run twice at once, and `example` with its name.
# Made by `lokt init`; `lokt init --undo` removes it again unless it was changed.
if ! command -v lokt >/dev/null 2>&1; then
    echo \"warning: lokt is not installed, so nothing keeps two runs apart; README of lokt: Install\" >&2
    # Runs without a guard. To stop instead, put `exit 1` in place of the next line.
    lokt() { while [ \"$1\" != -- ]; do shift; done; shift; \"$@\"; }
fi
lokt guard example --ttl 5m -- echo \"alone in here\"
";

/// What earlier versions made.
const EARLIER_EXAMPLE: &str = "\
#!/bin/sh
# A guarded operation: only one process runs it at a time; any other is told who holds the lock. Replace the
# echo with the work that must not run twice at once, and `example` with its name.
# Made by `lokt init`; `lokt init --undo` removes it again unless it was changed.
exec lokt guard example --ttl 5m -- echo \"alone in here\"
";

impl InitPlan {
    /// Whether all is set up already.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.folder.is_none()
    }

    /// What sets a project up for these agents. The project's path has no symbolic links.
    pub(crate) fn set_up(
        project: &Path,
        agents: &[CodingAgent],
        strictness: Option<HookStrictness>,
    ) -> Result<Self, CliFailure> {
        let mut plan = Self::default();
        if agents.is_empty() {
            return Ok(plan);
        }
        let mut findings = project::find(project);
        if findings.operations.is_empty() {
            let place = InitTargetFile::read(project, EXAMPLE)?;
            if place.text.is_none() {
                findings.add(EXAMPLE, EXAMPLE_TEXT);
                plan.change(place, Some(EXAMPLE_TEXT.to_owned()))?;
            }
        }
        let mut done = BTreeSet::new();
        for agent in agents {
            let it = agent.instructions(project);
            let place = InitTargetFile::read(project, it.path)?;
            plan.put_hooks(project, *agent, strictness)?;
            plan.accompany(project, *agent)?;
            // Where a link makes two files one, the first section is for both agents.
            if !done.insert(place.path.clone()) {
                continue;
            }
            let body = text::lasting(&findings, it.format);
            let after = section::put(place.text.as_deref(), &body, it.opening);
            let after = after.map_err(|flaw| refused(it.path, &flaw.to_string()))?;
            plan.change(place, Some(after))?;
        }
        Ok(plan)
    }

    /// What takes out of a project what was set up for these agents, and with all of them the example.
    pub(crate) fn take_out(project: &Path, agents: &[CodingAgent]) -> Result<Self, CliFailure> {
        let mut plan = Self::default();
        for agent in agents {
            plan.take_out_section(project, agent.instructions(project))?;
            plan.take_out_hooks(project, *agent)?;
            for it in agent.companion().into_iter().chain(agent.servers()) {
                plan.remove_unchanged(project, it.path, &[it.content])?;
            }
        }
        if agents == CodingAgent::all() {
            plan.remove_unchanged(project, EXAMPLE, &[EXAMPLE_TEXT, EARLIER_EXAMPLE])?;
        }
        Ok(plan)
    }

    /// Leaves something to a person. Lines to copy follow the first line of the note.
    pub(super) fn leave(&mut self, note: String) {
        self.notes.push(note);
        self.is_incomplete = true;
    }

    fn take_out_section(&mut self, project: &Path, it: InstructionFile) -> Result<(), CliFailure> {
        let Some((place, text)) = there(project, it.path)? else { return Ok(()) };
        let rest = section::cut(&text, it.opening);
        match rest.map_err(|flaw| refused(it.path, &flaw.to_string()))? {
            section::SectionRemoval::Same => Ok(()),
            section::SectionRemoval::Text(text) => self.change(place, Some(text)),
            section::SectionRemoval::Nothing => self.change(place, None),
        }
    }

    /// Makes what else an agent needs, or says what is missing.
    fn accompany(&mut self, project: &Path, agent: CodingAgent) -> Result<(), CliFailure> {
        agent.companion().map_or(Ok(()), |it| self.start(project, it))
    }

    /// Adds the server of Lokt to what the agents use.
    pub(crate) fn put_servers(
        &mut self,
        project: &Path,
        agents: &[CodingAgent],
    ) -> Result<(), CliFailure> {
        let without = agents.iter().filter(|it| it.servers().is_none());
        let without: Vec<String> = without.map(|it| it.shown()).collect();
        if !without.is_empty() {
            self.notes.push(format!(
                "--mcp adds no server for {}: no file of a project is known for it; where the agent takes servers, \
                 add the command `lokt mcp` by hand",
                without.join(", "),
            ));
        }
        for agent in agents {
            let Some(servers) = agent.servers() else { continue };
            let place = self.planned(InitTargetFile::read(project, servers.path)?);
            let text = place.text.as_deref().unwrap_or_default();
            match harness_hooks::servers_beside_hooks(*agent, servers, text) {
                Some(after) => self.change(place, Some(after))?,
                None => self.start(project, servers)?,
            }
        }
        Ok(())
    }

    /// Makes a file, or says what is missing in the one that is there.
    fn start(&mut self, project: &Path, it: StarterFile) -> Result<(), CliFailure> {
        let place = self.planned(InitTargetFile::read(project, it.path)?);
        match place.text.as_deref() {
            None => self.change(place, Some(it.content.to_owned()))?,
            Some(text) if text.contains(it.mentions) => {}
            Some(_) => self.notes.push(it.otherwise.to_owned()),
        }
        Ok(())
    }

    fn remove_unchanged(
        &mut self,
        project: &Path,
        path: &'static str,
        contents: &[&str],
    ) -> Result<(), CliFailure> {
        let Some((place, _)) = there(project, path)? else { return Ok(()) };
        let place = self.planned(place);
        let Some(text) = place.text.clone() else { return Ok(()) };
        if contents.contains(&text.as_str()) {
            self.change(place, None)?;
        } else if path == EXAMPLE {
            self.notes.push(format!("{path} was changed since, and stays"));
        }
        Ok(())
    }

    /// The file as it will be by what is planned so far.
    pub(super) fn planned(&self, mut place: InitTargetFile) -> InitTargetFile {
        if let Some(known) = self.changes.iter().find(|it| it.path == place.path) {
            place.text.clone_from(&known.after);
        }
        place
    }

    /// Adds a change, if it changes anything and is allowed. Two names of one file, as of a link, are one file: only
    /// what was made of its [`planned`](Self::planned) text changes it again.
    pub(super) fn change(
        &mut self,
        place: InitTargetFile,
        after: Option<String>,
    ) -> Result<(), CliFailure> {
        if let Some(known) = self.changes.iter_mut().find(|it| it.path == place.path) {
            if known.after == place.text {
                known.after = after;
            }
            return Ok(());
        }
        if place.text == after {
            return Ok(());
        }
        let InitTargetFile { shown, path, text } = place;
        permission::require(&path).map_err(|denied| {
            let failure = refused(&shown, &denied.to_string());
            match denied {
                FileWritePermissionError::ReadOnly(_)
                | FileWritePermissionError::ReadOnlyFolder { .. } => {
                    failure.hint("make it writable (chmod u+w), if lokt is to change it")
                }
                _ => failure,
            }
        })?;
        self.changes.push(InitFileChange { shown, path, before: text, after });
        Ok(())
    }
}

/// The folders in which something may be changed: those in the project, that are there.
pub(crate) fn folders(project: &Path) -> BTreeSet<PathBuf> {
    let of_agent = |agent: CodingAgent| {
        let own = [agent.companion(), agent.servers()].map(|it| it.map(|it| it.path));
        let hooks = agent.hooks_file().map(|it| it.path);
        [Some(agent.instructions(project).path), hooks].into_iter().chain(own)
    };
    let paths = CodingAgent::all()
        .into_iter()
        .flat_map(of_agent)
        .flatten()
        .chain([EXAMPLE, opencode_plugin::PATH]);
    let folder = |path| project.join(path).parent().and_then(|it| it.canonicalize().ok());
    paths.filter_map(folder).filter(|it| it.starts_with(project)).collect()
}

/// A file that may have something of Lokt's, with its text.
pub(super) fn there(
    project: &Path,
    path: &'static str,
) -> Result<Option<(InitTargetFile, String)>, CliFailure> {
    let Some(place) = InitTargetFile::read_inside(project, path)? else { return Ok(None) };
    Ok(place.text.clone().map(|text| (place, text)))
}

impl InitFileChange {
    /// Whether the file is to be a program.
    pub(crate) fn is_program(&self) -> bool {
        self.after.as_deref().is_some_and(|text| text.starts_with("#!"))
    }

    /// What happens to the file, in one word.
    pub(crate) fn verb(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "created",
            (_, None) => "removed",
            _ => "updated",
        }
    }
}
