//! Patterns mean the same as in git.

use super::config;
use lokt_once::{
    manifest::ResultInput,
    tree::{FileSelection, ProjectRepositoryLocation},
};
use proptest::prelude::*;
use std::{collections::BTreeSet, fs, path::Path, process::Command, sync::LazyLock};
use tempfile::TempDir;

/// The default number of patterns.
const CASES: u32 = 300;

/// A repository with names of all kinds, made once.
static FILES: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let init = Command::new("git").args(["init", "-q"]).arg(folder.path()).status();
    assert!(init.expect("git starts").success(), "a repository is made");
    let names = [
        "a", "b", "ab", "ba", "aab", "-", "!a", "^", "[a]", "a]", "*", "a*b", "\\", "a\\b", "A",
        "1", ":", "?",
    ];
    for folder_name in ["", "a/", "b/", "ab/", "a/a/", "a/b/", "b/a/a/"] {
        for name in names {
            let name = format!("{folder_name}{name}");
            let path = folder.path().join(&name);
            if path.is_dir()
                || ["a", "b", "ab"].contains(&name.as_str())
                || name.ends_with("/a")
                || name.ends_with("/b")
            {
                continue;
            }
            fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
            fs::write(path, "").expect("the file is written");
        }
    }
    folder
});

/// The files that git lists.
fn by_git(folder: &Path, pattern: &str) -> BTreeSet<Vec<u8>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--others", "--"]).arg(format!(":(glob){pattern}"));
    let output = git.current_dir(folder).output().expect("git starts");
    assert!(output.status.success(), "{output:?}");
    output.stdout.split(|byte| *byte == 0).filter(|it| !it.is_empty()).map(<[u8]>::to_vec).collect()
}

fn by_tree(folder: &Path, pattern: &str) -> BTreeSet<Vec<u8>> {
    let folder = fs::canonicalize(folder).expect("the folder is there");
    let tree = FileSelection {
        project: folder.clone(),
        repository: ProjectRepositoryLocation::Here,
        folder: folder.clone(),
        inputs: vec![pattern.into()],
        excluded: Vec::new(),
        roots: Vec::new(),
        caches: folder.join(".git/caches"),
        boot: String::new(),
    };
    let parts = tree.read().unwrap_or_default();
    let path = |part| match part {
        ResultInput::File { path, .. } => Some(path),
        _ => None,
    };
    parts.into_iter().filter_map(path).collect()
}

proptest! {
    #![proptest_config(config(CASES))]

    #[test]
    fn a_pattern_means_what_it_means_to_git(pieces in prop::collection::vec(
        prop::sample::select(vec![
            "a", "b", "A", "1", "-", "*", "**", "**/", "/**", "/", "?", "[", "]", "[a]", "[!a]", "[^a-b]", "[a-",
            "[]a]", "[!]]", "[[:alpha:]]", "[[:punct:]]", "[[:digit:]-a]", "[[:a", "[[:no:]]", "[\\]]", "\\", "\\*", "\\a", "!", ":",
        ]),
        1..6,
    )) {
        let pattern = pieces.concat();
        let folder = FILES.path();
        // Without one of these characters it is a path; and these are not valid as paths.
        let is_pattern = pattern.contains(['*', '?', '[', '\\'])
            && !pattern.starts_with('/') && !pattern.ends_with('/') && !pattern.contains("//");
        // If a file has exactly this name, the pattern only means that file.
        if !is_pattern || fs::symlink_metadata(folder.join(&pattern)).is_ok() {
            return Ok(());
        }
        prop_assert_eq!(by_tree(folder, &pattern), by_git(folder, &pattern), "{}", pattern);
    }
}
