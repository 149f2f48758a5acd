use super::Reservation;
use crate::pattern::{PatternIndex, ProjectPath};

/// Returns for each file the reservations that cover it, in the order of the list. Scopes, modes and owners are the
/// caller's question.
///
/// This is about files that are there, such as those of a commit. What a folder or a glob has in common with a
/// reservation is the question of [`conflicts`](super::conflicts).
pub fn covering<'a>(
    standing: impl IntoIterator<Item = &'a Reservation>,
    files: &[ProjectPath],
) -> Vec<Vec<&'a Reservation>> {
    let pairs = standing.into_iter().flat_map(|it| it.patterns.iter().map(move |one| (one, it)));
    let (patterns, owners): (Vec<_>, Vec<&Reservation>) = pairs.unzip();
    let found = PatternIndex::new(patterns).covering(files);
    let reservations = |numbers: Vec<usize>| {
        let mut found: Vec<&Reservation> =
            numbers.into_iter().filter_map(|number| owners.get(number).copied()).collect();
        // Several patterns of one reservation are neighbours.
        found.dedup_by(|one, two| std::ptr::eq(*one, *two));
        found
    };
    found.into_iter().map(reservations).collect()
}
