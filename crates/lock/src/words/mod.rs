//! The words of the lock protocol as types: each has one constructor that checks it, so that a value of
//! the type needs no second look.
//!
//! Nothing in here reads a file, the environment or the process table; the clock is read by
//! [`Timestamp::now`] alone.

mod agent_id;
mod fence;
mod harness;
mod lock_id;
mod lock_mode;
mod lock_name;
mod owner;
mod process_facts;
mod text;
mod timestamp;

pub(crate) use agent_id::fnv1a;
pub use agent_id::{AgentId, InvalidAgentId};
pub use fence::Fence;
pub use harness::Harness;
pub use lock_id::LockId;
pub use lock_mode::LockMode;
pub use lock_name::{InvalidLockName, LockName};
pub use owner::{InvalidOwner, Owner};
pub use process_facts::{ProcessLocation, ProcessPresence};
pub use timestamp::{InvalidTimestamp, Timestamp};
