use super::{EtcdClient, api::unary, calls::Call, keep_alive::KeepAliveStream, keys::malformed};
use crate::{
    boot_time::BootTime,
    error::{ClusterError, ClusterErrorKind, WriteError},
    protocol::{
        grant_of,
        lease::{
            GRANT, LeaseGrantRequest, LeaseGrantResponse, LeaseRevokeRequest, LeaseRevokeResponse,
            LeaseTimeToLiveRequest, LeaseTimeToLiveResponse, REVOKE, TIME_TO_LIVE,
        },
        life_of,
    },
    values::{KeepAliveOutcome, LeaseGrant, LeaseId, LeaseLife},
};
use std::time::Duration;

const MAKE: Call = Call::harmful("grant a lease");
const END: Call = Call::harmless("revoke a lease");
pub(super) const KEEP: Call = Call::harmless("keep a lease alive");
const ASK: Call = Call::harmless("ask for a lease");

impl EtcdClient {
    /// Makes a lease with an id that the cluster chooses. The TTL counts in whole seconds, rounded up.
    ///
    /// # Errors
    /// As [`grant_as`](Self::grant_as). After [`WriteError::MaybeApplied`], a lease may live that cannot be named,
    /// until its TTL is over.
    pub fn grant(&self, ttl: Duration) -> Result<LeaseGrant, WriteError> {
        self.grant_with(ttl, 0)
    }

    /// Makes a lease with an id that the caller has chosen at random. If the answer is lost, the caller can still
    /// revoke the lease.
    ///
    /// # Errors
    /// [`WriteError::NotApplied`]: there is no lease, or one with this id existed already
    /// ([`LeaseExists`](ClusterErrorKind::LeaseExists)). [`WriteError::MaybeApplied`]: the answer was lost.
    pub fn grant_as(&self, id: LeaseId, ttl: Duration) -> Result<LeaseGrant, WriteError> {
        self.grant_with(ttl, id.get())
    }

    fn grant_with(&self, ttl: Duration, id: i64) -> Result<LeaseGrant, WriteError> {
        let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
        let request = LeaseGrantRequest { ttl: i64::try_from(seconds).unwrap_or(i64::MAX), id };
        let (answer, sent) = self.write(MAKE, move |connection, headers| {
            let request = request.clone();
            Box::pin(async move {
                let sent = BootTime::now();
                let answer: LeaseGrantResponse = connection.unary(GRANT, headers, request).await?;
                Ok((answer, sent))
            })
        })?;
        grant_of(&answer, sent).ok_or_else(|| WriteError::MaybeApplied(malformed(MAKE)))
    }

    /// Ends a lease and its keys. If the lease has ended already, it is success.
    ///
    /// # Errors
    /// No member answers within the limits, or the user has no right to a key of the lease.
    pub fn revoke(&self, id: LeaseId) -> Result<(), ClusterError> {
        let request = LeaseRevokeRequest { id: id.get() };
        match self.ask_message::<_, LeaseRevokeResponse>(END, REVOKE, request) {
            Ok(_) => Ok(()),
            Err(error) if error.kind == ClusterErrorKind::LeaseNotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Restarts the TTL of a lease, once.
    ///
    /// # Errors
    /// No member answers within the limits. That the lease has ended is an outcome.
    pub fn keep_alive_once(&self, id: LeaseId) -> Result<KeepAliveOutcome, ClusterError> {
        self.ask(KEEP, move |connection, headers| {
            Box::pin(async move {
                let (_, outcome) = KeepAliveStream::begin(connection, headers, id).await?;
                Ok(outcome)
            })
        })
    }

    /// Tells how long a lease still lives; `None` if it has ended.
    ///
    /// # Errors
    /// No member answers within the limits.
    pub fn time_to_live(&self, id: LeaseId) -> Result<Option<LeaseLife>, ClusterError> {
        let request = LeaseTimeToLiveRequest { id: id.get() };
        let answer: LeaseTimeToLiveResponse = self.ask(ASK, unary(TIME_TO_LIVE, request))?;
        Ok(life_of(&answer))
    }
}
