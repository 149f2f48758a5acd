//! The task that reads a client's lines and decides what to do with each.

use super::{
    admission::Admission,
    connection::ClientConnection,
    line::{InputLine, LONGEST, LineReader},
    message::{ClientMessage, MessageRefusal},
    outlet::Outlet,
    request_id::RequestId,
    unanswered::{Batch, OpenRequest, Unanswered},
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
pub(super) enum AcceptedMessage {
    Message(Box<ClientJsonRpcMessage>),
    /// The request of this number is not wanted any more, and why.
    Cancellation(i64, Option<String>),
}

/// What the task that reads and the SDK's side share.
#[derive(Default)]
pub(super) struct Exchange {
    unanswered: Mutex<Unanswered>,
    /// Has a receiver for each answer that is owed.
    owed: watch::Sender<()>,
    has_begun: watch::Sender<bool>,
    input_ended: watch::Sender<bool>,
}

impl Exchange {
    /// Whether the client has begun as the protocol has it.
    pub(super) fn has_begun(&self) -> bool {
        *self.has_begun.borrow()
    }

    /// The requests that are not answered yet.
    pub(super) fn requests(&self) -> MutexGuard<'_, Unanswered> {
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the client's input has ended.
    pub(super) fn input_ended(&self) -> watch::Receiver<bool> {
        self.input_ended.subscribe()
    }
}

/// Reads a client's lines.
pub(super) struct Intake<R> {
    lines: LineReader<R>,
    exchange: Arc<Exchange>,
    outlet: Outlet,
    accepted: mpsc::Sender<AcceptedMessage>,
    admission: Admission,
    ignored: usize,
}

impl<R: AsyncRead + Unpin> Intake<R> {
    pub(super) fn new(
        stream: R,
        exchange: Arc<Exchange>,
        outlet: Outlet,
        accepted: mpsc::Sender<AcceptedMessage>,
    ) -> Self {
        let lines = LineReader::new(stream);
        Self { lines, exchange, outlet, accepted, admission: Admission::default(), ignored: 0 }
    }

    /// Reads until the input or the connection ends, then waits until all that was accepted is answered. Only
    /// then it lets go of the SDK, which would else give up the answers that it waits for.
    pub(super) async fn run(mut self, connection: Arc<ClientConnection>) -> io::Result<()> {
        let read = tokio::select! {
            read = self.read() => read,
            () = connection.ended() => Ok(()),
        };
        self.exchange.input_ended.send_replace(true);
        self.exchange.owed.closed().await;
        read
    }

    async fn read(&mut self) -> io::Result<()> {
        while let Some(line) = self.lines.next().await? {
            let incoming = match line {
                InputLine::Whole(line) => ClientMessage::read(&line),
                InputLine::TooLong(id) => {
                    ClientMessage::invalid(id, format!("a message is at most {LONGEST} bytes long"))
                }
            };
            let admitted = self.admission.admit(incoming);
            self.exchange.has_begun.send_replace(self.admission.has_begun());
            self.deal_with(admitted).await;
        }
        Ok(())
    }

    async fn deal_with(&mut self, incoming: ClientMessage) {
        if let ClientMessage::Batch(members) = incoming {
            let batch = Arc::new(Batch::new(self.outlet.clone(), self.exchange.owed.subscribe()));
            for member in members {
                self.deal_with_one(member, Some(&batch)).await;
            }
        } else {
            self.deal_with_one(incoming, None).await;
        }
    }

    async fn deal_with_one(&mut self, incoming: ClientMessage, batch: Option<&Arc<Batch>>) {
        match incoming {
            // A batch in a batch is no message, and was refused.
            ClientMessage::Nothing | ClientMessage::Batch(_) => {}
            ClientMessage::Request(id, request) => self.accept(id, *request, batch).await,
            ClientMessage::Notification(it) => {
                let message = Box::new(ClientJsonRpcMessage::notification(it));
                self.give(AcceptedMessage::Message(message)).await;
            }
            ClientMessage::Cancellation(id, reason) => {
                let number = self.exchange.requests().release(&id);
                // A request that is answered already, or was never made, cannot be called off.
                if let Some(number) = number {
                    self.give(AcceptedMessage::Cancellation(number, reason)).await;
                }
            }
            ClientMessage::Refused(refusal) => self.refuse(&refusal, batch).await,
            ClientMessage::Ignored(what) => self.note(what),
        }
    }

    async fn accept(&self, id: RequestId, request: ClientRequest, batch: Option<&Arc<Batch>>) {
        // The SDK takes no more once the exchange is over, which ends this task as well. Only with room for the
        // request it is taken in: between these two, nothing may be called off.
        let Ok(room) = self.accepted.reserve().await else { return };
        let owed = self.exchange.owed.subscribe();
        let open = OpenRequest { id: id.clone(), batch: batch.map(Arc::clone), owed };
        let number = self.exchange.requests().accept(open);
        if let Some(number) = number {
            let number = NumberOrString::Number(number);
            let message = Box::new(ClientJsonRpcMessage::request(request, number));
            room.send(AcceptedMessage::Message(message));
        } else {
            let reason = "a request with this \"id\" is not answered yet";
            self.refuse(&MessageRefusal::invalid(Some(id), reason), batch).await;
        }
    }

    async fn refuse(&self, refusal: &MessageRefusal, batch: Option<&Arc<Batch>>) {
        match batch {
            Some(batch) => batch.answer(refusal.to_line()),
            None => self.outlet.refuse(refusal, self.exchange.owed.subscribe()).await,
        }
    }

    async fn give(&self, accepted: AcceptedMessage) {
        // As above.
        let _ = self.accepted.send(accepted).await;
    }

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
