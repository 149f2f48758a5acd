//! Searches for a time in large audit logs, of any order and with any damage.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lokt_fuzz::checks::shorthand;

fuzz_target!(|bytes: &[u8]| shorthand::check(bytes));
