//! Whatever a hook is given, it ends in time, with at most one line, and never with the code that denies.

use super::{Project, reason};
use lokt_testkit::Done;
use serde_json::json;
use std::fs::{self, File};

/// The harnesses, and the code of a hook that failed.
const HARNESSES: [(&str, i32); 6] = [
    ("claude-code", 1),
    ("codex", 1),
    ("gemini", 1),
    ("cursor", 1),
    ("copilot", 0),
    ("opencode", 1),
];

/// A hook that a busy machine does not keep from its answer.
const SLOW: &str = "hook claude-code --timeout 30s";

#[track_caller]
fn is_one_line(done: &Done, code: i32) {
    assert_eq!(done.code, Some(code), "{done:#?}");
    assert_eq!(done.out, "", "{done:#?}");
    assert_eq!(done.err.lines().count(), 1, "{done:#?}");
    assert!(done.err.starts_with("warning: lokt hook"), "{done:#?}");
}

#[test]
fn what_is_no_payload_denies_nothing_unless_that_is_wanted() {
    let it = Project::new();
    let deep = "[".repeat(1 << 20);
    let inputs: [&[u8]; 9] = [
        b"",
        b"x",
        b"[]",
        b"{",
        b"{}",
        b"null",
        b"\xff\xfe",
        b"{\"hook_event_name\": 3}",
        deep.as_bytes(),
    ];
    for (harness, code) in HARNESSES {
        for input in inputs {
            is_one_line(&it.raw(&format!("hook {harness} --timeout 30s"), input), code);
            let strict = it.raw(&format!("hook {harness} --timeout 30s --strict"), input).ok();
            assert_eq!(strict.err, "", "{strict:#?}");
            assert!(strict.out.contains("could not find out"), "{strict:#?}");
            strict.json();
        }
    }
}

#[test]
fn a_wrong_call_is_one_line_and_denies_nothing() {
    let it = Project::new();
    for (line, code) in [
        ("hook", 1),
        ("hook emacs", 1),
        ("hook claude-code --no-such-flag", 1),
        ("hook claude-code codex", 1),
        ("hook copilot --new", 0),
        ("hook --strict", 1),
    ] {
        is_one_line(&it.raw(line, b"{}"), code);
    }
    assert!(it.raw("hook --help", b"").ok().out.contains("Usage: lokt hook"));
}

#[test]
fn fields_of_wrong_types_lone_surrogates_and_odd_paths_are_read() {
    let it = Project::new();
    it.edit("s2", "src/a.rs");
    let payload = |tail: &str| {
        format!(
            "{{\"session_id\": \"s1\", \"cwd\": {:?}, \"hook_event_name\": \"PreToolUse\", {tail}}}",
            it.folder()
        )
    };
    for tail in [
        r#""tool_name": "Edit""#,
        r#""tool_name": "Edit", "tool_input": {"file_path": 3}"#,
        r#""tool_name": "Edit", "tool_input": {"file_path": ["src/a.rs"]}"#,
        r#""tool_name": 5, "tool_input": {"file_path": "src/a.rs"}"#,
        r#""tool_name": "Edit", "tool_input": {"file_path": ""}"#,
        r#""tool_name": "Edit", "tool_input": {"file_path": "/"}"#,
        r#""tool_name": "Edit", "tool_input": {"file_path": ".."}"#,
        r#""tool_name": "Edit", "tool_input": {"file_path": "../../../../../../../../.."}"#,
        r#""tool_name": "Bash", "tool_input": {"command": "echo \ud800"}"#,
    ] {
        assert_eq!(reason(&it.raw(SLOW, payload(tail).as_bytes())), None, "{tail}");
    }
    let odd = r#""tool_name": "Edit", "tool_input": {"file_path": "src/\ud800.rs", "old_string": "\udfff"}"#;
    assert_eq!(reason(&it.raw(SLOW, payload(odd).as_bytes())), None);
    assert!(it.reserved().contains(&"s1 src/\u{fffd}.rs".to_owned()), "{:?}", it.reserved());
    let long =
        format!(r#""tool_name": "Edit", "tool_input": {{"file_path": "{}"}}"#, "x/".repeat(10_000));
    let done = it.raw(SLOW, payload(&long).as_bytes());
    assert!(matches!(done.code, Some(0 | 1)) && done.err.lines().count() <= 1, "{done:#?}");
    let denied = r#""tool_name": "Edit", "tool_input": {"file_path": "./src//../src/a.rs"}"#;
    assert!(reason(&it.raw(SLOW, payload(denied).as_bytes())).is_some());
    let no_session = r#"{"hook_event_name": "PreToolUse", "tool_name": "Edit", "tool_input": {"file_path": "/x"}}"#;
    is_one_line(&it.raw(SLOW, no_session.as_bytes()), 1);
}

#[test]
fn a_large_input_is_checked_like_a_small_one() {
    let it = Project::new();
    it.edit("s2", "src/a.rs");
    let mut payload = it.edit_event("PreToolUse", "s1", "src/a.rs");
    payload["tool_name"] = "Write".into();
    payload["tool_input"]["content"] = "\u{1f600}\"\\\n".repeat(10 << 17).into();
    let text = payload.to_string();
    assert!(text.len() > 10 << 20);
    assert!(reason(&it.raw(SLOW, text.as_bytes())).is_some());
    let huge = format!("{}{}", text, " ".repeat(80 << 20));
    is_one_line(&it.raw(SLOW, huge.as_bytes()), 1);
}

#[test]
fn an_input_that_never_ends_is_not_waited_for() {
    let it = Project::new();
    it.edit("s2", "src/a.rs");
    let payload = it.edit_event("PreToolUse", "s1", "src/a.rs").to_string();
    // The harness leaves the pipe open.
    let mut hook = it.lokt(SLOW).start();
    hook.types(&payload);
    assert!(hook.prints("permissionDecision").contains("deny"));
    let mut hook = it.lokt("hook claude-code").start();
    hook.types(payload.get(..payload.len() - 1).unwrap());
    hook.says("did not check this edit");
    // Nothing at all.
    let mut hook = it.lokt("hook claude-code --strict").start();
    hook.prints("could not find out");
}

#[test]
fn a_section_that_is_not_left_denies_nothing_unless_that_is_wanted() {
    let it = Project::new();
    it.edit("s2", "src/a.rs");
    let latch = it.folder().join(".git/lokt/latches/reservations");
    let held = File::open(&latch).unwrap();
    held.lock().unwrap();
    let payload = it.edit_event("PreToolUse", "s1", "src/b.rs");
    let done = it.raw("hook claude-code", payload.to_string().as_bytes());
    is_one_line(&done, 1);
    assert!(done.err.contains("did not end in time"), "{done:#?}");
    let strict = it.raw("hook claude-code --strict", payload.to_string().as_bytes()).ok();
    assert!(strict.out.contains("did not end in time"), "{strict:#?}");
    // The end of a turn waits for no decision, and is not denied.
    let end = json!({"session_id": "s2", "cwd": it.folder(), "hook_event_name": "Stop"});
    is_one_line(&it.raw("hook claude-code --strict", end.to_string().as_bytes()), 1);
}

#[test]
fn a_record_that_is_none_denies_nothing_and_the_line_names_it() {
    let it = Project::new();
    it.edit("s2", "src/a.rs");
    fs::write(it.folder().join(".git/lokt/reservations/broken.json"), "x").unwrap();
    let done = it.hook("claude-code", &it.edit_event("PreToolUse", "s1", "src/b.rs"));
    is_one_line(&done, 1);
    assert!(done.err.contains("broken.json"), "{done:#?}");
    it.tell("s2", "SessionEnd");
    assert_eq!(fs::read_dir(it.folder().join(".git/lokt/reservations")).unwrap().count(), 1);
}
