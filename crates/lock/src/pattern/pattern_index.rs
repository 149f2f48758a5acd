//! [`PatternIndex`]: many patterns, asked about many paths.

use super::{
    Pattern, ProjectPath,
    lazy_dfa::LazyDfa,
    required_text::{TextChoice, required_texts},
    token,
};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use std::{cmp::Reverse, collections::HashMap};

/// Many patterns, with all that is needed to find those that cover a path without asking each of them.
///
/// It answers for files: whether a path itself is covered. [`Pattern::overlaps`] also counts what is below it.
#[derive(Debug)]
pub struct PatternIndex {
    /// The numbers of the literals with these paths.
    literals: HashMap<Vec<u8>, Vec<usize>>,
    globs: Vec<IndexedGlob>,
    /// Finds the texts of `globs_of_texts`; `None` where there are none.
    texts: Option<AhoCorasick>,
    /// For each text, the places of the globs that require it, or another one of their choice.
    globs_of_texts: Vec<Vec<usize>>,
    /// The places of the globs that require no text.
    globs_without_text: Vec<usize>,
}

/// A glob, and the numbers of all equal ones.
#[derive(Debug)]
struct IndexedGlob {
    pattern: Pattern,
    numbers: Vec<usize>,
}

/// How many paths are looked at together: a bound for the memory of what is found.
const CHUNK: usize = 1024;
/// From how many paths on a deterministic automaton is worth its making.
const FEW_PATHS: usize = 8;

impl PatternIndex {
    /// Prepares patterns; each gets its position in the list as its number.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a Pattern>) -> Self {
        let mut literals: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        let mut globs: Vec<IndexedGlob> = Vec::new();
        let mut places: HashMap<&[u8], usize> = HashMap::new();
        for (number, pattern) in patterns.into_iter().enumerate() {
            if let Some(path) = pattern.as_literal() {
                literals.entry(path.as_bytes().to_vec()).or_default().push(number);
                continue;
            }
            let place = *places.entry(pattern.as_bytes()).or_insert(globs.len());
            match globs.get_mut(place) {
                Some(glob) => glob.numbers.push(number),
                None => {
                    globs.push(IndexedGlob { pattern: pattern.clone(), numbers: vec![number] });
                }
            }
        }
        let choices = rarest_choices(&globs);
        let mut index = Self {
            literals,
            globs,
            texts: None,
            globs_of_texts: Vec::new(),
            globs_without_text: Vec::new(),
        };
        index.add_texts(choices);
        index
    }

    fn add_texts(&mut self, choices: Vec<Option<TextChoice>>) {
        let without = choices.iter().enumerate().filter(|(_, choice)| choice.is_none());
        self.globs_without_text = without.map(|(place, _)| place).collect();
        let pairs = choices.into_iter().enumerate().flat_map(|(place, choice)| {
            choice.into_iter().flatten().map(move |text| (place, text))
        });
        let mut ids: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut texts: Vec<Vec<u8>> = Vec::new();
        for (place, text) in pairs {
            let id = *ids.entry(text.clone()).or_insert(texts.len());
            if id == texts.len() {
                texts.push(text);
                self.globs_of_texts.push(Vec::new());
            }
            if let Some(globs) = self.globs_of_texts.get_mut(id) {
                globs.push(place);
            }
        }
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        self.texts = AhoCorasick::builder().kind(kind).build(&texts).ok();
        if self.texts.is_none() {
            // More texts than a search can have: each glob is asked.
            self.globs_without_text = (0..self.globs.len()).collect();
        }
    }

    /// Returns for each path the numbers of the patterns that cover it, in ascending order.
    pub fn covering(&self, paths: &[ProjectPath]) -> Vec<Vec<usize>> {
        let mut found: Vec<Vec<usize>> = paths.iter().map(|path| self.literals_of(path)).collect();
        let mut sorted: Vec<(usize, &ProjectPath)> = paths.iter().enumerate().collect();
        // Neighbours have the longest common beginnings.
        sorted.sort_by_key(|(_, path)| *path);
        for chunk in sorted.chunks(CHUNK) {
            self.add_globs(chunk, &mut found);
        }
        found.iter_mut().for_each(|numbers| numbers.sort_unstable());
        found
    }

    /// The numbers of the literals that cover a path: those of the path, and of the folders above it.
    fn literals_of(&self, path: &ProjectPath) -> Vec<usize> {
        let bytes = path.as_bytes();
        let is_slash = |(at, byte): (usize, &u8)| (*byte == b'/').then_some(at);
        let above = bytes.iter().enumerate().filter_map(is_slash);
        let root = (!bytes.is_empty()).then_some(0);
        let ends = root.into_iter().chain(above).chain([bytes.len()]);
        let held = ends.filter_map(|end| self.literals.get(bytes.get(..end)?));
        held.flatten().copied().collect()
    }

    /// Adds the globs that cover paths of a sorted list.
    fn add_globs(&self, paths: &[(usize, &ProjectPath)], found: &mut [Vec<usize>]) {
        let candidates = self.paths_with_texts(paths);
        let with_text = self.globs.iter().zip(&candidates);
        for (glob, candidates) in with_text {
            glob.add_covered(paths, candidates.iter().copied(), found);
        }
        for place in &self.globs_without_text {
            if let Some(glob) = self.globs.get(*place) {
                glob.add_covered(paths, 0..paths.len(), found);
            }
        }
    }

    /// For each glob, the places of the paths that have a text of its choice, in ascending order.
    fn paths_with_texts(&self, paths: &[(usize, &ProjectPath)]) -> Vec<Vec<usize>> {
        let mut candidates: Vec<Vec<usize>> = vec![Vec::new(); self.globs.len()];
        let Some(texts) = self.texts.as_ref().filter(|_| !self.globs_of_texts.is_empty()) else {
            return candidates;
        };
        let mut read = Vec::new();
        for (place, (_, path)) in paths.iter().enumerate() {
            read.clear();
            read.push(b'/');
            read.extend_from_slice(path.as_bytes());
            let ids = texts.find_overlapping_iter(&read).map(|found| found.pattern().as_usize());
            let globs = ids.filter_map(|id| self.globs_of_texts.get(id)).flatten();
            globs.for_each(|glob| add_once(place, candidates.get_mut(*glob)));
        }
        candidates
    }
}

/// Adds a place to a list in ascending order, unless it is the last one already.
fn add_once(place: usize, places: Option<&mut Vec<usize>>) {
    if let Some(places) = places.filter(|places| places.last() != Some(&place)) {
        places.push(place);
    }
}

impl IndexedGlob {
    /// Adds the glob's numbers to the paths that it covers, of those in these places.
    fn add_covered(
        &self,
        paths: &[(usize, &ProjectPath)],
        places: impl ExactSizeIterator<Item = usize>,
        found: &mut [Vec<usize>],
    ) {
        let is_many = places.len() >= FEW_PATHS;
        let automaton = is_many.then(|| self.pattern.automaton());
        let mut dfa = automaton.as_ref().map(|automaton| LazyDfa::new(automaton));
        for (number, path) in places.filter_map(|place| paths.get(place)) {
            if self.covers(path, dfa.as_mut())
                && let Some(numbers) = found.get_mut(*number)
            {
                numbers.extend_from_slice(&self.numbers);
            }
        }
    }

    fn covers(&self, path: &ProjectPath, dfa: Option<&mut LazyDfa<'_>>) -> bool {
        if !self.pattern.can_cover(path.as_bytes()) {
            return false;
        }
        match dfa.map(|dfa| dfa.accepts(path.as_bytes())) {
            Some(Ok(is_covered)) => is_covered,
            // The paths are few, or the glob has more sets than people's globs do.
            _ => self.pattern.covers(path),
        }
    }
}

/// For each glob, the choice of its texts that the fewest globs have; `None` where it requires no text.
fn rarest_choices(globs: &[IndexedGlob]) -> Vec<Option<TextChoice>> {
    let tokens = |glob: &IndexedGlob| token::parse(glob.pattern.as_bytes()).unwrap_or_default();
    let all: Vec<Vec<TextChoice>> = globs.iter().map(|it| required_texts(&tokens(it))).collect();
    let mut counts: HashMap<&[u8], usize> = HashMap::new();
    for text in all.iter().flatten().flatten() {
        *counts.entry(text).or_default() += 1;
    }
    let count = |text: &Vec<u8>| counts.get(text.as_slice()).copied().unwrap_or_default();
    let order = |choice: &&TextChoice| {
        let shortest = choice.iter().map(Vec::len).min().unwrap_or_default();
        (choice.iter().map(count).sum::<usize>(), Reverse(shortest))
    };
    all.iter().map(|choices| choices.iter().min_by_key(order).cloned()).collect()
}
