use hyper::{body::Incoming, client::conn::http2::SendRequest};
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};
use tonic::{
    body::Body,
    codegen::{Service, http},
};

/// Sends requests on one connection, in the form that `tonic` takes.
#[derive(Debug, Clone)]
pub(super) struct Sender(pub(super) SendRequest<Body>);

impl Sender {
    pub(super) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// A request failed before its answer began.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub(super) struct SendFailure {
    /// Whether the request never left this process.
    pub(super) unsent: bool,
    source: hyper::Error,
}

/// The answer to come.
pub(super) type Answer =
    Pin<Box<dyn Future<Output = Result<http::Response<Incoming>, SendFailure>> + Send>>;

impl Service<http::Request<Body>> for Sender {
    type Response = http::Response<Incoming>;
    type Error = SendFailure;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SendFailure>> {
        self.0.poll_ready(context).map_err(|source| SendFailure { unsent: true, source })
    }

    fn call(&mut self, request: http::Request<Body>) -> Answer {
        let answer = self.0.try_send_request(request);
        Box::pin(async move {
            // hyper gives the request back if it has not begun to send it.
            answer.await.map_err(|mut error| SendFailure {
                unsent: error.take_message().is_some(),
                source: error.into_error(),
            })
        })
    }
}

/// Shows the last cause of an error, which is what the system or the peer said.
pub(super) struct RootCause<'a>(pub(super) &'a (dyn std::error::Error + 'static));

impl fmt::Display for RootCause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cause = self.0;
        while let Some(next) = cause.source() {
            cause = next;
        }
        write!(f, "{cause}")
    }
}
