//! Replays what the fuzzing targets of the tool library in `fuzz/` begin with and what they have found, and
//! thousands of mutations of it. The targets search on; what must hold is the same, and stands in `checks`.

#![expect(clippy::expect_used, reason = "a test that cannot go on must stop, and say where")]

pub mod checks;
#[path = "../../lock/tests/mutations/mod.rs"]
pub mod mutations;

use checks::metadata;
use mutations::{mutated, seeds};
use proptest::prelude::*;
use std::panic::catch_unwind;

#[test]
fn every_seed_passes_its_checks() {
    let fails = |(_, seed): &(_, Vec<u8>)| catch_unwind(|| metadata::check(seed)).is_err();
    let seeds = seeds("metadata").into_iter();
    let failing: Vec<String> = seeds.filter(fails).map(|(name, _)| name).collect();
    assert!(failing.is_empty(), "all seeds of metadata pass their checks: {failing:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_mutated_tool_has_metadata_or_an_error(bytes in mutated("metadata")) {
        metadata::check(&bytes);
    }
}
