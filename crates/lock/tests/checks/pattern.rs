//! Patterns of reservations: what is one, and that all answers about two of them agree.

use lokt_lock::pattern::{Pattern, PatternIndex, ProjectPath, WorkingFolder};
use std::path::Path;

/// Checks two patterns and a path, separated by NUL.
pub fn check(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |byte| *byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let (one, two, path) = (next(), next(), next());
    let path = ProjectPath::new(path).inspect_err(|error| is_short(&error.to_string())).ok();
    if let Some(path) = &path {
        is_a_literal(path);
        from_a_folder(one, path);
    }
    let (one, two) = (read(one), read(two));
    for pattern in [&one, &two].into_iter().flatten() {
        is_written_as_it_is_read(pattern);
    }
    if let (Some(one), Some(two)) = (one, two) {
        agree(&one, &two, path.as_ref());
        agree(&two, &one, path.as_ref());
        are_asked_at_once(&[one, two], path);
    }
}

/// An index of patterns says what each of them says, for few paths and for many.
fn are_asked_at_once(patterns: &[Pattern; 2], path: Option<ProjectPath>) {
    let [one, two] = patterns;
    let common = one.common_path(two);
    let mut paths: Vec<ProjectPath> = path.iter().flat_map(ProjectPath::steps).collect();
    paths.extend(path.into_iter().chain(common));
    let many = paths.iter().cycle().take(paths.len() * 8).cloned().collect();
    let index = PatternIndex::new(patterns);
    for paths in [paths, many] {
        for (path, found) in paths.iter().zip(index.covering(&paths)) {
            let covering = (0..).zip(patterns).filter(|(_, it)| it.covers(path));
            let expected: Vec<usize> = covering.map(|(number, _)| number).collect();
            assert_eq!(found, expected, "{one:?} and {two:?} at {path:?}");
        }
    }
}

fn read(text: &[u8]) -> Option<Pattern> {
    Pattern::parse(text).inspect_err(|error| is_short(&error.to_string())).ok()
}

fn is_short(message: &str) {
    // A shown byte has at most ten characters.
    assert!((1..1100).contains(&message.len()), "a message can be shown: {message}");
}

fn is_written_as_it_is_read(pattern: &Pattern) {
    assert_eq!(Pattern::parse(pattern.as_bytes()).as_ref(), Ok(pattern), "its text is the pattern");
    let json = serde_json::to_string(pattern).expect("JSON");
    assert_eq!(&serde_json::from_str::<Pattern>(&json).expect(&json), pattern, "its JSON too");
    assert!(pattern.overlaps(pattern), "{pattern:?} covers a path");
    assert!(pattern.contains(pattern), "{pattern:?} contains itself");
}

fn is_a_literal(path: &ProjectPath) {
    let literal = Pattern::literal(path);
    assert_eq!(literal.as_literal(), Some(path), "a literal has its path");
    assert!(literal.covers(path), "a literal covers its path");
    is_written_as_it_is_read(&literal);
}

/// A pattern that is typed in a folder is below it, unless it leads out of it.
fn from_a_folder(text: &[u8], folder: &ProjectPath) {
    let from = WorkingFolder { project: Path::new("/home/p"), folder };
    let Ok(pattern) = Pattern::parse_in(text, &from) else { return };
    is_written_as_it_is_read(&pattern);
    let leaves = text.starts_with(b"/") || text.starts_with(b"\\/");
    if !leaves && !text.windows(2).any(|pair| pair == b".." || pair == b"\\.") {
        assert!(Pattern::literal(folder).overlaps(&pattern), "{pattern:?} is in {folder:?}");
    }
}

fn agree(one: &Pattern, two: &Pattern, path: Option<&ProjectPath>) {
    let common = one.common_path(two);
    assert_eq!(common.is_some(), two.overlaps(one), "{one:?} and {two:?}: one answer");
    if let Some(common) = &common {
        assert!(one.covers(common) && two.covers(common), "{one:?} and {two:?} cover {common:?}");
        let prefixes = (one.literal_prefix(), two.literal_prefix());
        let is_prefix = prefixes.0.starts_with(prefixes.1) || prefixes.1.starts_with(prefixes.0);
        assert!(is_prefix, "{one:?} and {two:?}: one prefix begins with the other");
    }
    let contains = one.contains(two);
    assert!(!contains || common.is_some(), "{one:?} has the paths of {two:?}");
    if let Some(path) = path {
        let (by_one, by_two) = (one.covers(path), two.covers(path));
        assert!(!(by_one && by_two) || common.is_some(), "{one:?} and {two:?} cover {path:?}");
        assert!(!contains || !by_two || by_one, "{one:?} contains {two:?}, which covers {path:?}");
    }
}
