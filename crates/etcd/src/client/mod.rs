//! The client: synchronous calls, answered by one background thread.
//!
//! The thread runs the one async runtime of this crate, on which calls, watches and keepalives make progress also while
//! the caller sleeps in poll(2). It starts with [`EtcdClient::connect`] and ends with the last handle. All signals are
//! blocked in it, so it gets none that the program waits for.
//!
//! # Limitations
//! A process must not fork(2) and go on to use the client in the child without exec(3): threads are not copied, so
//! every call would wait until the end of time. All descriptors are close-on-exec, so a started program inherits none.

mod api;
mod background;
mod calls;
mod keep_alive;
mod keys;
mod leases;
mod mailbox;
mod members;
mod session;
mod watch;
mod watch_task;

pub use api::EtcdClient;
pub use keep_alive::KeepAlive;
pub use watch::Watch;
