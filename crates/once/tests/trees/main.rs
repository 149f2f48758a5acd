//! Random projects in which every file is changed. A separate walk of the tree finds the files that a command
//! could read; a change of any of them must change the key, or the project must have no key.
//!
//! * [`fixture`]: a real project in a temporary folder.
//! * [`place`]: where its repository is. [`feature`]: what it contains. [`setting`]: its configuration of
//!   git.
//! * [`readable`]: the files that a command can read, found without git.
//! * [`change`]: a change of a file.
//! * [`patterns`]: patterns of paths, compared with git's.
//!
//! `PROPTEST_CASES` sets the number of projects.
#![expect(clippy::expect_used, reason = "a test that cannot go on must stop, and say where")]

mod change;
mod feature;
mod fixture;
mod patterns;
mod place;
mod readable;
mod setting;

use change::Change;
use feature::Feature;
use fixture::ProjectFixture;
use place::RepositoryLayout;
use proptest::{
    prelude::*,
    sample::{select, subsequence},
    test_runner::{Config, FileFailurePersistence},
};
use readable::ReadablePath;
use setting::GitConfigSetting;
use std::{env, path::Path};

/// The default number of projects.
const CASES: u32 = 30;

/// Seeds of projects that found a fault. They are tried before all others.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/trees/regressions.txt");

fn config(cases: u32) -> Config {
    let default = Config::default();
    Config {
        cases: if env::var_os("PROPTEST_CASES").is_some() { default.cases } else { cases },
        max_shrink_iters: 60,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        ..default
    }
}

/// The named inputs.
#[derive(Clone, Copy, Debug)]
struct Inputs(&'static [&'static str]);

impl Inputs {
    const ALL: [Self; 10] = [
        Self(&[]),
        Self(&["."]),
        Self(&["src"]),
        Self(&["src/**"]),
        Self(&["**/*.c"]),
        Self(&["s*/**/[!i]*.c", "a"]),
        Self(&["a", "ignored", "link-out"]),
        Self(&["src-link/deep"]),
        Self(&["src-link/*.c"]),
        Self(&["src-link/../a"]),
    ];

    /// Whether a path is an input according to the documentation, by simpler rules than patterns.
    fn contains(self, path: &Path) -> bool {
        let text = path.to_string_lossy();
        let in_src = path.starts_with("src");
        let is_c = text.ends_with(".c");
        self.0.is_empty()
            || self.0.iter().any(|input| match *input {
                "." => true,
                "src" | "src/**" => in_src,
                "**/*.c" => is_c,
                "s*/**/[!i]*.c" => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    in_src && is_c && !name.starts_with('i')
                }
                "src-link/deep" => path.starts_with("src/deep"),
                "src-link/*.c" => is_c && path.parent() == Some(Path::new("src")),
                "src-link/../a" => path == Path::new("a"),
                name => path == Path::new(name),
            })
    }

    /// Whether all inputs are patterns: those do not follow links.
    fn has_only_patterns(self) -> bool {
        self.0.iter().any(|input| input.contains('*'))
    }
}

#[derive(Clone, Debug)]
struct GeneratedProjectCase {
    place: RepositoryLayout,
    features: Vec<Feature>,
    settings: Vec<GitConfigSetting>,
    inputs: Inputs,
    /// The change of the first file.
    turn: usize,
}

fn project() -> impl Strategy<Value = GeneratedProjectCase> {
    let inputs = prop_oneof![3 => Just(Inputs(&[])), 2 => select(Inputs::ALL.to_vec())];
    let features = subsequence(Feature::ALL.to_vec(), 0..=9);
    let settings = subsequence(GitConfigSetting::ALL.to_vec(), 0..=6);
    let places = select(RepositoryLayout::ALL.to_vec());
    (places, features, settings, inputs, 0..Change::COUNT).prop_map(
        |(place, features, settings, inputs, turn)| GeneratedProjectCase {
            place,
            features,
            settings,
            inputs,
            turn,
        },
    )
}

/// Whether a change of a file must change the key.
fn is_relevant(project: &GeneratedProjectCase, readable: &ReadablePath) -> bool {
    let named = ["ignored"].map(Path::new);
    let is_named = project.inputs.0.iter().any(|input| Path::new(input) == readable.path);
    let is_meant = project.inputs.contains(&readable.path)
        && !(project.inputs.has_only_patterns() && readable.is_behind_link_to_folder);
    is_meant && (!readable.is_ignored || (is_named && named.contains(&readable.path.as_path())))
}

fn check_project(project: &GeneratedProjectCase) -> Result<(), TestCaseError> {
    let fixture = ProjectFixture::new(project.place, &project.features, &project.settings);
    let tree = fixture.tree(project.inputs.0);
    let before = match tree.read() {
        Ok(parts) => parts,
        // Then there is no key. A project without an odd feature must have one.
        Err(error) => {
            let may_fail = project.features.iter().any(|feature| feature.may_be_refused());
            prop_assert!(may_fail, "{error}");
            return Ok(());
        }
    };
    let readables = readable::walk(&fixture);
    prop_assert!(readables.iter().any(|readable| is_relevant(project, readable)), "nothing counts");
    for (number, readable) in readables.iter().enumerate() {
        if !is_relevant(project, readable) {
            continue;
        }
        let change = Change::at(project.turn + number);
        let Some(undo) = change.apply(&fixture, readable) else { continue };
        let after = tree.read();
        let same = after.is_ok_and(|after| after == before);
        undo.undo();
        prop_assert!(!same, "{change:?} of {} is not seen", readable.path.display());
    }
    let same = tree.read().is_ok_and(|after| after == before);
    prop_assert!(same, "what has changed back is what it was");
    check_ignored_files(project, &fixture, &readables)
}

/// Otherwise no result of a build would ever be stored.
fn check_ignored_files(
    project: &GeneratedProjectCase,
    fixture: &ProjectFixture,
    readables: &[ReadablePath],
) -> Result<(), TestCaseError> {
    let tree = fixture.tree(project.inputs.0);
    let before = tree.read();
    for name in ["ignored", "src/ignored.c", "ignored-folder/x"].map(Path::new) {
        let Some(readable) = readables.iter().find(|it| it.path == name && it.is_ignored) else {
            continue;
        };
        if project.inputs.0.contains(&"ignored") || fixture.leads_to(name) {
            continue;
        }
        let undo = Change::Content.apply(fixture, readable);
        let after = tree.read();
        let same = matches!((&before, &after), (Ok(before), Ok(after)) if before == after);
        prop_assert!(same, "{} is ignored", name.display());
        undo.into_iter().for_each(change::SavedFileState::undo);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(CASES))]

    #[test]
    fn every_change_of_a_readable_file_changes_the_key(project in project()) {
        check_project(&project)?;
    }
}

#[test]
fn each_feature_alone_is_checked() {
    for (turn, feature) in Feature::ALL.into_iter().enumerate() {
        let place = if turn % 2 == 0 { RepositoryLayout::Plain } else { RepositoryLayout::Above };
        let (features, settings) = (vec![feature], GitConfigSetting::ALL.to_vec());
        let project = GeneratedProjectCase { place, features, settings, inputs: Inputs(&[]), turn };
        check_project(&project).unwrap_or_else(|error| panic!("{project:?}: {error}"));
    }
}
