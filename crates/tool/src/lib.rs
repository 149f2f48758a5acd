//! Signed tools: what exactly runs, pinned in lockfiles and verified before anything executes.
//!
//! # The rooms
//! * [`words`]: item ids, spaces, versions, hashes, fingerprints: each type has one constructor that checks it.
//! * [`metadata`]: what a tool's file says about the tool, read without running any of it.
//!
//! The library never prints, never ends the process, and reads nothing from the environment behind its
//! caller's back.

pub mod metadata;
pub mod words;
