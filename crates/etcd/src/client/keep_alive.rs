use super::{
    EtcdClient,
    api::broken,
    background::{BackgroundTask, BackgroundThread},
    calls::Answer,
    leases::KEEP,
    mailbox::Mailbox,
    session::Session,
};
use crate::{
    boot_time::BootTime,
    connection::{AttemptFailure, CallHeaders, Connection, Fault, outgoing},
    error::{ClusterError, WriteError},
    protocol::{
        keep_alive_outcome,
        lease::{KEEP_ALIVE, LeaseKeepAliveRequest, LeaseKeepAliveResponse},
    },
    values::{CallLimits, KeepAliveOutcome, LeaseId},
};
use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::mpsc::Sender,
    time::{sleep, timeout},
};
use tonic::Streaming;

/// How long to wait after a round of all members, none of which answered.
const PAUSE: Duration = Duration::from_millis(100);

/// Keeps a lease alive in the background until it is dropped, or the lease has ended.
///
/// It tries without end: the caller must judge by [`acknowledged`](Self::acknowledged) when the lease may have ended.
/// Dropping this does not revoke the lease.
#[derive(Debug)]
pub struct KeepAlive {
    state: Arc<KeepAliveState>,
    /// Dropped before the thread that runs it.
    _task: BackgroundTask,
    _background: Arc<BackgroundThread>,
}

#[derive(Debug)]
struct KeepAliveState {
    /// [`BootTime::as_nanos`] of when the last keepalive was sent that was acknowledged; zero before the first.
    acknowledged: AtomicU64,
    failure: Mutex<Option<ClusterError>>,
    /// Has one value when the lease has ended.
    gone: Mailbox<()>,
}

impl KeepAlive {
    /// When the last keepalive was sent that was acknowledged: from then on the lease lives at least for its TTL.
    /// `None` before the first acknowledgement.
    pub fn acknowledged(&self) -> Option<BootTime> {
        match self.state.acknowledged.load(Ordering::Acquire) {
            0 => None,
            nanos => Some(BootTime::from_nanos(nanos)),
        }
    }

    /// Whether the cluster said that the lease has ended. The descriptor is readable from then on.
    pub fn is_gone(&self) -> bool {
        self.state.gone.has_values()
    }

    /// Why the last keepalive failed; `None` if it was acknowledged.
    pub fn failure(&self) -> Option<ClusterError> {
        self.state.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl AsFd for KeepAlive {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.state.gone.as_fd()
    }
}

impl EtcdClient {
    /// Keeps a lease alive in the background: sends a keepalive at once, and then one in each period.
    ///
    /// After each acknowledgement, `publish` gets the time at which its keepalive was sent, on the background thread:
    /// for memory that processes share. It must not block.
    ///
    /// # Errors
    /// This process cannot get a descriptor.
    pub fn keep_alive(
        &self,
        id: LeaseId,
        period: Duration,
        publish: impl Fn(BootTime) + Send + Sync + 'static,
    ) -> Result<KeepAlive, ClusterError> {
        let gone = Mailbox::new().map_err(|errno| broken(KEEP, errno.to_string()))?;
        let state = Arc::new(KeepAliveState {
            acknowledged: AtomicU64::new(0),
            failure: Mutex::new(None),
            gone,
        });
        let task = KeepAliveTask {
            session: Arc::clone(&self.session),
            limits: self.limits,
            id,
            period,
            publish: Box::new(publish),
            state: Arc::clone(&state),
        };
        let task = self.background.spawn(task.run());
        Ok(KeepAlive { state, _task: task, _background: Arc::clone(&self.background) })
    }
}

struct KeepAliveTask {
    session: Arc<Session>,
    limits: CallLimits,
    id: LeaseId,
    period: Duration,
    publish: Box<dyn Fn(BootTime) + Send + Sync>,
    state: Arc<KeepAliveState>,
}

/// A stream of keepalives of one lease to one member.
pub(super) struct KeepAliveStream {
    connection: Arc<Connection>,
    id: LeaseId,
    requests: Sender<LeaseKeepAliveRequest>,
    answers: Streaming<LeaseKeepAliveResponse>,
}

/// Whether the lease is to be kept any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LeaseState {
    Alive,
    Gone,
}

impl KeepAliveTask {
    async fn run(self) {
        while self.keep_with_one_member().await == LeaseState::Alive {}
        self.state.gone.put([()]);
    }

    /// Sends keepalives to the first member that answers, until it does not.
    async fn keep_with_one_member(&self) -> LeaseState {
        let id = self.id;
        let begun = self.session.call(KEEP, self.limits, move |connection, headers| {
            let begun: Answer<_> = Box::pin(KeepAliveStream::begin(connection, headers, id));
            begun
        });
        let (mut stream, mut outcome) = match begun.await {
            Ok(begun) => begun,
            Err(error) => {
                self.note_failure(Some(error));
                sleep(PAUSE).await;
                return LeaseState::Alive;
            }
        };
        loop {
            let KeepAliveOutcome::Alive { sent, .. } = outcome else { return LeaseState::Gone };
            self.note_acknowledgement(sent);
            sleep(self.period.saturating_sub(sent.elapsed())).await;
            let next = timeout(self.limits.per_member, stream.send()).await;
            let Ok(Ok(next)) = next else {
                // Another member is asked at once.
                self.session.leave(&stream.connection);
                return LeaseState::Alive;
            };
            outcome = next;
        }
    }

    fn note_acknowledgement(&self, sent: BootTime) {
        self.note_failure(None);
        self.state.acknowledged.store(sent.as_nanos(), Ordering::Release);
        (self.publish)(sent);
    }

    fn note_failure(&self, failure: Option<WriteError>) {
        let failure = failure.map(WriteError::into_cluster_error);
        *self.state.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

impl KeepAliveStream {
    /// Opens a stream, and sends the first keepalive.
    pub(super) async fn begin(
        connection: Arc<Connection>,
        headers: CallHeaders,
        id: LeaseId,
    ) -> Result<(Self, KeepAliveOutcome), AttemptFailure> {
        let (requests, messages) = outgoing(1);
        let sent = BootTime::now();
        // A stream is answered when its first message has come.
        let _ = requests.try_send(LeaseKeepAliveRequest { id: id.get() });
        let answers = connection.stream(KEEP_ALIVE, headers, messages).await?;
        let mut stream = Self { connection, id, requests, answers };
        let outcome = stream.receive(sent).await?;
        Ok((stream, outcome))
    }

    /// Sends a keepalive, and waits for the answer. No other one is under way, so the answer is that of this one.
    async fn send(&mut self) -> Result<KeepAliveOutcome, AttemptFailure> {
        let sent = BootTime::now();
        if self.requests.try_send(LeaseKeepAliveRequest { id: self.id.get() }).is_err() {
            return Err(AttemptFailure::Elsewhere(Fault::silent("the stream has ended")));
        }
        self.receive(sent).await
    }

    async fn receive(&mut self, sent: BootTime) -> Result<KeepAliveOutcome, AttemptFailure> {
        let answer = self.connection.next(&mut self.answers).await?;
        Ok(keep_alive_outcome(&answer, sent))
    }
}
