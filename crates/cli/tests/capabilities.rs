//! What the program says that it can do is what it does.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::Sandbox;
use serde_json::Value;
use std::{collections::BTreeSet, fs};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

fn capabilities(it: &Sandbox) -> Value {
    it.lokt(["capabilities", "--json"]).run().ok().json()
}

fn command<'a>(all: &'a Value, path: &str) -> &'a Value {
    let mut commands = all["commands"].as_array().unwrap().iter();
    commands.find(|it| it["command"] == path).unwrap()
}

#[test]
fn the_commands_of_the_help_are_listed_with_their_flags() {
    let it = sandbox();
    let all = capabilities(&it);
    let help = it.lokt(["--help"]).run().ok().out;
    for each in all["commands"].as_array().unwrap() {
        let path = each["command"].as_str().unwrap();
        let first = path.split(' ').next().unwrap();
        assert!(help.contains(&format!("  {first} ")), "{first} is in the help");
        let own = it.lokt(path.split(' ').chain(["--help"])).run().ok().out;
        for flag in each["flags"].as_array().unwrap() {
            assert!(own.contains(flag["name"].as_str().unwrap()), "{path}: {flag}");
        }
    }
    let lock = command(&all, "lock");
    let names: Vec<_> = lock["flags"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert!(names.iter().any(|it| *it == "--ttl") && names.iter().any(|it| *it == "--meta"));
    assert_eq!(lock["arguments"][0]["name"], "NAME");
    assert!(names.iter().any(|it| *it == "--owner"), "an option that acts is listed");
}

#[test]
fn the_codes_are_those_of_the_help_and_each_has_a_next_step() {
    let it = sandbox();
    let all = capabilities(&it);
    let help = it.lokt(["--help"]).run().ok().out;
    let codes = all["exit_codes"].as_array().unwrap();
    for code in codes {
        let number = code["code"].as_u64().unwrap();
        assert!(help.contains(&format!("  {number}  ")), "{number} is in the help");
        assert_eq!(code["next"] == "", number == 0, "{code}");
    }
    let text = it.lokt(["capabilities"]).run().ok().out;
    assert_eq!(text.lines().filter(|line| line.starts_with("exit ")).count(), codes.len());
}

/// Calls that print JSON, in an order in which each has something to print; the owner is behind the words.
const CALLS: [(&str, &str, &str); 45] = [
    ("lock", "x --ttl 1h --meta a=b --json", "ada"),
    ("lock", "x --json", "bob"),
    ("lock", "shared --shared --ttl 1h --json", "ada"),
    ("lock", "slots --slots 2 --ttl 1h --json", "ada"),
    ("status", "x --json", "ada"),
    ("status", "--json", "ada"),
    ("exists", "x --json", "bob"),
    ("get-meta", "x a --json", "bob"),
    ("why", "x --json", "bob"),
    ("why", "free --json", "bob"),
    ("freeze", "y --ttl 1h --json", "ada"),
    ("lock", "y --json", "bob"),
    ("status", "y --json", "bob"),
    ("unfreeze", "y --json", "ada"),
    ("unlock", "x --json", "ada"),
    ("unlock", "shared --force --json", "bob"),
    ("reserve", "src --reason why --json", "ada"),
    ("reserve", "src --json", "bob"),
    ("why", "src --json", "bob"),
    ("why", "./src --json", "bob"),
    ("whoami", "--json", "ada"),
    ("prime", "--json", "bob"),
    ("reservations", "--json", "ada"),
    ("unreserve", "src --json", "ada"),
    ("audit", "--json", "ada"),
    ("audit", "--timeline --json", "ada"),
    ("doctor", "--json", "ada"),
    ("prime", "--json", "ada"),
    ("init", "--dry-run --json", "ada"),
    ("once", "t --input in --json -- echo hi", "ada"),
    ("once", "t --input in --json -- echo hi", "ada"),
    ("once", "u --input in --json -- false", "ada"),
    ("status", "--json", "ada"),
    ("once", "t --input in --explain --json -- echo hi", "ada"),
    ("results list", "--json", "ada"),
    ("results show", "t --json", "ada"),
    ("results prune", "--json", "ada"),
    ("results rm", "t --json", "ada"),
    ("key generate", "--json", "ada"),
    ("key show", "--json", "ada"),
    ("tool list", "--all --json", "ada"),
    ("key list", "--json", "ada"),
    ("whoami", "--json", "ada"),
    ("demo", "--json", "ada"),
    ("version", "--json", "ada"),
];

#[test]
fn every_field_that_a_command_prints_is_listed() {
    let it = sandbox();
    it.shell("git init -q .").run().ok();
    fs::write(it.folder().join("in"), "a").unwrap();
    let all = capabilities(&it);
    for (path, words, owner) in CALLS {
        let listed = command(&all, path)["json_fields"].as_array().unwrap();
        let listed = listed.iter().chain(all["error_fields"].as_array().unwrap());
        let listed: BTreeSet<&str> = listed.map(|it| it.as_str().unwrap()).collect();
        let done = it.lokt(path.split(' ').chain(words.split(' '))).owner(owner).run();
        let values = serde_json::Deserializer::from_str(&done.out).into_iter::<Value>();
        let values: Vec<Value> = values.map(Result::unwrap).collect();
        assert!(!values.is_empty(), "{path} {words}: {done:#?}");
        let each = values.iter().flat_map(|it| it.as_array().cloned().unwrap_or(vec![it.clone()]));
        for value in each {
            let printed = value.as_object().unwrap().keys().map(String::as_str);
            let missing: Vec<&str> = printed.filter(|it| !listed.contains(it)).collect();
            assert!(missing.is_empty(), "{path} {words} prints {missing:?}");
        }
    }
    let own = command(&all, "capabilities")["json_fields"].as_array().unwrap();
    assert_eq!(own.len(), all.as_object().unwrap().len());
}
