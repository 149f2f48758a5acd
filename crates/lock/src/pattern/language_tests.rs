//! The language by tables.

use super::{InvalidPath, InvalidPattern, Pattern, PatternFlaw, ProjectPath, WorkingFolder};
use std::path::Path;

fn pattern(text: &str) -> Pattern {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn path(text: &str) -> ProjectPath {
    ProjectPath::new(text.as_bytes()).expect("a path")
}

#[test]
fn a_pattern_covers_these_paths() {
    for (text, covered, others) in [
        ("src", "src src/a src/a/b", "srcs sr a/src"),
        ("src/", "src src/a", "srcs"),
        (".", ". a a/b .git", ""),
        ("**", ". a a/b .git", ""),
        ("**/", "a a/b", "."),
        ("*", "a .a", "a/b ."),
        ("*/", "a/b a/b/c", "a"),
        ("*.md", "a.md .md", "docs/a.md a.md/b a.mdx A.MD"),
        ("*.md/", "a.md/b a.md/b/c", "a.md"),
        ("src/**", "src src/a src/a/b", "srcs a/src"),
        ("src/**/", "src/a src/a/b", "src"),
        ("src/**/a.rs", "src/a.rs src/b/a.rs src/b/c/a.rs", "a.rs src/xa.rs src/a.rs/b"),
        ("**/a", "a b/a b/c/a", "a/b"),
        ("a**b/c", "ab/c axb/c", "a/b/c ax/b/c"),
        ("a/***/b", "a/b a/x/b a/x/y/b", "a"),
        ("?", "a ä 語 😀", "aa . a/b"),
        ("[ab]", "a b", "c ab"),
        ("[!ab]", "c ä -", "a b cc"),
        ("[^ab]", "c", "a"),
        ("[a-cx]", "a b c x", "d -"),
        ("[]a]", "] a", "b"),
        ("[!]a]", "b", "] a"),
        ("[a-]", "a -", "b"),
        ("[\\]\\-\\\\]", "] - \\", "a"),
        ("[ä-ü]", "ö", "a z"),
        ("[+-9]", "+ , 5", "a +/5"),
        ("{a,b}", "a b", "c a/x {a,b}"),
        ("{a,b}/", "a/x b/x/y", "a b"),
        ("{a}", "a", "a/b"),
        ("x{,y}", "x xy", "xy/z"),
        ("{src/a,b/c}.rs", "src/a.rs b/c.rs", "src/c.rs"),
        ("{src/,}a.rs", "a.rs src/a.rs", "b/a.rs"),
        ("{**/,}a", "a b/a b/c/a", "ba"),
        ("a/{,b}/c", "a/c a/b/c", "a"),
        ("{a,{b,{c,d}e}}f", "af bf cef def", "cf ef"),
        ("{\\,,\\}}", ", }", "a"),
        ("a,b", "a,b a,b/c", "a"),
        ("app/\\[id\\]", "app/[id] app/[id]/x", "app/i"),
        ("\\*", "* */a", "a"),
        ("a]", "a] a]/b", "a"),
        ("a//b/./c/../*", "a/b/x", "a/b/c/x"),
    ] {
        for covered in covered.split(' ') {
            assert!(pattern(text).covers(&path(covered)), "{text} covers {covered}");
        }
        for other in others.split(' ').filter(|it| !it.is_empty()) {
            assert!(!pattern(text).covers(&path(other)), "{text} does not cover {other}");
        }
    }
}

#[test]
fn two_patterns_overlap_in_a_path() {
    for (one, two, common) in [
        ("src/**/a.rs", "src/b/*.rs", "src/b/a.rs"),
        ("src", "src/x/y", "src/x/y"),
        ("src/x/y", "src/x/y", "src/x/y"),
        (".", "src/*.rs", "src/.rs"),
        ("src", "**/*.rs", "src/.rs"),
        ("?.md", "r*", "r.md"),
        ("*/", "a", "a/a"),
        ("{a,b}/c", "{b,d}/?", "b/c"),
        ("[a-m]*", "*[k-z]", "k"),
        ("**/x/**", "a/**/b", "a/x/b"),
        ("?", "[!a-zA-Z0-9]", "!"),
        ("a*", "*ä", "aä"),
        (".", ".", "."),
        ("**", "**", "a"),
    ] {
        let (one, two) = (pattern(one), pattern(two));
        let found = one.common_path(&two).map(|path| path.to_string());
        if found.as_deref().is_none_or(|found| found.len() != common.len()) {
            assert_eq!(found.as_deref(), Some(common), "{one} and {two}");
        }
        assert!(one.overlaps(&two) && two.overlaps(&one), "{one} and {two} overlap");
    }
}

#[test]
fn two_patterns_without_a_path_in_common_do_not_overlap() {
    for (one, two) in [
        ("*.md", "docs/*.md"),
        ("src", "srcs"),
        ("src", "lib/**"),
        ("src/*", "src/x/y"),
        ("*/", "*"),
        ("?", "??"),
        ("ä", "?a"),
        ("[a-m]", "[n-z]"),
        ("[!a]", "a"),
        ("a", "A"),
        (".?", "?."),
        ("*.{rs,toml}", "*.{md,txt}"),
        ("a/**/b", "c/**"),
        ("**/*.rs", "**/*.md"),
    ] {
        let (one, two) = (pattern(one), pattern(two));
        assert_eq!(one.common_path(&two), None, "{one} and {two}");
        assert!(!one.overlaps(&two) && !two.overlaps(&one), "{one} and {two} do not overlap");
    }
}

#[test]
fn a_pattern_contains_another() {
    for (outer, inner) in [
        ("src", "src/**"),
        ("src/**", "src"),
        ("src", "src/*.rs"),
        (".", "**/a"),
        ("**", "."),
        ("src/**/*.rs", "src/a.rs"),
        ("*.rs", "[ab].rs"),
        ("{a,b}", "[ab]"),
        ("[ab]", "{a,b}"),
        ("*/**", "**/a"),
        ("*", "?"),
    ] {
        let is_literal_file = inner == "src/a.rs";
        let contains = pattern(outer).contains(&pattern(inner));
        assert_eq!(contains, !is_literal_file, "{outer} contains {inner}");
    }
    for (outer, inner) in [("src/**", "."), ("**/", "**"), ("*", "a"), ("?", "*"), ("a", "b")] {
        assert!(!pattern(outer).contains(&pattern(inner)), "{outer} does not contain {inner}");
    }
}

#[test]
fn a_pattern_has_a_normal_text() {
    for (text, normal) in [
        ("src/", "src"),
        ("./src//a/../b", "src/b"),
        ("a/..", "."),
        ("./*.rs", "*.rs"),
        ("*//", "*/"),
        ("*/.", "*/"),
        ("*/x/..", "*/"),
        ("\\a\\*", "a\\*"),
        ("a\\/b", "a/b"),
        ("a}b".replace('}', "\\}").as_str(), "a\\}b"),
        ("*****", "**"),
        ("[cba-b]", "[a-c]"),
        ("[^z]", "[!z]"),
        ("[.-0]", "[.0]"),
        ("{\\a,\\,}x", "{a,\\,}x"),
        ("[]!-]", "[\\!\\-\\]]"),
    ] {
        assert_eq!(pattern(text).to_string(), normal, "{text}");
        assert_eq!(pattern(normal), pattern(text), "{normal} is read as {text}");
    }
}

#[test]
fn a_text_that_breaks_a_rule_is_refused_where_it_does() {
    use PatternFlaw as Flaw;
    for (text, at, flaw) in [
        ("a[b", 2, Flaw::UnclosedClass),
        ("[]", 1, Flaw::UnclosedClass),
        ("[!]", 1, Flaw::UnclosedClass),
        ("[a\\]", 1, Flaw::UnclosedClass),
        ("a{b", 2, Flaw::UnclosedAlternatives),
        ("{a,{b}", 1, Flaw::UnclosedAlternatives),
        ("a}", 2, Flaw::UnopenedAlternatives),
        ("a\\", 2, Flaw::TrailingEscape),
        ("a\0", 2, Flaw::Nul),
        ("[a/b]", 3, Flaw::SlashInClass),
        ("[z-a]", 2, Flaw::ReversedRange),
        ("[[:alpha:]]", 2, Flaw::NamedClass),
        ("a/{.,b}", 3, Flaw::DotSegment),
        ("a/{.{.,x},b}", 3, Flaw::DotSegment),
        ("{,a}", 1, Flaw::EmptyAlternative),
        ("{}{a,}", 1, Flaw::EmptyAlternative),
        ("{/a,b}", 1, Flaw::AbsoluteAlternative),
        ("{,a}/b", 1, Flaw::AbsoluteAlternative),
        ("./{/a,b}", 3, Flaw::AbsoluteAlternative),
        ("x/../{,b}", 6, Flaw::EmptyAlternative),
        ("a/*/..", 5, Flaw::ParentOfGlob),
    ] {
        let malformed = InvalidPattern::Malformed { pattern: text.into(), at, flaw };
        assert_eq!(text.parse::<Pattern>(), Err(malformed), "{text}");
    }
    let not_text = Pattern::parse(b"[\xff]").expect_err("no character");
    assert!(matches!(not_text, InvalidPattern::Malformed { flaw: Flaw::ClassNotUtf8, .. }));
    for text in ["..", "a/../..", "/a"] {
        assert_eq!(text.parse::<Pattern>(), Err(InvalidPattern::OutsideProject(text.into())));
    }
    for text in ["[!\u{1}-\u{10ffff}]", "a/[.]", "[.][.]/x"] {
        assert_eq!(text.parse::<Pattern>(), Err(InvalidPattern::CoversNothing(text.into())));
    }
    assert_eq!("".parse::<Pattern>(), Err(InvalidPattern::Empty));
}

#[test]
fn a_hostile_text_is_refused() {
    let nested = "{a,".repeat(5000) + &"}".repeat(5000);
    let nested_less = "{a,".repeat(1000) + &"}".repeat(1000);
    let product = "{a,b,c,d,e,f,g,h}".repeat(100);
    let classes = "[!a]".repeat(2000);
    let empties = "{,}".repeat(2700) + "a";
    for text in [
        "*".repeat(10_000),
        "*a".repeat(2000),
        "*/".repeat(4000),
        "**/".repeat(2700),
        "a".repeat(1 << 20),
        "?".repeat(5000),
        nested,
        nested_less,
        product,
        classes,
        empties,
    ] {
        let error = text.parse::<Pattern>().expect_err("it is refused");
        let is_limit = matches!(
            error,
            InvalidPattern::TooLong(_)
                | InvalidPattern::TooComplex(_)
                | InvalidPattern::Malformed { flaw: PatternFlaw::TooDeep, .. }
        );
        assert!(is_limit, "a limit refuses it: {error}");
        assert!(error.to_string().len() < 400, "the message is short: {error}");
    }
}

#[test]
fn a_path_of_any_bytes_is_its_literal() {
    for bytes in [
        b"app/[id]/page.tsx".as_slice(),
        b"{a,b}",
        b"a\\b",
        b"a*?",
        b"\xff/\xc3(",
        b"-a b\n",
        &[b'['; ProjectPath::MAX_BYTES],
    ] {
        let path = ProjectPath::new(bytes).expect("a path");
        let literal = Pattern::literal(&path);
        assert!(literal.covers(&path), "a literal covers its path");
        assert_eq!(literal.as_literal(), Some(&path), "a literal has its path");
        assert_eq!(literal.literal_prefix(), bytes, "a literal is its prefix");
        assert_eq!(Pattern::parse(literal.as_bytes()), Ok(literal), "it is read again");
    }
}

#[test]
fn what_is_typed_is_taken_from_the_folder() {
    let folder = path("sub/[x]");
    let from = WorkingFolder { project: Path::new("/home/[me]/p"), folder: &folder };
    for (typed, expected) in [
        ("*.rs", "sub/\\[x]/*.rs"),
        ("./a", "sub/\\[x]/a"),
        ("../y", "sub/y"),
        ("../../*", "*"),
        (".", "sub/\\[x]"),
        ("**", "sub/\\[x]/**"),
        ("/home/\\[me]/p/src/*", "src/*"),
        ("/home/\\[me]/x/../p/", "."),
        ("/home/[me]/p/src/*", "src/*"),
    ] {
        let pattern = Pattern::parse_in(typed.as_bytes(), &from).map(|it| it.to_string());
        assert_eq!(pattern.as_deref(), Ok(expected), "{typed}");
    }
    for typed in
        ["../../..", "/home/\\[me]/q", "/home/[m]e/p/a", "/", "/home/*/p/a", "/home/\\[me]/p/.."]
    {
        let outside = Err(InvalidPattern::OutsideProject(typed.into()));
        assert_eq!(Pattern::parse_in(typed.as_bytes(), &from), outside, "{typed}");
    }
    let unclosed = InvalidPattern::Malformed {
        pattern: "/home/[me]/p/a[".into(),
        at: 15,
        flaw: PatternFlaw::UnclosedClass,
    };
    assert_eq!(Pattern::parse_in(b"/home/[me]/p/a[", &from), Err(unclosed));
    for typed in ["{,a}", "{/a,b}"] {
        assert!(Pattern::parse_in(typed.as_bytes(), &from).is_err(), "{typed} is refused here too");
    }
    for (typed, expected) in [
        ("../y/", Ok("sub/y")),
        ("/home/[me]/p/[id]", Ok("[id]")),
        ("/home/[me]/p", Ok("")),
        ("", Err(InvalidPath::Empty)),
        ("../../../y", Err(InvalidPath::OutsideProject("../../../y".into()))),
        ("/home/[me]/px", Err(InvalidPath::OutsideProject("/home/[me]/px".into()))),
    ] {
        let path = ProjectPath::resolve(typed.as_bytes(), &from);
        let bytes = path.as_ref().map(ProjectPath::as_bytes);
        assert_eq!(bytes, expected.as_ref().map(|it| it.as_bytes()), "{typed}");
    }
}

#[test]
fn the_steps_of_a_path_lead_to_it() {
    let steps: Vec<String> = path("a/b/c").steps().map(|step| step.to_string()).collect();
    assert_eq!(steps, ["a", "a/b", "a/b/c"]);
    assert_eq!(ProjectPath::root().steps().count(), 0, "no step leads to the root");
}

#[test]
fn json_keeps_bytes() {
    for (bytes, json) in [
        (b"src/*.rs".as_slice(), r#""src/*.rs""#),
        (b"a\xff*", r#"{"bytes":"Yf8q"}"#),
        (b".", r#"".""#),
    ] {
        let pattern = Pattern::parse(bytes).expect("a pattern");
        assert_eq!(serde_json::to_string(&pattern).expect("JSON"), json);
        assert_eq!(serde_json::from_str::<Pattern>(json).expect("a pattern"), pattern);
    }
    for json in [r#""""#, r#"{"bytes":"?"}"#, "1", "{}", r#""a["#, r#"{"bytes":"YQ==","x":1}"#] {
        let read = serde_json::from_str::<Pattern>(json);
        assert_eq!(
            read.is_ok(),
            json.contains("\"x\""),
            "{json}: only an unknown field is left out"
        );
    }
    let path = ProjectPath::new(b"a\xff").expect("a path");
    let json = serde_json::to_string(&path).expect("JSON");
    assert_eq!(serde_json::from_str::<ProjectPath>(&json).expect("a path"), path);
    let root = serde_json::to_string(&ProjectPath::root()).expect("JSON");
    assert_eq!(serde_json::from_str::<ProjectPath>(&root).expect("a path"), ProjectPath::root());
}

/// `parse` takes a plain path of a record as it is. `parse_in` reads the same text token by token, as if you typed it
/// in the project's root.
#[test]
fn a_plain_path_equals_the_pattern_read_token_by_token() {
    let root = path(".");
    let from = WorkingFolder { project: Path::new("/p"), folder: &root };
    let mut texts = vec![String::new()];
    for _ in 0..5 {
        let longer = |text: &String| {
            ["a", ".", "/", "\\", "*", "]", "}", ","].map(|it| format!("{text}{it}"))
        };
        let all: Vec<String> = texts.iter().flat_map(longer).collect();
        for text in &all {
            let (read, typed) =
                (Pattern::parse(text.as_bytes()), Pattern::parse_in(text.as_bytes(), &from));
            match (read, typed) {
                (Ok(read), Ok(typed)) => {
                    assert_eq!(read, typed, "{text}");
                    assert_eq!(read.as_literal(), typed.as_literal(), "{text}");
                }
                // A typed path may leave a folder by `..`, or name the project's root; a path in a record may not.
                (Err(_), _) => {}
                (read @ Ok(_), typed @ Err(_)) => panic!("{text}: {read:?}, {typed:?}"),
            }
        }
        texts = all;
    }
}
