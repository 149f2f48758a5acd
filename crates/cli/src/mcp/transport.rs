//! Messages on stdin and stdout, and what is out of place before the handshake.

use super::connection::Connection;
use rmcp::{
    RoleServer,
    model::{ClientJsonRpcMessage, ClientRequest, GetMeta, ProtocolVersion},
    service::TxJsonRpcMessage,
    transport::{Transport, async_rw::AsyncRwTransport},
};
use std::{io, sync::Arc};
use tokio::io::{Stdin, Stdout};

/// Messages on stdin and stdout.
pub(super) fn over_standard_streams(connection: Arc<Connection>) -> Streams {
    let inner = AsyncRwTransport::new_server(tokio::io::stdin(), tokio::io::stdout());
    Streams { inner, connection, is_open: false }
}

/// Messages, a line each. That the client has closed its end is told to the connection at once: calls that
/// wait or run are not worth finishing then.
pub(super) struct Streams {
    inner: AsyncRwTransport<RoleServer, Stdin, Stdout>,
    connection: Arc<Connection>,
    /// Whether the client has begun as the protocol has it.
    is_open: bool,
}

impl Transport<RoleServer> for Streams {
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        self.inner.send(message)
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            let Some(message) = self.inner.receive().await else {
                self.connection.end();
                return None;
            };
            self.is_open |= opens(&message);
            // Before that, whatever is no request would end the server, and means nothing.
            if self.is_open || matches!(message, ClientJsonRpcMessage::Request(_)) {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.inner.close().await
    }
}

/// Whether a message begins the exchange: a handshake, or a request that carries what a handshake would
/// have said.
fn opens(message: &ClientJsonRpcMessage) -> bool {
    let ClientJsonRpcMessage::Request(request) = message else { return false };
    let request = &request.request;
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
