//! Random projects, each of whose files is changed, and an oracle that walks the tree by itself: whatever a command could
//! have read there, a change of it makes another key, or there is no key at all.
//!
//! * [`world`]: a project for real, in a temporary folder.
//! * [`place`]: how git comes by it. [`feature`]: what is in it. [`setting`]: what its configuration says.
//! * [`oracle`]: what can be read there, found out without git.
//! * [`change`]: what happens to a file.
//! * [`patterns`]: patterns of paths, next to git's.
//!
//! `PROPTEST_CASES` says how many projects are tried.
#![expect(clippy::expect_used, reason = "a test that cannot go on must stop, and say where")]

mod change;
mod feature;
mod oracle;
mod patterns;
mod place;
mod setting;
mod world;

use change::Change;
use feature::Feature;
use oracle::Readable;
use place::Place;
use proptest::{
    prelude::*,
    sample::{select, subsequence},
    test_runner::{Config, FileFailurePersistence},
};
use setting::Setting;
use std::{env, path::Path};
use world::World;

/// How many projects are tried by default.
const CASES: u32 = 30;

/// Seeds of projects that found something, tried again before all others.
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

/// Which files are named.
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

    /// Whether a path is meant, as the documentation says; by rules that are simpler than patterns.
    fn mean(self, path: &Path) -> bool {
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

    /// Whether patterns alone say what is meant: those do not look behind links.
    fn are_patterns(self) -> bool {
        self.0.iter().any(|input| input.contains('*'))
    }
}

#[derive(Clone, Debug)]
struct Project {
    place: Place,
    features: Vec<Feature>,
    settings: Vec<Setting>,
    inputs: Inputs,
    /// Which change of a file comes first.
    turn: usize,
}

fn project() -> impl Strategy<Value = Project> {
    let inputs = prop_oneof![3 => Just(Inputs(&[])), 2 => select(Inputs::ALL.to_vec())];
    let features = subsequence(Feature::ALL.to_vec(), 0..=9);
    let settings = subsequence(Setting::ALL.to_vec(), 0..=6);
    let places = select(Place::ALL.to_vec());
    (places, features, settings, inputs, 0..Change::COUNT).prop_map(
        |(place, features, settings, inputs, turn)| Project {
            place,
            features,
            settings,
            inputs,
            turn,
        },
    )
}

/// Whether a change of what is read must be seen.
fn counts(project: &Project, readable: &Readable) -> bool {
    let named = ["ignored"].map(Path::new);
    let is_named = project.inputs.0.iter().any(|input| Path::new(input) == readable.path);
    let is_meant = project.inputs.mean(&readable.path)
        && !(project.inputs.are_patterns() && readable.is_behind_link_to_folder);
    is_meant && (!readable.is_ignored || (is_named && named.contains(&readable.path.as_path())))
}

fn holds(project: &Project) -> Result<(), TestCaseError> {
    let world = World::new(project.place, &project.features, &project.settings);
    let tree = world.tree(project.inputs.0);
    let before = match tree.read() {
        Ok(parts) => parts,
        // Then nothing is answered. A project of which nothing is odd must be read.
        Err(error) => {
            let may_fail = project.features.iter().any(|feature| feature.may_be_refused());
            prop_assert!(may_fail, "{error}");
            return Ok(());
        }
    };
    let readables = oracle::walk(&world);
    prop_assert!(readables.iter().any(|readable| counts(project, readable)), "nothing counts");
    for (number, readable) in readables.iter().enumerate() {
        if !counts(project, readable) {
            continue;
        }
        let change = Change::at(project.turn + number);
        let Some(undo) = change.apply(&world, readable) else { continue };
        let after = tree.read();
        let same = after.is_ok_and(|after| after == before);
        undo.undo();
        prop_assert!(!same, "{change:?} of {} is not seen", readable.path.display());
    }
    let same = tree.read().is_ok_and(|after| after == before);
    prop_assert!(same, "what has changed back is what it was");
    ignored_do_not_count(project, &world, &readables)
}

/// Otherwise nothing that is built would ever be kept.
fn ignored_do_not_count(
    project: &Project,
    world: &World,
    readables: &[Readable],
) -> Result<(), TestCaseError> {
    let tree = world.tree(project.inputs.0);
    let before = tree.read();
    for name in ["ignored", "src/ignored.c", "ignored-folder/x"].map(Path::new) {
        let Some(readable) = readables.iter().find(|it| it.path == name && it.is_ignored) else {
            continue;
        };
        if project.inputs.0.contains(&"ignored") || world.leads_to(name) {
            continue;
        }
        let undo = Change::Content.apply(world, readable);
        let after = tree.read();
        let same = matches!((&before, &after), (Ok(before), Ok(after)) if before == after);
        prop_assert!(same, "{} is ignored", name.display());
        undo.into_iter().for_each(change::Undo::undo);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(CASES))]

    #[test]
    fn whatever_can_be_read_is_seen_to_change(project in project()) {
        holds(&project)?;
    }
}

#[test]
fn each_feature_is_seen_by_itself() {
    for (turn, feature) in Feature::ALL.into_iter().enumerate() {
        let place = if turn % 2 == 0 { Place::Plain } else { Place::Above };
        let (features, settings) = (vec![feature], Setting::ALL.to_vec());
        let project = Project { place, features, settings, inputs: Inputs(&[]), turn };
        holds(&project).unwrap_or_else(|error| panic!("{project:?}: {error}"));
    }
}
