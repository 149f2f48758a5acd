use std::fmt;

/// Names one worktree of one repository: a random id that its git common directory keeps, and `.` or
/// `worktrees/<name>`. Wherever that directory is mounted, the id is the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WorktreeId(String);

impl WorktreeId {
    /// Makes the id of a worktree from the repository's id and the worktree's place in the git common directory.
    pub fn new(repository: &str, place: &str) -> Self {
        Self(format!("{repository}/{place}"))
    }

    /// Takes an id as it stands in a record; `None` where the text is empty.
    pub fn from_record(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a reservation counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReservationScope {
    /// In all worktrees of the repository.
    Repository,
    /// In one worktree.
    Tree(WorktreeId),
    /// A scope of a later version, with the `tree` of its record: it counts everywhere.
    Other(String, Option<String>),
}

impl ReservationScope {
    /// Whether two reservations of these scopes can be about the same file.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tree(one), Self::Tree(two)) => one == two,
            _ => true,
        }
    }

    /// The scope as it stands in a record.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Repository => "repository",
            Self::Tree(_) => "tree",
            Self::Other(text, _) => text,
        }
    }

    /// The worktree, as it stands in a record.
    pub fn tree(&self) -> Option<&str> {
        match self {
            Self::Repository => None,
            Self::Tree(tree) => Some(tree.as_str()),
            Self::Other(_, tree) => tree.as_deref(),
        }
    }
}

/// Whether others may reserve the same paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReservationMode {
    /// No other may.
    Exclusive,
    /// Others may, in this mode.
    Shared,
    /// A mode of a later version: it excludes all others.
    Other(String),
}

impl ReservationMode {
    /// Reads the mode as it stands in a record.
    pub fn from_record(text: &str) -> Self {
        match text {
            "exclusive" => Self::Exclusive,
            "shared" => Self::Shared,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The mode as it stands in a record.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Exclusive => "exclusive",
            Self::Shared => "shared",
            Self::Other(text) => text,
        }
    }
}

/// What made a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReservationOrigin {
    /// `lokt reserve`.
    Command,
    /// A hook before an edit. Such a record need not survive a power cut.
    Edit,
    /// A tool call of the MCP server.
    Mcp,
    /// An origin of a later version.
    Other(String),
}

impl ReservationOrigin {
    /// Reads the origin as it stands in a record.
    pub fn from_record(text: &str) -> Self {
        match text {
            "command" => Self::Command,
            "edit" => Self::Edit,
            "mcp" => Self::Mcp,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The origin as it stands in a record.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Command => "command",
            Self::Edit => "edit",
            Self::Mcp => "mcp",
            Self::Other(text) => text,
        }
    }
}

impl fmt::Display for WorktreeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
