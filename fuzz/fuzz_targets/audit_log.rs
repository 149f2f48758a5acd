//! Any bytes as an audit log.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lokt_fuzz::checks::audit;

fuzz_target!(|bytes: &[u8]| audit::check(bytes));
