use crate::PATIENCE;
use std::{
    thread,
    time::{Duration, Instant},
};

/// Waits until something is so that nothing reports: a state of the file system or of the process table. Wait for a
/// handshake where there is one.
///
/// # Panics
/// When it is not so within [`PATIENCE`]; `what` says what was waited for.
#[track_caller]
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::yield_now();
        thread::park_timeout(Duration::from_millis(1));
    }
}
