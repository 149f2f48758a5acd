use super::*;
use crate::{
    caller::Caller,
    ops::{UnlockForce, freeze, unlock},
    rules::OwnerSource,
    words::LockName,
};
use std::{process::Command, time::Duration};
use tempfile::TempDir;

/// How long the report of a change may take, on a machine that is busy with other tests.
const TIME_LIMIT: Duration = Duration::from_secs(30);

fn world() -> (TempDir, FileLockStore, Caller, LockName) {
    let folder = tempfile::tempdir().unwrap();
    let store = FileLockStore::new(&folder.path().join("deep/root"));
    (folder, store, Caller::current(None, OwnerSource::Derived, None), LockName::new("x").unwrap())
}

/// Whether a change is reported within a time.
fn tells(watch: &LockRootChangeWatch, limit: Duration) -> bool {
    let sources = watch.sources();
    let mut sources: Vec<PollFd<'_>> =
        sources.into_iter().map(|it| PollFd::new(it, PollFlags::POLLIN)).collect();
    let limit = PollTimeout::try_from(limit).unwrap();
    poll(&mut sources, limit).unwrap() > 0
}

#[track_caller]
fn is_told(watch: &mut LockRootChangeWatch, what: &str) {
    assert!(tells(watch, TIME_LIMIT), "{what} is told");
    while tells(watch, Duration::ZERO) {
        watch.rearm();
    }
}

#[test]
fn what_changes_is_told_from_the_first_folder_on() {
    let (_folder, store, caller, name) = world();
    let mut watch = LockRootChangeWatch::begin(&store);
    assert!(!watch.is_blind() && !tells(&watch, Duration::ZERO), "nothing has happened");
    let _ = freeze(&store, &name, &caller, TIME_LIMIT).unwrap();
    is_told(&mut watch, "the root that is made");
    let _ = freeze(&store, &name, &caller, TIME_LIMIT).unwrap();
    is_told(&mut watch, "a freeze");
    let _ = unlock(&store, &name, &caller, UnlockForce::Own).unwrap();
    is_told(&mut watch, "a latch that was taken");
    let folder = store.layout().folder_of(LockRecordKind::Lock);
    fs::write(folder.join("y.json"), "{}").unwrap();
    is_told(&mut watch, "a record of another program");
    fs::remove_dir_all(store.layout().root()).unwrap();
    is_told(&mut watch, "that everything is gone");
    let _ = freeze(&store, &name, &caller, TIME_LIMIT).unwrap();
    is_told(&mut watch, "that it is there again");
}

#[test]
fn the_end_of_a_process_is_told_once() {
    let (_folder, store, ..) = world();
    let mut watch = LockRootChangeWatch::begin(&store);
    let mut process = Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = i32::try_from(process.id()).unwrap();
    watch.watch_processes([pid, -1, 0]);
    assert!(!tells(&watch, Duration::ZERO), "it lives");
    process.kill().unwrap();
    assert!(tells(&watch, TIME_LIMIT), "its end is told");
    // Not collected by its parent yet, and then no process any more.
    watch.watch_processes([pid]);
    assert!(!tells(&watch, Duration::ZERO), "what is known is not told again");
    process.wait().unwrap();
    watch.watch_processes([pid]);
    assert!(!tells(&watch, Duration::ZERO));
}
