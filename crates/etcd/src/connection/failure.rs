use super::{
    open::io_text,
    reply::judge_reply,
    sender::{RootCause, SendFailure},
    trace::ConnectionTrace,
};
use crate::error::{ClusterErrorKind, TlsFailure};
use std::{error::Error, fmt, io, time::Duration};
use tonic::Status;

/// What one endpoint said, or why it said nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: ClusterErrorKind,
    pub(crate) text: String,
}

impl Fault {
    pub(crate) fn new(kind: ClusterErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// There was no answer.
    pub(crate) fn silent(text: impl Into<String>) -> Self {
        Self::new(ClusterErrorKind::Unreachable, text)
    }

    /// There was no answer in time.
    pub(crate) fn late(limit: Duration) -> Self {
        Self::silent(format!("no answer within {}", ShownLimit(limit)))
    }

    /// There was no answer for a reason that only its last cause says.
    pub(super) fn error(error: &(dyn Error + 'static)) -> Self {
        Self::silent(RootCause(error).to_string())
    }

    /// Without a client certificate, a server that refuses it asks for one.
    pub(super) fn without_identity(self) -> Self {
        match self.kind {
            ClusterErrorKind::Tls(TlsFailure::CertificateRefused) => {
                Self::new(ClusterErrorKind::Tls(TlsFailure::CertificateRequired), self.text)
            }
            _ => self,
        }
    }
}

/// Shows a time limit: `0.8s`, `2s`.
struct ShownLimit(Duration);

impl fmt::Display for ShownLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Tenths are enough, but no limit is shown as zero.
        let tenths = self.0.as_micros().div_ceil(100_000).max(1);
        match (tenths / 10, tenths % 10) {
            (seconds, 0) => write!(f, "{seconds}s"),
            (seconds, tenth) => write!(f, "{seconds}.{tenth}s"),
        }
    }
}

/// Why an attempt with one member failed, and what may be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AttemptFailure {
    /// The call had no effect, and another member may do better.
    Elsewhere(Fault),
    /// The call had no effect, and the answer is the cluster's: no other member would say anything else.
    Refused(Fault),
    /// The call had no effect, because the member did not accept the token.
    SignInAgain(Fault),
    /// The call was sent, and may have had, or may still have, its effect.
    Unanswered(Fault),
}

impl AttemptFailure {
    pub(crate) fn into_fault(self) -> Fault {
        match self {
            Self::Elsewhere(fault)
            | Self::Refused(fault)
            | Self::SignInAgain(fault)
            | Self::Unanswered(fault) => fault,
        }
    }
}

/// Judges how a call failed. A status that a server sent has no source; one that stands for a broken connection has.
pub(super) fn judge(status: &Status, trace: &ConnectionTrace) -> AttemptFailure {
    let Some(source) = status.source() else { return judge_reply(status.code(), status.message()) };
    // What refuses the handshake, or is not etcd, has no keys to change.
    let seen = trace.failure();
    let by_tls = seen.clone().filter(|fault| matches!(fault.kind, ClusterErrorKind::Tls(_)));
    if let Some(fault) = by_tls.or_else(|| trace.stranger()) {
        return AttemptFailure::Elsewhere(fault);
    }
    let fault = seen.unwrap_or_else(|| transport_fault(source));
    match find::<SendFailure>(source) {
        Some(SendFailure::Unsent(_)) => AttemptFailure::Elsewhere(fault),
        Some(failure @ SendFailure::NotGrpc { status, .. }) => {
            let fault = Fault::new(ClusterErrorKind::NotEtcd, failure.to_string());
            // A proxy that lost the server behind it may have passed the call on.
            let may_be_lost = status.is_server_error();
            let judge =
                if may_be_lost { AttemptFailure::Unanswered } else { AttemptFailure::Elsewhere };
            judge(fault)
        }
        _ => AttemptFailure::Unanswered(fault),
    }
}

fn transport_fault(source: &(dyn Error + 'static)) -> Fault {
    if let Some(error) = find::<io::Error>(source) {
        return Fault::silent(io_text(error));
    }
    let closed = find::<hyper::Error>(source).is_some_and(|error| {
        error.is_closed() || error.is_canceled() || error.is_incomplete_message()
    });
    if closed { Fault::silent("connection closed") } else { Fault::error(source) }
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
