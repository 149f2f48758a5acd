use super::words::ShellWord;
use std::collections::BTreeSet;

/// Shell text that was read whole: every simple command of it, with its place.
#[derive(Debug, Default)]
pub(crate) struct ShellLine {
    /// The simple commands that have a word, those inside substitutions and bodies too.
    pub(crate) commands: Vec<PlacedCommand>,
    /// The functions and aliases that the text defines.
    pub(crate) functions: BTreeSet<String>,
    /// Whether a variable that says where programs are found is set anywhere in it.
    pub(crate) sets_path: bool,
    branches: Vec<ShellBranch>,
}

/// A simple command, and where it stands.
#[derive(Debug, Default)]
pub(crate) struct PlacedCommand {
    /// Its words, without assignments and redirections; at least one.
    pub(crate) words: Vec<PlacedWord>,
    /// The variables that are assigned in front of it.
    pub(crate) assignments: Vec<String>,
    /// Whether it has a redirection.
    pub(crate) has_redirections: bool,
    /// Whether the shell goes on without waiting for it.
    pub(crate) is_background: bool,
    /// Whether `!` or `time` is in front of it.
    pub(crate) is_prefixed: bool,
    /// In how many brackets, bodies and substitutions it stands; 1 for a command of the text itself.
    pub(crate) depth: usize,
    /// The element of a pipeline that it is in.
    pub(super) branch: Option<usize>,
}

/// A word, and the byte where it begins.
#[derive(Clone, Debug)]
pub(crate) struct PlacedWord {
    pub(crate) word: ShellWord,
    pub(crate) start: usize,
    /// How much of its text is before its first quote or expansion.
    bare: usize,
}

/// An element of a pipeline. Elements of one pipeline run at the same time, and may wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShellBranch {
    /// The pipeline.
    pub(crate) pipeline: usize,
    /// Which element of it.
    pub(crate) element: usize,
    parent: Option<usize>,
}

impl PlacedWord {
    pub(super) fn new(word: ShellWord, start: usize, bare: usize) -> Self {
        Self { word, start, bare }
    }

    /// Its text, without quotes.
    pub(crate) fn text(&self) -> &str {
        &self.word.text
    }

    /// Its text, unless a shell would put something else into it.
    pub(crate) fn literal(&self) -> Option<&str> {
        (!self.word.is_expanded).then_some(&*self.word.text)
    }

    /// Whether it has neither quotes nor expansions.
    pub(super) fn is_bare(&self) -> bool {
        self.bare == self.word.text.len() && !self.word.is_expanded
    }

    /// The variable that it assigns, if it is an assignment.
    pub(super) fn assigned(&self) -> Option<&str> {
        let (left, _) = self.word.text.split_once('=')?;
        let name = left.strip_suffix('+').unwrap_or(left);
        let (name, unquoted) = match name.split_once('[') {
            // The index may have quotes and expansions.
            Some((name, index)) if index.ends_with(']') => (name, name.len()),
            Some(_) => return None,
            None => (name, left.len()),
        };
        (self.bare > unquoted && super::is_identifier(name)).then_some(name)
    }
}

impl ShellLine {
    /// Adds an element of a pipeline.
    pub(super) fn add_branch(
        &mut self,
        pipeline: usize,
        element: usize,
        parent: Option<usize>,
    ) -> usize {
        self.branches.push(ShellBranch { pipeline, element, parent });
        self.branches.len() - 1
    }

    /// A branch by its number.
    pub(super) fn branch(&self, number: Option<usize>) -> Option<ShellBranch> {
        self.branches.get(number?).copied()
    }

    /// The elements of pipelines that a command is in, the innermost first.
    pub(crate) fn branches(&self, command: &PlacedCommand) -> impl Iterator<Item = ShellBranch> {
        std::iter::successors(self.branch(command.branch), |it| self.branch(it.parent))
    }
}

impl ShellBranch {
    pub(super) fn parent(self) -> Option<usize> {
        self.parent
    }
}
