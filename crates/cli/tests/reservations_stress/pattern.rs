//! Patterns, and what they cover, by trying all paths of a small tree. Nothing of the library is used here.

use crate::random::RandomNumbers;
use std::sync::LazyLock;

const NAMES: [&str; 5] = ["a", "b", "c", "x.rs", "y.md"];
const DEEPEST: usize = 4;

/// All paths of at most four of the names, and the root.
static PATHS: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| {
    let mut paths = vec![Vec::new()];
    let mut longest = paths.clone();
    for _ in 0..DEEPEST {
        let below =
            |path: &Vec<&'static str>| NAMES.map(|name| [path.as_slice(), &[name]].concat());
        longest = longest.iter().flat_map(below).collect();
        paths.extend(longest.clone());
    }
    paths
});

/// One segment of a pattern.
#[derive(Clone, Debug)]
enum PatternSegment {
    Name(&'static str),
    Star,
    DoubleStar,
    AnyCharacter,
    Ending(&'static str),
    Either(&'static str, &'static str),
}

impl PatternSegment {
    fn random(numbers: &mut RandomNumbers) -> Self {
        let name = numbers.choose(&NAMES);
        match numbers.below(10) {
            0 => Self::Star,
            1 => Self::DoubleStar,
            2 => Self::AnyCharacter,
            3 => Self::Ending(numbers.choose(&[".rs", ".md"])),
            4 => Self::Either(name, numbers.choose(&NAMES)),
            _ => Self::Name(name),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Name(name) => (*name).to_owned(),
            Self::Star => "*".to_owned(),
            Self::DoubleStar => "**".to_owned(),
            Self::AnyCharacter => "?".to_owned(),
            Self::Ending(end) => format!("*{end}"),
            Self::Either(one, two) => format!("{{{one},{two}}}"),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Name(it) => name == *it,
            Self::Star | Self::DoubleStar => true,
            Self::AnyCharacter => name.chars().count() == 1,
            Self::Ending(end) => name.ends_with(end),
            Self::Either(one, two) => name == *one || name == *two,
        }
    }
}

/// A pattern, as an agent types it.
#[derive(Clone, Debug)]
pub(crate) struct TestPattern {
    segments: Vec<PatternSegment>,
    /// A glob with `/` at its end.
    is_folder: bool,
    pub(crate) text: String,
    pub(crate) covered: PathSet,
}

impl TestPattern {
    pub(crate) fn random(numbers: &mut RandomNumbers) -> Self {
        let mut segments: Vec<PatternSegment> = Vec::new();
        for _ in 0..=numbers.below(3) {
            let next = PatternSegment::random(numbers);
            let is_repeated = matches!(
                (segments.last(), &next),
                (Some(PatternSegment::DoubleStar), PatternSegment::DoubleStar)
            );
            segments.push(if is_repeated { PatternSegment::Star } else { next });
        }
        Self::new(segments, numbers.once_in(8))
    }

    fn new(segments: Vec<PatternSegment>, has_slash: bool) -> Self {
        let is_folder = has_slash && !is_literal(&segments);
        let texts: Vec<String> = segments.iter().map(PatternSegment::text).collect();
        let text = texts.join("/") + if is_folder { "/" } else { "" };
        let mut pattern = Self { segments, is_folder, text, covered: PathSet::default() };
        let covered = PATHS.iter().map(|path| pattern.covers(path));
        pattern.covered = PathSet::new(covered);
        pattern
    }

    fn covers(&self, path: &[&str]) -> bool {
        let matches = |length: usize| match_all(&self.segments, path.get(..length).unwrap());
        if is_literal(&self.segments) {
            (0..=path.len()).any(matches)
        } else if self.is_folder {
            (0..path.len()).any(matches)
        } else {
            matches(path.len())
        }
    }

    /// Whether it covers a path, which may have names that the small tree has not.
    pub(crate) fn covers_text(&self, path: &str) -> bool {
        let path: Vec<&str> = path.split('/').filter(|name| *name != ".").collect();
        self.covers(&path)
    }
}

fn is_literal(segments: &[PatternSegment]) -> bool {
    segments.iter().all(|it| matches!(it, PatternSegment::Name(_)))
}

fn match_all(segments: &[PatternSegment], path: &[&str]) -> bool {
    match segments.split_first() {
        None => path.is_empty(),
        Some((PatternSegment::DoubleStar, rest)) => {
            (0..=path.len()).any(|skipped| match_all(rest, path.get(skipped..).unwrap()))
        }
        Some((first, rest)) => path
            .split_first()
            .is_some_and(|(name, below)| first.matches(name) && match_all(rest, below)),
    }
}

/// A set of paths of the small tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct PathSet(Vec<u64>);

impl PathSet {
    fn new(members: impl Iterator<Item = bool>) -> Self {
        let mut words = vec![0; PATHS.len().div_ceil(64)];
        for (at, is_member) in members.enumerate() {
            *words.get_mut(at / 64).unwrap() |= u64::from(is_member) << (at % 64);
        }
        Self(words)
    }

    pub(crate) fn union<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = vec![0; PATHS.len().div_ceil(64)];
        for set in sets {
            all.iter_mut().zip(&set.0).for_each(|(all, more)| *all |= more);
        }
        Self(all)
    }

    pub(crate) fn without(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, two)| one & !two).collect())
    }

    /// A path that is in both.
    pub(crate) fn common(&self, other: &Self) -> Option<String> {
        let words = self.0.iter().zip(&other.0).map(|(one, two)| one & two).enumerate();
        let (at, word) = words.into_iter().find(|(_, word)| *word != 0)?;
        let place = at * 64 + usize::try_from(word.trailing_zeros()).unwrap();
        Some(PATHS.get(place)?.join("/"))
    }
}

#[test]
fn the_oracle_knows_what_overlaps() {
    use PatternSegment::{DoubleStar, Ending, Name, Star};
    let of = |segments: &[PatternSegment]| TestPattern::new(segments.to_vec(), false);
    let deep = of(&[Name("a"), DoubleStar, Name("x.rs")]);
    let flat = of(&[Name("a"), Name("b"), Ending(".rs")]);
    assert_eq!(deep.text, "a/**/x.rs");
    assert_eq!(deep.covered.common(&flat.covered).as_deref(), Some("a/b/x.rs"));
    assert_eq!(of(&[Ending(".md")]).covered.common(&flat.covered), None);
    assert!(of(&[Name("a")]).covered.common(&flat.covered).is_some(), "a literal covers below it");
    assert!(of(&[Star]).covered.common(&flat.covered).is_none(), "a glob does not");
    assert!(deep.covers_text("a/q/x.rs") && !deep.covers_text("b/x.rs"));
}
