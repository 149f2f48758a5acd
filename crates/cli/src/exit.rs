//! The exit codes, with their numbers, names, meanings and what to do next.
//!
//! 64 is `EX_USAGE` of sysexits.h, 124 is what timeout(1) gives, 126 and 127 are those of a shell.
//! A command's own code passes through a guard unchanged, so a code alone does not always tell who
//! gave it: that is what `--status-file` is for.

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

impl ExitCode {
    /// Every code that Lokt itself gives: all but [`Command`](Self::Command), which is another program's.
    pub(crate) const ALL: [Self; 12] = [
        Self::Done,
        Self::Error,
        Self::Held,
        Self::NotFound,
        Self::NotYours,
        Self::NotVerified,
        Self::Lost,
        Self::Deadlock,
        Self::Usage,
        Self::MaxHold,
        Self::NotExecutable,
        Self::NoCommand,
    ];

    /// What it is called.
    ///
    /// A word for JSON and for programs. It is a contract, like the number.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Error => "error",
            Self::Held => "held",
            Self::NotFound => "not_found",
            Self::NotYours => "not_yours",
            Self::NotVerified => "not_verified",
            Self::Lost => "lost",
            Self::Deadlock => "deadlock",
            Self::Usage => "usage",
            Self::MaxHold => "max_hold",
            Self::NotExecutable => "not_executable",
            Self::NoCommand => "no_command",
            Self::Command(_) => "command",
        }
    }

    /// What it says.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Error => "an error, which stderr explains",
            Self::Held => "held by another, frozen, or the wait timed out; nothing was run",
            Self::NotFound => "no such lock, freeze, metadata key, result, tool or key",
            Self::NotYours => "it belongs to another",
            Self::NotVerified => "a tool is not as it was pinned or signed; nothing was run",
            Self::Lost => "the lock was lost while the command ran, and the command was stopped",
            Self::Deadlock => "waiting would be a deadlock",
            Self::Usage => "wrong usage; nothing was done",
            Self::MaxHold => {
                "--max-hold, or a tool's time, has passed, and the command was stopped"
            }
            Self::NotExecutable => "the guarded command cannot be executed",
            Self::NoCommand => "the guarded command, or an interpreter, was not found",
            Self::Command(_) => "the guarded command's code",
        }
    }

    /// What to run next. It never takes what belongs to another.
    pub(crate) const fn next(self) -> &'static str {
        match self {
            Self::Done | Self::Command(_) => "",
            Self::Error => "lokt doctor   checks that locks work here",
            Self::Held => {
                "do other work and try again later, or wait in the queue: the same command with --wait; lokt why NAME says who holds it"
            }
            Self::NotFound => "lokt status   lists what is held",
            Self::NotYours => {
                "leave it to its owner: lokt why NAME says who that is, and until when"
            }
            Self::NotVerified => {
                "lokt tool diff ID   shows what changed; a person decides whether to pin it again"
            }
            Self::Lost => {
                "do the work again, under the lock; lokt audit --name NAME shows what happened"
            }
            Self::Deadlock => {
                "unlock what you hold, and lock all names in one call: lokt guard A B -- COMMAND"
            }
            Self::Usage => "lokt COMMAND --help",
            Self::MaxHold => "do the work again with a longer --max-hold, or in smaller parts",
            Self::NotExecutable => "make the command after -- executable, or name its interpreter",
            Self::NoCommand => "correct the command after --, or install it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The position of a code in the list. A new code does not compile until it has one.
    const fn position(code: ExitCode) -> Option<usize> {
        Some(match code {
            ExitCode::Done => 0,
            ExitCode::Error => 1,
            ExitCode::Held => 2,
            ExitCode::NotFound => 3,
            ExitCode::NotYours => 4,
            ExitCode::NotVerified => 5,
            ExitCode::Lost => 6,
            ExitCode::Deadlock => 7,
            ExitCode::Usage => 8,
            ExitCode::MaxHold => 9,
            ExitCode::NotExecutable => 10,
            ExitCode::NoCommand => 11,
            ExitCode::Command(_) => return None,
        })
    }

    #[test]
    fn the_list_has_every_code_once() {
        let positions: Vec<_> = ExitCode::ALL.iter().map(|it| position(*it)).collect();
        assert_eq!(positions, (0..ExitCode::ALL.len()).map(Some).collect::<Vec<_>>());
    }

    #[test]
    fn what_comes_next_never_takes_what_is_anothers() {
        for code in ExitCode::ALL {
            for word in ["--force", "--break-stale", "--owner", "LOKT_ROOT", "LOKT_OWNER", "rm "] {
                assert!(!code.next().contains(word), "{}: {word}", code.next());
            }
            assert!(code == ExitCode::Done || !code.next().is_empty(), "{code:?}");
        }
    }
}
