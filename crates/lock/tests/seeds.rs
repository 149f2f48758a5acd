//! Replays the seeds and findings of the fuzzing targets in `fuzz/`, and thousands of mutations of them. The
//! targets search for more; both use the checks in `checks`.

#![expect(clippy::expect_used, reason = "a test that cannot go on must stop, and say where")]

pub mod checks;
pub mod mutations;

use checks::{audit, pattern, record, shorthand, ticket, words};
use mutations::{fuzz, mutated, seeds};
use proptest::prelude::*;
use std::{fs, panic::catch_unwind};

type FuzzInputCheck = fn(&[u8]);

/// The targets whose seeds the tests of other libraries replay.
const TARGETS_OF_OTHER_LIBRARIES: [&str; 3] = ["lockfile", "metadata", "signature"];

#[test]
fn every_seed_passes_its_checks() {
    let targets: [(&str, FuzzInputCheck); 6] = [
        ("record", record::check),
        ("audit_log", audit::check),
        ("audit_search", shorthand::check),
        ("words", words::check),
        ("ticket", ticket::check),
        ("pattern", pattern::check),
    ];
    for (target, check) in targets {
        let fails = |(_, seed): &(_, Vec<u8>)| catch_unwind(|| check(seed)).is_err();
        let failing: Vec<String> =
            seeds(target).into_iter().filter(fails).map(|(name, _)| name).collect();
        assert!(failing.is_empty(), "all seeds of {target} pass their checks: {failing:?}");
    }
    let known = fs::read_dir(fuzz("seeds")).expect("there are seeds").count();
    assert_eq!(known, targets.len() + TARGETS_OF_OTHER_LIBRARIES.len(), "all seeds are replayed");
}

#[test]
fn a_shorthand_makes_large_logs() {
    let large = seeds("audit_search").into_iter().map(|(_, seed)| shorthand::expand(&seed));
    assert!(large.filter(|log| log.len() > 256 * 1024).count() > 2, "a small log is only read");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_mutated_record_is_a_record_or_an_error(bytes in mutated("record")) {
        record::check(&bytes);
    }

    #[test]
    fn a_mutated_word_is_a_word_or_an_error(bytes in mutated("words")) {
        words::check(&bytes);
    }

    #[test]
    fn mutated_patterns_keep_their_promises(bytes in mutated("pattern")) {
        pattern::check(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_mutated_log_is_returned_line_by_line(bytes in mutated("audit_log")) {
        audit::check(&bytes);
    }

    #[test]
    fn a_mutated_ticket_is_a_ticket_or_none(bytes in mutated("ticket")) {
        ticket::check(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn a_search_in_a_mutated_log_finds_what_reading_it_finds(bytes in mutated("audit_search")) {
        shorthand::check(&bytes);
    }
}
