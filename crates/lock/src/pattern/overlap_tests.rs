//! What two patterns have in common, against the oracle and all paths of a small alphabet.

use super::{
    InvalidPattern, Pattern, PatternIndex, ProjectPath, containment::Containment,
    oracle_tests::Oracle,
};
use proptest::{collection::vec, prelude::*, sample::select};
use std::{env, fmt, sync::LazyLock};

/// How many groups of patterns are tried by default. Every pair of a group is.
const CASES: u32 = 24;
const GROUP: usize = 20;

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if env::var_os("PROPTEST_CASES").is_some() { default.cases } else { CASES };
    ProptestConfig { cases, ..default }
}

/// All paths of up to three of these names, and the root.
static PATHS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let names: [&[u8]; 13] = [
        b"a",
        b"b",
        b"aa",
        b"ab",
        b"ba",
        b"bb",
        b".a",
        b"a.",
        b".b",
        b"c",
        b"a\xc3",
        b"\xff",
        "ä".as_bytes(),
    ];
    let mut paths = vec![Vec::new()];
    let mut longest = vec![Vec::new()];
    for _ in 0..3 {
        let below = |folder: &Vec<u8>| names.map(|name| [folder.as_slice(), name].join(&b'/'));
        longest = longest.iter().flat_map(below).collect();
        paths.extend(longest.clone());
    }
    let normal = |path: Vec<u8>| path.strip_prefix(b"/").map_or(path.clone(), <[u8]>::to_vec);
    paths.into_iter().map(normal).collect()
});

/// A pattern's text, which need not be valid.
fn text() -> impl Strategy<Value = PatternText> {
    let plain: [&[u8]; 8] = [b"a", b"b", b"/", b".", "ä".as_bytes(), b"\\a", b"\xff", b"/"];
    let operators = ["*", "**", "?", "[ab]", "[!a]", "[^a-b]", "[.-ä]", "/**/", "**/", "*/"];
    let piece = prop_oneof![
        4 => select(plain.to_vec()).prop_map(<[u8]>::to_vec),
        3 => select(operators.to_vec()).prop_map(|it| it.as_bytes().to_vec()),
    ];
    let sequence = vec(piece, 0..5).prop_map(|pieces| pieces.concat());
    let nested = sequence.prop_recursive(2, 12, 3, |inner| {
        let branches = vec(inner.clone(), 1..4)
            .prop_map(|branches| [b"{".as_slice(), &branches.join(&b','), b"}"].concat());
        vec(prop_oneof![2 => inner, 1 => branches], 1..4).prop_map(|parts| parts.concat())
    });
    nested.prop_map(PatternText)
}

#[derive(Clone)]
struct PatternText(Vec<u8>);

impl fmt::Debug for PatternText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// A pattern with all that the oracle says about the paths.
struct PatternOracleCoverage {
    pattern: Pattern,
    oracle: Oracle,
    covered: Vec<bool>,
}

fn known(text: &[u8]) -> Option<PatternOracleCoverage> {
    let pattern = match Pattern::parse(text) {
        Ok(pattern) => pattern,
        Err(InvalidPattern::CoversNothing(_)) => {
            let oracle = Oracle::new(text);
            assert!(!PATHS.iter().any(|path| oracle.covers(path)), "{text:?} covers nothing");
            return None;
        }
        Err(_) => return None,
    };
    let again = Pattern::parse(pattern.as_bytes());
    assert_eq!(again.as_ref(), Ok(&pattern), "the text of {pattern:?} is read as the same pattern");
    assert!(pattern.overlaps(&pattern), "{pattern:?} covers a path");
    let oracle = Oracle::new(text);
    let covered: Vec<bool> = PATHS.iter().map(|path| oracle.covers(path)).collect();
    for (path, covered) in PATHS.iter().zip(&covered) {
        let path = ProjectPath::new(if path.is_empty() { b"." } else { path }).expect("a path");
        assert_eq!(pattern.covers(&path), *covered, "{pattern:?} covers {path:?} as the oracle");
        let begins = path.as_bytes().starts_with(pattern.literal_prefix());
        assert!(begins || !covered, "all paths of {pattern:?} begin with its prefix");
    }
    Some(PatternOracleCoverage { pattern, oracle, covered })
}

fn check_pair(one: &PatternOracleCoverage, two: &PatternOracleCoverage) {
    let (left, right) = (&one.pattern, &two.pattern);
    let both = || one.covered.iter().zip(&two.covered);
    let common = left.common_path(right);
    assert_eq!(common.is_some(), left.overlaps(right), "{left:?} and {right:?}: one answer");
    assert_eq!(left.overlaps(right), right.overlaps(left), "{left:?} and {right:?}: symmetric");
    if let Some(path) = common {
        let is_covered = one.oracle.covers(path.as_bytes()) && two.oracle.covers(path.as_bytes());
        assert!(is_covered, "{left:?} and {right:?} cover {path:?}");
    } else {
        let found = both().position(|(one, two)| *one && *two).map(|at| &PATHS[at]);
        assert_eq!(found, None, "{left:?} and {right:?} have no path in common");
    }
    let outside = both().position(|(one, two)| *two && !*one).map(|at| &PATHS[at]);
    match left.containment(right) {
        Containment::Proven => assert_eq!(outside, None, "{left:?} contains {right:?}"),
        Containment::Refuted => assert!(!left.contains(right), "{left:?} and {right:?} differ"),
        Containment::Undecided => {
            let bytes = left.as_bytes().len().max(right.as_bytes().len());
            assert!(bytes > 20, "{left:?} and {right:?} are small enough to decide");
        }
    }
}

/// All patterns of a group at once, about all paths.
fn check_index(group: &[PatternOracleCoverage]) {
    let paths =
        PATHS.iter().map(|path| ProjectPath::new(if path.is_empty() { b"." } else { path }));
    let paths: Vec<ProjectPath> = paths.map(|path| path.expect("a path")).collect();
    let index = PatternIndex::new(group.iter().map(|it| &it.pattern));
    for (at, found) in index.covering(&paths).iter().enumerate() {
        let covering = group.iter().enumerate().filter(|(_, it)| it.covered[at]);
        let expected: Vec<usize> = covering.map(|(number, _)| number).collect();
        assert_eq!(
            *found,
            expected,
            "the patterns of {:?} that cover {:?}",
            texts_of(group),
            paths[at]
        );
    }
    // A few paths are looked at in another way.
    let few: Vec<ProjectPath> = paths.iter().rev().step_by(500).cloned().collect();
    for (path, found) in few.iter().zip(index.covering(&few)) {
        let covering = group.iter().enumerate().filter(|(_, it)| it.pattern.covers(path));
        assert!(covering.map(|(number, _)| number).eq(found), "{path:?} in {:?}", texts_of(group));
    }
}

fn texts_of(group: &[PatternOracleCoverage]) -> Vec<&Pattern> {
    group.iter().map(|it| &it.pattern).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn answers_are_those_of_all_paths(texts in vec(text(), GROUP)) {
        let group: Vec<PatternOracleCoverage> = texts.iter().filter_map(|text| known(&text.0)).collect();
        check_index(&group);
        for (at, one) in group.iter().enumerate() {
            for two in &group[..=at] {
                check_pair(one, two);
            }
        }
    }
}
