//! Files made to exhaust their readers: however deep, long or wide a text is, it is read or refused.

use lokt_tool::{metadata, words::Extension};
use std::thread;

/// What is repeated, as often as there is room for in a file: before a value, and after it.
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

/// What takes the parser time that grows with the square of the length.
const SLOW: [(&str, &str); 5] =
    [("a?(b):c=>", ""), ("a<", ""), ("a<b<", ""), ("class extends ", "{}"), ("({a=", "}=a)")];

const STATEMENTS: [(Extension, &str, &str); 22] = [
    (Extension::Py, "if a:", "b"),
    (Extension::Py, "try:a\nexcept:", ""),
    (Extension::Py, "if a:b\nelif ", ""),
    (Extension::Py, "a;", ""),
    (Extension::Js, "{", ""),
    (Extension::Js, "if(a)", ""),
    (Extension::Js, "if(a);else ", ""),
    (Extension::Js, "for(;;)", ""),
    (Extension::Js, "while(a)", ""),
    (Extension::Js, "do ", ""),
    (Extension::Js, "a:", ""),
    (Extension::Js, "try{", ""),
    (Extension::Js, "switch(a){case a:", ""),
    (Extension::Js, "var {a:", ""),
    (Extension::Js, "var {a=", ""),
    (Extension::Ts, "namespace a{", ""),
    (Extension::Ts, "namespace a.b.", ""),
    (Extension::Ts, "type a=", ""),
    (Extension::Ts, "type a={a:", ""),
    (Extension::Ts, "export ", ""),
    (Extension::Ts, "declare ", ""),
    (Extension::Ts, "abstract class a{a(){", ""),
];

const DATA: [(Extension, &str, &str); 28] = [
    (Extension::Yaml, "a: ", "["),
    (Extension::Yaml, "a: ", "{b: "),
    (Extension::Yaml, "a: ", "[b: "),
    (Extension::Yaml, "a:\n ", "- "),
    (Extension::Yaml, "a:\n ", "? "),
    (Extension::Yaml, "a: ", "!!str "),
    (Extension::Yaml, "a: ", "&a "),
    (Extension::Yaml, "a: ", "b: "),
    (Extension::Yaml, "", "a"),
    (Extension::Yaml, "a: ", "*a "),
    (Extension::Yaml, "", "--- "),
    (Extension::Yaml, "a: \"", "\\n"),
    (Extension::Yaml, "a: |\n", " a\n"),
    (Extension::Yaml, "a: ", "\t"),
    (Extension::Toml, "a=", "["),
    (Extension::Toml, "a=", "{b="),
    (Extension::Toml, "", "a."),
    (Extension::Toml, "[", "a."),
    (Extension::Toml, "", "["),
    (Extension::Toml, "", "[[a]]\n"),
    (Extension::Json, "", "["),
    (Extension::Json, "", "{\"config\":"),
    (Extension::Json, "{\"config\":1", "1"),
    (Extension::Json, "", "\""),
    (Extension::Sh, "# CONFIG = ", "["),
    (Extension::Sh, "# CONFIG = ", "-"),
    (Extension::Sh, "", "#"),
    (Extension::Sh, "", "\n"),
];

/// Reads a text on the stack that a thread usually has.
fn read(extension: Extension, text: String) {
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
            read(Extension::Py, format!("CONFIG = {}", repeated(count, before, after)));
        }
    }
    for (before, after) in [("f'{", "}'"), ("f'{a:{", "}}'")] {
        read(Extension::Py, format!("CONFIG = {}", repeated(200, before, after)));
    }
    let nested: String = (0..300).flat_map(|it| [" ".repeat(it), "if a:\n".to_owned()]).collect();
    read(Extension::Py, nested);
}

#[test]
fn no_javascript_exhausts_its_reader() {
    for (before, after) in JAVASCRIPT {
        for count in COUNTS {
            read(Extension::Js, format!("const CONFIG = {}", repeated(count, before, after)));
            read(Extension::Ts, format!("const CONFIG = {}", repeated(count, before, after)));
        }
    }
    for (before, after) in SLOW {
        read(Extension::Js, format!("const CONFIG = {}", repeated(200, before, after)));
        read(Extension::Ts, format!("const CONFIG = {}", repeated(200, before, after)));
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
    for extension in Extension::ALL {
        for part in ["[", "- ", "a.", "(\n"] {
            read(extension, part.repeat(8 * 1024 * 1024 / part.len()));
        }
    }
}
