//! Signed tools: what exactly runs, pinned in lockfiles and verified before anything executes.
//!
//! # The rooms
//! * [`words`]: item ids, spaces, versions, hashes, fingerprints: each type has one constructor that checks it.
//! * [`item`]: the three spaces; finding an item, reading it once, its content hash.
//! * [`metadata`]: what a tool's file says about the tool, read without running any of it.
//! * [`signature`]: signature lines, keys, and which keys are trusted.
//! * [`chain`]: from a tool to the primitive that it ends in.
//! * [`lockfile`]: the pinned chain: its format, its files, and how a chain differs from it.
//! * [`check`]: what must hold before anything runs. Start here to understand what Lokt promises about tools.
//! * [`bounded`]: reading files that may be anything.
//! * [`builtin`]: the items that are part of the program.
//! * [`run`]: what happens then.
//!
//! The library never prints, never ends the process, and reads nothing from the environment behind its
//! caller's back.

pub mod bounded;
pub mod builtin;
pub mod chain;
pub mod check;
pub mod item;
pub mod lockfile;
pub mod metadata;
pub mod run;
pub mod signature;
pub mod words;
