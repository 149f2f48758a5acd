//! What must hold of everything that Lokt reads, for any bytes at all.
//!
//! Each check takes bytes, and panics where an invariant does not hold. They stand here once: the test
//! `seeds` replays the seeds and mutations of them, and the targets in `fuzz/` search for more.

pub mod audit;
pub mod json;
pub mod pattern;
pub mod record;
pub mod shorthand;
pub mod ticket;
pub mod words;
