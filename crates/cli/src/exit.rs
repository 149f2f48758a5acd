/// The exit codes of `lokt`. They are a public contract: a code never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitCode {
    /// Done.
    Done,
    /// An error, which stderr tells.
    Error,
    /// Held by another, frozen, or the wait timed out.
    Held,
    /// No such lock, freeze, metadata key, tool, lockfile or key.
    NotFound,
    /// Not yours.
    NotYours,
    /// A pinned or signed item has changed.
    NotVerified,
    /// A lock was lost while the command ran.
    Lost,
    /// Waiting would be a deadlock.
    Deadlock,
    /// Wrong usage.
    Usage,
    /// A guarded command that ran for longer than it may.
    MaxHold,
    /// A guarded command that cannot be executed.
    NotExecutable,
    /// A guarded command that does not exist.
    NoCommand,
    /// A guarded command's own code, or one that the user chose.
    Command(u8),
}

impl ExitCode {
    /// The code as a number.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::Held => 2,
            Self::NotFound => 3,
            Self::NotYours => 4,
            Self::NotVerified => 5,
            Self::Lost => 6,
            Self::Deadlock => 7,
            Self::Usage => 64,
            Self::MaxHold => 124,
            Self::NotExecutable => 126,
            Self::NoCommand => 127,
            Self::Command(code) => code,
        }
    }
}
