//! Any bytes in a lock record's place.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lokt_fuzz::checks::record;

fuzz_target!(|bytes: &[u8]| record::check(bytes));
