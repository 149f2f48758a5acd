//! Lets Codex's sandbox write the folder of the locks.

use super::{
    codex::{self, WritableRootRemovalOutcome},
    plan::InitPlan,
    project_file::{InitTargetFile, refused},
};
use crate::{
    env,
    failure::CliFailure,
    sandbox::harness::{SandboxedHarness, codex_home},
};
use lokt_lock::sys::make_folder;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Names in each folder that Codex keeps read-only. Versions that mount them before the folder itself cannot make them
/// in a git directory that is read-only, and run no command then (openai/codex issue 43516): so they are made before.
const PROTECTED: [&str; 3] = [".git", ".agents", ".codex"];

/// The mode of a folder of the locks.
const FOLDER_MODE: u32 = 0o700;

/// Codex's configuration of this user, and the folder that its sandbox has to write.
#[derive(Debug)]
pub(crate) struct CodexSandbox {
    home: PathBuf,
    root: PathBuf,
}

impl CodexSandbox {
    /// The sandbox of this user's Codex, for a root.
    pub(crate) fn of(root: &Path) -> Result<Option<Self>, CliFailure> {
        let home = match env::path(env::CODEX_HOME)? {
            Some(home) => Some(home),
            None => env::home().map(|home| home.join(".codex")),
        };
        Ok(home.map(|home| Self { home, root: root.to_owned() }))
    }

    /// Whether this user has Codex.
    pub(crate) fn is_there(&self) -> bool {
        self.home.is_dir()
    }

    fn config(&self) -> Result<InitTargetFile, CliFailure> {
        InitTargetFile::read_at(&self.home.join("config.toml"), shown())
    }

    /// Plans the entry of the root.
    pub(crate) fn put(&self, plan: &mut InitPlan) -> Result<(), CliFailure> {
        let place = self.config()?;
        let path = self.path()?;
        let after = codex::put(place.text.as_deref(), path).map_err(|flaw| {
            let failure = refused(shown(), &flaw.to_string());
            match SandboxedHarness::Codex.setting(&self.root) {
                Some(setting) => {
                    setting.hints("put it in by hand,").into_iter().fold(failure, CliFailure::hint)
                }
                None => failure,
            }
        })?;
        if place.text.as_ref() != Some(&after) {
            plan.notes.push(format!(
                "{} lets Codex's sandbox write the locks, for this user on this machine only",
                shown()
            ));
        }
        plan.change(place, Some(after))?;
        plan.folder = (!self.is_ready()).then(|| self.root.clone());
        if plan.changes.is_empty() && plan.folder.is_some() {
            plan.notes.push(format!(
                "{} is incomplete, without which Codex's sandbox cannot write the locks",
                self.root.display()
            ));
        }
        Ok(())
    }

    /// Plans to take the entry out.
    pub(crate) fn take_out(&self, plan: &mut InitPlan) -> Result<(), CliFailure> {
        let place = self.config()?;
        let (Some(text), Ok(path)) = (&place.text, self.path()) else { return Ok(()) };
        match codex::cut(text, path).map_err(|flaw| refused(shown(), &flaw.to_string()))? {
            WritableRootRemovalOutcome::Same => Ok(()),
            WritableRootRemovalOutcome::Text(text) => plan.change(place, Some(text)),
            WritableRootRemovalOutcome::Nothing => plan.change(place, None),
        }
    }

    fn path(&self) -> Result<&str, CliFailure> {
        self.root.to_str().ok_or_else(|| refused(shown(), "the path of the root is not UTF-8"))
    }

    /// The folders without which Codex ignores the entry, or runs no command.
    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        let is_in_git = self.root.parent().is_some_and(|it| it.ends_with(".git"));
        let names = PROTECTED.iter().filter(move |_| is_in_git);
        std::iter::once(self.root.clone()).chain(names.map(|name| self.root.join(name)))
    }

    /// Whether all of these folders are there: a lock makes only the first.
    fn is_ready(&self) -> bool {
        self.folders().all(|it| it.is_dir())
    }

    /// Makes these folders.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        self.folders().try_for_each(|it| make_folder(&it, FOLDER_MODE))
    }

    /// Removes the empty folders that [`prepare`](Self::prepare) made.
    pub(crate) fn tidy(&self) {
        // One that is not there, or not empty, is left as it is.
        for name in PROTECTED {
            let _ = fs::remove_dir(self.root.join(name));
        }
    }
}

fn shown() -> &'static str {
    if codex_home() == "~/.codex" { "~/.codex/config.toml" } else { "$CODEX_HOME/config.toml" }
}
