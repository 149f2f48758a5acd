//! Any text as a name, an owner, a time, a fence, an event.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lokt_fuzz::checks::words;

fuzz_target!(|bytes: &[u8]| words::check(bytes));
