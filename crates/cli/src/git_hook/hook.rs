use clap::ValueEnum;

/// A hook of git that checks a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GitHook {
    /// Before a commit
    PreCommit,
    /// Before the commit of a merge without conflicts
    PreMergeCommit,
}

impl GitHook {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::PreCommit, Self::PreMergeCommit];

    /// The name of its file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PreMergeCommit => "pre-merge-commit",
        }
    }

    /// The command of git that runs it.
    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::PreCommit => "git commit",
            Self::PreMergeCommit => "git merge",
        }
    }
}
