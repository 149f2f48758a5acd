#![expect(unsafe_code, reason = "sigaction(2) could be given a handler that does something")]

use nix::{
    sys::{
        signal::{
            SaFlags, SigAction, SigEvent, SigHandler, SigSet, SigevNotify, SigmaskHow, Signal,
            sigaction,
        },
        timer::{Expiration, Timer, TimerSetTimeFlags},
    },
    time::ClockId,
    unistd::gettid,
};
use std::{
    fs::File,
    io::{self, ErrorKind},
    time::{Duration, Instant},
};

/// The signal that ends a wait whose time is up. Nothing else uses it here, and by default it is ignored.
pub(crate) const TIME_IS_UP: Signal = Signal::SIGURG;

/// How often the signal is repeated: the first may come just before the wait begins, and end nothing.
const REPEAT: Duration = Duration::from_millis(10);

/// Waits for a kernel lock at most as long as `limit`; false where that was too short.
///
/// flock(2) knows no time limit, but a signal whose handler does nothing ends it. Waiting so, in the thread
/// itself, is the shortest way from an unlock to its waiter. `lock` is [`File::lock`] or [`File::lock_shared`].
///
/// # Errors
/// What flock(2) said, or making the timer.
pub fn lock_within(
    file: &File,
    lock: fn(&File) -> io::Result<()>,
    limit: Duration,
) -> io::Result<bool> {
    let end = Instant::now() + limit;
    let timer = timer_for_this_thread(limit)?;
    // It may be blocked since before this program was started, or to be read.
    let before = SigSet::from(TIME_IS_UP).thread_swap_mask(SigmaskHow::SIG_UNBLOCK)?;
    let locked = lock_before(file, lock, end);
    drop(timer);
    before.thread_set_mask()?;
    locked
}

fn lock_before(file: &File, lock: fn(&File) -> io::Result<()>, end: Instant) -> io::Result<bool> {
    loop {
        match lock(file) {
            Ok(()) => return Ok(true),
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            Err(_) if Instant::now() >= end => return Ok(false),
            Err(_) => {}
        }
    }
}

/// A timer that signals this thread after `limit`, and again and again until it is dropped.
fn timer_for_this_thread(limit: Duration) -> io::Result<Timer> {
    extern "C" fn nothing(_: i32) {}
    // Without SA_RESTART, so that the system call ends.
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    super::remember(TIME_IS_UP);
    // SAFETY: the handler does nothing, which any signal context allows.
    unsafe { sigaction(TIME_IS_UP, &action) }?;
    let notify = SigevNotify::SigevThreadId {
        signal: TIME_IS_UP,
        thread_id: gettid().as_raw(),
        si_value: 0,
    };
    let mut timer = Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(notify))?;
    // A timer that is set to nothing would never fire.
    let first = limit.max(Duration::from_micros(1)).into();
    let expiration = Expiration::IntervalDelayed(first, REPEAT.into());
    timer.set(expiration, TimerSetTimeFlags::empty())?;
    Ok(timer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_had_as_soon_as_it_is_free_and_not_waited_for_longer_than_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = File::create(&path).unwrap();
        held.lock().unwrap();
        let wanted = File::open(&path).unwrap();
        for limit in [Duration::ZERO, Duration::from_millis(5)] {
            assert!(!lock_within(&wanted, File::lock, limit).unwrap(), "the time is up");
        }
        let waiting = std::thread::spawn(move || {
            lock_within(&wanted, File::lock_shared, Duration::from_mins(1)).unwrap()
        });
        held.unlock().unwrap();
        assert!(waiting.join().unwrap(), "the lock is free");
    }
}
