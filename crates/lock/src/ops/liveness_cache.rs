//! Whether the processes of reservations live, each asked for once.

use crate::{caller::Caller, reservation::Reservation, rules::Liveness};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// What is known of the processes that records name. A harness that has reserved many files is asked for once, also by
/// several threads.
#[derive(Debug)]
pub(super) struct LivenessCache<'a> {
    caller: &'a Caller,
    known: Mutex<HashMap<LivenessKey, Liveness>>,
}

/// What a record says of its process.
type LivenessKey = (Option<i32>, Option<u64>, Option<String>, Option<String>, Option<u64>);

impl<'a> LivenessCache<'a> {
    /// One that knows nothing yet. The caller is the one that asks.
    pub(super) fn new(caller: &'a Caller) -> Self {
        Self { caller, known: Mutex::new(HashMap::new()) }
    }

    /// Whether the process of a record lives, or did when it was first asked for.
    pub(super) fn liveness(&self, record: &Reservation) -> Liveness {
        let (host, boot) = (record.host.clone(), record.boot_id.clone());
        let key = (record.pid, record.pid_start, host, boot, record.pid_ns);
        // No other thread leaves anything half done in there.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(key).or_insert_with(|| self.caller.liveness(record))
    }
}
