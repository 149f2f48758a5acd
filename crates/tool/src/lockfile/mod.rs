//! Lockfiles: a tool's chain, pinned. Other programs write and read the same files.
//!
//! # Rules for changing the format
//! The bytes are shared with other programs, so nothing of them changes: not a key, not their order, not
//! the indentation, not the missing newline at the end. `lockfile_version` is 1; anything else is refused.
//! Keys that others add are passed over in reading, and nothing rewrites a lockfile but an explicit update.

mod compare;
mod encode;
mod files;
mod flaw;
mod format;
mod parse;

pub use compare::{ChainDriftKind, ChainElementDrift, compare};
pub use encode::encode;
pub use files::{LockfileError, LockfileFolders, LockfileReplacePolicy, StoredLockfile};
pub use flaw::LockfileFlaw;
pub use format::{Lockfile, PinnedChainElement};
