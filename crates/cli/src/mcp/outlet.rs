//! What is written to stdout: whole lines, one after the other, by one task.

use super::{message::McpMessageRefusal, request_id::McpRequestId};
use serde::Serialize;
use serde_json::value::RawValue;
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch},
    time::sleep,
};

/// How many refusals may wait to be read. Then no more lines are read: a client that writes nonsense and does
/// not read cannot fill the memory.
const REFUSALS: usize = 256;

/// How much is written at once, at most.
const PORTION: usize = 64 << 10;

/// How long one portion may wait to be read once the client's input has ended: what it holds must become free
/// also where it only waits for the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// A token for an answer that is owed. When all tokens are dropped, all answers are written or given up.
pub(super) type PendingAnswerToken = watch::Receiver<()>;

/// Where lines are written.
#[derive(Clone)]
pub(super) struct McpLineSender {
    /// The lines for the task that writes.
    lines: mpsc::UnboundedSender<OutgoingLine>,
    /// One permit for each refusal that may wait.
    refusals: Arc<Semaphore>,
}

/// A line to be written.
struct OutgoingLine {
    /// The line, without its end.
    bytes: Vec<u8>,
    /// Gets a value when the line is written.
    written: Option<oneshot::Sender<()>>,
    /// Dropped when it is written, or cannot be.
    _kept: (Option<PendingAnswerToken>, Option<OwnedSemaphorePermit>),
}

/// An answer, whose id is repeated as it was sent.
#[derive(Serialize)]
struct McpAnswerEnvelope<'a, T> {
    /// The version, always `2.0`.
    jsonrpc: &'static str,
    /// The request's id; `null` if it is not known.
    id: Option<&'a RawValue>,
    /// `result` or `error`.
    #[serde(flatten)]
    body: T,
}

/// What an answer says.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum McpAnswerBody<R, E> {
    Result(R),
    Error(E),
}

/// An answer as a line, without its end.
pub(super) fn answer<R: Serialize, E: Serialize>(
    id: Option<&McpRequestId>,
    body: &McpAnswerBody<R, E>,
) -> serde_json::Result<Vec<u8>> {
    let id = id.map(|id| serde_json::from_str::<&RawValue>(id.as_json())).transpose()?;
    serde_json::to_vec(&McpAnswerEnvelope { jsonrpc: "2.0", id, body })
}

impl McpMessageRefusal {
    /// The answer, without the line's end.
    pub(super) fn to_line(&self) -> Vec<u8> {
        let body: McpAnswerBody<(), _> = McpAnswerBody::Error(&self.error);
        // It is made of texts and numbers, which can always be written.
        answer(self.id.as_ref(), &body).unwrap_or_default()
    }
}

impl McpLineSender {
    /// An outlet into a stream, and the task that writes there. The task ends with an error where that fails.
    pub(super) fn new(
        stream: impl AsyncWrite + Unpin,
        input_ended: watch::Receiver<bool>,
    ) -> (Self, impl Future<Output = io::Result<()>>) {
        let (lines, outgoing) = mpsc::unbounded_channel();
        let refusals = Arc::new(Semaphore::new(REFUSALS));
        (Self { lines, refusals }, write(stream, outgoing, input_ended))
    }

    /// Has a line written. What is given resolves when it is, or cannot be.
    pub(super) fn write(
        &self,
        bytes: Vec<u8>,
        owed: Option<PendingAnswerToken>,
    ) -> oneshot::Receiver<()> {
        let (written, result) = oneshot::channel();
        let line = OutgoingLine { bytes, written: Some(written), _kept: (owed, None) };
        // Where nothing can be written any more, the line is dropped, and with it all that waits for it.
        let _ = self.lines.send(line);
        result
    }

    /// Has a refusal written; waits while too many are not read.
    pub(super) async fn refuse(&self, refusal: &McpMessageRefusal, owed: PendingAnswerToken) {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.refusals).acquire_owned().await.ok();
        let bytes = refusal.to_line();
        let _ = self.lines.send(OutgoingLine { bytes, written: None, _kept: (Some(owed), permit) });
    }
}

async fn write(
    mut stream: impl AsyncWrite + Unpin,
    mut outgoing: mpsc::UnboundedReceiver<OutgoingLine>,
    mut input_ended: watch::Receiver<bool>,
) -> io::Result<()> {
    while let Some(mut line) = outgoing.recv().await {
        line.bytes.push(b'\n');
        for portion in line.bytes.chunks(PORTION) {
            let written = async {
                stream.write_all(portion).await?;
                stream.flush().await
            };
            tokio::select! {
                written = written => written?,
                () = unread(&mut input_ended) => return Err(io::ErrorKind::TimedOut.into()),
            }
        }
        if let Some(written) = line.written {
            // The sender may not wait for it.
            let _ = written.send(());
        }
    }
    Ok(())
}

/// Waits until the input has ended, and then for as long as a portion may wait.
///
/// Never returns if the reading task is gone first.
async fn unread(input_ended: &mut watch::Receiver<bool>) {
    if input_ended.wait_for(|ended| *ended).await.is_err() {
        // The task that reads is gone, and with it the server.
        std::future::pending::<()>().await;
    }
    sleep(PATIENCE).await;
}
