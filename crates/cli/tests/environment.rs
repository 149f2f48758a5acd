//! Variables of the environment: values that no shell has expanded, and empty values.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{Lokt, Sandbox};
use std::fs;

fn sandbox() -> Sandbox {
    let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
    fs::create_dir_all(it.folder().join("home")).unwrap();
    fs::create_dir_all(it.folder().join("work/sub")).unwrap();
    it
}

fn call<'a>(it: &Sandbox, words: impl IntoIterator<Item = &'a str>) -> Lokt {
    it.lokt(words).folder(it.folder().join("work")).env("HOME", it.folder().join("home"))
}

/// Asserts that no file was made in the working folder.
fn assert_clean(it: &Sandbox, what: &str) {
    let names = fs::read_dir(it.folder().join("work")).unwrap().map(|it| it.unwrap().file_name());
    let names: Vec<_> = names.filter(|name| name != "sub" && name != ".lokt").collect();
    assert!(names.is_empty(), "{what} made {names:?}");
}

#[test]
fn a_root_below_the_home_folder_is_one_root_from_everywhere() {
    let it = sandbox();
    for (root, place) in [("~/locks", "home/locks"), ("~//deep/er", "home/deep/er"), ("~", "home")]
    {
        call(&it, ["lock", "x", "--ttl", "5m"]).env("LOKT_ROOT", root).owner("ada").run().ok();
        let other = call(&it, ["lock", "x"]).folder(it.folder().join("work/sub")).owner("bob");
        other.env("LOKT_ROOT", root).run().expect(2);
        assert!(it.folder().join(place).join("locks/x.json").exists(), "{root}");
        assert_clean(&it, root);
    }
}

#[test]
fn every_path_in_a_variable_may_begin_with_the_home_folder() {
    let it = sandbox();
    call(&it, ["key", "generate"]).env("USER_SPACE", "~/space").run().ok();
    assert!(it.folder().join("home/space/keys").is_dir());
    let tools = it.folder().join("home/tools/tools");
    fs::create_dir_all(&tools).unwrap();
    fs::write(tools.join("t.sh"), "#!/bin/bash\n# __version__ = \"1.0.0\"\ntrue\n").unwrap();
    let list = call(&it, ["tool", "list", "--json"])
        .env("LOKT_SYSTEM_SPACE", "/nowhere::~/tools")
        .run()
        .ok();
    let written = call(&it, ["tool", "list", "--json"]);
    let written = written.env("LOKT_SYSTEM_SPACE", it.folder().join("home/tools")).run().ok();
    assert_eq!(list.out.contains("home/tools"), written.out.contains("home/tools"), "{list:#?}");
    for temporary in ["~/tmp", "", "tmp"] {
        call(&it, ["demo"]).env("TMPDIR", temporary).run();
        assert_clean(&it, "TMPDIR");
    }
    assert_clean(&it, "all of it");
}

#[test]
fn a_path_that_cannot_be_expanded_is_a_usage_error_that_names_the_variable() {
    let it = sandbox();
    for (variable, words) in [
        ("LOKT_ROOT", vec!["lock", "x"]),
        ("LOKT_ROOT", vec!["doctor"]),
        ("USER_SPACE", vec!["key", "generate"]),
        ("LOKT_SYSTEM_SPACE", vec!["tool", "list"]),
    ] {
        for (value, home) in [("~other/locks", "/"), ("~/locks", "relative"), ("~/locks", "~")] {
            let done = call(&it, words.clone()).env(variable, value).env("HOME", home).run();
            let done = done.fails_with(64, &format!("{variable}={value}: "));
            assert!(done.err.contains("hint: set "), "{done:#?}");
            assert_clean(&it, variable);
        }
    }
}

#[test]
fn a_folder_that_is_called_tilde_can_be_named() {
    let it = sandbox();
    call(&it, ["lock", "x"]).env("LOKT_ROOT", "./~").run().ok();
    assert!(it.folder().join("work/~/locks/x.json").exists());
}

/// Every variable that the program reads, and a call that shows its effect.
const READ: [(&str, &[&str]); 19] = [
    ("LOKT_ROOT", &["doctor", "--json"]),
    ("LOKT_OWNER", &["prime", "--json"]),
    ("LOKT_OWNER_DERIVED", &["prime", "--json"]),
    ("LOKT_AGENT_ID", &["prime", "--json"]),
    ("CLAUDE_CODE_SESSION_ID", &["whoami", "--json"]),
    ("GEMINI_CLI", &["whoami", "--json"]),
    // The text has a new agent id each time.
    ("CLAUDE_ENV_FILE", &["prime", "--json"]),
    ("LOKT_NAME", &["tool", "list"]),
    ("LOKT_HELD", &["guard", "x", "--", "true"]),
    ("GIT_DIR", &["doctor", "--json"]),
    ("GIT_COMMON_DIR", &["doctor", "--json"]),
    ("GIT_WORK_TREE", &["tool", "list"]),
    ("USER_SPACE", &["key", "list"]),
    ("LOKT_SYSTEM_SPACE", &["tool", "list"]),
    ("HOME", &["doctor", "--json"]),
    ("SUDO_UID", &["doctor", "--json"]),
    ("COMPLETE", &["version"]),
    ("TERM", &["top"]),
    ("TMPDIR", &["version"]),
];

/// What two calls of the same words print on both streams, first without a variable and then with an empty one. One
/// session makes both calls, because an agent's id may come from its session.
fn without_and_empty(it: &Sandbox, variable: &str, words: &[&str]) -> [Vec<String>; 2] {
    const BETWEEN: &str = "-- the second call --\n";
    let line = format!("lokt {}; echo \"exit code $?\"", words.join(" "));
    let script = format!(
        "{{ unset {variable}\n{line}\necho '{}'\nexport {variable}=\n{line}\n}} 2>&1",
        BETWEEN.trim()
    );
    let others = READ.iter().map(|(other, _)| *other).filter(|other| *other != "HOME");
    let call = it.shell(&script).folder(it.folder().join("work"));
    let call = call.env("HOME", it.folder().join("home"));
    let done = others.fold(call, Lokt::without).in_time().ok();
    let (without, empty) = done.out.split_once(BETWEEN).unwrap();
    [without, empty].map(stable_lines)
}

/// The lines without a time of day, which differs between calls.
fn stable_lines(out: &str) -> Vec<String> {
    out.lines()
        .filter(|line| !line.contains("20") || !line.contains('T'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_variable_that_is_set_but_empty_is_not_set() {
    let it = sandbox();
    // The first lock of a folder says where the root is made.
    without_and_empty(&it, "TERM", &["guard", "x", "--", "true"]);
    for (variable, words) in READ {
        let [without, empty] = without_and_empty(&it, variable, words);
        assert_eq!(without, empty, "{variable}");
        assert_clean(&it, variable);
    }
}
