//! What the commands share that run something under a lock or take one: `guard`, `lock`, `once`, `tool run`.
//!
//! * [`waiting`], [`sharing`], [`supervision`]: their options.
//! * [`nesting`]: the locks that this process runs under, and what a command learns of its locks.
//! * [`held`]: what they say of a lock that is held, and unlocking it.
//! * [`status_file`]: the file of `--status-file`, and [`stream`], what such a file can be.

pub(crate) mod held;
pub(crate) mod nesting;
pub(crate) mod sharing;
pub(crate) mod status_file;
pub(crate) mod stream;
pub(crate) mod supervision;
pub(crate) mod waiting;
