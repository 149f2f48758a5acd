//! What the protocol decides, as functions of values: the owner of a record, whether it still holds, and which
//! waiter may enter.
//!
//! Nothing here reads a file, a clock or the process table. What has to be known comes in as arguments,
//! so every rule is tested as a table.

mod admission;
mod deadlock;
mod identity;
mod liveness;
mod nesting;
mod occupancy;
mod queue;
mod queue_place;
mod verdict;

pub use admission::{
    AdmissionDecision, FILLING, LockAdmissionInputs, LockAdmissionPlan, LockOccupancy, Obstacle,
    RequestedGuardOrLease, StaleHolder, decide,
};
pub use deadlock::{DeadlockSearchSource, WaitCycle, WaitCycleLink, Waiter, cycle};
pub use identity::{CallerIdentity, OwnerSource};
pub use liveness::{Liveness, RecordedProcess, compare};
pub use nesting::{around, passes};
pub use occupancy::{HoldRequest, JudgedHolder, leased, occupant};
pub use queue::{QueueObstacle, QueueObstacleQuery, ahead};
pub use queue_place::{QueuePlace, TicketContent};
pub use verdict::{HoldState, LockRecordVerdict, LockVerdictFacts, StalenessCause, judge};
