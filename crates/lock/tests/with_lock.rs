//! A closure under a lock: threads and panics, losses and refusals.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_lock::{
    caller::Caller,
    file::FileLockStore,
    ops::{LockRequest, UnlockForce, WaitLimit, WithLockOutcome, unlock, with_lock},
    rules::OwnerSource,
    store::{LockRecordKind, LockStore, NameReader},
    words::{LockMode, LockName},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

const PATIENCE: WaitLimit = WaitLimit::For(Duration::from_mins(1));

fn root() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap().join("locks");
    (folder, root)
}

fn caller() -> Caller {
    Caller::current(None, OwnerSource::Derived, None)
}

#[test]
fn threads_are_kept_out_like_processes() {
    let (_folder, root) = root();
    let inside = AtomicU32::new(0);
    let entries = AtomicU32::new(0);
    let work = || {
        let (store, caller, name) =
            (FileLockStore::new(&root), caller(), LockName::new("x").unwrap());
        for _ in 0..20 {
            let outcome = with_lock(&store, &LockRequest::guard(&name, &caller), PATIENCE, |_| {
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "one holder at a time");
                entries.fetch_add(1, Ordering::SeqCst);
                inside.fetch_sub(1, Ordering::SeqCst);
            });
            assert!(matches!(outcome.unwrap(), WithLockOutcome::Done(())));
        }
    };
    std::thread::scope(|scope| (0..6).for_each(|_| drop(scope.spawn(work))));
    assert_eq!(entries.load(Ordering::SeqCst), 120);
}

#[test]
fn a_panic_leaves_the_lock_free() {
    let (_folder, root) = root();
    let (store, caller, name) = (FileLockStore::new(&root), caller(), LockName::new("x").unwrap());
    let request = LockRequest::guard(&name, &caller);
    let panics = || with_lock(&store, &request, WaitLimit::None, |_| panic!("on purpose"));
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    let next = with_lock(&store, &request, WaitLimit::None, |_| "in");
    assert!(matches!(next.unwrap(), WithLockOutcome::Done("in")), "the next caller is in at once");
}

#[test]
fn a_lock_that_is_taken_away_is_told() {
    let (_folder, root) = root();
    let (store, caller, name) = (FileLockStore::new(&root), caller(), LockName::new("x").unwrap());
    let request = LockRequest::guard(&name, &caller);
    let outcome = with_lock(&store, &request, WaitLimit::None, |_| {
        let _ = unlock(&store, &name, &caller, UnlockForce::Force).unwrap();
        7
    });
    assert!(matches!(outcome.unwrap(), WithLockOutcome::Lost(7)), "the result comes with the loss");
}

#[test]
fn a_refusal_names_the_holder_and_does_no_work() {
    let (_folder, root) = root();
    let (store, caller, name) = (FileLockStore::new(&root), caller(), LockName::new("x").unwrap());
    let request =
        LockRequest { command: vec!["make".to_owned()], ..LockRequest::guard(&name, &caller) };
    let shared = LockRequest { mode: LockMode::Shared, ..request.clone() };
    let outcome = with_lock(&store, &request, WaitLimit::None, |record| {
        assert_eq!(record.command.as_deref(), Some(&["make".to_owned()][..]));
        let limit = WaitLimit::For(Duration::from_millis(10));
        let refused = with_lock(&store, &shared, limit, |_| "in");
        let WithLockOutcome::Denied(denial) = refused.unwrap() else { panic!("it is refused") };
        assert!(denial.waited.unwrap() >= Duration::from_millis(10));
        assert_eq!(denial.holder.unwrap().lock_id, record.lock_id);
    });
    assert!(matches!(outcome.unwrap(), WithLockOutcome::Done(())));
    assert!(store.reader(&name).slot(LockRecordKind::Lock).record().is_none(), "it is given back");
}
