//! Any bytes as a lockfile.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lokt_fuzz::tools::lockfile;

fuzz_target!(|bytes: &[u8]| lockfile::check(bytes));
