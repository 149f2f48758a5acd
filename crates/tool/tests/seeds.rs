//! Replays the seeds and findings of the tool library's fuzzing targets in `fuzz/`, and thousands of
//! mutations of them. The targets search for more; both use the checks in `checks`.

#![expect(clippy::expect_used, reason = "a test that cannot go on must stop, and say where")]

pub mod checks;
#[path = "../../lock/tests/mutations/mod.rs"]
pub mod mutations;

use checks::{lockfile, metadata, signature};
use mutations::{mutated, seeds};
use proptest::prelude::*;
use std::panic::catch_unwind;

type Check = fn(&[u8]);

#[test]
fn every_seed_passes_its_checks() {
    let targets: [(&str, Check); 3] = [
        ("metadata", metadata::check),
        ("lockfile", lockfile::check),
        ("signature", signature::check),
    ];
    for (target, check) in targets {
        let fails = |(_, seed): &(_, Vec<u8>)| catch_unwind(|| check(seed)).is_err();
        let seeds = seeds(target).into_iter();
        let failing: Vec<String> = seeds.filter(fails).map(|(name, _)| name).collect();
        assert!(failing.is_empty(), "all seeds of {target} pass their checks: {failing:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_mutated_tool_has_metadata_or_an_error(bytes in mutated("metadata")) {
        metadata::check(&bytes);
    }

    #[test]
    fn a_mutated_lockfile_is_a_lockfile_or_an_error(bytes in mutated("lockfile")) {
        lockfile::check(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn only_signed_content_verifies(bytes in mutated("signature")) {
        signature::check(&bytes);
    }
}
