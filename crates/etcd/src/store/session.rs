use crate::{
    boot_time::BootTime,
    client::{EtcdClient, KeepAlive},
    error::{ClusterError, WriteError},
    values::{CallLimits, LeaseGrant, LeaseId},
};
use lokt_lock::sys::random_bytes;
use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// A lease of this process, kept alive for as long as the session is kept. Its keys are the tickets of the process, and
/// the records of its guards.
///
/// # Limits
/// The cluster ends the lease when it has heard nothing for the TTL. By then nothing may run under it any more: a
/// process has to stop what runs from [`stop_at`](Self::stop_at) on. Both times follow from when the last keepalive that
/// was acknowledged was *sent*, by a clock that runs on while the machine sleeps.
#[derive(Debug)]
pub(super) struct Session {
    client: EtcdClient,
    lease: LeaseId,
    ttl: Duration,
    granted: BootTime,
    keep_alive: KeepAlive,
    /// Found out by another call than a keepalive.
    is_gone: AtomicBool,
}

impl Session {
    /// Makes a lease and keeps it.
    pub(super) fn begin(client: &EtcdClient, ttl: Duration) -> Result<Arc<Self>, ClusterError> {
        let LeaseGrant { id: lease, sent: granted, .. } = grant(client, ttl)?;
        let limits = CallLimits { per_member: ttl / 6, total: ttl / 3 };
        let client = client.with_limits(limits);
        let keep_alive = client.keep_alive(lease, ttl / 6, |_| {})?;
        // The cluster may grant more than what was asked for, never less.
        let is_gone = AtomicBool::new(false);
        Ok(Arc::new(Self { client, lease, ttl, granted, keep_alive, is_gone }))
    }

    pub(super) fn lease(&self) -> LeaseId {
        self.lease
    }

    pub(super) fn ttl(&self) -> Duration {
        self.ttl
    }

    /// When the last keepalive was sent that was acknowledged.
    pub(super) fn sent(&self) -> BootTime {
        self.keep_alive.acknowledged().map_or(self.granted, |it| it.max(self.granted))
    }

    /// When what runs under the session has to be stopped, unless another keepalive is acknowledged.
    pub(super) fn stop_at(&self) -> BootTime {
        self.sent().after(self.ttl * 2 / 3)
    }

    /// When the cluster may give the locks of the session to others, unless another keepalive is acknowledged.
    pub(super) fn ends_at(&self) -> BootTime {
        self.sent().after(self.ttl)
    }

    /// Whether the lease is known to have ended.
    pub(super) fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::Acquire) || self.keep_alive.is_gone()
    }

    /// Notes that the lease has ended.
    pub(super) fn note_gone(&self) {
        self.is_gone.store(true, Ordering::Release);
    }

    /// Whether what runs under the session has to be stopped now.
    pub(super) fn is_lost(&self) -> bool {
        self.is_gone() || BootTime::now() >= self.stop_at()
    }

    /// The same client, whose calls end by [`stop_at`](Self::stop_at). After that, its own limits count.
    pub(super) fn limited(&self, client: &EtcdClient) -> EtcdClient {
        let left = self.stop_at().since(BootTime::now());
        let limits = client.limits();
        let limits = if left.is_zero() { limits } else { limits.within(left) };
        client.with_limits(limits)
    }

    /// Ends the lease and all its keys.
    pub(super) fn revoke(&self) -> Result<(), ClusterError> {
        self.client.revoke(self.lease)
    }
}

impl AsFd for Session {
    /// Readable when the lease has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.keep_alive.as_fd()
    }
}

/// Makes a lease. Its id is this process's choice: if the answer is lost, it is revoked, and another is made.
pub(super) fn grant(client: &EtcdClient, ttl: Duration) -> Result<LeaseGrant, ClusterError> {
    let mut tries = 3;
    loop {
        tries -= 1;
        let random = random_bytes().ok().and_then(|it| {
            let (low, _) = it.split_first_chunk::<8>()?;
            LeaseId::from_random(u64::from_ne_bytes(*low))
        });
        let granted = match random {
            Some(id) => client.grant_as(id, ttl),
            None => client.grant(ttl),
        };
        match granted {
            Ok(grant) => return Ok(grant),
            Err(WriteError::NotApplied(error)) => return Err(error),
            Err(WriteError::MaybeApplied(error)) => {
                if let Some(id) = random {
                    client.revoke(id)?;
                }
                if tries == 0 {
                    return Err(error);
                }
            }
        }
    }
}
