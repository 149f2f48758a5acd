//! The check before a commit: whether another has reserved a path that the commit changes.
//!
//! * [`hook`]: the hooks.
//! * [`changed_paths`]: asks git what the commit changes. The only place here that runs git.
//! * [`check`]: decides, as a function of values.
//! * [`report`]: the answer in text.
//!
//! Whatever cannot be found out refuses the commit. `docs/decisions/0048-what-a-commit-changes.md` has the reasons.

pub(crate) mod changed_paths;
pub(crate) mod check;
pub(crate) mod hook;
pub(crate) mod report;
