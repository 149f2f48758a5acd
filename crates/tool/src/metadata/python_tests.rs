use super::*;
use crate::metadata::ToolMetadata;

fn value_of(literal: &str) -> String {
    let fields = read(&format!("CONFIG = {literal}\n")).unwrap();
    fields.into_iter().map(|it| it.value.as_ref().unwrap().to_string()).collect()
}

#[test]
fn a_literal_has_its_value() {
    for (literal, expected) in [
        ("'a' \"b\" r'\\c'", r#""ab\\c""#),
        ("'''a\nb'''", r#""a\nb""#),
        ("('a'\n 'b')", r#""ab""#),
        ("'\\u00e9\\N{BULLET}'", r#""é•""#),
        ("'\\ufffd'", "\"\u{fffd}\""),
        ("1.0", "1.0"),
        ("1e16", "1e+16"),
        ("-1", "-1"),
        ("- + -1_0", "10"),
        ("0xFFFFFFFFFFFFFFFFFF", "4722366482869645213695"),
        ("-123456789012345678901234567890", "-123456789012345678901234567890"),
        ("(True, False, None)", "[true,false,null]"),
        ("1, 2", "[1,2]"),
        ("()", "[]"),
        ("{'a': {}, 'a': [1, ]}", r#"{"a":[1]}"#),
        ("{1: 1, True: 2, None: 3, -0.5: 4}", r#"{"1":1,"true":2,"null":3,"-0.5":4}"#),
    ] {
        assert_eq!(value_of(literal), expected, "{literal} has its value");
    }
}

#[test]
fn what_would_have_to_be_run_is_refused_where_it_stands() {
    for (literal, column) in [
        ("x", 10),
        ("f()", 10),
        ("[1, x]", 14),
        ("{'a': x}", 16),
        ("{x: 1}", 11),
        ("{**x}", 13),
        ("{1, 2}", 10),
        ("b'a'", 10),
        ("f'a'", 10),
        ("t'a'", 10),
        ("'a' f'b'", 10),
        ("1j", 10),
        ("1 + 1", 10),
        ("~1", 10),
        ("not True", 10),
        ("-True", 11),
        ("-'a'", 11),
        ("...", 10),
        ("[*x]", 11),
        ("[a for a in b]", 10),
        ("(yield)", 11),
    ] {
        let error = read(&format!("\nCONFIG = {literal}")).unwrap_err();
        let place = TextPosition { line: 2, column };
        let line = format!("CONFIG = {literal}");
        let key = "CONFIG".to_owned();
        assert_eq!(
            error,
            ToolMetadataFlaw::NotLiteral { place, key, line },
            "{literal} is not run"
        );
    }
    for refused in ["1e999", "{(1, 2): 3}", "'\\ud800'", &"9".repeat(5000)] {
        let error = read(&format!("CONFIG = {refused}")).unwrap_err();
        assert!(matches!(error, ToolMetadataFlaw::Syntax { .. }), "{refused} is refused: {error}");
    }
}

#[test]
fn only_plain_assignments_of_the_module_count() {
    let text = "\u{feff}import x\r\n__version__ = '1'\r\n__version__ += '2'\r\n__category__: str = 'c'\r\n\
        a = CONFIG = 1\r\nENV_CONFIG, b = 1, 2\r\nx.CONFIG = 1\r\n[CONFIG] = [1]\r\n\
        def f():\r\n  CONFIG = 1\r\ntry:\r\n  CONFIG = 1\r\nfinally: pass\r\n(__version__) = '3'; b = x\r\n";
    let fields = read(text).unwrap();
    let read: Vec<_> =
        fields.iter().map(|it| (it.key, it.value.as_ref().unwrap().to_string())).collect();
    let expected = [("version", "\"1\"".to_owned()), ("version", "\"3\"".to_owned())];
    assert_eq!(read, expected, "nothing else is metadata");
    let places: Vec<_> = fields.iter().map(|it| (it.place.line, it.place.column)).collect();
    assert_eq!(places, [(2, 15), (14, 17)], "a value has its place");
}

#[test]
fn what_is_no_python_is_refused_where_it_ends() {
    for (text, line) in [("\na = (\n", 3), ("a\r\nb c", 2), ("print 'a'", 1), ("if a:\nb", 2)] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("line {line}, ")), "{text:?} is refused: {error}");
    }
}

#[test]
fn lists_are_as_deep_as_is_allowed_and_no_deeper() {
    let nested = |count: usize| format!("CONFIG = {}{}", "[".repeat(count), "]".repeat(count));
    assert!(read(&nested(MAX_DEPTH + 1)).is_ok(), "the deepest list may be empty");
    assert!(read(&nested(MAX_DEPTH + 2)).is_err(), "and has nothing in it");
}

#[test]
fn a_schema_may_be_computed_and_the_last_one_counts() {
    let schema = |text: &str| ToolMetadata::of_fields(read(text).unwrap()).unwrap();
    for computed in ["{'enum': ACTIONS}", "f()", "{**BASE}", "[x for x in y]", "f'{a}'", "A | B"] {
        let text = format!("__version__ = '1'\nCONFIG_SCHEMA = {{}}\nCONFIG_SCHEMA = {computed}\n");
        let metadata = schema(&text);
        assert_eq!(metadata.config_schema, None, "{computed} counts as absent");
        assert_eq!(metadata.computed_schema.unwrap().line, 3, "{computed}");
        assert_eq!(metadata.version.unwrap().to_string(), "1", "the item stays usable");
        let metadata = schema(&format!("{text}CONFIG_SCHEMA = {{'type': 'object'}}\n"));
        assert!(metadata.config_schema.is_some() && metadata.computed_schema.is_none());
    }
    for flawed in ["'\\ud800'", "1e999"] {
        assert!(read(&format!("CONFIG_SCHEMA = {flawed}")).is_err(), "{flawed} is no value at all");
    }
}
