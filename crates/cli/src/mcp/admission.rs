//! Which messages of a client are allowed: before the handshake, after it, in a batch.

use super::message::McpClientMessage;
use rmcp::model::{ClientRequest, GetMeta, ProtocolVersion};

/// The only revision of the protocol that has batches.
///
/// Earlier and later revisions have one message in each line.
const WITH_BATCHES: ProtocolVersion = ProtocolVersion::V_2025_03_26;

/// How far an exchange has come.
#[derive(Debug, Default)]
pub(super) struct McpHandshakeState {
    /// Whether there was a handshake, or a request that stands for one.
    has_begun: bool,
    /// Whether the client has asked for the revision with batches.
    has_batches: bool,
}

impl McpHandshakeState {
    /// Whether the client has begun as the protocol has it.
    pub(super) const fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Returns a message that is alone in its line, or what to do instead.
    ///
    /// The handshake is noted here, before the SDK has answered it.
    pub(super) fn admit(&mut self, incoming: McpClientMessage) -> McpClientMessage {
        match incoming {
            McpClientMessage::Batch(_) if !self.has_batches => McpClientMessage::invalid(
                None,
                "a line is one message: this revision has no batches",
            ),
            McpClientMessage::Batch(members) => McpClientMessage::Batch(
                members.into_iter().map(|member| self.place(member)).collect(),
            ),
            McpClientMessage::Request(id, request) if !self.has_begun => {
                if let ClientRequest::InitializeRequest(request) = &*request {
                    self.has_batches = request.params.protocol_version == WITH_BATCHES;
                }
                self.has_begun = opens(&request);
                McpClientMessage::Request(id, request)
            }
            incoming => self.place(incoming),
        }
    }

    /// Refuses a second handshake: it would change the revision below requests that are under way. Before the
    /// first one, only a request means something.
    fn place(&self, incoming: McpClientMessage) -> McpClientMessage {
        match incoming {
            McpClientMessage::Request(id, request)
                if matches!(*request, ClientRequest::InitializeRequest(_)) =>
            {
                McpClientMessage::invalid(Some(id), "the connection is initialized already")
            }
            McpClientMessage::Cancellation(..) | McpClientMessage::Notification(_)
                if !self.has_begun =>
            {
                McpClientMessage::Nothing
            }
            incoming => incoming,
        }
    }
}

/// Whether a request begins the exchange: a handshake, or a request that carries what a handshake
/// would have said (since revision 2026-07-28, in `_meta`). A ping and `server/discover` are
/// allowed before, and begin nothing.
fn opens(request: &ClientRequest) -> bool {
    let meta = request.get_meta();
    let known = |version: ProtocolVersion| ProtocolVersion::KNOWN_VERSIONS.contains(&version);
    match request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
        _ => {
            meta.missing_required_keys(&ProtocolVersion::V_2026_07_28).is_empty()
                && meta.protocol_version().is_some_and(known)
        }
    }
}
