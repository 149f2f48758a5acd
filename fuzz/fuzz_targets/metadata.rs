//! Any text as the file of a tool, in each of the languages.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lokt_fuzz::tools::metadata;

fuzz_target!(|bytes: &[u8]| metadata::check(bytes));
