//! The invariants of everything that the tool library reads, for any bytes.
//!
//! Each check takes bytes, and panics if an invariant does not hold. The test `seeds` replays seeds and
//! their mutations with these checks, and the targets in `fuzz/` search for more.

pub mod lockfile;
pub mod metadata;
pub mod signature;
