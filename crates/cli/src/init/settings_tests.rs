use super::*;
use proptest::prelude::*;

/// Puts the hook in, requires that it is there once, and takes it out again.
fn round(text: &str) {
    let with = put(Some(text)).unwrap_or_else(|flaw| panic!("{flaw}: {text:?}"));
    let value: Value = serde_json::from_str(with.trim_start_matches('\u{feff}'))
        .unwrap_or_else(|flaw| panic!("{flaw}: {with}"));
    assert_eq!(with.starts_with('\u{feff}'), text.starts_with('\u{feff}'), "the mark stays");
    let groups = value[HOOKS][EVENT].as_array().unwrap();
    assert_eq!(groups.iter().filter(|it| **it == hook()).count(), 1, "{with}");
    assert_eq!(put(Some(&with)).unwrap(), with, "the second time changes nothing");
    assert_eq!(cut(&with).unwrap(), HookRemoval::Text(text.to_owned()), "{with}");
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
        "{\"hooks\": {\"Stop\": [{\"hooks\":[{\"type\":\"command\",\"command\":\"lokt prime\"}]}]}}",
        "{\n  \"hooks\": {\n    \"Stop\": []\n  }\n}",
        "{\n  \"hooks\": {\n    \"SessionStart\": [\n      {\"hooks\": []}\n    ]\n  }\n}",
        "{\"hooks\":{\"SessionStart\":[{\"matcher\":\"startup\"}]}}",
        "{\"a\\\"b\": 1, \"hooks\": {\"SessionStart\": []}, \"c\\\"d\": 2}",
    ] {
        round(text);
    }
}

#[test]
fn the_layout_is_the_files_own() {
    let with = put(Some("{\n\t\"a\": 1\n}\n")).unwrap();
    let hooks = "\t\"hooks\": {\n\t\t\"SessionStart\": [\n\t\t\t{\n";
    assert!(with.starts_with(&format!("{{\n\t\"a\": 1,\n{hooks}")), "{with}");
    assert!(with.ends_with("\n\t}\n}\n"), "{with}");
}

#[test]
fn a_file_that_was_made_goes_unless_it_was_changed() {
    let made = put(None).unwrap();
    assert_eq!(cut(&made).unwrap(), HookRemoval::Nothing);
    let changed = made.replacen('{', "{\n  \"model\": \"x\",", 1);
    let HookRemoval::Text(left) = cut(&changed).unwrap() else { panic!("it stays") };
    assert_eq!(serde_json::from_str::<Value>(&left).unwrap(), json!({"model": "x"}));
}

#[test]
fn laid_out_anew_it_is_still_found() {
    for was in
        [json!({"z": 1}), json!({"hooks": {"Stop": []}}), json!({"hooks": {EVENT: [{"a": 1}]}})]
    {
        let with: Value = serde_json::from_str(&put(Some(&was.to_string())).unwrap()).unwrap();
        for text in [serde_json::to_string_pretty(&with).unwrap(), with.to_string()] {
            let HookRemoval::Text(left) = cut(&text).unwrap() else { panic!("it stays") };
            assert_eq!(serde_json::from_str::<Value>(&left).unwrap(), was, "{text}");
        }
    }
}

#[test]
fn a_hook_that_somebody_wrote_is_enough() {
    let own = r#"{"hooks":{"SessionStart":[{"matcher":"startup","hooks":[{"type":"command","command":"bin/lokt prime || true"}]}]}}"#;
    assert_eq!(put(Some(own)).unwrap(), own);
    assert_eq!(cut(own).unwrap(), HookRemoval::Same, "it is not ours to take out");
}

#[test]
fn the_hook_of_an_earlier_version_is_renewed_and_taken_out_as_before() {
    for before in
        [None, Some("{}"), Some("{\n  \"a\": 1\n}\n"), Some("{\"hooks\": {\"SessionStart\": []}}")]
    {
        let with = put(before).unwrap();
        let old = with.replace(SILENT_COMMAND, COMMAND);
        assert_ne!(old, with);
        assert_eq!(put(Some(&old)).unwrap(), with, "{before:?}");
        assert_eq!(cut(&old).unwrap(), cut(&with).unwrap(), "{before:?}");
    }
}

#[test]
fn what_is_in_doubt_is_refused() {
    for (text, why) in [
        ("{\"a\": 1, // why\n\"b\": 2}", "line 1 has a comment"),
        ("// why\n{}", "line 1 has a comment"),
        ("{\n  /* why */ \"b\": 2}", "line 2 has a comment"),
        ("{\"b\": 2}\n// why", "line 2 has a comment"),
        ("{\"b\": /* why */ 2}", "line 1 has a comment"),
        ("{\"a\": 1,}", "it is not plain JSON: trailing comma"),
        ("{\"a\": \"// no\"", "it is not plain JSON: EOF"),
        ("\u{a0}", "plain JSON"),
        ("{} {}", "plain JSON"),
        ("[]", "the file is not an object"),
        ("{\"hooks\": null}", "\"hooks\" is not an object"),
        ("{\"hooks\": {\"SessionStart\": {}}}", "\"SessionStart\" is not a list"),
        ("{\"hooks\": {}, \"hooks\": {}}", "twice"),
        ("\u{feff}\u{feff}{}", "plain JSON"),
    ] {
        let put = put(Some(text)).unwrap_err().to_string();
        assert!(put.contains(why), "{text:?}: {put}");
        assert_eq!(cut(text).unwrap(), HookRemoval::Same, "there is nothing to take out");
    }
    let by_hand = "{\"hooks\": [\"lokt prime\"] // by hand\n}";
    assert_eq!(put(Some(by_hand)).unwrap(), by_hand);
    assert!(cut(by_hand).unwrap_err().to_string().contains("line 1 has a comment"));
}

/// White space as JSON has it.
fn space() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "", " ", "  ", "\n", "\n  ", "\n\t", "\r\n    "])
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
        mark in prop::sample::select(vec!["", "", "\u{feff}"]),
    ) -> String {
        let with = |mut all: Vec<(String, String)>, key: &str, value: String| {
            let at = if place { 0 } else { all.len() };
            all.insert(at, (key.to_owned(), value));
            all
        };
        let list = if depth == 3 { groups.to_owned() } else { String::new() };
        let list = format!("[{}{list}{}]", spaces[0], spaces[spaces.len() / 2]);
        let inner = if depth >= 2 { with(inner, EVENT, list) } else { inner };
        let top = if depth >= 1 { with(top, HOOKS, object(&inner, &spaces)) } else { top };
        format!("{mark}{}{}{}", around.0, object(&top, &spaces), around.1)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn cutting_gives_back_what_was_there(text in document()) {
        round(&text);
    }
}
