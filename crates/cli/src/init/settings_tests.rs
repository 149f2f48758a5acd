use super::*;
use crate::init::hooks_file::{CLAUDE_CODE, CODEX, COPILOT, CURSOR, GEMINI, HookPurpose};
use HookStrictness::{Lenient, Strict};
use proptest::prelude::*;

const FILES: [&HooksFile; 5] = [&CLAUDE_CODE, &CODEX, &GEMINI, &CURSOR, &COPILOT];

fn value(text: &str) -> Value {
    let plain = JsonText::of(text.trim_start_matches('\u{feff}')).plain;
    serde_json::from_str(&plain).unwrap_or_else(|flaw| panic!("{flaw}: {text}"))
}

fn removed(text: &str, file: &HooksFile) -> String {
    match cut(text, file).unwrap() {
        HookRemoval::Text(left) => left,
        other => panic!("{other:?}: {text}"),
    }
}

/// Puts the hooks in, requires that each is there once, changes their strictness, and takes them out again.
fn round(text: &str, file: &HooksFile) {
    let with = put(Some(text), file, None).unwrap_or_else(|flaw| panic!("{flaw}: {text:?}"));
    assert_eq!(with.starts_with('\u{feff}'), text.starts_with('\u{feff}'), "the mark stays");
    let all = value(&with);
    for entry in file.entries {
        let groups = all[HOOKS][entry.event].as_array().unwrap();
        let hook = file.hook(entry, Lenient);
        assert_eq!(groups.iter().filter(|it| **it == hook).count(), 1, "{with}");
    }
    assert_eq!(put(Some(&with), file, None).unwrap(), with, "the second time changes nothing");
    let strict = put(Some(&with), file, Some(Strict)).unwrap();
    assert_ne!(strict, with);
    assert_eq!(put(Some(&strict), file, None).unwrap(), strict, "strict hooks stay strict");
    assert_eq!(put(Some(text), file, Some(Strict)).unwrap(), strict, "the way does not matter");
    assert_eq!(put(Some(&strict), file, Some(Lenient)).unwrap(), with, "and it leads back");
    for with in [with, strict] {
        assert_eq!(removed(&with, file), text, "{with}");
    }
}

#[test]
fn every_place_is_told_apart() {
    for text in [
        "",
        " ",
        "\n",
        "\r\n\t",
        "\u{feff}",
        "\u{feff}\n",
        "\u{feff}{}",
        "\u{feff}{\r\n  \"a\": 1\r\n}\r\n",
        "{}",
        "{ }",
        "{\n}\n",
        "{\"a\":1}",
        "{\n  \"a\": 1.50e3\n}\n",
        "{\n\t\"a\": [1,\n2]\n}",
        "{\r\n    \"a\": 1\r\n}\r\n",
        "{\"hooks\":{}}",
        "{\"hooks\": { }, \"a\": 1}",
        "{\n  \"hooks\": {\n  }\n}\n",
        "{\n  \"hooks\": {\"SessionStart\": []}\n}\n",
        "{\n  \"hooks\": {\n    \"SessionStart\": [\n    ]\n  },\n  \"b\": 2\n}\n",
        "{\"hooks\": {\"SessionStart\": [ ], \"Stop\": []}}",
        "{\"hooks\": {\"Other\": [{\"hooks\":[{\"type\":\"command\",\"command\":\"lokt prime\"}]}]}}",
        "{\n  \"hooks\": {\n    \"Stop\": []\n  }\n}",
        "{\n  \"hooks\": {\n    \"SessionStart\": [\n      {\"hooks\": []}\n    ]\n  }\n}",
        "{\"hooks\":{\"SessionStart\":[{\"matcher\":\"startup\"}]}}",
        "{\"hooks\":{\"PreToolUse\":[{\"matcher\":\"Bash\"}],\"preToolUse\":[{\"command\":\"x\"}]}}",
        "{\"a\\\"b\": 1, \"hooks\": {\"SessionStart\": []}, \"c\\\"d\": 2}",
        "// first\n{\n  // ours\n  \"a\": 1 // one\n}\n// end",
        "{\n  \"a\": 1, // one\n  \"b\": \"// no\" /* two */ // three\n  /* 4,\n }] */\n}",
        "{\r\n  \"a\": 1 // one\r\n}\r\n",
        "{ // empty\n}",
        "{ /* \u{e9} */ }",
        "{\"a\": 1 /* \u{1f600} */}",
        "{\n  \"hooks\": { // ours\n    \"SessionStart\": [ /* none */ ],\n    \"Stop\": [\n      {} // last\n    ]\n  } // b\n}",
        "{\n  \"hooks\": {\n    // \"PreToolUse\": []\n  }\n}",
    ] {
        for file in FILES {
            round(text, file);
        }
    }
}

#[test]
fn the_layout_is_the_files_own() {
    let with = put(Some("{\n\t\"a\": 1 // why\n}\n"), &CLAUDE_CODE, None).unwrap();
    let hooks = "\t\"hooks\": {\n\t\t\"SessionStart\": [\n\t\t\t{\n";
    assert!(with.starts_with(&format!("{{\n\t\"a\": 1, // why\n{hooks}")), "{with}");
    assert!(with.ends_with("\n\t}\n}\n"), "{with}");
}

#[test]
fn a_file_that_was_made_goes_unless_it_was_changed() {
    for file in FILES {
        for strictness in [None, Some(Strict)] {
            let made = put(None, file, strictness).unwrap();
            assert_eq!(
                put(Some(&made), file, None).unwrap(),
                made,
                "the second time changes nothing"
            );
            assert_eq!(cut(&made, file).unwrap(), HookRemoval::Nothing);
            let changed = made.replacen('{', "{\n  \"model\": \"x\",", 1);
            let left = value(&removed(&changed, file));
            assert_eq!((&left["model"], left.get(HOOKS)), (&json!("x"), None), "{left}");
        }
    }
}

#[test]
fn laid_out_anew_they_are_still_found() {
    for was in [
        json!({"z": 1}),
        json!({"hooks": {"Other": []}}),
        json!({"hooks": {"SessionStart": [{"a": 1}], "PreToolUse": [{"a": 1}]}}),
    ] {
        let with = value(&put(Some(&was.to_string()), &CLAUDE_CODE, None).unwrap());
        for text in [serde_json::to_string_pretty(&with).unwrap(), with.to_string()] {
            assert_eq!(value(&removed(&text, &CLAUDE_CODE)), was, "{text}");
        }
    }
}

/// A list of hooks of a user, around and between those of `init`, in lines.
fn surrounded(made: &str, own: [&str; 3]) -> String {
    let list = made.find("\"PreToolUse\": [").unwrap() + "\"PreToolUse\": [".len();
    let (before, rest) = made.split_at(list);
    let between = rest.find("\n      },\n      {").unwrap() + "\n      },".len();
    let (first, rest) = rest.split_at(between);
    let end = rest.find("\n    ]").unwrap();
    let (second, behind) = rest.split_at(end);
    let [one, two, three] = own;
    format!("{before}\n      {one},{first}\n      {two},{second},\n      {three}{behind}")
}

#[test]
fn hooks_of_a_user_before_between_and_after_stay_as_they_are() {
    let own = ["{ \"own\":1 }", "{\"own\" : 2}", "{\"own\":3}"];
    for (strictness, comment) in
        [(Lenient, ""), (Strict, ""), (Lenient, " // why"), (Strict, " /* , */")]
    {
        let made = put(None, &CLAUDE_CODE, Some(strictness)).unwrap();
        let text = surrounded(&made, own);
        let text = text.replace(",\n      {\n", &format!(",{comment}\n      {{\n"));
        assert_eq!(put(Some(&text), &CLAUDE_CODE, None).unwrap(), text, "all are there already");
        let left = removed(&text, &CLAUDE_CODE);
        let lists = json!({"hooks": {"PreToolUse": [{"own": 1}, {"own": 2}, {"own": 3}]}});
        assert_eq!(value(&left), lists, "{text}");
        for own in own {
            assert!(left.contains(&format!("\n      {own}")), "{own} stays, in its line: {left}");
        }
        if comment.is_empty() {
            let lines = "{\n  \"hooks\": {\n    \"PreToolUse\": [\n      ONE,\n      TWO,\n      THREE\n    ]\n  }\n}\n";
            let [one, two, three] = own;
            let lines = lines.replace("ONE", one).replace("TWO", two).replace("THREE", three);
            assert_eq!(left, lines, "as if the user had written them alone");
        }
    }
}

#[test]
fn what_a_user_has_changed_elsewhere_stays() {
    let before = "{\n  \"model\": \"x\" // why\n}";
    let with = put(Some(before), &CURSOR, None).unwrap();
    let edit = |text: &str| {
        let text = text.replace("\"x\"", "\"y\"");
        let last = text.rfind('}').unwrap();
        let (kept, end) = text.split_at(last);
        format!("{},\n  \"new\": [1, 2] // later\n{end}", kept.trim_end())
    };
    let left = removed(&edit(&with), &CURSOR);
    assert_eq!(left, "{\n  \"model\": \"y\", // why\n  \"new\": [1, 2] // later\n}");
}

#[test]
fn a_comment_never_swallows_what_follows() {
    let hook = GEMINI.hook(&GEMINI.entries[0], Lenient).to_string();
    for (text, left) in [
        (
            "{\"hooks\": {\"SessionStart\": [\n1, // a\nHOOK]}}",
            "{\"hooks\": {\"SessionStart\": [\n1 // a\n]}}",
        ),
        (
            "{\"hooks\": {\"SessionStart\": [\n1, // a\nHOOK, 2]}}",
            "{\"hooks\": {\"SessionStart\": [\n1, // a\n 2]}}",
        ),
        (
            "{\"hooks\": {\"SessionStart\": [ // a\r\nHOOK, 2]}}",
            "{\"hooks\": {\"SessionStart\": [ // a\r\n 2]}}",
        ),
        (
            "{\"hooks\": {\"SessionStart\": [\n1 // a\n, HOOK]}}",
            "{\"hooks\": {\"SessionStart\": [\n1 // a\n]}}",
        ),
        (
            "{\"hooks\": {\"SessionStart\": [\n// a\nHOOK // b\n, 2]}}",
            "{\"hooks\": {\"SessionStart\": [\n// a\n // b\n 2]}}",
        ),
    ] {
        assert_eq!(removed(&text.replace("HOOK", &hook), &GEMINI), left, "{text}");
    }
}

#[test]
fn a_hook_that_a_user_wrote_is_enough() {
    let own = r#"{"hooks":{"SessionStart":[{"matcher":"startup","hooks":[{"type":"command","command":"bin/lokt prime || true"}]}],"PreToolUse":[{"hooks":[{"type":"command","command":"lokt hook claude-code"}]}]}}"#;
    let with = put(Some(own), &CLAUDE_CODE, Some(Strict)).unwrap();
    let all = value(&with);
    assert_eq!(all[HOOKS]["PreToolUse"].as_array().unwrap().len(), 1, "{with}");
    assert_eq!(all[HOOKS]["SessionStart"].as_array().unwrap().len(), 2, "{with}");
    let others = [("SessionStart", "lokt prime"), ("PreToolUse", "lokt hook")];
    assert_eq!(super::others(&with, &CLAUDE_CODE), others);
    assert_eq!(removed(&with, &CLAUDE_CODE), own, "they are not ours to take out");
    assert_eq!(cut(own, &CLAUDE_CODE).unwrap(), HookRemoval::Same);
}

#[test]
fn the_hook_of_an_earlier_version_is_renewed_and_taken_out_as_before() {
    let earlier = HooksFile::with_entries(&CLAUDE_CODE, &CLAUDE_CODE.entries[..1]);
    let command = earlier.command(&earlier.entries[0], Lenient);
    for before in [
        None,
        Some("{}"),
        Some(""),
        Some("\r\n"),
        Some("{\n  \"a\": 1\n}\n"),
        Some("{\"hooks\": {\"SessionStart\": []}}"),
        Some("{\n  \"hooks\": {\n    \"Stop\": [{}]\n  }\n}\n"),
    ] {
        let second = put(before, &earlier, None).unwrap();
        let first = second.replace(&command, "lokt prime");
        assert_ne!(first, second);
        for old in [first, second] {
            let with = put(Some(&old), &CLAUDE_CODE, None).unwrap();
            for text in [&old, &with] {
                let back =
                    before.map_or(HookRemoval::Nothing, |it| HookRemoval::Text(it.to_owned()));
                assert_eq!(cut(text, &CLAUDE_CODE).unwrap(), back, "{text}");
            }
            if let Some(before) = before.filter(|it| it.contains('}')) {
                let now = put(Some(before), &CLAUDE_CODE, None).unwrap();
                assert_eq!(with, now, "as if it had been put in today");
            }
        }
    }
}

#[test]
fn the_lines_never_block_where_the_program_is_missing_unless_they_are_strict() {
    for file in FILES {
        for entry in file.entries {
            for strictness in [Lenient, Strict] {
                let line = file.command(entry, strictness);
                let is_guarded = line.starts_with("! command -v lokt >/dev/null 2>&1 || lokt ");
                let denies = strictness == Strict && entry.purpose == HookPurpose::Edit;
                assert_eq!(is_guarded, !denies, "{line}");
                assert_eq!(line.ends_with("exit 2; }"), denies, "{line}");
                let decides = matches!(entry.purpose, HookPurpose::Edit | HookPurpose::Tool);
                assert_eq!(line.contains("--strict"), decides && strictness == Strict, "{line}");
            }
        }
    }
}

#[test]
fn what_is_in_doubt_is_refused() {
    for (text, why) in [
        ("{\"a\": 1,}", "it is not JSON: trailing comma"),
        ("{\"a\": 1, // why\n}", "it is not JSON: trailing comma"),
        ("{\"a\": \"// no\"", "it is not JSON: EOF"),
        ("{ /* \"b\": 2}", "it is not JSON"),
        ("\u{a0}", "it is not JSON"),
        ("{} {}", "it is not JSON"),
        ("[]", "the file is not an object"),
        ("{\"hooks\": null}", "\"hooks\" is not an object"),
        ("{\"hooks\": {\"SessionStart\": {}}}", "\"SessionStart\" is not a list"),
        ("{\"hooks\": {\"Stop\": 1}}", "\"Stop\" is not a list"),
        ("{\"hooks\": {}, \"hooks\": {}}", "twice"),
        ("\u{feff}\u{feff}{}", "it is not JSON"),
    ] {
        let put = put(Some(text), &CLAUDE_CODE, None).unwrap_err().to_string();
        assert!(put.contains(why), "{text:?}: {put}");
        assert_eq!(
            cut(text, &CLAUDE_CODE).unwrap(),
            HookRemoval::Same,
            "there is nothing to take out"
        );
    }
    let by_hand = "{\"hooks\": [\"lokt prime\"] // by hand\n}";
    assert!(cut(by_hand, &CLAUDE_CODE).is_err());
}

/// White space as JSON has it, and comments.
fn space() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "",
        " ",
        "  ",
        "\n",
        "\n  ",
        "\n\t",
        "\r\n    ",
        " // ,}\n ",
        "/* [ */",
    ])
}

fn object(members: &[(String, String)], spaces: &[&str]) -> String {
    let space = |at: usize| spaces.get(at % spaces.len().max(1)).copied().unwrap_or("");
    let members = members.iter().enumerate().map(|(at, (key, value))| {
        format!("{}\"{key}\"{}:{}{value}{}", space(at), space(at + 1), space(at + 2), space(at + 3))
    });
    let members: Vec<String> = members.collect();
    let empty = if members.is_empty() { space(0) } else { "" };
    format!("{{{empty}{}}}", members.join(","))
}

fn others() -> impl Strategy<Value = Vec<(String, String)>> {
    let value =
        prop::sample::select(vec!["1", "1.0e+2", "\"x, \\\"}]\"", "[ ]", "{\"a\":\n[1]}", "null"]);
    let keys = prop::sample::subsequence(vec!["a", "b\\\"c", "d:{", "\\u0068ook"], 0..3);
    (keys, value).prop_map(|(keys, value)| {
        keys.iter().map(|it| ((*it).to_owned(), value.to_owned())).collect()
    })
}

prop_compose! {
    fn document()(
        top in others(),
        inner in others(),
        depth in 0..4,
        groups in prop::sample::select(vec!["{}", "{\"hooks\":[]} , {\"a\":\n1}"]),
        spaces in prop::collection::vec(space(), 1..7),
        around in (space(), space()),
        place in any::<bool>(),
        event in prop::sample::select(vec!["SessionStart", "PreToolUse", "SessionEnd"]),
        mark in prop::sample::select(vec!["", "", "\u{feff}"]),
    ) -> String {
        let with = |mut all: Vec<(String, String)>, key: &str, value: String| {
            let at = if place { 0 } else { all.len() };
            all.insert(at, (key.to_owned(), value));
            all
        };
        let list = if depth == 3 { groups.to_owned() } else { String::new() };
        let list = format!("[{}{list}{}]", spaces[0], spaces[spaces.len() / 2]);
        let inner = if depth >= 2 { with(inner, event, list) } else { inner };
        let top = if depth >= 1 { with(top, HOOKS, object(&inner, &spaces)) } else { top };
        format!("{mark}{}{}{}", around.0, object(&top, &spaces), around.1)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn cutting_gives_back_what_was_there(text in document(), at in 0..FILES.len()) {
        round(&text, FILES[at]);
    }
}
