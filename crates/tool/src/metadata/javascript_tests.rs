use super::*;
use crate::metadata::ToolMetadata;

fn value_of(literal: &str) -> String {
    let fields =
        read(&format!("export const CONFIG = {literal}\n"), ToolFileExtension::Ts).unwrap();
    fields.into_iter().map(|it| it.value.as_ref().unwrap().to_string()).collect()
}

#[test]
fn a_literal_has_its_value() {
    for (literal, expected) in [
        ("'a\\u00e9'", r#""aé""#),
        ("`a\nb`", r#""a\nb""#),
        ("1.0", "1.0"),
        ("1", "1"),
        ("1e21", "1e+21"),
        ("1_000", "1000"),
        ("-0x1F", "-31"),
        ("- -1", "1"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("[true, false, null,]", "[true,false,null]"),
        ("{a: 1, 'b c': [], 1: 2, a: 3,}", r#"{"a":3,"b c":[],"1":2}"#),
        ("({a: (1)} as const)", r#"{"a":1}"#),
        ("{a: [1] as const} satisfies Config", r#"{"a":[1]}"#),
    ] {
        assert_eq!(value_of(literal), expected, "{literal} has its value");
    }
}

#[test]
fn what_would_have_to_be_run_is_refused_where_it_stands() {
    for (literal, column) in [
        ("x", 16),
        ("undefined", 16),
        ("f()", 16),
        ("`a${1}`", 16),
        ("a`b`", 16),
        ("[1,,2]", 19),
        ("[...x]", 17),
        ("{...x}", 17),
        ("{x}", 17),
        ("{[x]: 1}", 17),
        ("{a() {}}", 17),
        ("{get a() { return 1 }}", 17),
        ("{a: x}", 20),
        ("{__proto__: {}}", 17),
        ("1n", 16),
        ("+1", 16),
        ("-x", 17),
        ("!0", 16),
        ("1 + 1", 16),
        ("/a/", 16),
        ("() => 1", 16),
    ] {
        let error =
            read(&format!("\nconst CONFIG = {literal}"), ToolFileExtension::Js).unwrap_err();
        let place = TextPosition { line: 2, column };
        let line = format!("const CONFIG = {literal}");
        let key = "CONFIG".to_owned();
        assert_eq!(
            error,
            ToolMetadataFlaw::NotLiteral { place, key, line },
            "{literal} is not run"
        );
    }
    for refused in ["1e999", "'\\ud800'", "`\\ud800`", "{'\\ud800': 1}"] {
        let error = read(&format!("const CONFIG = {refused}"), ToolFileExtension::Js).unwrap_err();
        assert!(matches!(error, ToolMetadataFlaw::Syntax { .. }), "{refused} is refused: {error}");
    }
    assert!(
        read("let CONFIG; CONFIG = {}", ToolFileExtension::Js).is_err(),
        "a value elsewhere is unknown"
    );
}

#[test]
fn only_declarations_at_the_top_count() {
    let text = "#!/usr/bin/env node\r\nimport x from 'x'\r\nexport let __version__ = '1', a = x;\r\n\
        var __version__ = '2'\r\nconst {CONFIG} = x, [ENV_CONFIG] = x\r\n{ const CONFIG = x }\r\n\
        function f() { const CONFIG = x }\r\nexport default x\r\n";
    let fields = read(text, ToolFileExtension::Js).unwrap();
    let read: Vec<_> =
        fields.iter().map(|it| (it.key, it.value.as_ref().unwrap().to_string())).collect();
    let expected = [("version", "\"1\"".to_owned()), ("version", "\"2\"".to_owned())];
    assert_eq!(read, expected, "nothing else is metadata");
    let places: Vec<_> = fields.iter().map(|it| (it.place.line, it.place.column)).collect();
    assert_eq!(places, [(3, 26), (4, 19)], "a value has its place");
}

#[test]
fn a_file_may_be_a_module_or_a_script() {
    let module = "import a from 'a'; await a; export const CONFIG = {};";
    let script = "const a = require('a'); with (a) {} var CONFIG = 010; return;";
    let typed = "import type { A } from 'a'; const CONFIG: A = { a: 1 } as A;";
    for (extension, text, is_read) in [
        (ToolFileExtension::Js, module, true),
        (ToolFileExtension::Js, script, true),
        (ToolFileExtension::Mjs, module, true),
        (ToolFileExtension::Mjs, script, false),
        (ToolFileExtension::Cjs, module, false),
        (ToolFileExtension::Cjs, script, true),
        (ToolFileExtension::Ts, typed, true),
        (ToolFileExtension::Js, typed, false),
    ] {
        let read = super::read(text, extension);
        let fields = read.as_ref().map_or(0, Vec::len);
        assert_eq!(fields == 1, is_read, "{extension:?} {text:?}: {read:?}");
    }
}

#[test]
fn what_is_no_javascript_is_refused_where_it_ends() {
    for (text, line) in [("\nlet a = (\n", 3), ("a\r\nb c", 2), ("const a", 1)] {
        let error = read(text, ToolFileExtension::Js).unwrap_err().to_string();
        assert!(error.starts_with(&format!("line {line}, ")), "{text:?} is refused: {error}");
    }
}

#[test]
fn a_schema_may_be_computed() {
    for computed in [" = {enum: ACTIONS}", " = f()", " = {...base}", " = `${a}`", ""] {
        let text = format!("export const __version__ = '1';\nlet CONFIG_SCHEMA{computed};\n");
        let metadata =
            ToolMetadata::of_fields(read(&text, ToolFileExtension::Mjs).unwrap()).unwrap();
        assert_eq!(metadata.config_schema, None, "{computed} counts as absent");
        assert_eq!(metadata.computed_schema.unwrap().line, 2, "{computed}");
    }
}
