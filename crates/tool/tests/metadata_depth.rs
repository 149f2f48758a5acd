//! Files that try to exhaust their readers: a text of any depth, length or width is read or refused.

use lokt_tool::{metadata, words::ToolFileExtension};
use std::thread;

/// Texts that are repeated as often as a file has room: before a value, and after it.
const PYTHON: [(&str, &str); 24] = [
    ("[", ""),
    ("[", "]"),
    ("{1:", "}"),
    ("(", ")"),
    ("-", ""),
    ("not ", ""),
    ("await ", ""),
    ("lambda:", ""),
    ("lambda a=", ":b"),
    ("x if x else ", ""),
    ("a**", ""),
    ("", "+a"),
    ("", ".b"),
    ("", "[0]"),
    ("", "()"),
    ("", "(a"),
    ("", " and a or a"),
    ("", " < a"),
    ("a:=", ""),
    ("[a for a in ", "]"),
    ("*", ""),
    ("yield ", ""),
    ("'a'", ""),
    ("a=", ""),
];

const JAVASCRIPT: [(&str, &str); 38] = [
    ("[", ""),
    ("[", "]"),
    ("({a:", "})"),
    ("(", ""),
    ("(", ")"),
    ("-", ""),
    ("- -", ""),
    ("typeof ", ""),
    ("await ", ""),
    ("new ", ""),
    ("a=>", ""),
    ("(a)=>", ""),
    ("(a=", ")=>a"),
    ("async(a)=>", ""),
    ("a?", ""),
    ("a?b:", ""),
    ("a=", ""),
    ("a**", ""),
    ("", "+a"),
    ("", ".b"),
    ("", "?.b"),
    ("", "[0]"),
    ("", "()"),
    ("", "`a`"),
    ("", "!"),
    ("", " as a"),
    ("", ",a"),
    ("`${", "}`"),
    ("[...", "]"),
    ("class{a=", "}"),
    ("function(){return ", "}"),
    ("@a ", ""),
    ("<a>", ""),
    ("/", ""),
    ("", " as a<b"),
    ("", " as [a"),
    ("", " as keyof a"),
    ("", " as a extends b?c:d"),
];

/// Texts that take the parser a time that grows with the square of the length.
const SLOW: [(&str, &str); 5] =
    [("a?(b):c=>", ""), ("a<", ""), ("a<b<", ""), ("class extends ", "{}"), ("({a=", "}=a)")];

const STATEMENTS: [(ToolFileExtension, &str, &str); 22] = [
    (ToolFileExtension::Py, "if a:", "b"),
    (ToolFileExtension::Py, "try:a\nexcept:", ""),
    (ToolFileExtension::Py, "if a:b\nelif ", ""),
    (ToolFileExtension::Py, "a;", ""),
    (ToolFileExtension::Js, "{", ""),
    (ToolFileExtension::Js, "if(a)", ""),
    (ToolFileExtension::Js, "if(a);else ", ""),
    (ToolFileExtension::Js, "for(;;)", ""),
    (ToolFileExtension::Js, "while(a)", ""),
    (ToolFileExtension::Js, "do ", ""),
    (ToolFileExtension::Js, "a:", ""),
    (ToolFileExtension::Js, "try{", ""),
    (ToolFileExtension::Js, "switch(a){case a:", ""),
    (ToolFileExtension::Js, "var {a:", ""),
    (ToolFileExtension::Js, "var {a=", ""),
    (ToolFileExtension::Ts, "namespace a{", ""),
    (ToolFileExtension::Ts, "namespace a.b.", ""),
    (ToolFileExtension::Ts, "type a=", ""),
    (ToolFileExtension::Ts, "type a={a:", ""),
    (ToolFileExtension::Ts, "export ", ""),
    (ToolFileExtension::Ts, "declare ", ""),
    (ToolFileExtension::Ts, "abstract class a{a(){", ""),
];

const DATA: [(ToolFileExtension, &str, &str); 28] = [
    (ToolFileExtension::Yaml, "a: ", "["),
    (ToolFileExtension::Yaml, "a: ", "{b: "),
    (ToolFileExtension::Yaml, "a: ", "[b: "),
    (ToolFileExtension::Yaml, "a:\n ", "- "),
    (ToolFileExtension::Yaml, "a:\n ", "? "),
    (ToolFileExtension::Yaml, "a: ", "!!str "),
    (ToolFileExtension::Yaml, "a: ", "&a "),
    (ToolFileExtension::Yaml, "a: ", "b: "),
    (ToolFileExtension::Yaml, "", "a"),
    (ToolFileExtension::Yaml, "a: ", "*a "),
    (ToolFileExtension::Yaml, "", "--- "),
    (ToolFileExtension::Yaml, "a: \"", "\\n"),
    (ToolFileExtension::Yaml, "a: |\n", " a\n"),
    (ToolFileExtension::Yaml, "a: ", "\t"),
    (ToolFileExtension::Toml, "a=", "["),
    (ToolFileExtension::Toml, "a=", "{b="),
    (ToolFileExtension::Toml, "", "a."),
    (ToolFileExtension::Toml, "[", "a."),
    (ToolFileExtension::Toml, "", "["),
    (ToolFileExtension::Toml, "", "[[a]]\n"),
    (ToolFileExtension::Json, "", "["),
    (ToolFileExtension::Json, "", "{\"config\":"),
    (ToolFileExtension::Json, "{\"config\":1", "1"),
    (ToolFileExtension::Json, "", "\""),
    (ToolFileExtension::Sh, "# CONFIG = ", "["),
    (ToolFileExtension::Sh, "# CONFIG = ", "-"),
    (ToolFileExtension::Sh, "", "#"),
    (ToolFileExtension::Sh, "", "\n"),
];

/// Reads a text on a stack of the usual size.
fn read(extension: ToolFileExtension, text: String) {
    let shown: String = text.chars().take(60).collect();
    let reader = thread::Builder::new().stack_size(2 * 1024 * 1024);
    let reader = reader.spawn(move || drop(metadata::read(&text, extension)));
    assert!(reader.is_ok_and(|it| it.join().is_ok()), "{shown:?} is read or refused");
}

fn repeated(count: usize, before: &str, after: &str) -> String {
    format!("{}a{}", before.repeat(count), after.repeat(count))
}

const COUNTS: [usize; 2] = [60, 5_000];

#[test]
fn no_python_exhausts_its_reader() {
    for (before, after) in PYTHON {
        for count in COUNTS {
            read(ToolFileExtension::Py, format!("CONFIG = {}", repeated(count, before, after)));
        }
    }
    for (before, after) in [("f'{", "}'"), ("f'{a:{", "}}'")] {
        read(ToolFileExtension::Py, format!("CONFIG = {}", repeated(200, before, after)));
    }
    let nested: String = (0..300).flat_map(|it| [" ".repeat(it), "if a:\n".to_owned()]).collect();
    read(ToolFileExtension::Py, nested);
}

#[test]
fn no_javascript_exhausts_its_reader() {
    for (before, after) in JAVASCRIPT {
        for count in COUNTS {
            read(
                ToolFileExtension::Js,
                format!("const CONFIG = {}", repeated(count, before, after)),
            );
            read(
                ToolFileExtension::Ts,
                format!("const CONFIG = {}", repeated(count, before, after)),
            );
        }
    }
    for (before, after) in SLOW {
        read(ToolFileExtension::Js, format!("const CONFIG = {}", repeated(200, before, after)));
        read(ToolFileExtension::Ts, format!("const CONFIG = {}", repeated(200, before, after)));
    }
}

#[test]
fn no_statements_exhaust_their_reader() {
    for (extension, part, end) in STATEMENTS {
        for count in COUNTS {
            read(extension, part.repeat(count) + end);
        }
    }
}

#[test]
fn no_data_exhaust_their_reader() {
    for (extension, begin, part) in DATA {
        for count in COUNTS {
            read(extension, begin.to_owned() + &part.repeat(count));
        }
    }
}

#[test]
fn the_largest_files_are_refused_at_once() {
    for extension in ToolFileExtension::ALL {
        for part in ["[", "- ", "a.", "(\n"] {
            read(extension, part.repeat(8 * 1024 * 1024 / part.len()));
        }
    }
}
