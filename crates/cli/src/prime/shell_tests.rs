use super::*;

/// The operations of a script as `names | command`.
fn found(text: &str) -> Vec<String> {
    let show = |it: &GuardedOperation| {
        format!("{} | {}", it.names.join(","), it.instead_of.as_deref().unwrap_or("-"))
    };
    operations(text, "scripts/it", "scripts/it").iter().map(show).collect()
}

#[test]
fn guards_are_found_wherever_a_command_can_stand() {
    for (text, operation) in [
        ("lokt guard build -- make build", "build | make build"),
        ("exec lokt guard deploy --ttl 5m -- ./real \"$@\"", "deploy | ./real '$@'"),
        ("if ! lokt guard x -- a; then b; fi", "x | a"),
        ("a && lokt guard x -- b || c", "x | b"),
        ("A=1 B=2 lokt guard x -- b", "x | b"),
        ("sudo -E env A=1 lokt guard x -- b", "x | b"),
        ("timeout 10m lokt guard x -- b", "x | b"),
        ("out=$(lokt guard x -- b c)", "x | b c"),
        ("f() { lokt guard x -- b; }", "x | b"),
        ("sh -c 'cd a; lokt guard x -- b'", "x | b"),
        ("lokt --owner me guard x -- b", "x | b"),
        ("lokt once tests --input 'src/**' --ttl 1h -- cargo test", "tests | cargo test"),
        ("lokt guard a b --wait --timeout 5m -- c", "a,b | c"),
        ("lokt guard --slots 3 --shared=x a -- c", "a | c"),
        ("lokt guard x -c 'a | b'", "x | a | b"),
        ("lokt guard \\\n  x \\\n  -- a \\\n  b", "x | a b"),
        ("[ -n \"$LOKT_NAME\" ] || exec lokt guard x -- \"$0\" \"$@\"", "x | -"),
    ] {
        assert_eq!(found(text), [operation], "{text}");
    }
}

#[test]
fn the_program_is_known_by_its_name_or_by_what_a_variable_was_given() {
    for text in [
        "./lokt guard x -- a",
        "/usr/bin/lokt guard x -- a",
        "\"$here/../bin/lokt\" guard x -- a",
        "LOKT=./target/lokt\n\"$LOKT\" guard x -- a",
        "export LOKT=${LOKT:-lokt}\n$LOKT guard x -- a",
        "\"${LOKT:-lokt}\" guard x -- a",
    ] {
        assert_eq!(found(text), ["x | a"], "{text}");
    }
    for text in ["$LOKT guard x -- a", "LOKT=other\n$LOKT guard x -- a", "blokt guard x -- a"] {
        assert!(found(text).is_empty(), "nothing says that this is lokt: {text}");
    }
}

#[test]
fn names_are_shown_as_written_and_only_if_they_can_be_names() {
    for (text, name) in [
        ("lokt guard 'build' -- a", "build"),
        ("lokt guard \"deploy-$ENV\" -- a", "deploy-$ENV"),
        ("lokt guard test-${1:-all} -- a", "test-${1:-all}"),
        ("lokt guard \"t-$(git rev-parse HEAD)\" -- a", "t-$(…)"),
        ("lokt guard \"a b\nc$X\" -- a", "a…b…c$X"),
    ] {
        assert_eq!(operations(text, "r", "f")[0].names, [name], "{text}");
    }
    for text in ["lokt guard 'a b' -- c", "lokt guard 'x\n# y' -- c", "lokt guard ../x -- c"] {
        assert!(found(text).is_empty(), "lokt would refuse that name: {text}");
    }
}

#[test]
fn what_is_not_run_is_not_found() {
    for text in [
        "# lokt guard x -- a",
        "echo lokt guard x -- a",
        "cat <<E\nlokt guard x -- a\nE",
        "echo 'run: lokt guard x -- a'",
        "lokt lock x",
        "lokt guard --help",
        "lokt",
    ] {
        assert!(found(text).is_empty(), "{text}");
    }
}

#[test]
fn the_line_is_told() {
    let all =
        operations("#!/bin/sh\n\nlokt guard x \\\n -- a\nsh -c '\nlokt guard y -- b'", "r", "f");
    let lines: Vec<Option<usize>> = all.iter().map(|it| it.line).collect();
    assert_eq!(lines, [Some(3), Some(6)]);
}
