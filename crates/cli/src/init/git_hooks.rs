//! The hooks of git: where they are, and what `init` may do with each. A hook that the user has is kept and still runs.
//! Nothing is changed where anything else manages the hooks, and no file that others get with the repository.

use super::{
    hook_manager::{self, HookManager},
    hook_script::{self, HookScriptError, HookScriptWithoutSection},
    plan::InitPlan,
    project_file::{InitTargetFile, refused},
};
use crate::{env, exit::ExitCode, failure::CliFailure, git_hook::hook::GitHook};
use lokt_lock::{file::worktree_place, sys};
use nix::unistd::{AccessFlags, access};
use std::{
    ffi::OsStr,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The folder of git's hooks of a repository: one for all its worktrees.
#[derive(Debug)]
pub(crate) struct GitHooksFolder {
    project: PathBuf,
    folder: PathBuf,
}

/// What stands in the place of a hook.
#[derive(Debug)]
enum HookFile {
    /// Nothing.
    Absent,
    /// A file, with its text.
    Text(String),
    /// Something that `init` does not change, and why.
    Other(&'static str),
}

/// Ends of the names under which managers keep the hooks that they replace: pre-commit, lefthook.
const KEPT: [&str; 3] = ["", ".legacy", ".old"];

impl GitHooksFolder {
    /// The folder of a project's hooks; `None` where there is no git repository.
    pub(crate) fn of(project: &Path) -> Result<Option<Self>, CliFailure> {
        let git_dir = env::literal_path(env::GIT_DIR).map(|it| project.join(it));
        let place = worktree_place(project, git_dir.as_deref())?;
        let folder = place.map(|place| place.common.join("hooks"));
        Ok(folder.map(|folder| Self { project: project.to_owned(), folder }))
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// Plans the check in each hook, or says what to do by hand.
    pub(crate) fn put(&self, plan: &mut InitPlan) -> Result<(), CliFailure> {
        let texts = self.texts();
        let managers = hook_manager::found(&self.project, &texts);
        if !managers.is_empty() {
            return managers.into_iter().try_for_each(|it| self.check_manager(plan, it, &texts));
        }
        match self.other_folder()? {
            Some((folder, why)) => self.put_by_hand(plan, &folder, why),
            None => GitHook::ALL.into_iter().try_for_each(|hook| self.put_into(plan, hook))?,
        }
        Ok(())
    }

    /// Plans to take the check out of each hook.
    pub(crate) fn take_out(&self, plan: &mut InitPlan) -> Result<(), CliFailure> {
        for hook in GitHook::ALL {
            for end in KEPT {
                self.take_out_of(plan, &format!("{}{end}", hook.name()))?;
            }
        }
        let texts = self.texts();
        let managers = hook_manager::found(&self.project, &texts).into_iter();
        for part in managers.flat_map(|it| it.calling(&self.project, &texts)) {
            plan.leave(format!("{part} calls `lokt git-hook`: take that out by hand"));
        }
        Ok(())
    }

    /// Says what is missing in the configuration of a manager, or that git does not run its hooks here.
    fn check_manager(
        &self,
        plan: &mut InitPlan,
        manager: &HookManager,
        texts: &[String],
    ) -> Result<(), CliFailure> {
        if !manager.calls_all(&self.project, texts) {
            plan.leave(manager.advice());
            return Ok(());
        }
        let folder = self.other_folder()?.map_or_else(|| self.folder.clone(), |(folder, _)| folder);
        let paths = manager.hooks.iter().map(|hook| folder.join(hook.name()));
        let is_off = |path: &PathBuf| access(path, AccessFlags::X_OK).is_err();
        let off: Vec<String> = paths.filter(is_off).map(|path| self.shown(&path)).collect();
        if !off.is_empty() {
            plan.leave(manager.not_run(&off));
        }
        Ok(())
    }

    /// Plans the check in one hook, or says what to do by hand.
    fn put_into(&self, plan: &mut InitPlan, hook: GitHook) -> Result<(), CliFailure> {
        let path = self.folder.join(hook.name());
        let shown = self.shown(&path);
        let text = match self.read(&path)? {
            HookFile::Absent => None,
            HookFile::Text(text) => Some(text),
            HookFile::Other(why) => {
                plan.leave(by_hand(&shown, why, hook));
                return Ok(());
            }
        };
        if text.is_some() && access(&path, AccessFlags::X_OK).is_err() {
            plan.leave(format!("{}, and run this again", not_executable(&shown)));
            return Ok(());
        }
        let program = std::env::current_exe().ok().filter(|it| it.is_file());
        let section = hook_script::section(hook, program.as_deref());
        match hook_script::put(text.as_deref(), &section) {
            Ok(after) => {
                plan.change(InitTargetFile { shown: shown.into(), path, text }, Some(after))
            }
            Err(HookScriptError::NotShell) => {
                let calls = text.is_some_and(|it| hook_manager::calls_check(&it, hook));
                if !calls {
                    plan.leave(by_hand(&shown, "it is no shell script", hook));
                }
                Ok(())
            }
            Err(flaw) => Err(refused(&shown, &flaw.to_string())),
        }
    }

    /// Plans to take the check out of one file.
    fn take_out_of(&self, plan: &mut InitPlan, name: &str) -> Result<(), CliFailure> {
        let path = self.folder.join(name);
        let shown = self.shown(&path);
        let HookFile::Text(text) = self.read(&path)? else { return Ok(()) };
        let rest = hook_script::cut(&text).map_err(|flaw| refused(&shown, &flaw.to_string()))?;
        let place = InitTargetFile { shown: shown.into(), path, text: Some(text) };
        match rest {
            HookScriptWithoutSection::Same => Ok(()),
            HookScriptWithoutSection::Text(text) => plan.change(place, Some(text)),
            HookScriptWithoutSection::Nothing => plan.change(place, None),
        }
    }

    /// Says what to add in a folder of hooks that is not git's own, where it is missing.
    fn put_by_hand(&self, plan: &mut InitPlan, folder: &Path, why: &str) {
        for hook in GitHook::ALL {
            let path = folder.join(hook.name());
            let text = sys::read_regular(&path).unwrap_or_default();
            if !hook_manager::calls_check(&String::from_utf8_lossy(&text), hook) {
                plan.leave(by_hand(&self.shown(&path), why, hook));
            } else if access(&path, AccessFlags::X_OK).is_err() {
                plan.leave(not_executable(&self.shown(&path)));
            }
        }
    }

    /// The texts of the hooks that are there.
    fn texts(&self) -> Vec<String> {
        let read = |hook: GitHook| sys::read_regular(&self.folder.join(hook.name())).ok();
        let texts = GitHook::ALL.into_iter().filter_map(read);
        texts.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
    }

    /// Reads what stands in the place of a hook.
    fn read(&self, path: &Path) -> Result<HookFile, CliFailure> {
        let failed = |error: io::Error| refused(&self.shown(path), &error.to_string());
        let found = match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HookFile::Absent),
            found => found.map_err(failed)?,
        };
        if found.is_symlink() || !is_real(path) {
            return Ok(HookFile::Other(
                "it is a symbolic link, and others may have what it leads to",
            ));
        }
        if !found.is_file() {
            return Ok(HookFile::Other("it is no file"));
        }
        let bytes = sys::read_regular(path).map_err(failed)?;
        Ok(String::from_utf8(bytes).map_or(HookFile::Other("it is no text"), HookFile::Text))
    }

    /// The folder in which git looks for hooks, where that is another one, and why (git-config(1), `core.hooksPath`).
    fn other_folder(&self) -> Result<Option<(PathBuf, &'static str)>, CliFailure> {
        let mut git = Command::new("git");
        git.args(["config", "-z", "--path", "--get", "core.hooksPath"]);
        git.current_dir(&self.project).stdin(Stdio::null());
        let failed = |why: &str| {
            let text = format!("cannot find out where git has its hooks: {why}");
            CliFailure::new(ExitCode::Error, text).hint("no file was changed")
        };
        let output = git.output().map_err(|error| failed(&error.to_string()))?;
        match output.status.code() {
            Some(1) => {
                let linked = self.linked_folder();
                return Ok(linked.map(|it| (it, "a symbolic link has git look for hooks there")));
            }
            Some(0) => {}
            _ => return Err(failed(String::from_utf8_lossy(&output.stderr).trim())),
        }
        let named = output.stdout.strip_suffix(b"\0").unwrap_or(&output.stdout);
        let named = self.project.join(OsStr::from_bytes(named));
        let real = fs::canonicalize(&named).unwrap_or(named);
        let is_usual = real == self.folder;
        Ok((!is_usual).then_some((real, "core.hooksPath has git look for hooks there")))
    }

    /// Where the folder leads, if it is a link.
    fn linked_folder(&self) -> Option<PathBuf> {
        self.folder.canonicalize().ok().filter(|real| *real != self.folder)
    }

    /// A path as it is shown: from the project, if it is inside.
    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.project).unwrap_or(path).display().to_string()
    }
}

/// What a person has to add to a hook. The line to copy follows the first one.
fn by_hand(shown: &str, why: &str, hook: GitHook) -> String {
    let name = hook.name();
    format!(
        "{shown} is not changed: {why}; add this at its beginning, in its language:\n\
        ! command -v lokt >/dev/null || lokt git-hook {name} || exit 1"
    )
}

/// What to do about an existing hook that git does not run.
fn not_executable(shown: &str) -> String {
    format!(
        "{shown} is not changed: it is not executable, so git does not run it; if it is to run, make it executable \
        (chmod +x)"
    )
}

/// Whether no part of a path is a link.
fn is_real(path: &Path) -> bool {
    path.canonicalize().is_ok_and(|real| real == path)
}
