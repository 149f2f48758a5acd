use super::session::Session;
use crate::{
    connection::{AttemptFailure, CallHeaders, Connection, Fault, LeaderDemand},
    error::{ClusterError, ClusterErrorKind, EndpointReply, WriteError},
    values::CallLimits,
};
use std::{pin::Pin, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// The answer of one member that is still to come.
pub(super) type Answer<T> = Pin<Box<dyn Future<Output = Result<T, AttemptFailure>> + Send>>;

/// How long to wait before all members are asked once more, because one of them said that it cannot answer now.
const PAUSE: Duration = Duration::from_millis(50);

/// The least limit of a member in another round.
const LEAST_LIMIT: Duration = Duration::from_millis(200);

/// How long it may take, after a failure, to find out what listens there.
const EXAMINATION: Duration = Duration::from_millis(200);

/// What kind of call it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    /// What it does, for the error: a verb with its object.
    pub(super) name: &'static str,
    pub(super) repetition: Repetition,
    pub(super) leader: LeaderDemand,
    pub(super) sign_in: SignIn,
}

/// Whether a call needs a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignIn {
    /// If an account was given, the client signs in first.
    Needed,
    /// A token is sent if there is one.
    Skipped,
}

/// Whether a call may be sent again if its answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repetition {
    /// It does the same, however often it is sent.
    Harmless,
    /// It would be done twice.
    Harmful,
}

impl Call {
    /// A call that may be sent again, to a member with a leader.
    pub(super) const fn harmless(name: &'static str) -> Self {
        let repetition = Repetition::Harmless;
        Self { name, repetition, leader: LeaderDemand::Required, sign_in: SignIn::Needed }
    }

    /// A call that changes something.
    pub(super) const fn harmful(name: &'static str) -> Self {
        Self { repetition: Repetition::Harmful, ..Self::harmless(name) }
    }

    /// The same call, also to a member without a leader.
    pub(super) const fn without_leader(self) -> Self {
        Self { leader: LeaderDemand::NotRequired, ..self }
    }

    /// The same call, without signing in first.
    pub(super) const fn without_sign_in(self) -> Self {
        Self { sign_in: SignIn::Skipped, ..self }
    }
}

/// What the members said so far.
pub(super) struct Tried {
    call: Call,
    /// One place for each endpoint.
    faults: Vec<Option<Fault>>,
}

impl Tried {
    pub(super) fn new(session: &Session, call: Call) -> Self {
        Self { call, faults: session.endpoints().iter().map(|_| None).collect() }
    }

    pub(super) fn note(&mut self, index: usize, fault: Fault) {
        if let Some(place) = self.faults.get_mut(index) {
            *place = Some(fault);
        }
    }

    /// The error of a call whose members all failed. Its kind is that of the reply which helps most.
    pub(super) fn error(self, session: &Session) -> ClusterError {
        let faults = self.faults.iter().flatten();
        let kind = faults.map(|fault| &fault.kind).max_by_key(|kind| weight(kind)).cloned();
        self.error_of(session, kind.unwrap_or(ClusterErrorKind::Unreachable))
    }

    /// The error of a call whose last answer counts.
    pub(super) fn error_of(self, session: &Session, kind: ClusterErrorKind) -> ClusterError {
        let replies =
            session.endpoints().iter().zip(self.faults).filter_map(|(endpoint, fault)| {
                Some(EndpointReply { endpoint: endpoint.clone(), text: fault?.text })
            });
        ClusterError { call: self.call.name, kind, replies: replies.collect() }
    }
}

/// How much a kind helps to find the cause.
fn weight(kind: &ClusterErrorKind) -> u8 {
    match kind {
        ClusterErrorKind::Unreachable => 0,
        ClusterErrorKind::NotEtcd => 1,
        ClusterErrorKind::Tls(_) => 2,
        ClusterErrorKind::Overloaded => 3,
        ClusterErrorKind::NoLeader => 4,
        _ => 5,
    }
}

/// Whether to ask all members once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NextRound {
    Worthwhile,
    Useless,
}

impl Session {
    /// Asks one member after the other until one answers, within the limits.
    ///
    /// A member that refuses connections, or is no etcd, is not asked twice. If one is without a leader, overloaded or
    /// slow, all are asked again until the time is over, because that passes.
    pub(super) async fn call<T>(
        &self,
        call: Call,
        limits: CallLimits,
        send: impl Fn(Arc<Connection>, CallHeaders) -> Answer<T> + Send + Sync,
    ) -> Result<T, WriteError> {
        let deadline = Instant::now() + limits.total;
        let mut tried = Tried::new(self, call);
        loop {
            let round = self.round(limits.per_member, deadline, &mut tried, &send).await;
            match round {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(NextRound::Worthwhile)) if self.has_time(limits, deadline) => {
                    sleep(PAUSE).await;
                }
                Ok(Err(_)) => return Err(WriteError::NotApplied(tried.error(self))),
                Err(AttemptFailure::Unanswered(fault)) => {
                    return Err(WriteError::MaybeApplied(tried.error_of(self, fault.kind)));
                }
                Err(failure) => {
                    let kind = failure.into_fault().kind;
                    return Err(WriteError::NotApplied(tried.error_of(self, kind)));
                }
            }
        }
    }

    /// Whether each member would get enough time to answer in another round. A write that gets too little is lost without
    /// need.
    fn has_time(&self, limits: CallLimits, deadline: Instant) -> bool {
        let members = u32::try_from(self.endpoints().len()).unwrap_or(u32::MAX);
        let least = limits.per_member.min(LEAST_LIMIT).saturating_mul(members);
        deadline.saturating_duration_since(Instant::now()) >= PAUSE + least
    }

    /// Asks each member once. An error ends the call.
    async fn round<T>(
        &self,
        per_member: Duration,
        deadline: Instant,
        tried: &mut Tried,
        send: &(dyn Fn(Arc<Connection>, CallHeaders) -> Answer<T> + Send + Sync),
    ) -> Result<Result<T, NextRound>, AttemptFailure> {
        let count = self.endpoints().len();
        let first = self.preferred();
        let mut next = NextRound::Useless;
        for asked in 0..count {
            let index = (first + asked) % count;
            let left = deadline.saturating_duration_since(Instant::now());
            let waiting = u32::try_from(count - asked).unwrap_or(u32::MAX);
            let limit = per_member.min(left / waiting);
            let failure = match self.attempt(index, tried.call, limit, send).await {
                Ok(answer) => {
                    self.prefer(index);
                    return Ok(Ok(answer));
                }
                Err(failure) => failure,
            };
            tried.note(index, failure.clone().into_fault());
            next = next.max_of(self.judge(index, tried.call, failure)?);
        }
        Ok(Err(next))
    }

    /// Whether the call goes on after a member failed.
    fn judge(
        &self,
        index: usize,
        call: Call,
        failure: AttemptFailure,
    ) -> Result<NextRound, AttemptFailure> {
        match failure {
            AttemptFailure::Elsewhere(fault) => {
                self.avoid(index);
                let passes =
                    matches!(fault.kind, ClusterErrorKind::NoLeader | ClusterErrorKind::Overloaded);
                Ok(if passes { NextRound::Worthwhile } else { NextRound::Useless })
            }
            AttemptFailure::Unanswered(_) if call.repetition == Repetition::Harmless => {
                self.avoid(index);
                Ok(NextRound::Worthwhile)
            }
            AttemptFailure::Unanswered(_) => {
                self.avoid(index);
                Err(failure)
            }
            AttemptFailure::Refused(_) | AttemptFailure::SignInAgain(_) => Err(failure),
        }
    }

    /// Asks one member within a limit.
    pub(super) async fn attempt<T>(
        &self,
        index: usize,
        call: Call,
        limit: Duration,
        send: &(dyn Fn(Arc<Connection>, CallHeaders) -> Answer<T> + Send + Sync),
    ) -> Result<T, AttemptFailure> {
        let until = Instant::now() + limit;
        let connection = self.prepare(index, call, until, limit).await?;
        let answer = timeout_at(until, self.send(&connection, call, send)).await;
        let late = |_| AttemptFailure::Unanswered(Fault::late(limit));
        let failure = match answer.map_err(late).flatten() {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        if matches!(&failure, AttemptFailure::Unanswered(_)) {
            self.discard(index, &connection);
        }
        let examined = timeout(EXAMINATION, connection.examine(failure.clone())).await;
        Err(examined.unwrap_or(failure))
    }
}

impl NextRound {
    fn max_of(self, other: Self) -> Self {
        if self == Self::Worthwhile { self } else { other }
    }
}
