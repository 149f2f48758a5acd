//! The requests that a client has made and that are not answered yet.

use super::{
    outlet::{McpLineSender, PendingAnswerToken},
    request_id::McpRequestId,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Requests under numbers that this server gives them, by which the SDK knows them: a client's ids may be of a
/// kind that the SDK cannot repeat, and may come back after a request was cancelled.
#[derive(Default)]
pub(super) struct McpPendingRequestTable {
    /// The requests by their numbers.
    requests: HashMap<i64, McpPendingRequest>,
    /// The numbers by the ids that are in use.
    numbers: HashMap<McpRequestId, i64>,
    /// The last number that was given.
    last: i64,
}

/// A request that is not answered yet.
pub(super) struct McpPendingRequest {
    /// The client's id, for the answer.
    pub(super) id: McpRequestId,
    /// The batch that it came in.
    pub(super) batch: Option<Arc<McpBatchAnswers>>,
    /// Dropped when the request is answered.
    pub(super) owed: PendingAnswerToken,
}

impl McpPendingRequestTable {
    /// Adds a request and returns its number; `None` if its id is in use.
    pub(super) fn accept(&mut self, request: McpPendingRequest) -> Option<i64> {
        if self.numbers.contains_key(&request.id) {
            return None;
        }
        self.last += 1;
        self.numbers.insert(request.id.clone(), self.last);
        self.requests.insert(self.last, request);
        Some(self.last)
    }

    /// Takes out the request of a number, which is answered now, or never: it was cancelled.
    pub(super) fn take(&mut self, number: i64) -> Option<McpPendingRequest> {
        let request = self.requests.remove(&number)?;
        if self.numbers.get(&request.id) == Some(&number) {
            self.numbers.remove(&request.id);
        }
        Some(request)
    }

    /// Makes the id of a request free for another, and gives the request's number.
    pub(super) fn release(&mut self, id: &McpRequestId) -> Option<i64> {
        self.numbers.remove(id)
    }
}

/// The answers to the requests of one line. They are written, as one line, when the last request has been
/// answered or cancelled, which is when the last of them lets go of this.
pub(super) struct McpBatchAnswers {
    /// The answers so far, as JSON.
    answers: Mutex<Vec<Vec<u8>>>,
    /// Where the line is written.
    outlet: McpLineSender,
    /// Keeps the connection open until the line is written.
    owed: PendingAnswerToken,
}

impl McpBatchAnswers {
    pub(super) fn new(outlet: McpLineSender, owed: PendingAnswerToken) -> Self {
        Self { answers: Mutex::default(), outlet, owed }
    }

    pub(super) fn answer(&self, answer: Vec<u8>) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
    }
}

impl Drop for McpBatchAnswers {
    fn drop(&mut self) {
        let answers = self.answers.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !answers.is_empty() {
            let list = [b"[", answers.join(&b',').as_slice(), b"]"].concat();
            drop(self.outlet.write(list, Some(self.owed.clone())));
        }
    }
}
