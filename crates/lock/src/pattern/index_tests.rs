//! Many patterns at once answer as each of them does.

use super::{Pattern, PatternIndex, ProjectPath, required_text::required_texts, token};

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn path(text: &str) -> ProjectPath {
    ProjectPath::new(text.as_bytes()).unwrap()
}

/// Asks each pattern about each path.
fn one_by_one(patterns: &[Pattern], paths: &[ProjectPath]) -> Vec<Vec<usize>> {
    let covering = |path| {
        let all = patterns.iter().enumerate().filter(|(_, pattern)| pattern.covers(path));
        all.map(|(number, _)| number).collect()
    };
    paths.iter().map(covering).collect()
}

#[test]
fn each_path_has_the_numbers_of_all_that_cover_it() {
    let all = patterns(&["src", "src/*.rs", "src/main.rs", "**/*.rs", ".", "docs", "src/*.rs"]);
    let index = PatternIndex::new(&all);
    let paths = ["src/main.rs", "docs", "docs/a.md", ".", "src2", "src/a/b.rs"].map(path);
    let found = index.covering(&paths);
    let expected: [&[usize]; 6] = [&[0, 1, 2, 3, 4, 6], &[4, 5], &[4, 5], &[4], &[4], &[0, 3, 4]];
    assert_eq!(found, expected);
    assert_eq!(found, one_by_one(&all, &paths));
    assert_eq!(PatternIndex::new(&[]).covering(&paths), vec![Vec::<usize>::new(); 6]);
    assert_eq!(index.covering(&[]), Vec::<Vec<usize>>::new());
}

#[test]
fn a_text_that_is_required_is_in_every_covered_path() {
    for (glob, expected) in [
        ("**/x1_*.tsx", "/x1_|.tsx"),
        ("src/**", "/src"),
        ("src/*/", "/src/"),
        ("src/**/a?b", "/src|/a|b"),
        ("a/{b/,c}*.rs", "/a|b,c|.rs"),
        ("a/{b,*}/c", "/a|/c"),
        ("{a//b,c}d*", "a/b,c|d"),
        ("{a,b{c,de}}?", "a,c,de"),
        ("**/?", ""),
        ("*", ""),
    ] {
        let choices = required_texts(&token::parse(glob.as_bytes()).unwrap());
        let text = |it: &Vec<u8>| String::from_utf8_lossy(it).into_owned();
        let choice = |it: &Vec<Vec<u8>>| it.iter().map(text).collect::<Vec<_>>().join(",");
        let told: Vec<String> = choices.iter().map(choice).collect();
        assert_eq!(told.join("|"), expected, "{glob}");
    }
}

/// Paths of two letters, and globs whose sets of states are more than a deterministic automaton may keep.
#[test]
fn a_glob_with_too_many_sets_is_read_in_another_way() {
    let all = patterns(&["**/*a??????????", "**/*a?????????b*", "{a,b}*/*b?a*"]);
    let name = |number: u32| -> String {
        (0..14).map(|bit| if (number >> bit) & 1 == 1 { 'a' } else { 'b' }).collect()
    };
    let two = |number: u32| path(&format!("{}/{}", name(number % 41), name(number * 7 % 16384)));
    let paths: Vec<ProjectPath> = (0..3000).map(two).collect();
    assert_eq!(PatternIndex::new(&all).covering(&paths), one_by_one(&all, &paths));
}

#[test]
fn a_large_commit_among_many_reservations_is_answered_as_one_by_one() {
    let kinds: [fn(u32) -> String; 8] = [
        |at| format!("packages/app{}/src/component_{at}.tsx", at % 40),
        |at| format!("packages/app{at}/src/**/*.{{ts,tsx}}"),
        |at| format!("**/component_{at}.{{test,spec}}.ts"),
        |at| format!("**/x{at}_*.tsx"),
        |at| format!("**/{{x{at},y{at}}}_*.tsx"),
        |at| format!("packages/*/src/[a-y]*{at}.tsx"),
        |at| format!("packages/app{}", at % 40),
        |at| format!("**/[!{}]*_{}?.tsx", at % 10, at % 7),
    ];
    let all: Vec<Pattern> =
        (0..400).map(|at| kinds[at as usize % kinds.len()](at).parse().unwrap()).collect();
    let paths: Vec<ProjectPath> =
        (0..1100).map(|at| path(&kinds[0](at * 7 % 500))).chain([path(".")]).collect();
    assert_eq!(PatternIndex::new(&all).covering(&paths), one_by_one(&all, &paths));
}
