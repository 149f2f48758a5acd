//! The agent that a harness runs: which session of which harness this process belongs to.
//!
//! An agent runs each shell command in a session of the kernel that ends with it, so the terminal says nothing. Most
//! harnesses name their session in a variable.
//!
//! * `table`: the harnesses: their variables and programs, each with its source.
//! * `program`: recognizes a harness by its process.
//! * [`find`]: decides, from the values of variables and the processes above.
//! * [`process_of`]: the process of a harness, for what is to end with it.
//!
//! Nothing here reads the environment or the process table: values and processes are arguments. The processes are asked
//! for only where the variables do not decide.

mod finding;
mod program;
mod table;

pub use finding::{AgentDetectionOutcome, AgentSource, find, process_of};
pub use table::{AGENT_ID, CLAUDE_SESSION, variables};
