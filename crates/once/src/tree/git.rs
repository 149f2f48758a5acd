//! Asking git which files there are.
//!
//! What git lists must be the files of the folder that is read, and all of them. So nothing that hides a file without
//! being part of the project has a say: no variable, no configuration of a user or of the repository, no file of
//! patterns but `.gitignore`. A list that came with a warning is an error, as some of it may be missing.

use super::{FileSelection, ProjectRepositoryLocation, ProjectTreeError};
use std::{
    ffi::{OsStr, OsString},
    fmt,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// The oldest git with which the lists are known to be right.
pub const OLDEST_GIT: GitVersion = GitVersion(2, 7);

/// A version of git: what it begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitVersion(pub u32, pub u32);

/// The configuration that could hide a file, or run a program, in place of what a user or the repository says.
const SETTINGS: [&str; 5] = [
    // A hook, or a server, that says what has changed. Git before 2.36 takes any value but an empty one for a hook.
    "core.fsmonitor=",
    "core.untrackedCache=false",
    "core.ignoreCase=false",
    "core.precomposeUnicode=false",
    "safe.bareRepository=explicit",
];

/// Variables for git that stay: where its programs and its configuration are. That has `safe.directory`, which says
/// whose repositories are trusted.
const KEPT_VARIABLES: [&str; 2] = ["GIT_CONFIG_", "GIT_EXEC_PATH"];

/// One repository, seen from one folder.
pub(super) struct GitClient<'a> {
    /// Where the repository is found: a folder that has its `.git`, or the one to start in.
    from: &'a Path,
    /// The repository, where a variable names it.
    named: Option<&'a Path>,
    /// The folder whose files are listed, by decree; else git says which one that is, and it has to be `from`.
    work_tree: Option<&'a Path>,
}

/// How much git is to say of each file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListingDetail {
    /// Its path.
    Path,
    /// Also whether it is a repository.
    Kind,
}

/// A line of git's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GitListEntry {
    /// Below the work tree.
    pub(super) path: PathBuf,
    /// Whether it is known to be a repository in itself, of which git lists no files. Of those that git tracks, that is
    /// known by [`ListingDetail::Kind`] alone.
    pub(super) is_repository: bool,
}

impl<'a> GitClient<'a> {
    /// The repository of a project; `None` if the project is in no repository.
    pub(super) fn of(tree: &'a FileSelection) -> Option<Self> {
        let (from, named, work_tree) = match &tree.repository {
            ProjectRepositoryLocation::Here => (&tree.project, None, None),
            ProjectRepositoryLocation::At(folder) => (folder, None, Some(tree.project.as_path())),
            ProjectRepositoryLocation::Named(git_dir) => {
                (&tree.project, Some(git_dir.as_path()), Some(tree.project.as_path()))
            }
            ProjectRepositoryLocation::None => return None,
        };
        Some(Self { from, named, work_tree })
    }

    /// The repository that a folder has a `.git` of. Whatever that says, this folder is the work tree that matters: a
    /// submodule that was copied names the one that it is a copy of.
    pub(super) fn nested(folder: &'a Path) -> Self {
        Self { from: folder, named: None, work_tree: Some(folder) }
    }

    /// The files below a folder: those that git tracks, and those that no `.gitignore` ignores.
    ///
    /// # Errors
    /// [`ProjectTreeError`] where git does not list all of them.
    pub(super) fn list(
        &self,
        folder: &Path,
        detail: ListingDetail,
    ) -> Result<Vec<GitListEntry>, ProjectTreeError> {
        let mut git = self.command();
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-per-directory=.gitignore"]);
        if detail == ListingDetail::Kind {
            git.args(["--stage", "-t"]);
        }
        if self.work_tree.is_some() {
            git.arg("--full-name");
        }
        git.arg("--");
        let top = self.work_tree.unwrap_or(self.from);
        if folder == top {
            git.arg(":/")
        } else {
            git.arg(literal(folder))
        };
        if self.work_tree.is_none() {
            // Git refuses this, unless the folder is in its work tree; what is above the folder begins with `..`.
            git.arg(literal(&top.join(".git")));
        }
        let output = git.output().map_err(ProjectTreeError::NoGit)?;
        if !output.status.success() {
            return Err(self.failure(&output));
        }
        self.require_no_warning(&output)?;
        let entries = entries(&output.stdout, detail).ok_or_else(|| ProjectTreeError::Git {
            folder: top.to_owned(),
            text: "its list cannot be read".to_owned(),
        })?;
        if entries.iter().any(|entry| entry.path.starts_with("..")) {
            return Err(self.failure(&output));
        }
        Ok(entries)
    }

    /// What a call of git begins with.
    fn command(&self) -> Command {
        let mut git = Command::new("git");
        let is_for_git = |key: &OsString| {
            let is = |prefix: &str| key.as_bytes().starts_with(prefix.as_bytes());
            is("GIT_") && !KEPT_VARIABLES.into_iter().any(is)
        };
        for key in std::env::vars_os().map(|(key, _)| key).filter(is_for_git) {
            git.env_remove(key);
        }
        git.env_remove("LANGUAGE").env("LC_ALL", "C");
        // Where it rejects the `.git` that is there, git must not take one of a folder above.
        let above =
            self.from.parent().filter(|above| !above.as_os_str().as_bytes().contains(&b':'));
        git.envs(above.map(|above| ("GIT_CEILING_DIRECTORIES", above)));
        git.envs(self.named.map(|it| ("GIT_DIR", it)));
        git.envs(self.work_tree.map(|it| ("GIT_WORK_TREE", it)));
        git.args(SETTINGS.into_iter().flat_map(|setting| ["-c", setting]));
        git.current_dir(self.from).stdin(Stdio::null());
        git
    }

    /// Why git gave no list, or one of another folder.
    fn failure(&self, output: &Output) -> ProjectTreeError {
        if self.work_tree.is_none()
            && let Some(work_tree) = self.top_level()
            && work_tree != self.from
        {
            return ProjectTreeError::OtherWorkTree(work_tree);
        }
        match version() {
            Some(found) if found < OLDEST_GIT => ProjectTreeError::OldGit(found),
            _ => ProjectTreeError::Git { folder: self.from.to_owned(), text: said(output) },
        }
    }

    /// The work tree, as git sees it.
    fn top_level(&self) -> Option<PathBuf> {
        let output = self.command().args(["rev-parse", "--show-toplevel"]).output().ok()?;
        let path = output.stdout.strip_suffix(b"\n").filter(|_| output.status.success())?;
        Some(PathBuf::from(OsStr::from_bytes(path)))
    }

    /// Refuses a list of which git says that something was wrong: of a folder that it cannot read, it lists nothing.
    fn require_no_warning(&self, output: &Output) -> Result<(), ProjectTreeError> {
        let begins = |line: &[u8]| line.starts_with(b"warning: ") || line.starts_with(b"error: ");
        if output.stderr.split(|byte| *byte == b'\n').any(begins) {
            return Err(ProjectTreeError::Git { folder: self.from.to_owned(), text: said(output) });
        }
        Ok(())
    }
}

/// Which git there is; `None` where that cannot be found out.
pub fn version() -> Option<GitVersion> {
    let output = Command::new("git").arg("version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.split_ascii_whitespace().nth(2)?.split('.');
    Some(GitVersion(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

impl fmt::Display for GitVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ")
}

/// A folder as a pattern in which nothing has a meaning.
fn literal(folder: &Path) -> OsString {
    let mut spec = OsString::from(":(literal)");
    spec.push(folder);
    spec
}

/// The lines of a list; `None` where one is not as git writes them.
fn entries(output: &[u8], detail: ListingDetail) -> Option<Vec<GitListEntry>> {
    let lines = output.split(|byte| *byte == 0).filter(|line| !line.is_empty());
    lines
        .map(|line| if detail == ListingDetail::Path { Some(entry(line)) } else { tagged(line) })
        .collect()
}

/// A path. A slash at its end says that it is a repository that git does not track.
fn entry(path: &[u8]) -> GitListEntry {
    let (path, is_repository) = match path.strip_suffix(b"/") {
        Some(path) => (path, true),
        None => (path, false),
    };
    GitListEntry { path: PathBuf::from(OsString::from_vec(path.to_vec())), is_repository }
}

/// `? PATH`, or of what git tracks: a letter, a space, `MODE OBJECT STAGE`, a tab, and the path.
fn tagged(line: &[u8]) -> Option<GitListEntry> {
    let (tag, rest) = line.split_first_chunk::<2>()?;
    if tag == b"? " {
        return Some(entry(rest));
    }
    let tab = rest.iter().position(|byte| *byte == b'\t')?;
    let (stage, path) = rest.split_at_checked(tab)?;
    let is_repository = stage.starts_with(b"160000 ");
    Some(GitListEntry { is_repository, ..entry(path.strip_prefix(b"\t")?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_git_writes_them() {
        let of = |path: &str, is_repository| GitListEntry { path: path.into(), is_repository };
        let plain = entries(b"a\0b\tc\0? d\0inner/\0", ListingDetail::Path).unwrap();
        assert_eq!(plain, [of("a", false), of("b\tc", false), of("? d", false), of("inner", true)]);
        let tagged =
            b"? a\tb\0? inner/\0H 100644 0123 0\tc\td\0M 100644 0123 2\te\0S 160000 0123 0\tsub\0";
        let expected =
            [("a\tb", false), ("inner", true), ("c\td", false), ("e", false), ("sub", true)];
        let expected: Vec<_> = expected.into_iter().map(|(path, is)| of(path, is)).collect();
        assert_eq!(entries(tagged, ListingDetail::Kind), Some(expected));
        assert_eq!(entries(b"H 100644 0123 0\0", ListingDetail::Kind), None);
    }
}
