use std::fmt;

/// Tells apart two agents or terminals that work under one owner name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AgentId(String);

impl AgentId {
    /// Takes an id as it was given or as it stands in a record; `None` where the text is empty.
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// Derives an id from what names a terminal session: the boot, the session leader's pid and the time
    /// it started. The same session always gives the same id, and no two sessions do.
    pub fn derived(boot_id: &str, pid: i32, started: u64) -> Self {
        let digest = fnv1a(format!("{boot_id}/{pid}/{started}").as_bytes());
        Self(format!("agent-{digest:016x}"))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hashes bytes with FNV-1a, 64 bits (Fowler, Noll, Vo): stable across versions, which `std`'s hashers
/// do not promise.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv1a_matches_the_published_vectors() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn sessions_differ_by_every_part() {
        let id = AgentId::derived("boot", 10, 20);
        assert_eq!(id, AgentId::derived("boot", 10, 20), "one session, one id");
        for other in [("b", 10, 20), ("boot", 11, 20), ("boot", 10, 21)] {
            assert_ne!(
                id,
                AgentId::derived(other.0, other.1, other.2),
                "another session: {other:?}"
            );
        }
    }
}
