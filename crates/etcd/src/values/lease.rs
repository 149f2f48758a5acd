use crate::boot_time::BootTime;
use std::{fmt, num::NonZeroI64, time::Duration};

/// The id of a lease: a positive number. Shown as etcdctl shows it, in 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(NonZeroI64);

impl LeaseId {
    /// The lease with a number; `None` unless it is positive.
    pub fn new(number: i64) -> Option<Self> {
        NonZeroI64::new(number).filter(|it| it.is_positive()).map(Self)
    }

    /// The lease with the number that 64 random bits make. `None` with a chance of 1 in 2^63.
    pub fn from_random(bits: u64) -> Option<Self> {
        Self::new((bits & i64::MAX as u64).cast_signed())
    }

    /// Its number.
    pub fn get(self) -> i64 {
        self.0.get()
    }
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A lease that the cluster has granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseGrant {
    /// Its id.
    pub id: LeaseId,
    /// How long it lives without a keepalive. It can be longer than what was asked for: etcd has a least TTL, which
    /// follows from its election timeout (2 s by default).
    pub ttl: Duration,
    /// When the request was sent. The lease lives at least until `sent` + `ttl`.
    pub sent: BootTime,
}

/// What a keepalive did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAliveOutcome {
    /// The lease lives at least until `sent` + `ttl`.
    Alive {
        /// Its whole TTL, which begins again with each keepalive.
        ttl: Duration,
        /// When the keepalive was sent.
        sent: BootTime,
    },
    /// The lease has ended, and its keys with it.
    Gone,
}

/// How long a lease still lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseLife {
    /// The TTL that it was granted with.
    pub granted: Duration,
    /// What is left of it, in whole seconds. A change of the leader makes it the whole TTL again.
    pub left: Duration,
}
