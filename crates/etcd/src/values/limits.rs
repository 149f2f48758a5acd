use std::time::Duration;

/// How long calls may take.
///
/// A call asks one member after the other. Each gets `per_member`, or an equal part of what is left of `total`,
/// if that is less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// The most that one member may take, the connection and a sign-in included.
    pub per_member: Duration,
    /// The most that a call may take as a whole.
    pub total: Duration,
}

impl CallLimits {
    /// The limits of a session with some TTL: a sixth of it for a member, and at most 4 s as a whole, so that a command
    /// fails within 5 s.
    pub fn for_ttl(ttl: Duration) -> Self {
        Self { per_member: ttl / 6, ..Self::default() }
    }

    /// These limits, but at most some time as a whole.
    #[must_use]
    pub fn within(self, total: Duration) -> Self {
        Self { total: self.total.min(total), ..self }
    }
}

impl Default for CallLimits {
    fn default() -> Self {
        Self { per_member: Duration::from_secs(2), total: Duration::from_secs(4) }
    }
}
