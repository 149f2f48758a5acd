//! What to do where a sandbox lets this process write the work tree, and not the folder of the locks.
//!
//! * [`harness`]: the harnesses whose sandbox is known, their marks in the environment, and the setting that each
//!   needs.
//! * [`advice`]: what is said, and where.
//!
//! Nothing here ever names another root for one participant: two roots are two locks.

pub(crate) mod advice;
pub(crate) mod harness;
