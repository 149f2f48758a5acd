use std::process::ExitCode;

/// The exit codes of `lokt`. They are a public contract: a code never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// Done.
    Done,
    /// An error, which stderr tells.
    Error,
    /// Held by another, frozen, or the wait timed out.
    Held,
    /// No such lock, freeze or metadata key.
    NotFound,
    /// Not yours.
    NotYours,
    /// Wrong usage.
    Usage,
    /// A guarded command that cannot be executed.
    NotExecutable,
    /// A guarded command that does not exist.
    NoCommand,
    /// A guarded command's own code.
    Command(u8),
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(match code {
            Code::Done => 0,
            Code::Error => 1,
            Code::Held => 2,
            Code::NotFound => 3,
            Code::NotYours => 4,
            Code::Usage => 64,
            Code::NotExecutable => 126,
            Code::NoCommand => 127,
            Code::Command(code) => code,
        })
    }
}
