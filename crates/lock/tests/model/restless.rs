//! The loop of `acquire` itself, with a store whose vigils end at once though nothing has changed.

use crate::model::{
    process::{NEWCOMER, Step, request},
    store::{MemoryStore, Mishap},
    world::{Foreign, World},
};
use lokt_lock::{
    ops::{
        AcquireAttemptOutcome, AcquireOutcome, QueueStanding, WaitLimit, WaitObserver, acquire,
        attempt,
    },
    words::LockMode,
};
use std::{os::fd::BorrowedFd, time::Duration};

/// More often than a waiter can be woken in the time that it has.
const FOR_EVER: u32 = 1_000_000;

struct Nobody;

impl WaitObserver for Nobody {
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

/// Waits for a lock that is never given back; says how long, where that ended with the time and not with the
/// vigils' patience.
pub(crate) fn wait(limit: Duration) -> Option<Duration> {
    let store = MemoryStore::new(World::new(Foreign::default()), 0, Mishap::None);
    let guard = |owner| request(owner, Step::Guard(LockMode::Exclusive, None)).unwrap();
    let held = attempt(&store, &guard(0), None).unwrap();
    assert!(matches!(held, AcquireAttemptOutcome::Entered(_)), "the first who asks has the lock");
    store.0.restless.set(FOR_EVER);
    let outcome = acquire(&store, &guard(NEWCOMER), WaitLimit::For(limit), &mut Nobody).unwrap();
    let AcquireOutcome::Denied(denial) = outcome else { panic!("the lock was not held any more") };
    denial.waited.filter(|_| store.0.restless.get() > 0)
}
