//! Whether a caller gets the lock, and the refusal if not.

use super::{
    expected::{ExpectedOutcome, Stdout},
    model::{
        BrokenRecord, ExpectedAuditEvent, Holder, LeaseLifetimeBasis, Mode, Model, ModelLease,
        ModelLockFreeze,
    },
    queue::Obstacle,
    step::{TestLockName, TestOwnerName},
};

/// What a caller asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockKind {
    Lease,
    Guard,
}

/// A request for a lock.
#[derive(Clone, Copy)]
pub(crate) struct AdmissionRequest {
    pub(crate) by: TestOwnerName,
    pub(crate) name: TestLockName,
    pub(crate) kind: LockKind,
    /// The queue position of a waiter.
    pub(crate) place: Option<usize>,
}

/// The answer to a request.
pub(crate) enum Admission {
    New,
    Renewal,
    UnderLease(usize),
    Refused(Box<ExpectedEntryRefusal>),
}

/// Why a caller does not get the lock.
pub(crate) struct ExpectedEntryRefusal {
    pub(crate) code: i32,
    pub(crate) stderr: String,
    /// The reason and holder in the output of `lock --json`.
    blocked: Option<(&'static str, Option<TestOwnerName>)>,
    event: Option<ExpectedAuditEvent>,
    /// What a waiter waits for; after an error, a caller does not wait.
    pub(crate) obstacle: Option<Obstacle>,
}

impl ExpectedEntryRefusal {
    fn error(stderr: String) -> Admission {
        let (blocked, event, obstacle) = (None, None, None);
        Admission::Refused(Box::new(Self { code: 1, stderr, blocked, event, obstacle }))
    }

    fn held(
        stderr: String,
        (reason, owner): (&'static str, Option<TestOwnerName>),
        event: ExpectedAuditEvent,
        obstacle: Obstacle,
    ) -> Admission {
        let blocked = Some((reason, owner));
        let (event, obstacle) = (Some(event), Some(obstacle));
        Admission::Refused(Box::new(Self { code: 2, stderr, blocked, event, obstacle }))
    }

    pub(crate) fn into_expected(self, json: bool) -> ExpectedOutcome {
        let blocked = self.blocked.filter(|_| json).map(|(reason, owner)| Stdout::Blocked {
            reason: reason.to_owned(),
            owner: owner.map(|it| it.as_str().to_owned()),
        });
        let stdout = blocked.unwrap_or_default();
        ExpectedOutcome { stdout, ..ExpectedOutcome::fails(self.code, self.stderr) }
            .with_events(self.event)
    }
}

/// An earlier holder or waiter.
struct QueuePredecessor {
    place: usize,
    owner: Option<TestOwnerName>,
    is_in: bool,
}

impl AdmissionRequest {
    pub(crate) fn guard(by: TestOwnerName, name: TestLockName) -> Self {
        Self { by, name, kind: LockKind::Guard, place: None }
    }

    pub(crate) fn lease(by: TestOwnerName, name: TestLockName) -> Self {
        Self { kind: LockKind::Lease, ..Self::guard(by, name) }
    }
}

impl Model {
    /// Whether a caller gets the lock. First come the earlier holders and waiters, then the record, then the
    /// freeze. But a lease's owner renews it regardless of those and of a freeze, and a guard under its
    /// owner's lease passes the waiters for that lease.
    pub(crate) fn admission(&self, request: AdmissionRequest) -> Admission {
        let AdmissionRequest { by, name, kind, .. } = request;
        let state = self.state(name);
        if state.broken() == Some(BrokenRecord::Newer) {
            return ExpectedEntryRefusal::error(BrokenRecord::Newer.error_text().to_owned());
        }
        let usable = |lease: &ModelLease| {
            kind == LockKind::Lease || lease.hold != LeaseLifetimeBasis::Foreign
        };
        let mine = state.lease().filter(|lease| usable(lease) && state.is_held_by(by));
        let renewing = mine.is_some() && kind == LockKind::Lease;
        let ahead = self.nearest_earlier_process(request, mine.is_some());
        let error = self.corruption_error(name).filter(|_| mine.is_some() || ahead.is_none());
        match (error, mine, ahead) {
            (Some(error), ..) => error,
            (_, Some(_), _) if renewing => Admission::Renewal,
            (_, _, Some(ahead)) => self.refuse_behind(&ahead, by, name),
            (_, None, _) if !self.is_free(name) => self.refuse_for_record(by, name),
            (_, mine, _) => self.admit_unless_frozen(by, name, mine.map(|lease| lease.id)),
        }
    }

    /// The last of the earlier processes that are in the way.
    fn nearest_earlier_process(
        &self,
        request: AdmissionRequest,
        mine: bool,
    ) -> Option<QueuePredecessor> {
        let state = self.state(request.name);
        let inside = state.inside().filter(|it| !it.mode.admits(Mode::Exclusive));
        let inside = inside.filter_map(|it| {
            Some(QueuePredecessor { place: it.guard()?.id, owner: it.owner, is_in: true })
        });
        let waiting = state.queue.iter().map(|it| QueuePredecessor {
            place: it.place,
            owner: Some(it.owner),
            is_in: false,
        });
        let before =
            |it: &QueuePredecessor| request.place.is_none_or(|mine| it.is_in || it.place < mine);
        let passed = |it: &QueuePredecessor| mine && !it.is_in && it.owner != Some(request.by);
        inside.chain(waiting).filter(|it| before(it) && !passed(it)).max_by_key(|it| it.place)
    }

    /// The refusal because of an earlier process, inside or waiting.
    fn refuse_behind(
        &self,
        ahead: &QueuePredecessor,
        by: TestOwnerName,
        name: TestLockName,
    ) -> Admission {
        let holder = self.state(name).holder();
        let owner = holder.or(ahead.owner);
        let who = owner.map_or("", TestOwnerName::as_str);
        let how = if holder.is_some() { "is held by" } else { "goes to" };
        let event = ExpectedAuditEvent::new("deny", name, by).with_holder(holder);
        let reason = if holder.is_some() || ahead.is_in { "held" } else { "queued" };
        let stderr = format!("{how} {}{who} (pid ", self.yours(by, name));
        ExpectedEntryRefusal::held(stderr, (reason, owner), event, Obstacle::Behind(ahead.place))
    }

    /// How a refusal calls a holder that is the caller.
    fn yours(&self, by: TestOwnerName, name: TestLockName) -> &'static str {
        let state = self.state(name);
        match state.lease() {
            _ if state.holder() != Some(by) => "",
            Some(lease) if lease.hold != LeaseLifetimeBasis::Foreign => "your lease: ",
            _ => "you: ",
        }
    }

    fn refuse_for_record(&self, by: TestOwnerName, name: TestLockName) -> Admission {
        let holder = self.state(name).holder();
        let event = ExpectedAuditEvent::new("deny", name, by).with_holder(holder);
        let (stderr, reason) = match holder {
            Some(owner) => {
                (format!("is held by {}{}", self.yours(by, name), owner.as_str()), "held")
            }
            None => ("is treated as held".to_owned(), "corrupted"),
        };
        let obstacle = Obstacle::Record(self.state(name).record().copied());
        ExpectedEntryRefusal::held(stderr, (reason, holder), event, obstacle)
    }

    fn admit_unless_frozen(
        &self,
        by: TestOwnerName,
        name: TestLockName,
        under: Option<usize>,
    ) -> Admission {
        match (self.state(name).frozen_by(), under) {
            (Some(owner), _) => {
                let event =
                    ExpectedAuditEvent::new("freeze-deny", name, by).with_holder(Some(owner));
                let you = if owner == by { "you: " } else { "" };
                let stderr = format!("is frozen by {you}{}", owner.as_str());
                let obstacle = Obstacle::Freeze(self.state(name).freeze);
                ExpectedEntryRefusal::held(stderr, ("frozen", Some(owner)), event, obstacle)
            }
            (None, Some(lease)) => Admission::UnderLease(lease),
            (None, None) => Admission::New,
        }
    }

    /// The error of a name whose record or freeze is unreadable.
    fn corruption_error(&self, name: TestLockName) -> Option<Admission> {
        let state = self.state(name);
        match state.broken() {
            Some(broken) if !broken.is_young() && !broken.is_free() => {
                Some(ExpectedEntryRefusal::error(format!("lock {:?} is corrupted", name.as_str())))
            }
            _ if state.freeze == Some(ModelLockFreeze::Broken) => Some(
                ExpectedEntryRefusal::error(format!("freeze {:?} is corrupted", name.as_str())),
            ),
            _ => None,
        }
    }

    /// Whether the record allows a new holder.
    fn is_free(&self, name: TestLockName) -> bool {
        let free = |it: &Holder| match it.broken() {
            Some(broken) => broken.is_free(),
            None => !it.is_held() || it.mode.admits(Mode::Exclusive),
        };
        self.state(name).record().is_none_or(free)
    }
}
