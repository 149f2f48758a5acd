//! What the fuzzing targets check. It stands with the tests of the libraries, which replay the seeds
//! with it on every compiler.

#[path = "../../crates/lock/tests/checks/mod.rs"]
pub mod checks;

#[path = "../../crates/tool/tests/checks/mod.rs"]
pub mod tools;
