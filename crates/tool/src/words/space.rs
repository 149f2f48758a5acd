use std::fmt;

/// Where items live. The nearer space comes first, and its items hide those of the same id behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// The repository that is worked in.
    Project,
    /// This user's own.
    User,
    /// What an administrator or Lokt itself brings; never written to.
    System,
}

impl Space {
    /// All spaces, the nearest first.
    pub const ALL: [Self; 3] = [Self::Project, Self::User, Self::System];

    /// The space as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::User => "user",
            Self::System => "system",
        }
    }

    /// The space that a lockfile names. `system:` with the name of a bundle is the system space: which
    /// bundle an item came in is other programs' business.
    pub fn of_lockfile(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("system", bundle)) if !bundle.is_empty() => Some(Self::System),
            Some(_) => None,
            None => Self::ALL.into_iter().find(|space| space.as_str() == text),
        }
    }

    /// This space and those behind it, the nearest first: where what an item of this space names is looked for.
    pub fn and_behind(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |space| *space >= self)
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_of_the_system_is_the_system() {
        assert_eq!(Space::of_lockfile("system:rye-core"), Some(Space::System));
        for other in ["system:", "user:x", "project:", "System", "", "bundle"] {
            assert_eq!(Space::of_lockfile(other), None, "{other:?} names no space");
        }
    }

    #[test]
    fn a_chain_only_leads_away_from_the_project() {
        assert_eq!(Space::User.and_behind().collect::<Vec<_>>(), [Space::User, Space::System]);
    }
}
