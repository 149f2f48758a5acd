//! Locks for concurrent work in one repository: the holder of a name, the waiters in their order, and what
//! keeps all others out.
//!
//! This is the library below the program [`lokt`](https://crates.io/crates/lokt-cli). A lock that it takes excludes the
//! program's guards, and is shown by `lokt status`. It runs on Linux, on local file systems, for processes of one user.
//!
//! # Take a lock
//!
//! ```
//! use lokt_lock::{
//!     caller::Caller,
//!     file::FileLockStore,
//!     ops::{LockRequest, WaitLimit, WithLockOutcome, with_lock},
//!     rules::OwnerSource,
//!     words::LockName,
//! };
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let root = folder.path().canonicalize()?;
//! // Any folder of your user. For the locks of a repository: `file::LockRoot::find`.
//! let store = FileLockStore::new(&root);
//! let caller = Caller::current(None, OwnerSource::Derived, None);
//! let name = LockName::new("build")?;
//! let request = LockRequest::guard(&name, &caller);
//!
//! // Wait in the queue, first come, first served, for at most a minute, and run a closure.
//! let limit = WaitLimit::For(Duration::from_mins(1));
//! let outcome = with_lock(&store, &request, limit, |record| {
//!     // Other threads and processes are kept out, and learn who is in.
//!     let refused = with_lock(&store, &request, WaitLimit::None, |_| unreachable!());
//!     let Ok(WithLockOutcome::Denied(denial)) = refused else { panic!("it is held") };
//!     let holder = denial.holder.expect("the record of the holder");
//!     assert_eq!((holder.pid, holder.fence), (Some(caller.pid), record.fence));
//!     "the result"
//! });
//! match outcome? {
//!     WithLockOutcome::Done(result) => assert_eq!(result, "the result"),
//!     WithLockOutcome::Lost(_) => eprintln!("the lock was taken away: the result may be wrong"),
//!     WithLockOutcome::Denied(denial) => eprintln!("not free after {:?}", denial.waited),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A lock without a closure is [`ops::acquire`], which shows and interrupts a wait, and [`ops::release`]. Several locks
//! without a deadlock are [`ops::acquire_all`]. A command under a lock is [`guard::supervise`].
//!
//! # The modules
//! * [`words`]: names, ids, owners, fences, times: each type has one constructor that checks it.
//! * [`pattern`]: the patterns of reservations: reading them, and which paths two of them have in common.
//! * [`record`]: the lock record, its format and its rules for change.
//! * [`reservation`]: the record of a reservation, and the rules of conflict.
//! * [`project`]: which project a folder is in, and what an argument means there.
//! * [`rules`]: what the protocol decides, as functions of values. Start here to understand Lokt.
//! * [`store`]: the seam: what a store of locks can do, in verbs.
//! * [`mod@file`]: the store of one machine: latches, tickets, records, on the kernel's file locks.
//! * [`ops`]: acquire, release, renew, freeze, look, explain: the operations on a lock.
//! * [`guard`]: runs a command under a lock: spawning, signals, heartbeat.
//! * [`audit`]: the log of everything that happened.
//! * [`mod@harness`]: the programs that agents run in, and the session of theirs that an agent is.
//! * [`caller`]: the owner, the agent, and the process that call, read once.
//! * [`sys`]: the interface to the kernel: processes, users, signals.
//!
//! # Three promises that the rest serves
//! 1. Mutual exclusion depends on nothing but locks that the kernel keeps and drops: not on pids, clocks or
//!    timeouts.
//! 2. A process may die between any two instructions: the next process repairs what it leaves.
//! 3. Doubt is never proof: what cannot be read, asked or decided counts as held.
//!
//! The library never prints, never ends the process, and reads of the environment only `LOGNAME` and `USER`, for a user
//! who is not in `/etc/passwd`.

pub mod audit;
pub mod caller;
pub mod file;
pub mod guard;
pub mod harness;
pub mod ops;
pub mod pattern;
pub mod project;
pub mod record;
pub mod reservation;
pub mod rules;
pub mod store;
pub mod sys;
pub mod words;
