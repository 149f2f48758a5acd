//! What the protocol decides, as functions of values: who owns a record, whether it still stands, who in
//! the queue may enter.
//!
//! Nothing here reads a file, a clock or the process table. What has to be known comes in as arguments,
//! so every rule is tested as a table.

mod admission;
mod identity;
mod liveness;
mod place;
mod verdict;

pub use admission::{
    Decision, Entering, FILLING, Obstacle, Occupant, Purpose, Scene, decide, nearest_ahead,
};
pub use identity::{Identity, OwnerSource};
pub use liveness::{Here, Liveness, Presence, compare};
pub use place::{Place, TicketText};
pub use verdict::{Holding, Staleness, Verdict, Witness, judge};
