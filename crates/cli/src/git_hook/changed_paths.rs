//! What a commit would change, by git.
//!
//! git runs a hook in the work tree's top folder, with variables that name the repository and the index that becomes
//! the commit: of `git commit FILE` and `git commit -a` that is another index than the usual one. So all variables stay
//! as they are. Every option is in the oldest git that Lokt supports, but for one that has a fallback.

use crate::env;
use lokt_lock::pattern::{InvalidPath, ProjectPath};
use std::{
    collections::HashSet,
    ffi::OsStr,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// What a commit changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommitChanges {
    /// The paths.
    pub(crate) paths: Vec<ChangedPath>,
    /// Whether it merges other commits.
    pub(crate) is_merge: bool,
}

/// A path that a commit changes: of a renamed file, both names are such paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangedPath {
    /// The path, from the top of the work tree.
    pub(crate) path: ProjectPath,
    /// What is there, or was.
    pub(crate) kind: ChangedPathKind,
}

/// What is at a path of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangedPathKind {
    /// A file, or a symbolic link.
    File,
    /// A submodule: the commit names another commit of it, which may change all that is below.
    Submodule,
}

/// Says why git did not tell what a commit changes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitQueryError {
    /// git could not be started.
    #[error("cannot run git")]
    Start(#[source] io::Error),
    /// git failed.
    #[error("`git {command}` failed: {text}")]
    Failed {
        /// What it was asked.
        command: &'static str,
        /// What it said.
        text: String,
    },
    /// The answer is not in the form that git documents.
    #[error("the answer of `git {command}` cannot be read")]
    Answer {
        /// What it was asked.
        command: &'static str,
    },
    /// The file with the commits that are being merged cannot be read.
    #[error("cannot read {}", path.display())]
    MergeHeads {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A path has not the form of a project's path.
    #[error(transparent)]
    Path(#[from] InvalidPath),
}

/// What a diff lists, but for intent-to-add entries (`git add -N`), which no commit has. git has the last option since
/// 2.11; without it, such an entry counts as a change.
const DIFF: [&str; 7] = [
    "diff-index",
    "--cached",
    "--raw",
    "-z",
    "--no-renames",
    "--ignore-submodules=none",
    "--ita-invisible-in-index",
];

/// The paths that differ between the index of a commit and each of its parents. `git commit --amend` counts what it
/// changes of the last commit.
///
/// # Errors
/// [`GitQueryError`] where git does not tell.
pub(crate) fn changed_paths(work_tree: &Path) -> Result<CommitChanges, GitQueryError> {
    let git = GitIndexClient { work_tree };
    let (head, merged) = git.parents()?;
    let first = match head {
        Some(head) => head,
        None => git.empty_tree()?,
    };
    let mut paths = git.differences(&first)?;
    for parent in &merged {
        let differences = git.differences(parent)?;
        let differing: HashSet<&ProjectPath> = differences.iter().map(|it| &it.path).collect();
        paths.retain(|it| differing.contains(&it.path));
    }
    Ok(CommitChanges { paths, is_merge: !merged.is_empty() })
}

/// git, asked in the top folder of a work tree.
struct GitIndexClient<'a> {
    work_tree: &'a Path,
}

impl GitIndexClient<'_> {
    /// The commit before, if there is one, and those that are being merged into it.
    fn parents(&self) -> Result<(Option<String>, Vec<String>), GitQueryError> {
        const COMMAND: &str = "rev-parse";
        // In this order: after a `HEAD` that names no commit yet, git prints nothing more.
        let output =
            self.asked(COMMAND, &[COMMAND, "--git-path", "MERGE_HEAD", "--revs-only", "HEAD"])?;
        let (merge_heads, head) =
            places(&output).ok_or(GitQueryError::Answer { command: COMMAND })?;
        let merge_heads = self.work_tree.join(OsStr::from_bytes(merge_heads));
        let merged = match fs::read(&merge_heads) {
            Ok(text) => object_names(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => heads_of_merge(),
            Err(source) => {
                return Err(GitQueryError::MergeHeads { path: merge_heads, source });
            }
        };
        let merged = match &head {
            Some(head) => self.without_ancestors(merged, head)?,
            None => Vec::new(),
        };
        Ok((head, merged))
    }

    /// Leaves out what is part of the history already: git has the file and the variables of a merge also for commits
    /// that the hook after the merge makes.
    fn without_ancestors(
        &self,
        commits: Vec<String>,
        head: &str,
    ) -> Result<Vec<String>, GitQueryError> {
        let mut left = Vec::new();
        for commit in commits {
            if !self.is_ancestor(&commit, head)? {
                left.push(commit);
            }
        }
        Ok(left)
    }

    /// Whether a commit is part of the history of another.
    fn is_ancestor(&self, commit: &str, head: &str) -> Result<bool, GitQueryError> {
        const COMMAND: &str = "merge-base";
        let output = self.run(&[COMMAND, "--is-ancestor", commit, head])?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(failed(COMMAND, &output)),
        }
    }

    /// The name of the tree without files, which depends on the repository's kind of hash.
    fn empty_tree(&self) -> Result<String, GitQueryError> {
        const COMMAND: &str = "hash-object";
        let output = self.asked(COMMAND, &[COMMAND, "-t", "tree", "/dev/null"])?;
        let name = object_names(&output).pop();
        name.ok_or(GitQueryError::Answer { command: COMMAND })
    }

    /// The paths that differ between the index and a tree.
    fn differences(&self, tree: &str) -> Result<Vec<ChangedPath>, GitQueryError> {
        const COMMAND: &str = "diff-index";
        let rest = [tree, "--"];
        let with_last: Vec<&str> = DIFF.iter().chain(&rest).copied().collect();
        let mut output = self.run(&with_last)?;
        if !output.status.success() {
            let all_but_last = DIFF.iter().take(DIFF.len() - 1);
            output = self.run(&all_but_last.chain(&rest).copied().collect::<Vec<_>>())?;
        }
        if !output.status.success() {
            return Err(failed(COMMAND, &output));
        }
        let lines = raw_lines(&output.stdout).ok_or(GitQueryError::Answer { command: COMMAND })?;
        let path = |(kind, path)| Ok(ChangedPath { path: ProjectPath::new(path)?, kind });
        lines.into_iter().map(path).collect()
    }

    /// What git prints, if it succeeds.
    fn asked(&self, command: &'static str, words: &[&str]) -> Result<Vec<u8>, GitQueryError> {
        let output = self.run(words)?;
        if output.status.success() { Ok(output.stdout) } else { Err(failed(command, &output)) }
    }

    /// Runs git with the variables of this process.
    fn run(&self, words: &[&str]) -> Result<Output, GitQueryError> {
        let mut git = Command::new("git");
        git.args(words).current_dir(self.work_tree).stdin(Stdio::null());
        git.output().map_err(GitQueryError::Start)
    }
}

/// The commits that `git merge` is merging. It writes them to its file only after the hook, but names each in a
/// variable for all that it starts.
fn heads_of_merge() -> Vec<String> {
    env::names_after(env::GIT_MERGED_HEAD).filter(|name| is_object_name(name)).collect()
}

/// The error of a call that failed, with what git said.
fn failed(command: &'static str, output: &Output) -> GitQueryError {
    let text = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    GitQueryError::Failed { command, text }
}

/// The path of the file with the merged commits, and below it the name of the commit before, if there is one.
fn places(output: &[u8]) -> Option<(&[u8], Option<String>)> {
    let output = output.strip_suffix(b"\n")?;
    let at = output.iter().rposition(|byte| *byte == b'\n');
    let last = at.and_then(|at| Some((output.get(..at)?, output.get(at + 1..)?)));
    let head = last.and_then(|(path, name)| Some((path, object_names(name).pop()?)));
    Some(match head {
        Some((path, head)) => (path, Some(head)),
        None => (output, None),
    })
}

/// The names of objects that a text has in its lines.
fn object_names(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    text.lines().filter(|line| is_object_name(line)).map(str::to_owned).collect()
}

/// Whether a text is the name of an object, by SHA-1 or SHA-256.
fn is_object_name(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The lines of a raw diff with `-z` (git-diff-index(1), "Raw output format"): `:MODE MODE OBJECT OBJECT STATUS`, then
/// a path. `None` where one is not of this form.
fn raw_lines(output: &[u8]) -> Option<Vec<(ChangedPathKind, &[u8])>> {
    let mut lines = Vec::new();
    let mut rest = output.strip_suffix(b"\0").unwrap_or(output).split(|byte| *byte == 0);
    if output.is_empty() {
        return Some(lines);
    }
    while let Some(line) = rest.next() {
        let mut words = line.strip_prefix(b":")?.split(|byte| *byte == b' ');
        let is_submodule = |mode: &[u8]| mode == b"160000";
        let modes = [words.next()?, words.next()?].map(is_submodule);
        let kind =
            if modes.contains(&true) { ChangedPathKind::Submodule } else { ChangedPathKind::File };
        lines.push((kind, rest.next().filter(|path| !path.is_empty())?));
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "78981922613b2afb6025042ff6bd878ac1994e85";

    #[test]
    fn a_raw_diff_is_read_as_git_writes_it() {
        use ChangedPathKind::{File, Submodule};
        let text = format!(
            ":100644 100755 {NAME} {NAME} M\0a b\n\0:160000 000000 {NAME} {NAME} D\0sub\0\
            :000000 120000 {NAME} {NAME} A\0:x\0"
        );
        let expected = [(File, &b"a b\n"[..]), (Submodule, b"sub"), (File, b":x")];
        assert_eq!(raw_lines(text.as_bytes()).unwrap(), expected);
        assert_eq!(raw_lines(b"").unwrap(), []);
        for other in [&b"a\0"[..], b":100644 100644 0 0 M\0", b":100644\0a\0", b"\0"] {
            assert_eq!(raw_lines(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_path_with_newlines_is_told_from_the_commit_below_it() {
        let of = |text: &str| {
            places(text.as_bytes()).map(|(path, head)| (path.to_vec(), head.unwrap_or_default()))
        };
        let found = |path: &str, head: &str| Some((path.as_bytes().to_vec(), head.to_owned()));
        assert_eq!(of(&format!("a\nb/MERGE_HEAD\n{NAME}\n")), found("a\nb/MERGE_HEAD", NAME));
        assert_eq!(of("a\nb/MERGE_HEAD\n"), found("a\nb/MERGE_HEAD", ""));
        assert_eq!(of("MERGE_HEAD\n"), found("MERGE_HEAD", ""));
        assert_eq!(of(""), None);
    }
}
