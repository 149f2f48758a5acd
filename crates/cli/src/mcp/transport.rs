//! What the SDK talks to in place of stdin and stdout.

use super::{
    connection::McpClientSession,
    intake::{McpInputReader, McpSdkInput, McpTransportState, WAITING},
    outlet::{self, McpAnswerBody, McpLineSender},
    unanswered::McpPendingRequest,
};
use rmcp::{
    ErrorData, RoleServer,
    model::{
        CancelledNotification, CancelledNotificationParam, ClientJsonRpcMessage, JsonRpcMessage,
        NumberOrString, ServerResult,
    },
    service::TxJsonRpcMessage,
    transport::Transport,
};
use serde::Serialize;
use std::{io, sync::Arc};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

/// Messages of a client and for it.
pub(super) struct LineTransport {
    /// The messages for the SDK.
    accepted: mpsc::Receiver<McpSdkInput>,
    /// What is shared with the task that reads.
    exchange: Arc<McpTransportState>,
    /// Where answers are written.
    outlet: McpLineSender,
}

/// The tasks that read stdin and write stdout.
pub(super) struct McpStdioTasks {
    /// What is shared with the SDK's side.
    pub(super) exchange: Arc<McpTransportState>,
    /// The task that reads stdin.
    reading: JoinHandle<io::Result<()>>,
    /// The task that writes stdout.
    writing: JoinHandle<io::Result<()>>,
}

/// Begins to read stdin and to write stdout.
pub(super) fn over_standard_streams(
    connection: &Arc<McpClientSession>,
) -> (LineTransport, McpStdioTasks) {
    let exchange = Arc::new(McpTransportState::default());
    let (sender, accepted) = mpsc::channel(WAITING);
    let (outlet, writing) = McpLineSender::new(tokio::io::stdout(), exchange.input_ended());
    let intake =
        McpInputReader::new(tokio::io::stdin(), Arc::clone(&exchange), outlet.clone(), sender);
    let reading = tokio::spawn(intake.run(Arc::clone(connection)));
    let writing = tokio::spawn(writing);
    let tasks = McpStdioTasks { exchange: Arc::clone(&exchange), reading, writing };
    (LineTransport { accepted, exchange, outlet }, tasks)
}

impl McpStdioTasks {
    /// Waits until nothing can be written any more, and gives the reason.
    pub(super) async fn unwritable(&mut self) -> io::Error {
        match (&mut self.writing).await {
            Ok(Err(error)) => error,
            // It ends without an error when all outlets are gone, or with the runtime.
            Ok(Ok(())) | Err(_) => std::future::pending().await,
        }
    }

    /// What kept stdin from being read to its end. To be asked when the exchange is over.
    pub(super) async fn unreadable(self) -> Option<io::Error> {
        if !self.reading.is_finished() {
            return None;
        }
        self.reading.await.ok()?.err()
    }
}

impl LineTransport {
    /// Has the answer to a request written; `None` where it is not written now: it was cancelled, or waits for
    /// others of its batch.
    fn answer<T: Serialize>(
        &self,
        number: &NumberOrString,
        body: &McpAnswerBody<T, ErrorData>,
    ) -> Option<oneshot::Receiver<()>> {
        let NumberOrString::Number(number) = number else { return None };
        let McpPendingRequest { id, batch, owed } = self.exchange.requests().take(*number)?;
        let line = outlet::answer(Some(&id), body).or_else(|error| {
            let text = format!("the answer cannot be written: {error}");
            let body: McpAnswerBody<(), _> =
                McpAnswerBody::Error(ErrorData::internal_error(text, None));
            outlet::answer(Some(&id), &body)
        });
        let line = line.unwrap_or_default();
        match batch {
            Some(batch) => {
                batch.answer(line);
                None
            }
            None => Some(self.outlet.write(line, Some(owed))),
        }
    }
}

impl Transport<RoleServer> for LineTransport {
    type Error = io::Error;

    /// Writes a message of the SDK. The returned future ends when it is written.
    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let written = match message {
            JsonRpcMessage::Response(it) => {
                Ok(self.answer(&it.id, &McpAnswerBody::Result(it.result)))
            }
            JsonRpcMessage::Error(it) => {
                let body: McpAnswerBody<ServerResult, _> = McpAnswerBody::Error(it.error);
                Ok(it.id.and_then(|id| self.answer(&id, &body)))
            }
            message => serde_json::to_vec(&message).map(|line| Some(self.outlet.write(line, None))),
        };
        async move {
            match written? {
                Some(written) => written.await.map_err(|_| io::ErrorKind::BrokenPipe.into()),
                None => Ok(()),
            }
        }
    }

    /// The next message for the SDK; `None` at the end.
    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            let (number, reason) = match self.accepted.recv().await? {
                McpSdkInput::Message(message) => return Some(*message),
                McpSdkInput::Cancellation(number, reason) => (number, reason),
            };
            // Only now, between two steps of the SDK, both know the same of the request.
            if self.exchange.requests().take(number).is_some() {
                let number = Some(NumberOrString::Number(number));
                let params = CancelledNotificationParam::new(number, reason);
                let notification = CancelledNotification::new(params);
                return Some(ClientJsonRpcMessage::notification(notification.into()));
            }
        }
    }

    /// There is nothing to close: the streams end with the process.
    async fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}
