//! Replays what the fuzzing targets in `fuzz/` begin with and what they have found, and thousands of
//! mutations of it. The targets search on; what must hold is the same, and stands in `checks`.

#![expect(clippy::expect_used, reason = "a test that cannot go on must stop, and say where")]

pub mod checks;

use checks::{audit, record, shorthand, ticket, words};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};
use std::{fs, panic::catch_unwind, path::Path};

type Check = fn(&[u8]);

#[test]
fn every_seed_passes_its_checks() {
    let targets: [(&str, Check); 5] = [
        ("record", record::check),
        ("audit_log", audit::check),
        ("audit_search", shorthand::check),
        ("words", words::check),
        ("ticket", ticket::check),
    ];
    for (target, check) in targets {
        let fails = |(_, seed): &(_, Vec<u8>)| catch_unwind(|| check(seed)).is_err();
        let failing: Vec<String> =
            seeds(target).into_iter().filter(fails).map(|(name, _)| name).collect();
        assert!(failing.is_empty(), "all seeds of {target} pass their checks: {failing:?}");
    }
    let known = fs::read_dir(fuzz("seeds")).expect("there are seeds").count();
    assert_eq!(known, targets.len(), "all seeds are replayed");
}

#[test]
fn a_shorthand_makes_logs_that_have_to_be_searched() {
    let large = seeds("audit_search").into_iter().map(|(_, seed)| shorthand::written_out(&seed));
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
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_mutated_log_is_told_line_by_line(bytes in mutated("audit_log")) {
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

/// A change of some bytes.
#[derive(Clone, Debug)]
enum Edit {
    Cut(usize),
    Repeat(usize),
    Put(Vec<u8>),
}

/// Seeds of a target with some changes: parts cut out or repeated, words of its dictionary put in.
fn mutated(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let seeds: Vec<Vec<u8>> = seeds(target).into_iter().map(|(_, seed)| seed).collect();
    let edit = prop_oneof![
        (1_usize..9).prop_map(Edit::Cut),
        (1_usize..40).prop_map(Edit::Repeat),
        any::<u8>().prop_map(|byte| Edit::Put(vec![byte])),
        select(words_of(target)).prop_map(|word| Edit::Put(word.into_bytes())),
    ];
    (select(seeds), vec((any::<Index>(), edit), 1..6)).prop_map(|(seed, edits)| {
        edits.into_iter().fold(seed, |bytes, (at, edit)| edited(bytes, at, edit))
    })
}

fn edited(mut bytes: Vec<u8>, at: Index, edit: Edit) -> Vec<u8> {
    let at = at.index(bytes.len() + 1);
    let end = |length: usize| (at + length).min(bytes.len());
    match edit {
        Edit::Cut(length) => drop(bytes.drain(at..end(length))),
        Edit::Repeat(length) => bytes.extend_from_within(at..end(length)),
        Edit::Put(word) => drop(bytes.splice(at..at, word)),
    }
    bytes
}

/// What a target begins with, and what it has found; for records also a sample of every version.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut folders = vec![fuzz("seeds").join(target)];
    if target == "record" {
        folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records"));
    }
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("it has seeds"));
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, fs::read(entry.path()).expect("a seed can be read"))
    };
    let mut seeds: Vec<_> = entries.map(|entry| read(entry.expect("it is listed"))).collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "{target} has seeds");
    seeds
}

/// The words of a target's dictionary, one in quotes a line.
fn words_of(target: &str) -> Vec<String> {
    let path = fuzz("dictionaries").join(target).with_extension("dict");
    let text = fs::read_to_string(path).expect("every target has a dictionary");
    let lines = text.lines().filter(|line| line.starts_with('"'));
    lines.map(|line| serde_json::from_str(line).expect("a word in quotes")).collect()
}

fn fuzz(folder: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(folder)
}
