use super::*;

fn config_of(text: &str) -> String {
    let fields = read(text).unwrap();
    fields.into_iter().map(|it| it.value.as_ref().unwrap().to_string()).collect()
}

#[test]
fn a_value_is_read_as_it_is() {
    for (text, expected) in [
        ("config: {a: [1, '1', 1.0], \"b\": ~}", r#"{"a":[1,"1",1.0],"b":null}"#),
        ("config:\n  a: |\n    x\n    y\n  b: >-\n    x\n    y\n", r#"{"a":"x\ny\n","b":"x y"}"#),
        ("config:\n- a\n-\n", r#"["a",null]"#),
        (
            "config: {1: a, true: b, null: c, 1.50: d}",
            r#"{"1":"a","true":"b","null":"c","1.5":"d"}"#,
        ),
        ("x: &a {b: [1]}\nconfig: [*a, *a]\n", r#"[{"b":[1]},{"b":[1]}]"#),
        ("config: [!!str 1, !!float 1, !!int '2', !!seq [], !!map {}]", r#"["1",1.0,2,[],{}]"#),
        ("%YAML 1.2\n---\nconfig: yes\n...\n", r#""yes""#),
        ("\u{feff}a: 1\r\nconfig: x\r\n", r#""x""#),
    ] {
        assert_eq!(config_of(text), expected, "{text:?} is read as it is");
    }
}

#[test]
fn a_value_has_its_place() {
    let fields = read("a: é\r\n\r\nconfig:\r\n  b: c\r\nversion:   1\r\n").unwrap();
    let places: Vec<_> = fields.iter().map(|it| (it.place.line, it.place.column)).collect();
    assert_eq!(places, [(4, 3), (5, 12)], "a value has its place");
}

#[test]
fn what_cannot_be_read_is_refused_with_its_line() {
    for (text, line) in [
        ("", 1),
        ("# nothing\n", 2),
        ("---\n", 2),
        ("a", 1),
        ("\n- a", 2),
        ("a: 1\n---\nb: 1\n", 2),
        ("a: 1\nb: 1\na: 2\n", 3),
        ("config:\n  a: 1\n  'a': 2\n", 3),
        ("1: a\n'1': b\n", 2),
        ("config: {[a]: 1}", 1),
        ("config: {? {a: 1} : 1}", 1),
        ("a: {b: 1}\nconfig:\n  <<: *a\n", 3),
        ("config: &a [*a]", 1),
        ("config:\n  *a\n", 2),
        ("a: 1\nconfig: !x 1", 2),
        ("config: !!binary aaaa", 1),
        ("config: !!set {a}", 1),
        ("config: !!seq {}", 1),
        ("config: !!int x", 1),
        ("!!seq {config: 1}", 1),
        ("config: [1\n", 2),
        ("a: 1\n b: 2\n", 2),
        ("version: .nan", 1),
        ("config: \"\\ud800\"", 1),
    ] {
        let error = read(text).map(|it| format!("{it:?}")).unwrap_err().to_string();
        assert!(error.starts_with(&format!("line {line}, ")), "{text:?} is refused: {error}");
    }
}

#[test]
fn copies_are_bounded() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let copies = vec![format!("*a{}", level - 1); 10].join(", ");
        let line = format!("a{level}: &a{level} [{copies}]\n");
        text += &line;
    }
    let error = read(&text).unwrap_err().to_string();
    assert!(error.contains("aliases"), "a file cannot grow without bound: {error}");
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(640_000), ["*a"; 20].join(","));
    assert!(read(&long).is_err(), "the length of texts counts");
}

#[test]
fn lists_are_as_deep_as_is_allowed_and_no_deeper() {
    let nested = |count: usize| format!("config: {}{}", "[".repeat(count), "]".repeat(count));
    assert!(read(&nested(MAX_DEPTH + 1)).is_ok(), "the deepest list may be empty");
    assert!(read(&nested(MAX_DEPTH + 2)).is_err(), "and has nothing in it");
    let copied = format!("a: &a {}{}\n", "[".repeat(40), "]".repeat(40));
    assert!(read(&format!("{copied}b: [*a]")).is_ok(), "a copy may be deep");
    let deeper = format!("{copied}b: {}*a{}", "[".repeat(30), "]".repeat(30));
    assert!(read(&deeper).is_err(), "a copy counts with what it stands in");
}
