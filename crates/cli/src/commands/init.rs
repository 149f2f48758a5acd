//! The command `init`: plan the changes of all files, show them, ask, and write all or none.
//!
//! The room [`init`](crate::init) makes the plan by pure functions and writes it. Here are the
//! arguments, the question to the user and the messages.

use crate::{
    context::find_root,
    exit::ExitCode,
    failure::CliFailure,
    init::{
        agent::CodingAgent,
        codex_sandbox::CodexSandbox,
        diff,
        git_hooks::GitHooksFolder,
        hooks_file::HookStrictness,
        plan::{self, InitPlan},
        write,
    },
    output,
    tool::project_folder,
};
use clap::Args;
use serde_json::json;
use std::{fs, path::Path};

/// Set up a repository for agents: add lokt to their instruction files and hooks, and to git's hooks
///
/// Shows the changes as a diff, asks for confirmation on a terminal, and makes all changes or none. Without a
/// terminal, it changes nothing unless you give --yes. Touches only the section between lokt's markers and lokt's
/// own hooks. Run it again to update them.
#[derive(Args, Debug)]
pub(crate) struct InitCommand {
    /// Set up this agent; repeatable [default: agents that have files here, else "agents"]
    #[arg(long = "agent", value_name = "NAME")]
    agents: Vec<CodingAgent>,
    /// Remove what init added; without --agent and --git-hook, all of it
    #[arg(long)]
    undo: bool,
    /// Add `lokt mcp` to the project's list of servers for each agent
    #[arg(long, conflicts_with = "undo")]
    mcp: bool,
    #[command(flatten)]
    hooks: HookOptions,
    #[command(flatten)]
    caution: ConfirmationOptions,
    /// Print JSON; changes nothing unless you give --yes
    #[arg(long)]
    json: bool,
}

/// Options for hooks.
#[derive(Args, Debug)]
struct HookOptions {
    /// Install git hooks that refuse a commit of files that another has reserved; without --agent, nothing else
    #[arg(long)]
    git_hook: bool,
    /// Let the hooks deny an edit that they cannot check; stays until --no-strict
    #[arg(long, conflicts_with_all = ["undo", "no_strict"])]
    strict: bool,
    /// Let the hooks allow an edit that they cannot check, as they do by default
    #[arg(long, conflicts_with = "undo")]
    no_strict: bool,
}

impl HookOptions {
    fn strictness(&self) -> Option<HookStrictness> {
        match (self.strict, self.no_strict) {
            (true, _) => Some(HookStrictness::Strict),
            (_, true) => Some(HookStrictness::Lenient),
            _ => None,
        }
    }
}

/// Options for confirmation.
#[derive(Args, Debug)]
struct ConfirmationOptions {
    /// Show what would change, without changing anything
    #[arg(long)]
    dry_run: bool,
    /// Make the changes without asking
    #[arg(long)]
    yes: bool,
}

impl InitCommand {
    /// What is written is exactly what the diff has shown. Drafts of an earlier `init` that was
    /// killed are removed on the way, also if there is nothing to change.
    pub(crate) fn run(&self) -> Result<ExitCode, CliFailure> {
        let folder = project_folder(None)?;
        let project = fs::canonicalize(&folder).map_err(|error| {
            CliFailure::new(ExitCode::Error, format!("cannot enter {}: {error}", folder.display()))
        })?;
        let agents = self.chosen(&project);
        let mut plan = if self.undo {
            InitPlan::take_out(&project, &agents)?
        } else {
            InitPlan::set_up(&project, &agents, self.hooks.strictness())?
        };
        if self.mcp {
            plan.put_servers(&project, &agents)?;
        }
        let codex = self.codex_sandbox(&agents)?;
        match &codex {
            Some(codex) if self.undo => codex.take_out(&mut plan)?,
            Some(codex) => codex.put(&mut plan)?,
            None => {}
        }
        let hooks = self.git_hooks(&project)?;
        match &hooks {
            Some(hooks) if self.undo => hooks.take_out(&mut plan)?,
            Some(hooks) => hooks.put(&mut plan)?,
            None => {}
        }
        if !self.json {
            plan.changes.iter().try_for_each(|it| output::diff(&diff::of(it)))?;
        }
        plan.notes.iter().try_for_each(|note| self.tell_note(note))?;
        let has_changes = !self.caution.dry_run && !plan.is_empty();
        let writes = has_changes && self.may_write(&plan)?;
        if writes || (plan.is_empty() && !self.caution.dry_run) {
            for folder in plan::folders(&project) {
                write::sweep(&folder);
            }
            if let Some(hooks) = &hooks {
                write::sweep(hooks.path());
            }
        }
        if writes {
            write::all(&project, &plan.changes)?;
            if let Some(codex) = &codex {
                self.prepare(codex, &plan)?;
            }
        }
        self.tell(&plan, writes)?;
        if has_changes && !writes { Err(unconfirmed()) } else { Ok(ExitCode::Done) }
    }

    /// The agents to set up, or to undo.
    fn chosen(&self, project: &Path) -> Vec<CodingAgent> {
        match (self.agents.is_empty(), self.undo) {
            (false, _) => self.agents.clone(),
            _ if self.hooks.git_hook && !self.mcp && self.hooks.strictness().is_none() => {
                Vec::new()
            }
            (true, true) => CodingAgent::all(),
            (true, false) => CodingAgent::found_in(project),
        }
    }

    /// Codex's sandbox, where it is to be changed: of a Codex that was not named, only if this user has it.
    fn codex_sandbox(&self, agents: &[CodingAgent]) -> Result<Option<CodexSandbox>, CliFailure> {
        if !agents.contains(&CodingAgent::Codex) {
            return Ok(None);
        }
        // A cluster has no folder that a sandbox would have to let be written.
        let root = find_root()?;
        let Some(root) = root.folder() else { return Ok(None) };
        let sandbox = CodexSandbox::of(&root.path)?;
        Ok(sandbox.filter(|it| self.agents.contains(&CodingAgent::Codex) || it.is_there()))
    }

    /// The hooks of git, where they are meant: all that is undone has them too, if there are any.
    fn git_hooks(&self, project: &Path) -> Result<Option<GitHooksFolder>, CliFailure> {
        let are_meant = self.hooks.git_hook || (self.undo && self.agents.is_empty());
        if !are_meant {
            return Ok(None);
        }
        let hooks = GitHooksFolder::of(project)?;
        if hooks.is_none() && self.hooks.git_hook {
            let text = format!("{} is no git repository, so it has no hooks", project.display());
            return Err(CliFailure::new(ExitCode::Error, text).hint("no file was changed"));
        }
        Ok(hooks)
    }

    /// Prints a note. What follows its first line is to be copied, so it is data.
    fn tell_note(&self, note: &str) -> Result<(), CliFailure> {
        let mut lines = note.split('\n');
        lines.next().into_iter().for_each(output::note);
        if self.json { Ok(()) } else { output::lines(lines) }
    }

    /// Makes the folder of the locks, or with `--undo` removes what Codex alone needs of it.
    ///
    /// # Errors
    /// A failure if nothing else was to be done; else it is a warning.
    fn prepare(&self, codex: &CodexSandbox, plan: &InitPlan) -> Result<(), CliFailure> {
        if self.undo {
            codex.tidy();
            return Ok(());
        }
        let Err(error) = codex.prepare() else { return Ok(()) };
        let text = format!("the folder of the locks cannot be made: {error}");
        let advice = "outside of the sandbox, run: lokt init --agent codex";
        if plan.changes.is_empty() {
            return Err(CliFailure::new(ExitCode::Error, text).hint(advice));
        }
        output::warn(&format!("{text}; {advice}"));
        Ok(())
    }

    /// Whether the user wants the changes. False where there is no terminal to ask on.
    ///
    /// # Errors
    /// A failure if the user says no.
    fn may_write(&self, plan: &InitPlan) -> Result<bool, CliFailure> {
        if self.caution.yes {
            return Ok(true);
        }
        if self.json || !output::can_ask() {
            return Ok(false);
        }
        let files = match plan.changes.len() {
            0 => "the folder of the locks".to_owned(),
            1 => "this file".to_owned(),
            count => format!("these {count} files"),
        };
        if output::ask(&format!("change {files}?"))? {
            return Ok(true);
        }
        Err(CliFailure::new(ExitCode::Error, "not confirmed; nothing was changed"))
    }

    /// Says what was changed; with `--json` also the diffs.
    fn tell(&self, plan: &InitPlan, written: bool) -> Result<(), CliFailure> {
        if self.json {
            let changes = plan
                .changes
                .iter()
                .map(|it| json!({"file": it.shown, "change": it.verb(), "diff": diff::of(it)}));
            let changes: Vec<_> = changes.collect();
            let notes: Vec<_> = plan.notes.iter().chain(&plan.limits).collect();
            return output::json(&json!({
                "written": written, "changes": changes, "notes": notes,
            }));
        }
        match (plan.is_empty(), self.undo) {
            (true, _) if plan.is_incomplete => output::note("nothing was changed"),
            (true, true) => output::note("lokt has nothing here to remove"),
            (true, false) => output::note("everything is set up already"),
            _ if self.caution.dry_run => output::note("nothing was changed"),
            _ if !written => {}
            _ => {
                let told = plan.changes.iter().map(|it| format!("{} {}", it.verb(), it.shown));
                let folder = plan.folder.iter().filter(|_| plan.changes.is_empty());
                let folder = folder.map(|it| format!("made {}", it.display()));
                output::note(&told.chain(folder).collect::<Vec<_>>().join(", "));
            }
        }
        if written || self.caution.dry_run {
            plan.limits.iter().for_each(|it| output::note(it));
        }
        Ok(())
    }
}

/// The failure of a call that may not change anything: a script, or JSON.
fn unconfirmed() -> CliFailure {
    CliFailure::usage("nothing was changed: where there is no terminal to ask on, init needs --yes")
        .hint("--yes makes the changes, --dry-run only shows them")
}
