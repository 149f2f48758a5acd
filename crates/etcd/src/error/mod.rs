//! What a call to the cluster could not do: which call, of what kind the failure is, and what each endpoint said.
//!
//! A caller decides by [`ClusterError::kind`]; the text is for people. A call that changes something fails with a
//! [`WriteError`], which says whether the change may have been made all the same.

mod kind;

pub use kind::{ClusterErrorKind, TlsFailure};

use crate::address::Endpoint;
use std::fmt;

/// A call failed.
///
/// The text names the call, the kind, and every endpoint that was tried with what it said:
/// `cannot read keys: no member of the cluster answers: 10.0.0.1:2379: connection refused; …`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {call}: {kind}{}", Replies(replies))]
pub struct ClusterError {
    /// What was attempted, as a verb with its object: `read keys`.
    pub call: &'static str,
    /// Of what kind the failure is.
    pub kind: ClusterErrorKind,
    /// The last words of each endpoint that was tried, in the order of the address. Empty only if the client
    /// itself could not work.
    pub replies: Vec<EndpointReply>,
}

/// What one endpoint said, or why it said nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointReply {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// A fragment in lower case: `connection refused`, `no answer within 0.8s`, or the server's own text.
    pub text: String,
}

/// Shows the replies after a colon, or nothing if there are no replies.
struct Replies<'a>(&'a [EndpointReply]);

impl fmt::Display for Replies<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, reply) in self.0.iter().enumerate() {
            let before = if index == 0 { ": " } else { "; " };
            write!(f, "{before}{}: {}", reply.endpoint, reply.text)?;
        }
        Ok(())
    }
}

/// A call that changes something failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The change was not made, and will not be.
    #[error(transparent)]
    NotApplied(ClusterError),
    /// A member got the change, but its answer was lost: the change may have been made, or may still be made later.
    /// The client did not send it a second time. Only reading can tell, and absence proves nothing while the change
    /// may still come.
    #[error("{0}; the change may have been made, or may still be made")]
    MaybeApplied(#[source] ClusterError),
}

impl WriteError {
    /// The failure, whether the change may have been made or not.
    pub fn cluster_error(&self) -> &ClusterError {
        match self {
            Self::NotApplied(error) | Self::MaybeApplied(error) => error,
        }
    }

    /// The same, without saying it.
    pub fn into_cluster_error(self) -> ClusterError {
        match self {
            Self::NotApplied(error) | Self::MaybeApplied(error) => error,
        }
    }
}
