use super::{Kind, Manifest, Part};
use crate::digest::Digest;
use std::collections::BTreeMap;

/// One difference between what a result was made of and what there is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is called differently.
    Name,
    /// The command has other words.
    Command,
    /// It runs in another folder.
    Folder,
    /// Other texts were named.
    Texts,
    /// Other patterns of files were named.
    Inputs,
    /// Other artifacts were named.
    Artifacts,
    /// A variable has another value, is set or is not, or was named or not.
    Variable(String),
    /// A file is new.
    Added(Vec<u8>),
    /// A file is gone.
    Removed(Vec<u8>),
    /// A file has another content.
    Content(Vec<u8>),
    /// What stands at a path is of another kind: a file that may be executed now, a link.
    Kind(Vec<u8>),
}

/// What differs, in a fixed order; nothing where the keys are the same.
pub fn compare(before: &Manifest, now: &Manifest) -> Vec<Change> {
    let (before, now) = (Sorted::of(before), Sorted::of(now));
    let mut changes = Vec::new();
    let mut differs = |changed: bool, change| changes.extend(changed.then_some(change));
    differs(before.names != now.names, Change::Name);
    differs(before.words != now.words, Change::Command);
    differs(before.folders != now.folders, Change::Folder);
    differs(before.texts != now.texts, Change::Texts);
    differs(before.inputs != now.inputs, Change::Inputs);
    differs(before.artifacts != now.artifacts, Change::Artifacts);
    let variables = differences(&before.variables, &now.variables).into_iter();
    changes.extend(variables.map(|(name, _)| Change::Variable(name.to_owned())));
    for (path, states) in differences(&before.files, &now.files) {
        let path = path.to_vec();
        changes.push(match states {
            (None, _) => Change::Added(path),
            (_, None) => Change::Removed(path),
            (Some((kind, _)), Some((kind_now, _))) if kind != kind_now => Change::Kind(path),
            _ => Change::Content(path),
        });
    }
    changes
}

/// The parts of a manifest by what they are.
#[derive(Default)]
struct Sorted<'a> {
    names: Vec<&'a str>,
    words: Vec<&'a [u8]>,
    folders: Vec<&'a [u8]>,
    texts: Vec<&'a str>,
    inputs: Vec<&'a [u8]>,
    artifacts: Vec<&'a [u8]>,
    variables: BTreeMap<&'a str, Option<Digest>>,
    files: BTreeMap<&'a [u8], (Kind, Digest)>,
}

impl<'a> Sorted<'a> {
    fn of(manifest: &'a Manifest) -> Self {
        let mut sorted = Self::default();
        for part in &manifest.parts {
            match part {
                Part::Name(name) => sorted.names.push(name),
                Part::Word(word) => sorted.words.push(word),
                Part::Folder(folder) => sorted.folders.push(folder),
                Part::Text(text) => sorted.texts.push(text),
                Part::Input(pattern) => sorted.inputs.push(pattern),
                Part::Artifact(path) => sorted.artifacts.push(path),
                Part::Variable(name, value) => drop(sorted.variables.insert(name, *value)),
                Part::File { path, kind, content } => {
                    sorted.files.insert(path, (*kind, *content));
                }
            }
        }
        sorted
    }
}

/// What something is before and now.
type Both<V> = (Option<V>, Option<V>);

/// What is not the same in both, with what it is in each.
fn differences<'a, K: Ord + ?Sized, V: PartialEq + Copy>(
    before: &BTreeMap<&'a K, V>,
    now: &BTreeMap<&'a K, V>,
) -> Vec<(&'a K, Both<V>)> {
    let keys: std::collections::BTreeSet<&K> = before.keys().chain(now.keys()).copied().collect();
    let states =
        keys.into_iter().map(|key| (key, (before.get(key).copied(), now.get(key).copied())));
    states.filter(|(_, (before, now))| before != now).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, kind: Kind, content: &str) -> Part {
        Part::File { path: path.into(), kind, content: Digest::of(content.as_bytes()) }
    }

    fn manifest(parts: impl IntoIterator<Item = Part>) -> Manifest {
        Manifest { parts: parts.into_iter().collect() }
    }

    #[test]
    fn each_difference_is_told() {
        let value = |text: &str| Some(Digest::of(text.as_bytes()));
        let before = manifest([
            Part::Word(b"make".to_vec()),
            Part::Variable("A".into(), value("1")),
            Part::Variable("B".into(), None),
            file("changed", Kind::File, "1"),
            file("gone", Kind::File, "1"),
            file("mode", Kind::File, "1"),
            file("same", Kind::Link, "1"),
        ]);
        let now = manifest([
            Part::Word(b"make".to_vec()),
            Part::Word(b"all".to_vec()),
            Part::Folder(b"sub".to_vec()),
            Part::Text("k".into()),
            Part::Variable("A".into(), value("2")),
            Part::Variable("B".into(), None),
            file("changed", Kind::File, "2"),
            file("mode", Kind::Executable, "1"),
            file("new", Kind::File, "1"),
            file("same", Kind::Link, "1"),
        ]);
        assert_eq!(compare(&before, &before), []);
        let expected = [
            Change::Command,
            Change::Folder,
            Change::Texts,
            Change::Variable("A".into()),
            Change::Content(b"changed".to_vec()),
            Change::Removed(b"gone".to_vec()),
            Change::Kind(b"mode".to_vec()),
            Change::Added(b"new".to_vec()),
        ];
        assert_eq!(compare(&before, &now), expected);
    }
}
