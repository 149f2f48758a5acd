//! Shared code of the commands that take a lock or run something under one: `guard`, `lock`, `once`, `tool run`.
//!
//! * [`waiting`], [`sharing`], [`supervision`]: their options.
//! * [`nesting`]: the locks that this process runs under, and what a command learns of its locks.
//! * [`held`]: messages about a held lock, and unlocking it.
//! * [`status_file`]: the file of `--status-file`, and [`stream`], writing it to a pipe or device.

pub(crate) mod held;
pub(crate) mod nesting;
pub(crate) mod sharing;
pub(crate) mod status_file;
pub(crate) mod stream;
pub(crate) mod supervision;
pub(crate) mod waiting;
