use std::{fmt, path::PathBuf};

/// Says that an artifact was perhaps made by another as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactClaimConflict {
    /// The artifact.
    pub artifact: PathBuf,
    /// The other.
    pub by: RivalKind,
}

/// What else claims the place of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RivalKind {
    /// Another run.
    Run,
    /// A call that restores a kept result.
    Restore,
    /// The run whose command asked for this one.
    OuterRun,
    /// It cannot be found out.
    Unknown,
}

impl fmt::Display for ArtifactClaimConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.artifact.display();
        match self.by {
            RivalKind::Run => write!(f, "another run made {path} at the same time"),
            RivalKind::Restore => write!(f, "another call restored {path} at the same time"),
            RivalKind::OuterRun => write!(f, "the run around this one makes {path} too"),
            RivalKind::Unknown => {
                write!(f, "it cannot be found out whether another run made {path} at the same time")
            }
        }
    }
}

/// The first line of a claim's file: which of its artifacts another claims, and what the other is. It always has the
/// same length, so that it can be changed in place, also on a full disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClaimCollisionLine {
    pub(super) artifact: usize,
    pub(super) by: RivalKind,
}

impl ClaimCollisionLine {
    /// How many bytes it has, with the end of the line.
    pub(super) const LENGTH: usize = 8;

    /// The line of a claim that is alone.
    pub(super) const NONE: [u8; Self::LENGTH] = *b"-000000\n";

    pub(super) fn encode(self) -> [u8; Self::LENGTH] {
        let letter = match self.by {
            RivalKind::Run => 'r',
            RivalKind::Restore => 'h',
            RivalKind::OuterRun => 'o',
            RivalKind::Unknown => '?',
        };
        let line = format!("{letter}{:06}\n", self.artifact.min(999_999));
        line.as_bytes().try_into().unwrap_or(*b"?000000\n")
    }

    /// What a line says; whatever cannot be read says that there was another.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        if line == Self::NONE {
            return None;
        }
        let by = match line.first() {
            Some(b'r') => RivalKind::Run,
            Some(b'h') => RivalKind::Restore,
            Some(b'o') => RivalKind::OuterRun,
            _ => RivalKind::Unknown,
        };
        let digits = line.get(1..Self::LENGTH - 1).unwrap_or_default();
        let artifact = std::str::from_utf8(digits).ok().and_then(|it| it.parse().ok());
        Some(Self { artifact: artifact.unwrap_or_default(), by })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_doubt_is_a_mark() {
        for by in [RivalKind::Run, RivalKind::Restore, RivalKind::OuterRun, RivalKind::Unknown] {
            for artifact in [0, 7, 999_999] {
                let mark = ClaimCollisionLine { artifact, by };
                assert_eq!(ClaimCollisionLine::parse(&mark.encode()), Some(mark));
            }
        }
        assert_eq!(ClaimCollisionLine::parse(&ClaimCollisionLine::NONE), None);
        let unknown = Some(ClaimCollisionLine { artifact: 0, by: RivalKind::Unknown });
        for line in [&b""[..], b"-", b"-00000", b"x000000\n", b"\0\0\0\0\0\0\0\0"] {
            assert_eq!(ClaimCollisionLine::parse(line), unknown, "{line:?}");
        }
    }
}
