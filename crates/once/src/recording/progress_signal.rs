use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The progress of something, for a thread that waits for more.
#[derive(Default)]
pub(super) struct WaitableProgress<T> {
    state: Mutex<T>,
    changed: Condvar,
}

impl<T: Copy + PartialEq> WaitableProgress<T> {
    /// Changes the progress.
    pub(super) fn tell(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.lock());
        self.changed.notify_one();
    }

    /// The progress now.
    pub(super) fn now(&self) -> T {
        *self.lock()
    }

    /// Waits until it is something else than what was known.
    pub(super) fn wait(&self, known: T) -> T {
        let mut state = self.lock();
        while *state == known {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        *state
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        // Numbers and flags are whole whatever happened to the thread that changed them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
