//! The invariants of everything that Lokt reads, for any bytes.
//!
//! Each check takes bytes, and panics if an invariant does not hold. The test `seeds` replays seeds and
//! their mutations with these checks, and the targets in `fuzz/` search for more.

pub mod audit;
pub mod json;
pub mod pattern;
pub mod record;
pub mod shorthand;
pub mod ticket;
pub mod words;
