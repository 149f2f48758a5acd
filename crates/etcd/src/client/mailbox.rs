use nix::sys::eventfd::{EfdFlags, EventFd};
use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::{Mutex, PoisonError},
};

/// Values from the background thread, with a descriptor that is readable while there are some.
#[derive(Debug)]
pub(super) struct Mailbox<T> {
    values: Mutex<Vec<T>>,
    signal: EventFd,
}

impl<T> Mailbox<T> {
    /// An empty one.
    pub(super) fn new() -> nix::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Self { values: Mutex::new(Vec::new()), signal: EventFd::from_flags(flags)? })
    }

    /// Adds some values. The reader wakes once, however many there are until it takes them.
    pub(super) fn put(&self, more: impl IntoIterator<Item = T>) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = values.is_empty();
        values.extend(more);
        if was_empty && !values.is_empty() {
            // The count goes from 0 to 1, so it cannot overflow.
            let _ = self.signal.write(1);
        }
    }

    /// Whether there are values to take.
    pub(super) fn has_values(&self) -> bool {
        !self.values.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Takes all values. The descriptor is readable again when more come.
    pub(super) fn take(&self) -> Vec<T> {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        if !values.is_empty() {
            let _ = self.signal.read();
        }
        std::mem::take(&mut *values)
    }
}

impl<T> AsFd for Mailbox<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.signal.as_fd()
    }
}
