use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http2::SendRequest},
};
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
pub(super) enum SendFailure {
    /// The request never left this process.
    #[error("{0}")]
    Unsent(#[source] hyper::Error),
    /// The connection broke.
    #[error("{0}")]
    Broken(#[source] hyper::Error),
    /// The answer is not gRPC.
    #[error("answers with HTTP status {status} and {content}, not with gRPC")]
    NotGrpc {
        /// The status of HTTP.
        status: http::StatusCode,
        /// The type of its content, in words.
        content: String,
    },
}

/// Lets only answers of gRPC pass. `tonic` does not look, and takes a page of a proxy for an answer that was cut off.
fn checked(answer: http::Response<Incoming>) -> Result<http::Response<Incoming>, SendFailure> {
    let content = answer.headers().get(http::header::CONTENT_TYPE);
    if content.is_some_and(|it| it.as_bytes().starts_with(b"application/grpc")) {
        return Ok(answer);
    }
    let shown = |it: &http::HeaderValue| String::from_utf8_lossy(it.as_bytes()).into_owned();
    let content = content.map_or_else(|| "no content type".to_owned(), shown);
    Err(SendFailure::NotGrpc { status: answer.status(), content })
}

/// The answer to come.
pub(super) type Answer =
    Pin<Box<dyn Future<Output = Result<http::Response<Incoming>, SendFailure>> + Send>>;

impl Service<http::Request<Body>> for Sender {
    type Response = http::Response<Incoming>;
    type Error = SendFailure;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SendFailure>> {
        self.0.poll_ready(context).map_err(SendFailure::Unsent)
    }

    fn call(&mut self, request: http::Request<Body>) -> Answer {
        let answer = self.0.try_send_request(request);
        Box::pin(async move { answer.await.map_err(broken).and_then(checked) })
    }
}

/// hyper gives the request back if it has not begun to send it.
fn broken(mut error: TrySendError<http::Request<Body>>) -> SendFailure {
    match error.take_message() {
        Some(_) => SendFailure::Unsent(error.into_error()),
        None => SendFailure::Broken(error.into_error()),
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
