//! What the other side of a connection does: its first bytes, and how the connection failed.
//!
//! HTTP/2 says no more than "protocol error" of a server that speaks something else. Its first bytes tell what it speaks.

use super::failure::Fault;
use crate::error::{ClusterErrorKind, TlsFailure};
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many of the first bytes are kept: enough for a line of a banner.
const KEPT: usize = 60;

/// What was seen of the other side.
#[derive(Debug, Default)]
pub(super) struct ConnectionTrace(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    first: Vec<u8>,
    failure: Option<Fault>,
    /// TLS was started without a client certificate.
    lacks_identity: bool,
}

impl ConnectionTrace {
    /// The trace of a connection with TLS.
    pub(super) fn of_tls(has_identity: bool) -> Self {
        Self(Mutex::new(Seen { lacks_identity: !has_identity, ..Seen::default() }))
    }

    fn with<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn received(&self, bytes: &[u8]) {
        self.with(|seen| {
            let room = KEPT.saturating_sub(seen.first.len());
            seen.first.extend(bytes.iter().take(room));
        });
    }

    fn failed(&self, error: &io::Error) {
        self.with(|seen| {
            // The first error is the cause of the others, but for an alert of TLS, which says why.
            let fault = Fault::io(error);
            let fault = if seen.lacks_identity { fault.without_identity() } else { fault };
            let says_why = matches!(fault.kind, ClusterErrorKind::Tls(_));
            if seen.failure.is_none() || says_why {
                seen.failure = Some(fault);
            }
        });
    }

    /// How the connection failed, if it did.
    pub(super) fn failure(&self) -> Option<Fault> {
        self.with(|seen| seen.failure.clone())
    }

    /// Whether nothing has come yet.
    pub(super) fn is_silent(&self) -> bool {
        self.with(|seen| seen.first.is_empty())
    }

    /// What listens there, if it is not a server of HTTP/2.
    pub(super) fn stranger(&self) -> Option<Fault> {
        self.with(|seen| stranger(&seen.first))
    }
}

/// Judges by the first bytes. A server of HTTP/2 begins with a frame of the type SETTINGS (RFC 9113, section 3.4),
/// whose length is a multiple of 6 and below 2^16 here.
fn stranger(first: &[u8]) -> Option<Fault> {
    match first {
        // A record of TLS: its type, and the version 3 (RFC 8446, section 5.1).
        [0x14..=0x17, 3, ..] => {
            let kind = ClusterErrorKind::Tls(TlsFailure::TlsExpected);
            Some(Fault::new(kind, "answers with TLS"))
        }
        [0, _, _, 4, ..] | [] | [0] | [0, _] | [0, _, _] => None,
        text => {
            let line = text.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
            let line = String::from_utf8_lossy(line).escape_debug().to_string();
            Some(Fault::new(ClusterErrorKind::NotEtcd, format!("answers `{line}`, not HTTP/2")))
        }
    }
}

/// A stream that notes what comes.
#[derive(Debug)]
pub(super) struct TracedStream<S> {
    stream: S,
    trace: Arc<ConnectionTrace>,
    /// Writing has failed, and the reason is still to be read.
    write_error: Option<io::Error>,
}

impl<S> TracedStream<S> {
    pub(super) fn new(stream: S, trace: Arc<ConnectionTrace>) -> Self {
        Self { stream, trace, write_error: None }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TracedStream<S> {
    /// Writes. If that fails, reads first why: a server of TLS says in an alert why it breaks the connection, and HTTP/2
    /// reads no more after it could not write.
    fn write<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.write_error.is_none() {
            match write(Pin::new(&mut self.stream), context) {
                Poll::Ready(Err(error)) => self.write_error = Some(error),
                poll => return poll,
            }
        }
        // The connection is broken, so reading comes to its end soon.
        let mut bytes = [0; KEPT];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *self).poll_read(context, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => break,
            }
        }
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        let error = self.write_error.take().unwrap_or_else(broken);
        self.trace.failed(&error);
        Poll::Ready(Err(error))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TracedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Some(bytes) = buffer.filled().get(before..) {
            self.trace.received(bytes);
        }
        if let Poll::Ready(Err(error)) = &poll {
            self.trace.failed(error);
        }
        poll
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TracedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(context, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |stream, context| stream.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
