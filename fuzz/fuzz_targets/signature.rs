//! Any text as an item that is signed, and as a signature line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lokt_fuzz::tools::signature;

fuzz_target!(|bytes: &[u8]| signature::check(bytes));
