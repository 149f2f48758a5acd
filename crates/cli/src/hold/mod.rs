//! Locks that a program in another language holds through this process.
//!
//! * [`request`]: what the program asks for, as lines of JSON on standard input.
//! * [`requests`]: standard input, read line by line without a buffer that hides its end.
//! * [`session`]: the locks, one request after the other.
//!
//! The life of a lock is that of this process, and this process lives as long as its standard input has a writer. The
//! kernel closes that when the program ends, however it ends.

mod request;
mod requests;
mod session;

pub(crate) use session::HoldSession;
