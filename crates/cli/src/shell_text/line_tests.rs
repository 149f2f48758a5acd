use super::{line::ShellLine, read_line, reader::UnreadableLineError};

/// The commands of a line: words with `|` between them, assignments in front with `=`.
fn read(text: &str) -> Vec<String> {
    let line = read_line(text).unwrap_or_else(|why| panic!("{text:?}: {why}"));
    let shown = line.commands.iter().map(|it| {
        let words: Vec<&str> = it.words.iter().map(super::line::PlacedWord::text).collect();
        let assigned = it.assignments.iter().map(String::as_str).chain([""]);
        format!("{}{}", assigned.collect::<Vec<_>>().join("="), words.join("|"))
    });
    shown.collect()
}

#[test]
fn every_simple_command_is_found() {
    for (text, found) in [
        ("a b; c && d || e & f | g", vec!["a|b", "c", "d", "e", "f", "g"]),
        ("A=1 B=\"x y\" a >b 2>&1 c", vec!["A=B=a|c"]),
        ("A=1", vec![]),
        ("a A=1", vec!["a|A=1"]),
        ("'A'=1", vec!["A=1"]),
        ("a[0]=1 b+=2 c", vec!["a=b=c"]),
        ("if a; then b; fi", vec!["a", "b"]),
        ("echo if then fi", vec!["echo|if|then|fi"]),
        ("for x in 1 2; do a $x; done; b", vec!["a|$x", "b"]),
        ("case x in (a|b) c;; d) e;& *) f; esac", vec!["c", "e", "f"]),
        ("f() { a; }; function g() ( b )", vec!["a", "b"]),
        ("{ a; } >b && (c) <d", vec!["a", "c"]),
        ("a \"$(b \"c d\")-e\" `f`", vec!["b|c d", "f", "a|$(…)-e|$(…)"]),
        ("a <(b) >(c)", vec!["b", "c", "a|<(…)|<(…)"]),
        ("cat <<A; b\n$(c) 'x\nA\nd", vec!["cat", "b", "c", "d"]),
        ("a 2 > b {fd}>c 3<d", vec!["a|2"]),
        ("a#b # c\nd", vec!["a#b", "d"]),
        ("[[ a < b && (c) ]] || d", vec!["d"]),
        ("((a << 2)) || d $((b)) ", vec!["d|$(…)"]),
        ("a \\\n b\n\n c", vec!["a|b", "c"]),
        ("! time -p a", vec!["a"]),
        ("", vec![]),
        ("# only\n\n", vec![]),
    ] {
        assert_eq!(read(text), found, "{text:?}");
    }
}

#[test]
fn places_are_bytes_of_the_text() {
    let text = "é=1 ü 'a b'; if  c; then x=$(d e); fi";
    let line = read_line(text).unwrap();
    for command in &line.commands {
        for word in &command.words {
            let there = &text[word.start..];
            let first = word.text().chars().next().unwrap();
            assert!(there.starts_with(first) || there.starts_with('\''), "{there:?}");
        }
    }
}

#[test]
fn where_a_command_stands_is_told() {
    let line = read_line("a & b | c; (d); ! e; f=$(g) h >i").unwrap();
    let facts: Vec<(bool, bool, bool, usize)> = line
        .commands
        .iter()
        .map(|it| (it.is_background, it.is_prefixed, it.has_redirections, it.depth))
        .collect();
    assert_eq!(
        facts,
        [
            (true, false, false, 1),
            (false, false, false, 1),
            (false, false, false, 1),
            (false, false, false, 2),
            (false, true, false, 1),
            (false, false, false, 2),
            (false, false, true, 1),
        ]
    );
    let sets = |text: &str| read_line(text).map(|it: ShellLine| it.sets_path);
    assert_eq!(
        [sets("PATH=x a"), sets("export PATH=x"), sets("A=PATH b")],
        [Ok(true), Ok(true), Ok(false)]
    );
}

#[test]
fn what_is_not_certain_is_an_error() {
    let deep = |count: usize| format!("{}a{}", "$(".repeat(count), ")".repeat(count));
    assert!(read_line(&deep(20)).is_ok());
    for count in [100, 1_000, 100_000] {
        assert_eq!(read_line(&deep(count)).err(), Some(UnreadableLineError::TooDeep));
    }
    for text in [
        "a (",
        "a )",
        "(a",
        "{ a",
        "a; }",
        "if a; fi",
        "a | ",
        "a || ",
        "&",
        "; a",
        "a ;; b",
        "a <",
        "a 'b",
        "a \"b",
        "a $(b",
        "a `b",
        "a ${b",
        "a\\",
        "a $((1)",
        "case a in b",
        "[[ a",
        "for",
        "x(y) z",
        "a\rb",
        "a\0",
        "a <<E\nb",
        "a ${ b;}",
        "a $[b]",
        "coproc a",
        "echo ${x:-<(a)}",
        "a $(b <<E\n) c",
    ] {
        assert!(read_line(text).is_err(), "{text:?}");
    }
}
