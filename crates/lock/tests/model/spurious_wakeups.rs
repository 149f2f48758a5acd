//! The loop of `acquire`, with a store whose watches end at once though nothing has changed.

use crate::model::{
    memory_root::{ForeignProgram, MemoryRoot},
    process::{NEWCOMER, ProcessScriptStep, request_of},
    store::{InjectedStoreEvent, MemoryStore},
};
use lokt_lock::{
    ops::{
        AcquireAttemptOutcome, AcquireOutcome, QueueStanding, WaitLimit, WaitObserver, acquire,
        attempt,
    },
    words::LockMode,
};
use std::{os::fd::BorrowedFd, time::Duration};

/// More often than a waiter can be woken within its time limit.
const MANY_WAKEUPS: u32 = 1_000_000;

struct SilentObserver;

impl WaitObserver for SilentObserver {
    fn waiting(&mut self, _: &QueueStanding) {}

    fn interval(&self) -> Option<Duration> {
        None
    }

    fn interruption(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn is_interrupted(&mut self) -> bool {
        false
    }
}

/// Waits for a lock that is never released. Returns how long, if the time limit ended the wait and not the
/// lack of spurious wakeups.
pub(crate) fn wait_despite_wakeups(limit: Duration) -> Option<Duration> {
    let store =
        MemoryStore::new(MemoryRoot::new(ForeignProgram::default()), 0, InjectedStoreEvent::None);
    let guard =
        |owner| request_of(owner, ProcessScriptStep::Guard(LockMode::Exclusive, None)).unwrap();
    let held = attempt(&store, &guard(0), None).unwrap();
    assert!(matches!(held, AcquireAttemptOutcome::Entered(_)), "the first caller has the lock");
    store.0.spurious_wakeups.set(MANY_WAKEUPS);
    let outcome =
        acquire(&store, &guard(NEWCOMER), WaitLimit::For(limit), &mut SilentObserver).unwrap();
    let AcquireOutcome::Denied(denial) = outcome else { panic!("the lock was not held any more") };
    denial.waited.filter(|_| store.0.spurious_wakeups.get() > 0)
}
