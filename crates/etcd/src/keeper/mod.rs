//! The keeper: a small process beside a guard that keeps the session of the guard alive for as long as any process of the
//! guarded command lives, so that the lock holds also if the guard is killed.
//!
//! The guard and the keeper both send keepalives, and both judge by those that they themselves have sent when the time of
//! the session is over. The guard stops its command then; if there is no guard any more, the keeper does.
//!
//! # How it knows
//! Each guard has the file of its ticket open, locked with flock(2), and so has every process of its command. The keeper
//! opens the same file for itself and waits for the lock: it gets it when the last of them is gone, or when the guard gives
//! the lock back. Then it revokes the lease of the session, which frees everything at once, and ends.
//!
//! # What a death leaves
//! A guard that finds its keeper dead starts another. If both are killed, the cluster ends the session after its TTL, and
//! nothing stops the command by then.

mod orders;
mod process;
mod run;

pub use orders::{KeeperOrders, KeeperOrdersError};
pub use process::KeeperProgram;
pub(crate) use process::KeeperSlot;
pub use run::{KeeperError, detach, run};
