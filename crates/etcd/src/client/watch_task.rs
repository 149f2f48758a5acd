use super::{
    calls::{Answer, Call},
    mailbox::Mailbox,
    session::Session,
};
use crate::{
    connection::{AttemptFailure, CallHeaders, Connection, Fault, outgoing},
    error::{ClusterError, ClusterErrorKind, EndpointReply, WriteError},
    protocol::{
        watch::{WATCH, WatchRequest, WatchResponse},
        watch_event,
    },
    values::{CallLimits, Revision, WatchEvent, WatchedRange},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc::Sender,
    time::{Instant, sleep, timeout},
};
use tonic::Streaming;

pub(super) const WATCH_KEYS: Call = Call::harmless("watch keys");

/// How many times a silent member is asked for a sign of life within the limit of a member.
const QUESTIONS: u32 = 2;

/// How long to wait after a stream that ended before it told anything.
const PAUSE: Duration = Duration::from_millis(50);

/// Keeps a watch going, on one member after the other.
pub(super) struct WatchTask {
    session: Arc<Session>,
    limits: CallLimits,
    /// Each range, with the revision of the next event that is to be told.
    ranges: Vec<(WatchedRange, Revision)>,
    mailbox: Arc<Mailbox<WatchEvent>>,
    /// When the stream ended that has told nothing since.
    fruitless_since: Option<Instant>,
}

/// A stream whose ranges are all watched.
struct WatchStream {
    connection: Arc<Connection>,
    requests: Sender<WatchRequest>,
    answers: Streaming<WatchResponse>,
    /// What came before the last range was watched.
    early: Vec<WatchResponse>,
}

impl WatchTask {
    pub(super) fn new(
        session: Arc<Session>,
        limits: CallLimits,
        (ranges, from): (&[WatchedRange], Revision),
        mailbox: Arc<Mailbox<WatchEvent>>,
    ) -> Self {
        let ranges = ranges.iter().map(|range| (range.clone(), from)).collect();
        Self { session, limits, ranges, mailbox, fruitless_since: None }
    }

    /// Tells events until the watch is lost.
    pub(super) async fn run(mut self) {
        if self.ranges.is_empty() {
            // A member answers nothing on a stream without a request.
            return;
        }
        let error = loop {
            let stream = match self.begin().await {
                Ok(stream) => stream,
                Err(error) => break error,
            };
            let (begun, endpoint) = (Instant::now(), stream.connection.endpoint().clone());
            let fault = self.follow(stream).await.into_fault();
            if begun.elapsed() > self.limits.total {
                // It was a good stream that just had nothing to tell.
                self.fruitless_since = None;
            }
            if self.is_final(&fault) {
                let replies = vec![EndpointReply { endpoint, text: fault.text }];
                break ClusterError { call: WATCH_KEYS.name, kind: fault.kind, replies };
            }
            sleep(PAUSE).await;
        };
        self.mailbox.put([WatchEvent::Lost(error)]);
    }

    /// Watches all ranges on the first member that lets it.
    async fn begin(&self) -> Result<WatchStream, ClusterError> {
        let creations = self.ranges.iter().zip(1..);
        let creations: Vec<WatchRequest> =
            creations.map(|((range, next), id)| WatchRequest::create(range, id, *next)).collect();
        let stream = self.session.call(WATCH_KEYS, self.limits, move |connection, headers| {
            let begun: Answer<_> = Box::pin(begin_stream(connection, headers, creations.clone()));
            begun
        });
        stream.await.map_err(WriteError::into_cluster_error)
    }

    /// Tells the events of a stream until it ends.
    async fn follow(&mut self, stream: WatchStream) -> AttemptFailure {
        let WatchStream { connection, requests, mut answers, early } = stream;
        let failure = match early.into_iter().try_for_each(|answer| self.tell(answer)) {
            Ok(()) => self.read(&connection, &requests, &mut answers).await,
            Err(failure) => failure,
        };
        self.session.leave(&connection);
        failure
    }

    async fn read(
        &mut self,
        connection: &Connection,
        requests: &Sender<WatchRequest>,
        answers: &mut Streaming<WatchResponse>,
    ) -> AttemptFailure {
        let mut unanswered = 0;
        loop {
            let limit = self.limits.per_member / QUESTIONS;
            let answer = match timeout(limit, connection.next(answers)).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(failure)) => return failure,
                Err(_) if unanswered == QUESTIONS => {
                    return AttemptFailure::Unanswered(Fault::late(self.limits.per_member));
                }
                Err(_) => {
                    unanswered += 1;
                    // If the last question has not even left, this one need not follow it.
                    let _ = requests.try_send(WatchRequest::progress());
                    continue;
                }
            };
            unanswered = 0;
            if let Err(failure) = self.tell(answer) {
                return failure;
            }
        }
    }

    /// Tells the events of an answer, unless it says that the watch has ended.
    fn tell(&mut self, answer: WatchResponse) -> Result<(), AttemptFailure> {
        check(&answer)?;
        let place = usize::try_from(answer.watch_id - 1).ok();
        let Some((_, next)) = place.and_then(|place| self.ranges.get_mut(place)) else {
            return Ok(());
        };
        for event in answer.events.iter().filter_map(|event| event.kv.as_ref()) {
            *next = (*next).max(Revision::new(event.mod_revision).next());
            self.fruitless_since = None;
        }
        self.mailbox.put(answer.events.into_iter().filter_map(watch_event));
        Ok(())
    }

    /// Whether a stream ended in a way that no other stream would change, or streams have ended for too long.
    fn is_final(&mut self, fault: &Fault) -> bool {
        let since = *self.fruitless_since.get_or_insert_with(Instant::now);
        fault.kind == ClusterErrorKind::Compacted || since.elapsed() > self.limits.total
    }
}

/// Opens a stream, and waits until the member watches all ranges.
async fn begin_stream(
    connection: Arc<Connection>,
    headers: CallHeaders,
    creations: Vec<WatchRequest>,
) -> Result<WatchStream, AttemptFailure> {
    let mut missing = creations.len();
    let (requests, messages) = outgoing(missing.max(1));
    for creation in creations {
        // There is room for all, and the other end is still here.
        let _ = requests.try_send(creation);
    }
    let mut answers = connection.stream(WATCH, headers, messages).await?;
    let mut early = Vec::new();
    while missing > 0 {
        let answer: WatchResponse = connection.next(&mut answers).await?;
        check(&answer)?;
        if answer.created {
            missing -= 1;
        } else {
            early.push(answer);
        }
    }
    Ok(WatchStream { connection, requests, answers, early })
}

/// Whether an answer says that a range is not watched any more. The stream stays open then, so nothing else tells it.
fn check(answer: &WatchResponse) -> Result<(), AttemptFailure> {
    if !answer.canceled {
        return Ok(());
    }
    if answer.compact_revision > 0 {
        let text = format!("compacted at revision {}", answer.compact_revision);
        return Err(AttemptFailure::Refused(Fault::new(ClusterErrorKind::Compacted, text)));
    }
    Err(match Connection::judge_reason(&answer.cancel_reason) {
        // A member says this of a token that has expired, too.
        AttemptFailure::Refused(fault) if fault.kind == ClusterErrorKind::NotAuthorised => {
            AttemptFailure::SignInAgain(fault)
        }
        failure => failure,
    })
}
