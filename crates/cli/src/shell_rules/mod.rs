//! Which commands of a shell line run under a lock, decided before the line runs.
//!
//! * [`read_rules`]: the rules of the project's `lokt.toml`. [`CommandPattern`]: the commands that one is about.
//! * [`decide()`]: from a line and the rules to [`ShellDecision`], a pure function. `started_program`: which program a
//!   simple command starts. `guard_call`: the words that come in front of it.
//! * `git_call`: what a call of git would do to files that are not committed, by its words.
//! * [`project`]: the rules of the project of a folder, the lock of an index. [`uncommitted`]: whose files a call of
//!   git would change. Only these two read files and run git. [`shown`]: rules as text and JSON.
//!
//! A line keeps all its bytes, and its commands their exit codes, output, folder and variables: a guard comes in front
//! of a program, never of what the shell itself runs. A line that is not certain is left as it is.

mod decide;
mod decision;
mod git_call;
mod guard_call;
mod pattern;
pub(crate) mod project;
mod rule;
pub(crate) mod shown;
mod started_program;
pub(crate) mod uncommitted;

pub(crate) use decide::decide;
pub(crate) use decision::{
    LoktCommandSpelling, ShellAnswer, ShellDecision, ShellDenial, ShellToolCall,
    ToolInputMutability,
};
pub(crate) use git_call::{DiscardingGitCall, UncommittedFileKind};
pub(crate) use pattern::CommandPattern;
pub(crate) use rule::{GuardRule, GuardRuleError, read_rules};
