//! What an agent has to know of a repository within its first seconds: which operations are guarded, what to
//! run, what to do when a lock is held, what is held now.
//!
//! * [`project`]: finds the operations. The only place here that reads the project's files.
//! * `call`: which commands of shell text call Lokt.
//! * `shell`, `makefile`, `justfile`, `package`: pure functions from a file's text to its operations.
//! * [`now`]: what is held and frozen, a line each.
//! * [`text`]: the text, held to its length; [`mod@format`]: for whom.
//! * [`session_start`]: the session of a harness, from its hook's input to its shell commands. The only place here that
//!   writes.
//! * `quotation`: what others wrote, as a code span.
//!
//! Nothing is run, and nothing is believed: names and commands from files are quoted in one line each, cut, and
//! without anything that could end the quotation.

mod call;
pub(crate) mod format;
mod justfile;
mod makefile;
pub(crate) mod now;
mod operation;
mod package;
pub(crate) mod project;
mod quotation;
pub(crate) mod session_start;
mod shell;
pub(crate) mod text;

pub(crate) use format::InstructionFileKind;
pub(crate) use operation::GuardedOperation;
