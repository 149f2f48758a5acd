//! One connection to one member: TCP, TLS, HTTP/2, and calls on it.
//!
//! A connection never reconnects by itself: what was not sent must be told from what may have been sent, because only
//! the former may be sent to another member. This room also finds out what listens at an endpoint that does not behave
//! like etcd ([`trace`]), and what a failure means ([`failure`], [`reply`]). It knows nothing of other members.

mod failure;
mod open;
mod outgoing;
mod probe;
mod reply;
mod sender;
mod tls;
mod trace;

pub(crate) use failure::{AttemptFailure, Fault};
pub(crate) use outgoing::outgoing;
pub(crate) use tls::TransportSettings;

use crate::{
    address::Endpoint,
    error::{ClusterErrorKind, TlsFailure},
};
use failure::judge;
use probe::expects_tls;
use reply::judge_reply;
use sender::Sender;
use std::sync::Arc;
use tonic::{
    Request, Streaming,
    client::Grpc,
    codegen::{
        http::uri::{PathAndQuery, Uri},
        tokio_stream::Stream,
    },
    metadata::{Ascii, MetadataValue},
};
use tonic_prost::ProstCodec;
use trace::ConnectionTrace;

/// Whether a member answers only while it has a leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeaderDemand {
    /// The member refuses at once without a leader. Else it would wait for one, or a watch would stay silent.
    Required,
    /// The member answers what it knows.
    NotRequired,
}

/// What is sent with each call.
#[derive(Debug, Clone)]
pub(crate) struct CallHeaders {
    pub(crate) token: Option<MetadataValue<Ascii>>,
    pub(crate) leader: LeaderDemand,
}

/// An open connection to one member.
#[derive(Debug)]
pub(crate) struct Connection {
    endpoint: Endpoint,
    is_encrypted: bool,
    sender: Sender,
    origin: Uri,
    trace: Arc<ConnectionTrace>,
}

impl Connection {
    /// Connects to a member. Nothing of a call has been sent then.
    pub(crate) async fn open(
        endpoint: &Endpoint,
        settings: &TransportSettings,
    ) -> Result<Self, Fault> {
        open::open(endpoint, settings).await
    }

    /// The member.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What the failure of a call that was sent means when more is asked of the server: it may expect TLS, or be no
    /// server of etcd at all. The caller limits the time.
    pub(crate) async fn examine(&self, failure: AttemptFailure) -> AttemptFailure {
        if !matches!(failure, AttemptFailure::Unanswered(_)) {
            return failure;
        }
        if let Some(stranger) = self.trace.stranger() {
            return AttemptFailure::Elsewhere(stranger);
        }
        // A server that expects TLS breaks the connection at the first bytes, without a word.
        if !self.is_encrypted
            && self.is_closed()
            && self.trace.is_silent()
            && expects_tls(&self.endpoint).await
        {
            let kind = ClusterErrorKind::Tls(TlsFailure::TlsExpected);
            return AttemptFailure::Elsewhere(Fault::new(kind, "answers to TLS only"));
        }
        failure
    }

    /// Whether it is known to be broken.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a message and waits for the answer.
    pub(crate) async fn unary<Q, A>(
        &self,
        path: &'static str,
        headers: CallHeaders,
        message: Q,
    ) -> Result<A, AttemptFailure>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let request = with_headers(Request::new(message), headers);
        let codec = ProstCodec::<Q, A>::default();
        let answer = self.grpc().unary(request, PathAndQuery::from_static(path), codec).await;
        answer.map(tonic::Response::into_inner).map_err(|status| self.judge(&status))
    }

    /// Opens a stream in both directions.
    pub(crate) async fn stream<Q, A>(
        &self,
        path: &'static str,
        headers: CallHeaders,
        messages: impl Stream<Item = Q> + Send + 'static,
    ) -> Result<Streaming<A>, AttemptFailure>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let request = with_headers(Request::new(messages), headers);
        let codec = ProstCodec::<Q, A>::default();
        let answer = self.grpc().streaming(request, PathAndQuery::from_static(path), codec).await;
        answer.map(tonic::Response::into_inner).map_err(|status| self.judge(&status))
    }

    /// Waits for the next message of a stream.
    pub(crate) async fn next<A>(&self, stream: &mut Streaming<A>) -> Result<A, AttemptFailure> {
        match stream.message().await {
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(AttemptFailure::Unanswered(Fault::silent("ended the stream"))),
            Err(status) => Err(self.judge(&status)),
        }
    }

    /// Judges a reason that a server gave inside an answer.
    pub(crate) fn judge_reason(reason: &str) -> AttemptFailure {
        judge_reply(tonic::Code::Unknown, reason)
    }

    fn judge(&self, status: &tonic::Status) -> AttemptFailure {
        judge(status, &self.trace)
    }

    fn grpc(&self) -> Grpc<Sender> {
        // An answer may have any size: what was asked for decides.
        Grpc::with_origin(self.sender.clone(), self.origin.clone())
            .max_decoding_message_size(usize::MAX)
    }
}

fn with_headers<T>(mut request: Request<T>, headers: CallHeaders) -> Request<T> {
    let metadata = request.metadata_mut();
    if let Some(token) = headers.token {
        metadata.insert("token", token);
    }
    if headers.leader == LeaderDemand::Required {
        metadata.insert("hasleader", MetadataValue::from_static("true"));
    }
    request
}
