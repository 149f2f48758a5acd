use super::{ResultInput, ResultInputFileKind, ResultInputs};
use crate::digest::Digest;
use std::collections::BTreeMap;

/// One difference between what a result was made of and what is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultInputChange {
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
pub fn compare(before: &ResultInputs, now: &ResultInputs) -> Vec<ResultInputChange> {
    let (before, now) = (ResultInputGroups::of(before), ResultInputGroups::of(now));
    let mut changes = Vec::new();
    let mut differs = |changed: bool, change| changes.extend(changed.then_some(change));
    differs(before.names != now.names, ResultInputChange::Name);
    differs(before.words != now.words, ResultInputChange::Command);
    differs(before.folders != now.folders, ResultInputChange::Folder);
    differs(before.texts != now.texts, ResultInputChange::Texts);
    differs(before.inputs != now.inputs, ResultInputChange::Inputs);
    differs(before.artifacts != now.artifacts, ResultInputChange::Artifacts);
    let variables = differences(&before.variables, &now.variables).into_iter();
    changes.extend(variables.map(|(name, _)| ResultInputChange::Variable(name.to_owned())));
    for (path, states) in differences(&before.files, &now.files) {
        let path = path.to_vec();
        changes.push(match states {
            (None, _) => ResultInputChange::Added(path),
            (_, None) => ResultInputChange::Removed(path),
            (Some((kind, _)), Some((kind_now, _))) if kind != kind_now => {
                ResultInputChange::Kind(path)
            }
            _ => ResultInputChange::Content(path),
        });
    }
    changes
}

/// The parts of a manifest by what they are.
#[derive(Default)]
struct ResultInputGroups<'a> {
    names: Vec<&'a str>,
    words: Vec<&'a [u8]>,
    folders: Vec<&'a [u8]>,
    texts: Vec<&'a str>,
    inputs: Vec<&'a [u8]>,
    artifacts: Vec<&'a [u8]>,
    variables: BTreeMap<&'a str, Option<Digest>>,
    files: BTreeMap<&'a [u8], (ResultInputFileKind, Digest)>,
}

impl<'a> ResultInputGroups<'a> {
    fn of(manifest: &'a ResultInputs) -> Self {
        let mut sorted = Self::default();
        for part in &manifest.parts {
            match part {
                ResultInput::Name(name) => sorted.names.push(name),
                ResultInput::Word(word) => sorted.words.push(word),
                ResultInput::Folder(folder) => sorted.folders.push(folder),
                ResultInput::Text(text) => sorted.texts.push(text),
                ResultInput::Input(pattern) => sorted.inputs.push(pattern),
                ResultInput::Artifact(path) => sorted.artifacts.push(path),
                ResultInput::Variable(name, value) => drop(sorted.variables.insert(name, *value)),
                ResultInput::File { path, kind, content } => {
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

    fn file(path: &str, kind: ResultInputFileKind, content: &str) -> ResultInput {
        ResultInput::File { path: path.into(), kind, content: Digest::of(content.as_bytes()) }
    }

    fn manifest(parts: impl IntoIterator<Item = ResultInput>) -> ResultInputs {
        ResultInputs { parts: parts.into_iter().collect() }
    }

    #[test]
    fn each_difference_is_told() {
        let value = |text: &str| Some(Digest::of(text.as_bytes()));
        let before = manifest([
            ResultInput::Word(b"make".to_vec()),
            ResultInput::Variable("A".into(), value("1")),
            ResultInput::Variable("B".into(), None),
            file("changed", ResultInputFileKind::File, "1"),
            file("gone", ResultInputFileKind::File, "1"),
            file("mode", ResultInputFileKind::File, "1"),
            file("same", ResultInputFileKind::Link, "1"),
        ]);
        let now = manifest([
            ResultInput::Word(b"make".to_vec()),
            ResultInput::Word(b"all".to_vec()),
            ResultInput::Folder(b"sub".to_vec()),
            ResultInput::Text("k".into()),
            ResultInput::Variable("A".into(), value("2")),
            ResultInput::Variable("B".into(), None),
            file("changed", ResultInputFileKind::File, "2"),
            file("mode", ResultInputFileKind::Executable, "1"),
            file("new", ResultInputFileKind::File, "1"),
            file("same", ResultInputFileKind::Link, "1"),
        ]);
        assert_eq!(compare(&before, &before), []);
        let expected = [
            ResultInputChange::Command,
            ResultInputChange::Folder,
            ResultInputChange::Texts,
            ResultInputChange::Variable("A".into()),
            ResultInputChange::Content(b"changed".to_vec()),
            ResultInputChange::Removed(b"gone".to_vec()),
            ResultInputChange::Kind(b"mode".to_vec()),
            ResultInputChange::Added(b"new".to_vec()),
        ];
        assert_eq!(compare(&before, &now), expected);
    }
}
