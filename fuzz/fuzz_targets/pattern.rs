//! Any text as two patterns and a path.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lokt_fuzz::checks::pattern;

fuzz_target!(|bytes: &[u8]| pattern::check(bytes));
