//! What the protocol decides, as functions of values: who owns a record, whether it still stands, who in
//! the queue may enter.
//!
//! Nothing here reads a file, a clock or the process table. What has to be known comes in as arguments,
//! so every rule is tested as a table.

mod admission;
mod deadlock;
mod identity;
mod liveness;
mod mode;
mod nesting;
mod occupancy;
mod place;
mod queue;
mod verdict;

pub use admission::{
    Decision, Entering, FILLING, Gone, Obstacle, Occupant, Purpose, Scene, decide,
};
pub use deadlock::{Cycle, Link, Waiter, Waits, cycle};
pub use identity::{Identity, OwnerSource};
pub use liveness::{Here, Liveness, Presence, compare};
pub use mode::Mode;
pub use nesting::{around, passes};
pub use occupancy::{Claim, Judged, leased, occupant};
pub use place::{Place, TicketText};
pub use queue::{Ahead, Asker, ahead};
pub use verdict::{Holding, Staleness, Verdict, Witness, judge};
