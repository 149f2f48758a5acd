//! The store in memory. It does the calls of [`LockStore`] to a [`MemoryRoot`], as the store of files does them
//! to a root.
//!
//! An [`StoreCallTrace`] has every change and the root right after it, which is what a process leaves that
//! dies at that moment. An [`InjectedStoreEvent`] happens at one chosen call.

use crate::model::{
    memory_root::{ForeignStep, MemoryRoot},
    obstacle_watch::{FixedAnswerObstacleWatch, NoLossWatcher, is_over},
    reader::{EmptyListing, MemoryReader},
    section::{MemorySection, MemoryTicket},
};
use lokt_lock::{
    audit::AuditEvent,
    rules::{Obstacle, QueuePlace, Waiter},
    store::{LockRecordKind, LockStore, LockStoreError},
    words::{LockId, LockName, Timestamp},
};
use std::{
    cell::{Cell, RefCell},
    io::ErrorKind,
    rc::Rc,
    time::Duration,
};

/// An event that is injected into an operation, with the index of the call at which it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InjectedStoreEvent {
    None,
    /// Before a lock record is read, put or removed, another program does a step.
    Foreign(usize, ForeignStep),
    /// Before the clock is read, time passes.
    Tick(usize),
    /// The call fails, and changes nothing.
    Failure(usize),
    /// Before a ticket is probed, another process and its command die. No process has its ticket open then.
    Death(usize, usize),
}

/// What an operation did.
#[derive(Debug)]
pub(crate) struct StoreCallTrace {
    /// Each change, and the root right after it.
    pub(crate) changes: Vec<(&'static str, MemoryRoot)>,
    /// The number of calls that access a lock record.
    pub(crate) record_accesses: usize,
    /// The number of readings of the clock.
    pub(crate) clock_readings: usize,
    /// The number of calls that could have failed.
    pub(crate) fallible_calls: usize,
    /// The number of probes of tickets.
    pub(crate) ticket_probes: usize,
    pub(super) injection: InjectedStoreEvent,
    /// Whether the injection could happen, and did.
    pub(crate) happened: bool,
    /// Whether the record to remove was not the judged one any more.
    pub(crate) replaced: bool,
}

/// The store, as one process sees it.
#[derive(Clone)]
pub(crate) struct MemoryStore(pub(crate) Rc<StoreInner>);

pub(crate) struct StoreInner {
    pub(super) root: RefCell<MemoryRoot>,
    pub(super) trace: RefCell<StoreCallTrace>,
    /// Whether a process is in the section.
    pub(super) latched: Cell<bool>,
    pub(super) process: usize,
    /// How many more watches end at once, without a reason.
    pub(crate) spurious_wakeups: Cell<u32>,
}

impl MemoryStore {
    pub(crate) fn new(root: MemoryRoot, process: usize, injection: InjectedStoreEvent) -> Self {
        let trace = StoreCallTrace {
            changes: Vec::new(),
            record_accesses: 0,
            clock_readings: 0,
            fallible_calls: 0,
            ticket_probes: 0,
            injection,
            happened: false,
            replaced: false,
        };
        Self(Rc::new(StoreInner {
            root: RefCell::new(root),
            trace: RefCell::new(trace),
            latched: Cell::new(false),
            process,
            spurious_wakeups: Cell::new(0),
        }))
    }

    /// The root after the operation, and the trace. No ticket may be open.
    pub(crate) fn into_parts(self) -> (MemoryRoot, StoreCallTrace) {
        let inner = Rc::into_inner(self.0).expect("an operation keeps no reference to the store");
        (inner.root.into_inner(), inner.trace.into_inner())
    }

    /// Changes the root, and adds the change to the trace.
    pub(super) fn change(&self, what: &'static str, change: impl FnOnce(&mut MemoryRoot)) {
        let mut root = self.0.root.borrow_mut();
        change(&mut root);
        self.0.trace.borrow_mut().changes.push((what, root.clone()));
    }

    /// Called before an access to a lock record.
    pub(super) fn before_record_access(&self, kind: LockRecordKind) {
        if kind == LockRecordKind::Freeze {
            return;
        }
        let trace = &mut *self.0.trace.borrow_mut();
        if let InjectedStoreEvent::Foreign(at, step) = trace.injection
            && at == trace.record_accesses
        {
            trace.happened = self.0.root.borrow_mut().foreign_step(step);
        }
        trace.record_accesses += 1;
    }

    /// Called at the start of a call that can fail.
    pub(super) fn try_call(&self, action: &'static str) -> Result<(), LockStoreError> {
        let trace = &mut *self.0.trace.borrow_mut();
        let fails = trace.injection == InjectedStoreEvent::Failure(trace.fallible_calls);
        trace.fallible_calls += 1;
        trace.happened |= fails;
        let error = || LockStoreError::io(action, "memory")(ErrorKind::StorageFull.into());
        if fails { Err(error()) } else { Ok(()) }
    }
}

impl LockStore for MemoryStore {
    type Reader<'s> = MemoryReader<'s>;
    type Listing<'s> = EmptyListing;
    type Section<'s> = MemorySection<'s>;
    type Ticket = MemoryTicket;
    type ObstacleWatch = FixedAnswerObstacleWatch;
    type LossWatcher = NoLossWatcher;

    fn watch_after(&self) -> Duration {
        Duration::ZERO
    }

    fn now(&self) -> Timestamp {
        let trace = &mut *self.0.trace.borrow_mut();
        if trace.injection == InjectedStoreEvent::Tick(trace.clock_readings) {
            self.0.root.borrow_mut().ticks += 1;
            trace.happened = true;
        }
        trace.clock_readings += 1;
        self.0.root.borrow().now()
    }

    fn new_id(&self) -> Result<LockId, LockStoreError> {
        let mut root = self.0.root.borrow_mut();
        root.ids += 1;
        Ok(LockId::from_record(&format!("{}-{}", self.0.process, root.ids)).unwrap())
    }

    fn reader<'s>(&'s self, name: &'s LockName) -> MemoryReader<'s> {
        MemoryReader { store: self, name }
    }

    fn listing(&self) -> EmptyListing {
        EmptyListing
    }

    fn within<R, E: From<LockStoreError>>(
        &self,
        name: &LockName,
        mut change: impl FnMut(&mut MemorySection<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        self.try_call("enter the section")?;
        let was = self.0.latched.replace(true);
        assert!(!was, "a process in the section would wait for itself");
        change(&mut MemorySection { store: self, reader: self.reader(name) })
    }

    fn nested(&self) -> Vec<Waiter> {
        Vec::new()
    }

    fn loss_watcher(&self, _: &[(&LockName, Option<&QueuePlace>)]) -> Option<NoLossWatcher> {
        None
    }

    fn watch(
        &self,
        _: &LockName,
        obstacle: &Obstacle,
    ) -> Result<FixedAnswerObstacleWatch, LockStoreError> {
        let spurious_wakeups = self.0.spurious_wakeups.get();
        self.0.spurious_wakeups.set(spurious_wakeups.saturating_sub(1));
        Ok(FixedAnswerObstacleWatch(
            spurious_wakeups > 0 || is_over(&self.0.root.borrow(), obstacle),
        ))
    }

    fn log(&self, _: &AuditEvent) -> Result<(), LockStoreError> {
        self.try_call("write the log")
    }
}
