//! What the fuzzing targets check. It stands with the tests of the lock library, which replay the seeds
//! with it on every compiler.

#[path = "../../crates/lock/tests/checks/mod.rs"]
pub mod checks;
