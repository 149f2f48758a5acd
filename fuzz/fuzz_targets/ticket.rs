//! Any file in a line's folder: the first line is its name, the rest its content.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lokt_fuzz::checks::ticket;

fuzz_target!(|bytes: &[u8]| ticket::check(bytes));
