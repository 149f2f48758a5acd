use super::*;
use proptest::prelude::*;

const A: &str = "/home/ada/a/.git/lokt";
const B: &str = "/home/ada/b \"c\"/.git/lokt";

/// Configurations as people and Codex write them.
const BEFORE: [&str; 16] = [
    "",
    "\n",
    "model = \"x\"\n",
    "model = \"x\"",
    "model = \"x\"\r\n[tools]\r\nweb_search = true\r\n",
    "# only a comment",
    "[sandbox_workspace_write]\nnetwork_access = true\n",
    "[sandbox_workspace_write]",
    "[ sandbox_workspace_write ] # mine\n\n[projects.\"/a\"]\ntrust_level = \"trusted\"\n",
    "[sandbox_workspace_write]\nwritable_roots = []\n",
    "[sandbox_workspace_write]\nwritable_roots = [ ] # none\n",
    "[sandbox_workspace_write]\nwritable_roots = [\"/x\", '/y']\nnetwork_access = true\n",
    "[sandbox_workspace_write]\nwritable_roots = [\n    \"/x\",\n    \"/y\", # why\n]\n",
    "[sandbox_workspace_write]\nwritable_roots = [\n]\n",
    "sandbox_workspace_write.writable_roots = [\"/x\"]\n",
    "sandbox_workspace_write = { writable_roots = [\"/x\"], network_access = true }\n",
];

fn taken_out(text: &str, path: &str) -> String {
    match cut(text, path).unwrap() {
        WritableRootRemovalOutcome::Text(text) => text,
        other => panic!("{other:?} of {text:?}"),
    }
}

#[test]
fn what_is_put_in_is_found_once_and_taken_out_to_the_byte() {
    for before in BEFORE {
        let with = put(Some(before), A).unwrap_or_else(|error| panic!("{before:?}: {error}"));
        assert_eq!(writable(&with).unwrap().iter().filter(|it| *it == A).count(), 1, "{with}");
        assert_eq!(put(Some(&with), A).unwrap(), with, "a second time changes nothing");
        assert_eq!(taken_out(&with, A), before, "{with}");
        assert_eq!(cut(before, A).unwrap(), WritableRootRemovalOutcome::Same);
        let marked = format!("\u{feff}{before}");
        assert_eq!(taken_out(&put(Some(&marked), A).unwrap(), A), marked);
    }
    let made = put(None, A).unwrap();
    assert_eq!(cut(&made, A).unwrap(), WritableRootRemovalOutcome::Nothing);
}

#[test]
fn two_repositories_share_the_list_and_leave_it_in_any_order() {
    for before in BEFORE {
        let both = put(Some(&put(Some(before), A).unwrap()), B).unwrap();
        assert_eq!(taken_out(&taken_out(&both, B), A), before, "the last one first");
        assert_eq!(taken_out(&taken_out(&both, A), B), before, "the first one first: {both}");
    }
}

#[test]
fn what_codex_adds_behind_it_stays() {
    let with = put(Some("model = \"x\"\n"), A).unwrap();
    let trusted = format!("{with}\n[projects.\"/a\"]\ntrust_level = \"trusted\"\n");
    let left = taken_out(&trusted, A);
    assert!(!left.contains(TABLE) && left.contains("trust_level"), "{left}");
    let more = format!("{with}network_access = true\n");
    let left = parsed(&taken_out(&more, A)).unwrap();
    assert_eq!(left[TABLE]["network_access"].as_bool(), Some(true), "{left:?}");
}

#[test]
fn what_is_unclear_is_not_changed() {
    for text in [
        "[sandbox_workspace_write\n",
        "[sandbox_workspace_write]\nwritable_roots = \"/x\"\n",
        "[sandbox_workspace_write]\nwritable_roots = [1]\n",
        "sandbox_workspace_write = 1\n",
        "sandbox_workspace_write = { network_access = true }\n",
        "sandbox_workspace_write.network_access = true\n",
        "text = \"\"\"\n[sandbox_workspace_write]\n\"\"\"\n",
    ] {
        assert!(put(Some(text), A).is_err(), "{text:?}: {:?}", put(Some(text), A));
    }
}

proptest! {
    #[test]
    fn any_configuration_is_restored(
        keys in prop::collection::vec("[a-z]{1,4} = (true|\"[#\\[\\]a-z ]{0,6}\")\n", 0..4),
        roots in prop::option::of(prop::collection::vec("/[a-z,\\[\\]#]{1,5}", 0..4)),
        separator in "( |\n|\n  )",
        end in "(\n|)",
    ) {
        let keys = keys.iter().enumerate().map(|(number, it)| format!("k{number}{it}"));
        let mut text = keys.collect::<Vec<_>>().concat();
        if let Some(roots) = roots {
            let roots: Vec<String> = roots.iter().map(|it| format!("{separator}{it:?}")).collect();
            text.extend(["[sandbox_workspace_write]\nwritable_roots = [", &roots.join(","), "]", &end]);
        }
        let with = put(Some(&text), A).unwrap();
        prop_assert_eq!(taken_out(&with, A), text);
    }
}
