//! The task that reads a client's lines and decides what to do with each.

use super::{
    admission::McpHandshakeState,
    connection::McpClientSession,
    line::{InputLine, LONGEST, LineReader},
    message::{McpClientMessage, McpMessageRefusal},
    outlet::McpLineSender,
    request_id::McpRequestId,
    unanswered::{McpBatchAnswers, McpPendingRequest, McpPendingRequestTable},
};
use crate::output;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, NumberOrString};
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    io::AsyncRead,
    sync::{mpsc, watch},
};

/// How many messages may wait for the SDK.
pub(super) const WAITING: usize = 16;

/// How many of a client's mistakes that get no answer are shown on stderr: the client may not read that pipe.
const NOTES: usize = 20;

/// What the SDK is given.
pub(super) enum McpSdkInput {
    /// A request or a notification.
    Message(Box<ClientJsonRpcMessage>),
    /// The request of this number is not wanted any more, and why.
    Cancellation(i64, Option<String>),
}

/// What the task that reads and the SDK's side share.
#[derive(Default)]
pub(super) struct McpTransportState {
    /// The requests that the SDK works on.
    unanswered: Mutex<McpPendingRequestTable>,
    /// Has a receiver for each answer that is owed.
    owed: watch::Sender<()>,
    /// Whether the client has begun as the protocol has it.
    has_begun: watch::Sender<bool>,
    /// Whether the client has closed its end.
    input_ended: watch::Sender<bool>,
}

impl McpTransportState {
    /// Whether the client has begun as the protocol has it.
    pub(super) fn has_begun(&self) -> bool {
        *self.has_begun.borrow()
    }

    /// The requests that are not answered yet.
    pub(super) fn requests(&self) -> MutexGuard<'_, McpPendingRequestTable> {
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the client's input has ended.
    pub(super) fn input_ended(&self) -> watch::Receiver<bool> {
        self.input_ended.subscribe()
    }
}

/// Reads a client's lines.
pub(super) struct McpInputReader<R> {
    lines: LineReader<R>,
    /// What is shared with the SDK's side.
    exchange: Arc<McpTransportState>,
    /// Where refusals are written.
    outlet: McpLineSender,
    /// Where the SDK gets its messages from.
    accepted: mpsc::Sender<McpSdkInput>,
    /// How far the handshake has come.
    admission: McpHandshakeState,
    /// How many mistakes got no answer so far.
    ignored: usize,
}

impl<R: AsyncRead + Unpin> McpInputReader<R> {
    pub(super) fn new(
        stream: R,
        exchange: Arc<McpTransportState>,
        outlet: McpLineSender,
        accepted: mpsc::Sender<McpSdkInput>,
    ) -> Self {
        let lines = LineReader::new(stream);
        Self {
            lines,
            exchange,
            outlet,
            accepted,
            admission: McpHandshakeState::default(),
            ignored: 0,
        }
    }

    /// Reads until the input or the connection ends, then waits until all that was accepted is answered. Only
    /// then it lets go of the SDK, which would else give up the answers that it waits for.
    pub(super) async fn run(mut self, connection: Arc<McpClientSession>) -> io::Result<()> {
        let read = tokio::select! {
            read = self.read() => read,
            () = connection.ended() => Ok(()),
        };
        self.exchange.input_ended.send_replace(true);
        self.exchange.owed.closed().await;
        read
    }

    /// Reads lines until the end of the input.
    ///
    /// # Errors
    /// The error of reading stdin.
    async fn read(&mut self) -> io::Result<()> {
        while let Some(line) = self.lines.next().await? {
            let incoming = match line {
                InputLine::Whole(line) => McpClientMessage::read(&line),
                InputLine::TooLong(id) => McpClientMessage::invalid(
                    id,
                    format!("a message is at most {LONGEST} bytes long"),
                ),
            };
            let admitted = self.admission.admit(incoming);
            self.exchange.has_begun.send_replace(self.admission.has_begun());
            self.deal_with(admitted).await;
        }
        Ok(())
    }

    /// Deals with the message of one line. The answers to a batch are collected, and written as one
    /// line.
    async fn deal_with(&mut self, incoming: McpClientMessage) {
        if let McpClientMessage::Batch(members) = incoming {
            let batch =
                Arc::new(McpBatchAnswers::new(self.outlet.clone(), self.exchange.owed.subscribe()));
            for member in members {
                self.deal_with_one(member, Some(&batch)).await;
            }
        } else {
            self.deal_with_one(incoming, None).await;
        }
    }

    /// Deals with one message: gives it to the SDK, refuses it, or notes that it is ignored.
    async fn deal_with_one(
        &mut self,
        incoming: McpClientMessage,
        batch: Option<&Arc<McpBatchAnswers>>,
    ) {
        match incoming {
            // A batch in a batch is no message, and was refused.
            McpClientMessage::Nothing | McpClientMessage::Batch(_) => {}
            McpClientMessage::Request(id, request) => self.accept(id, *request, batch).await,
            McpClientMessage::Notification(it) => {
                let message = Box::new(ClientJsonRpcMessage::notification(it));
                self.give(McpSdkInput::Message(message)).await;
            }
            McpClientMessage::Cancellation(id, reason) => {
                let number = self.exchange.requests().release(&id);
                // A request that is answered already, or was never made, cannot be called off.
                if let Some(number) = number {
                    self.give(McpSdkInput::Cancellation(number, reason)).await;
                }
            }
            McpClientMessage::Refused(refusal) => self.refuse(&refusal, batch).await,
            McpClientMessage::Ignored(what) => self.note(what),
        }
    }

    /// Gives a request to the SDK under a number of this server. A request whose id is in use is
    /// refused.
    async fn accept(
        &self,
        id: McpRequestId,
        request: ClientRequest,
        batch: Option<&Arc<McpBatchAnswers>>,
    ) {
        // The SDK takes no more once the exchange is over, which ends this task as well. Only with room for the
        // request it is taken in: between these two, nothing may be called off.
        let Ok(room) = self.accepted.reserve().await else { return };
        let owed = self.exchange.owed.subscribe();
        let open = McpPendingRequest { id: id.clone(), batch: batch.map(Arc::clone), owed };
        let number = self.exchange.requests().accept(open);
        if let Some(number) = number {
            let number = NumberOrString::Number(number);
            let message = Box::new(ClientJsonRpcMessage::request(request, number));
            room.send(McpSdkInput::Message(message));
        } else {
            let reason = "a request with this \"id\" is not answered yet";
            self.refuse(&McpMessageRefusal::invalid(Some(id), reason), batch).await;
        }
    }

    /// Answers with an error: in the answer to the batch, or in a separate line.
    async fn refuse(&self, refusal: &McpMessageRefusal, batch: Option<&Arc<McpBatchAnswers>>) {
        match batch {
            Some(batch) => batch.answer(refusal.to_line()),
            None => self.outlet.refuse(refusal, self.exchange.owed.subscribe()).await,
        }
    }

    /// Gives the SDK a message; waits while it has too many.
    async fn give(&self, accepted: McpSdkInput) {
        // As above.
        let _ = self.accepted.send(accepted).await;
    }

    /// Warns of a mistake that must not be answered, up to [`NOTES`] times.
    fn note(&mut self, what: &str) {
        self.ignored += 1;
        if self.ignored <= NOTES {
            output::warn(&format!("the client has sent {what}; it was ignored"));
        }
        if self.ignored == NOTES {
            output::warn("lokt shows no more warnings of this kind");
        }
    }
}
