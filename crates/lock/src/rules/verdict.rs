use super::Liveness;
use crate::{
    record::{HoldKind, LockRecord},
    words::LockId,
};

/// Answers what a verdict asks about the world. Each answer may cost a system call, so it is asked for
/// only where it decides.
pub trait LockVerdictFacts {
    /// Whether the record's lifetime has ended.
    fn is_over(&self, record: &LockRecord) -> bool;
    /// Whether a live ticket of this acquisition is in the queue. Doubt counts as alive.
    fn ticket_lives(&self, id: &LockId) -> bool;
    /// Whether the process that the record names lives.
    fn process(&self, record: &LockRecord) -> Liveness;
}

/// Whether a record still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockRecordVerdict {
    /// A holder has the lock.
    Held(HoldState),
    /// No holder has it, and that is proven: the next caller may take it.
    Stale(StalenessCause),
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    /// As it should be.
    Live,
    /// A guard whose announced lifetime has passed; its processes live, so it holds.
    Overdue,
    /// A guard whose supervisor is gone; processes of its command live, so it holds.
    Orphaned,
    /// A lease without an end whose taker is gone. It holds: the taker's end proves nothing.
    Abandoned,
}

/// Why a record is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StalenessCause {
    /// Its lifetime has ended.
    Expired,
    /// The last process that it hung on is gone.
    HolderGone,
}

/// Judges a record: the one place that says when a lock is free again.
///
/// A guard depends on its ticket, which the kernel keeps; its expiry is only an announcement. A lease depends
/// on its expiry, one that is tied to a process on that process as well. Records of other programs are judged
/// by their expiry, and by their process where they have none.
pub fn judge(record: &LockRecord, facts: &impl LockVerdictFacts) -> LockRecordVerdict {
    match record.hold {
        Some(HoldKind::Guard) => judge_guard(record, facts),
        Some(HoldKind::Lease) => judge_lease(record, facts),
        _ if record.hangs_on_process() => judge_process(record, facts),
        _ => judge_expiry(record, facts),
    }
}

fn judge_guard(record: &LockRecord, facts: &impl LockVerdictFacts) -> LockRecordVerdict {
    let lives = record.lock_id.as_ref().is_none_or(|id| facts.ticket_lives(id));
    if !lives {
        return LockRecordVerdict::Stale(StalenessCause::HolderGone);
    }
    if facts.process(record) == Liveness::Dead {
        return LockRecordVerdict::Held(HoldState::Orphaned);
    }
    if facts.is_over(record) {
        return LockRecordVerdict::Held(HoldState::Overdue);
    }
    LockRecordVerdict::Held(HoldState::Live)
}

fn judge_lease(record: &LockRecord, facts: &impl LockVerdictFacts) -> LockRecordVerdict {
    // A result is left by work that is done: no process is expected to come back to it.
    let endless = record.expiry().is_none() && record.result().is_none();
    if endless && facts.process(record) == Liveness::Dead {
        return LockRecordVerdict::Held(HoldState::Abandoned);
    }
    judge_expiry(record, facts)
}

fn judge_process(record: &LockRecord, facts: &impl LockVerdictFacts) -> LockRecordVerdict {
    match judge_expiry(record, facts) {
        LockRecordVerdict::Held(_) if facts.process(record) == Liveness::Dead => {
            LockRecordVerdict::Stale(StalenessCause::HolderGone)
        }
        verdict => verdict,
    }
}

fn judge_expiry(record: &LockRecord, facts: &impl LockVerdictFacts) -> LockRecordVerdict {
    if facts.is_over(record) {
        LockRecordVerdict::Stale(StalenessCause::Expired)
    } else {
        LockRecordVerdict::Held(HoldState::Live)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::LockName;

    struct FakeVerdictFacts {
        ticket: bool,
        process: Liveness,
    }

    impl LockVerdictFacts for FakeVerdictFacts {
        fn is_over(&self, record: &LockRecord) -> bool {
            record.is_expired("2026-02-01T10:30:00Z".parse().unwrap())
        }
        fn ticket_lives(&self, _: &LockId) -> bool {
            self.ticket
        }
        fn process(&self, _: &LockRecord) -> Liveness {
            self.process
        }
    }

    fn verdict(hold: &str, expires: &str, ticket: bool, process: Liveness) -> LockRecordVerdict {
        let hold = if hold.is_empty() { String::new() } else { format!(r#","hold":"{hold}""#) };
        let end = match expires {
            "" => String::new(),
            time => format!(r#","expires_at":"2026-02-01T{time}:00Z""#),
        };
        let base = r#""owner":"a","lock_id":"1","acquired_ts":"2026-02-01T10:00:00Z""#;
        let name = LockName::new("x").unwrap();
        let record = LockRecord::parse(format!("{{{base}{hold}{end}}}").as_bytes(), &name).unwrap();
        judge(&record, &FakeVerdictFacts { ticket, process })
    }

    #[test]
    fn the_table_of_verdicts() {
        use HoldState::{Abandoned, Live, Orphaned, Overdue};
        use Liveness::{Alive, Dead, Unknown};
        use LockRecordVerdict::{Held, Stale};
        use StalenessCause::{Expired, HolderGone};
        let (past, future) = ("10:10", "11:00");
        for (hold, expires, ticket, process, expected) in [
            // A guard: the ticket alone decides; pid, clock and expiry only describe.
            ("guard", "", true, Alive, Held(Live)),
            ("guard", past, true, Alive, Held(Overdue)),
            ("guard", past, true, Dead, Held(Orphaned)),
            ("guard", future, true, Unknown, Held(Live)),
            ("guard", future, false, Alive, Stale(HolderGone)),
            // A lease: the end of a process does not end it.
            ("lease", future, false, Dead, Held(Live)),
            ("lease", past, true, Alive, Stale(Expired)),
            ("lease", "", false, Alive, Held(Live)),
            ("lease", "", false, Unknown, Held(Live)),
            ("lease", "", false, Dead, Held(Abandoned)),
            // Tied to a process: its provable end, or the expiry.
            ("process", "", false, Alive, Held(Live)),
            ("process", "", false, Unknown, Held(Live)),
            ("process", "", false, Dead, Stale(HolderGone)),
            ("process", future, false, Dead, Stale(HolderGone)),
            ("process", past, false, Alive, Stale(Expired)),
            // Other programs: expiry first, then the process.
            ("", future, false, Dead, Held(Live)),
            ("", past, false, Alive, Stale(Expired)),
            ("", "", false, Dead, Stale(HolderGone)),
            ("", "", false, Unknown, Held(Live)),
            // A later version's kind.
            ("quorum", "", false, Dead, Held(Live)),
            ("quorum", past, false, Alive, Stale(Expired)),
        ] {
            let found = verdict(hold, expires, ticket, process);
            assert_eq!(found, expected, "{hold:?} to {expires:?}, ticket {ticket}, {process:?}");
        }
    }
}
