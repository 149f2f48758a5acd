//! The checks of the fuzzing targets. They are part of the libraries' tests, which replay the seeds with them
//! on every compiler.

#[path = "../../crates/lock/tests/checks/mod.rs"]
pub mod checks;

#[path = "../../crates/tool/tests/checks/mod.rs"]
pub mod tools;
