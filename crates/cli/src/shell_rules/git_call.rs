//! What a call of git would do to files that are not committed, by its words alone.
//!
//! The options are those of git 2.47. Where a word cannot be read, the answer is about more files, not fewer.

use crate::shell_text::{file_name, line::PlacedWord};
use std::path::{Path, PathBuf};

/// A call of git: its command, and the folder that it works in.
#[derive(Debug)]
pub(super) struct GitCall<'a> {
    pub(super) command: &'a str,
    arguments: &'a [PlacedWord],
    /// The folder of the call; none where that is not certain.
    pub(super) folder: Option<PathBuf>,
}

/// Which files that are not committed a call would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiscardingGitCall {
    /// The command and what makes it discard changes, for people.
    pub(crate) shown: String,
    /// The folder of the call; none where that is not certain. The paths are empty then.
    pub(crate) folder: Option<PathBuf>,
    /// Which kinds of files.
    pub(crate) files: UncommittedFileKind,
    /// The paths that it names; all files where it names none.
    pub(crate) paths: Vec<String>,
    /// Whether the first path may be a branch or a commit.
    pub(crate) may_begin_with_commit: bool,
}

/// Kinds of files with content that is in no commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UncommittedFileKind {
    /// Tracked files with changes.
    Changed,
    /// Files that git does not track.
    Untracked,
    /// The same, with those that git ignores.
    UntrackedAndIgnored,
    /// Files that git ignores.
    Ignored,
    /// Tracked files with changes, and untracked files.
    ChangedAndUntracked,
    /// All of these.
    All,
}

/// Options of git itself whose value is the next word.
const WITH_VALUE: [&str; 7] = [
    "-c",
    "--git-dir",
    "--work-tree",
    "--namespace",
    "--config-env",
    "--attr-source",
    "--super-prefix",
];

impl<'a> GitCall<'a> {
    /// The call that words are, if the program is git.
    pub(super) fn read(words: &'a [PlacedWord], folder: Option<&Path>) -> Option<Self> {
        let (program, mut rest) = words.split_first()?;
        if file_name(program.literal()?) != "git" {
            return None;
        }
        let mut folder = folder.map(Path::to_owned);
        while let Some((word, after)) = rest.split_first() {
            let text = word.text();
            if text == "-C" {
                let value = after.first()?.literal();
                folder = folder.zip(value).map(|(folder, value)| folder.join(value));
                rest = after.get(1..)?;
            } else if text.starts_with('-') {
                let names_repository =
                    text.starts_with("--git-dir") || text.starts_with("--work-tree");
                folder = folder.filter(|_| !names_repository);
                rest = after.get(usize::from(WITH_VALUE.contains(&text))..)?;
            } else {
                return Some(Self { command: word.literal()?, arguments: after, folder });
            }
        }
        None
    }

    /// Whether it changes the index for a commit.
    pub(super) fn takes_a_turn(&self) -> bool {
        matches!(self.command, "add" | "commit")
    }

    /// What it would discard.
    pub(super) fn discards(&self) -> Option<DiscardingGitCall> {
        use UncommittedFileKind::Changed;
        match self.command {
            "stash" => self.stash(),
            "reset" => {
                let mode = ["--hard", "--merge"].into_iter().find(|it| self.has(it));
                mode.map(|it| self.found(it, Changed, Vec::new()))
            }
            "switch" => {
                let mode = ["-f", "--force", "--discard-changes"];
                let mode = mode.into_iter().find(|it| self.has(it));
                mode.map(|it| self.found(it, Changed, Vec::new()))
            }
            "checkout" => self.checkout(),
            "restore" => {
                let (staged, tree) =
                    (self.has_any("-S", "--staged"), self.has_any("-W", "--worktree"));
                let paths = self.paths(&["-s", "--source"]);
                (tree || !staged).then(|| self.found("", Changed, paths))
            }
            "clean" => self.clean(),
            "rm" => {
                let is_kept = self.has("--cached") || self.has_any("-n", "--dry-run");
                let is_forced = self.has_any("-f", "--force") && !is_kept;
                is_forced.then(|| self.found("-f", Changed, self.paths(&[])))
            }
            _ => None,
        }
    }

    fn stash(&self) -> Option<DiscardingGitCall> {
        use UncommittedFileKind::{All, Changed, ChangedAndUntracked};
        let verb = self.arguments.first().map_or("push", PlacedWord::text);
        let is_verb = matches!(verb, "push" | "save");
        if !is_verb && !verb.starts_with('-') {
            return None;
        }
        let kind = match (self.has_any("-a", "--all"), self.has_any("-u", "--include-untracked")) {
            (true, _) => All,
            (_, true) => ChangedAndUntracked,
            _ => Changed,
        };
        let mut paths = self.paths(&["-m", "--message"]);
        if verb == "save" {
            paths.clear();
        } else if is_verb && !paths.is_empty() {
            paths.remove(0);
        }
        Some(self.found("", kind, paths))
    }

    fn checkout(&self) -> Option<DiscardingGitCall> {
        use UncommittedFileKind::Changed;
        if self.has_any("-f", "--force") {
            return Some(self.found("-f", Changed, Vec::new()));
        }
        let makes_branch = ["-b", "-B", "--orphan", "--detach", "-d", "-t", "--track", "-l"];
        if makes_branch.into_iter().any(|it| self.has(it)) {
            return None;
        }
        let paths = self.paths(&["--conflict", "--pathspec-from-file"]);
        let is_whole = self.has_any("-p", "--patch") || self.names_paths_elsewhere();
        if paths.is_empty() && !is_whole {
            return None;
        }
        let separator = self.arguments.iter().position(|it| it.text() == "--");
        let before = self.arguments.iter().take(separator.unwrap_or(usize::MAX));
        let before = before.filter(|it| !it.text().starts_with('-')).count();
        let paths =
            if separator.is_some() { paths.into_iter().skip(before).collect() } else { paths };
        let mut found = self.found("", Changed, paths);
        found.may_begin_with_commit = separator.is_none() && !is_whole;
        Some(found)
    }

    fn clean(&self) -> Option<DiscardingGitCall> {
        use UncommittedFileKind::{Ignored, Untracked, UntrackedAndIgnored};
        let does = self.has_any("-f", "--force") || self.has_any("-i", "--interactive");
        if !does || self.has_any("-n", "--dry-run") {
            return None;
        }
        let kind = match (self.has("-X"), self.has("-x")) {
            (true, _) => Ignored,
            (_, true) => UntrackedAndIgnored,
            _ => Untracked,
        };
        let mut paths = self.paths(&["-e", "--exclude"]);
        if paths.is_empty() && self.folder.is_some() {
            // It works in its folder only.
            paths.push(".".to_owned());
        }
        Some(self.found("-f", kind, paths))
    }

    fn found(
        &self,
        option: &str,
        files: UncommittedFileKind,
        paths: Vec<String>,
    ) -> DiscardingGitCall {
        let shown = format!("git {} {option}", self.command).trim_end().to_owned();
        let is_certain = self.folder.is_some() && !self.names_paths_elsewhere();
        let arguments_are_known = self.arguments.iter().all(|it| it.literal().is_some());
        let paths = if is_certain && arguments_are_known { paths } else { Vec::new() };
        DiscardingGitCall {
            shown,
            folder: self.folder.clone(),
            files,
            paths,
            may_begin_with_commit: false,
        }
    }

    fn names_paths_elsewhere(&self) -> bool {
        self.arguments.iter().any(|it| it.text().starts_with("--pathspec-from-file"))
    }

    /// Whether an option is there: one letter also among others, as in `-fd`.
    fn has(&self, option: &str) -> bool {
        let letter = option.strip_prefix('-').filter(|it| !it.starts_with('-'));
        let options = self.arguments.iter().map(PlacedWord::text).take_while(|it| *it != "--");
        let mut options = options.filter(|it| it.starts_with('-'));
        options.any(|it| {
            let is_among = |letter: &str| !it.starts_with("--") && it.contains(letter);
            it == option || letter.is_some_and(is_among)
        })
    }

    fn has_any(&self, short: &str, long: &str) -> bool {
        self.has(short) || self.has(long)
    }

    /// The words that are neither options nor their values.
    fn paths(&self, with_value: &[&str]) -> Vec<String> {
        let mut paths = Vec::new();
        let mut words = self.arguments.iter();
        while let Some(word) = words.next() {
            match word.text() {
                "--" => break,
                text if with_value.contains(&text) => drop(words.next()),
                text if text.starts_with('-') => {}
                text => paths.push(text.to_owned()),
            }
        }
        paths.extend(words.map(|it| it.text().to_owned()));
        paths
    }
}

#[cfg(test)]
#[path = "git_call_tests.rs"]
mod tests;
