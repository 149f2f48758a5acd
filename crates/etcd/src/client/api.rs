use super::{
    background::BackgroundThread,
    calls::{Answer, Call, Repetition},
    session::Session,
};
use crate::{
    address::ClusterAddress,
    connection::{CallHeaders, Connection},
    credentials::Credentials,
    error::{ClusterError, ClusterErrorKind, WriteError},
    values::CallLimits,
};
use std::{fmt, sync::Arc};

/// A client of one cluster.
///
/// A clone is another handle of the same client; [`with_limits`](Self::with_limits) makes one with other limits. The
/// background thread ends with the last handle, watch and keepalive.
#[derive(Clone)]
pub struct EtcdClient {
    pub(super) background: Arc<BackgroundThread>,
    pub(super) session: Arc<Session>,
    pub(super) limits: CallLimits,
}

impl EtcdClient {
    /// Starts the background thread, and connects to the first member that accepts. The first call that needs it signs
    /// in.
    ///
    /// # Errors
    /// No member accepts a connection, TLS fails, or this process cannot get a thread.
    pub fn connect(
        address: &ClusterAddress,
        credentials: &Credentials,
        limits: CallLimits,
    ) -> Result<Self, ClusterError> {
        let call = Call::harmless("connect to the cluster").without_leader().without_sign_in();
        let session = Session::new(address, credentials).map_err(|why| broken(call, why))?;
        let session = Arc::new(session);
        let background = BackgroundThread::start()
            .map_err(|error| broken(call, format!("no background thread: {error}")))?;
        let client = Self { background: Arc::new(background), session, limits };
        client.ask(call, |_, _| Box::pin(async { Ok(()) }))?;
        Ok(client)
    }

    /// Another handle of the same client, whose calls have other limits.
    #[must_use]
    pub fn with_limits(&self, limits: CallLimits) -> Self {
        Self { limits, ..self.clone() }
    }

    /// The limits of this handle's calls.
    pub fn limits(&self) -> CallLimits {
        self.limits
    }

    /// Makes a call that has no effect, or the same one however often it is sent.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        call: Call,
        send: impl Fn(Arc<Connection>, CallHeaders) -> Answer<T> + Send + Sync + 'static,
    ) -> Result<T, ClusterError> {
        self.write(call, send).map_err(WriteError::into_cluster_error)
    }

    /// Makes a call that has an effect.
    pub(super) fn write<T: Send + 'static>(
        &self,
        call: Call,
        send: impl Fn(Arc<Connection>, CallHeaders) -> Answer<T> + Send + Sync + 'static,
    ) -> Result<T, WriteError> {
        let (session, limits) = (Arc::clone(&self.session), self.limits);
        let answer = self.background.run(async move { session.call(call, limits, send).await });
        answer.unwrap_or_else(|| {
            let error = broken(call, "the background thread has ended".to_owned());
            Err(match call.repetition {
                Repetition::Harmless => WriteError::NotApplied(error),
                Repetition::Harmful => WriteError::MaybeApplied(error),
            })
        })
    }

    /// Sends one message and gets one, without an effect.
    pub(super) fn ask_message<Q, A>(
        &self,
        call: Call,
        path: &'static str,
        message: Q,
    ) -> Result<A, ClusterError>
    where
        Q: prost::Message + Clone + 'static,
        A: prost::Message + Default + 'static,
    {
        self.ask(call, unary(path, message))
    }
}

/// The client itself cannot work.
pub(super) fn broken(call: Call, why: String) -> ClusterError {
    ClusterError { call: call.name, kind: ClusterErrorKind::Client(why), replies: Vec::new() }
}

/// Sends a message to whichever member is asked, and waits for its answer.
pub(super) fn unary<Q, A>(
    path: &'static str,
    message: Q,
) -> impl Fn(Arc<Connection>, CallHeaders) -> Answer<A> + Send + Sync
where
    Q: prost::Message + Clone + 'static,
    A: prost::Message + Default + 'static,
{
    move |connection, headers| {
        let message = message.clone();
        Box::pin(async move { connection.unary(path, headers, message).await })
    }
}

impl fmt::Debug for EtcdClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdClient")
            .field("endpoints", &self.session.endpoints())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
