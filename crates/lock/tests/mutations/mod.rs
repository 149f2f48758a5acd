//! The seeds of the fuzzing targets, and mutations of them. The tests of every library with targets use them.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};
use std::{fs, path::Path};

/// A change of some bytes.
#[derive(Clone, Debug)]
enum Edit {
    Cut(usize),
    Repeat(usize),
    Put(Vec<u8>),
}

/// Returns seeds of a target with some changes: parts removed or repeated, words of its dictionary inserted.
pub fn mutated(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
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

/// Returns the seeds of a target, and its findings; for records also a sample of every version.
pub fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
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

/// The words of a target's dictionary: one in quotes per line.
fn words_of(target: &str) -> Vec<String> {
    let path = fuzz("dictionaries").join(target).with_extension("dict");
    let text = fs::read_to_string(path).expect("every target has a dictionary");
    let lines = text.lines().filter(|line| line.starts_with('"'));
    lines.map(|line| serde_json::from_str(line).expect("a word in quotes")).collect()
}

/// Returns a folder of the fuzzing targets.
pub fn fuzz(folder: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(folder)
}
