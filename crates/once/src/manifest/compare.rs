use super::{FileKind, Manifest, ManifestPart};
use crate::digest::Digest;
use std::collections::BTreeMap;

/// One difference between what a result was made of and what is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestChange {
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
pub fn compare(before: &Manifest, now: &Manifest) -> Vec<ManifestChange> {
    let (before, now) = (SortedParts::of(before), SortedParts::of(now));
    let mut changes = Vec::new();
    let mut differs = |changed: bool, change| changes.extend(changed.then_some(change));
    differs(before.names != now.names, ManifestChange::Name);
    differs(before.words != now.words, ManifestChange::Command);
    differs(before.folders != now.folders, ManifestChange::Folder);
    differs(before.texts != now.texts, ManifestChange::Texts);
    differs(before.inputs != now.inputs, ManifestChange::Inputs);
    differs(before.artifacts != now.artifacts, ManifestChange::Artifacts);
    let variables = differences(&before.variables, &now.variables).into_iter();
    changes.extend(variables.map(|(name, _)| ManifestChange::Variable(name.to_owned())));
    for (path, states) in differences(&before.files, &now.files) {
        let path = path.to_vec();
        changes.push(match states {
            (None, _) => ManifestChange::Added(path),
            (_, None) => ManifestChange::Removed(path),
            (Some((kind, _)), Some((kind_now, _))) if kind != kind_now => {
                ManifestChange::Kind(path)
            }
            _ => ManifestChange::Content(path),
        });
    }
    changes
}

/// The parts of a manifest by what they are.
#[derive(Default)]
struct SortedParts<'a> {
    names: Vec<&'a str>,
    words: Vec<&'a [u8]>,
    folders: Vec<&'a [u8]>,
    texts: Vec<&'a str>,
    inputs: Vec<&'a [u8]>,
    artifacts: Vec<&'a [u8]>,
    variables: BTreeMap<&'a str, Option<Digest>>,
    files: BTreeMap<&'a [u8], (FileKind, Digest)>,
}

impl<'a> SortedParts<'a> {
    fn of(manifest: &'a Manifest) -> Self {
        let mut sorted = Self::default();
        for part in &manifest.parts {
            match part {
                ManifestPart::Name(name) => sorted.names.push(name),
                ManifestPart::Word(word) => sorted.words.push(word),
                ManifestPart::Folder(folder) => sorted.folders.push(folder),
                ManifestPart::Text(text) => sorted.texts.push(text),
                ManifestPart::Input(pattern) => sorted.inputs.push(pattern),
                ManifestPart::Artifact(path) => sorted.artifacts.push(path),
                ManifestPart::Variable(name, value) => drop(sorted.variables.insert(name, *value)),
                ManifestPart::File { path, kind, content } => {
                    sorted.files.insert(path, (*kind, *content));
                }
            }
        }
        sorted
    }
}

/// What something is before and now.
type BeforeAndNow<V> = (Option<V>, Option<V>);

/// What is not the same in both, with what it is in each.
fn differences<'a, K: Ord + ?Sized, V: PartialEq + Copy>(
    before: &BTreeMap<&'a K, V>,
    now: &BTreeMap<&'a K, V>,
) -> Vec<(&'a K, BeforeAndNow<V>)> {
    let keys: std::collections::BTreeSet<&K> = before.keys().chain(now.keys()).copied().collect();
    let states =
        keys.into_iter().map(|key| (key, (before.get(key).copied(), now.get(key).copied())));
    states.filter(|(_, (before, now))| before != now).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, kind: FileKind, content: &str) -> ManifestPart {
        ManifestPart::File { path: path.into(), kind, content: Digest::of(content.as_bytes()) }
    }

    fn manifest(parts: impl IntoIterator<Item = ManifestPart>) -> Manifest {
        Manifest { parts: parts.into_iter().collect() }
    }

    #[test]
    fn each_difference_is_told() {
        let value = |text: &str| Some(Digest::of(text.as_bytes()));
        let before = manifest([
            ManifestPart::Word(b"make".to_vec()),
            ManifestPart::Variable("A".into(), value("1")),
            ManifestPart::Variable("B".into(), None),
            file("changed", FileKind::File, "1"),
            file("gone", FileKind::File, "1"),
            file("mode", FileKind::File, "1"),
            file("same", FileKind::Link, "1"),
        ]);
        let now = manifest([
            ManifestPart::Word(b"make".to_vec()),
            ManifestPart::Word(b"all".to_vec()),
            ManifestPart::Folder(b"sub".to_vec()),
            ManifestPart::Text("k".into()),
            ManifestPart::Variable("A".into(), value("2")),
            ManifestPart::Variable("B".into(), None),
            file("changed", FileKind::File, "2"),
            file("mode", FileKind::Executable, "1"),
            file("new", FileKind::File, "1"),
            file("same", FileKind::Link, "1"),
        ]);
        assert_eq!(compare(&before, &before), []);
        let expected = [
            ManifestChange::Command,
            ManifestChange::Folder,
            ManifestChange::Texts,
            ManifestChange::Variable("A".into()),
            ManifestChange::Content(b"changed".to_vec()),
            ManifestChange::Removed(b"gone".to_vec()),
            ManifestChange::Kind(b"mode".to_vec()),
            ManifestChange::Added(b"new".to_vec()),
        ];
        assert_eq!(compare(&before, &now), expected);
    }
}
