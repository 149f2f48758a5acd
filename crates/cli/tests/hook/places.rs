//! Which projects a file is in: submodules, links, other repositories, and none.

use super::{Project, reason, records};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::symlink, path::Path};

fn write(it: &Project, session: &str, path: &Path) -> Value {
    json!({"session_id": session, "cwd": it.folder(), "hook_event_name": "PreToolUse",
        "tool_name": "Write", "tool_input": {"file_path": path}})
}

#[track_caller]
fn before(it: &Project, session: &str, path: impl AsRef<Path>) -> Option<String> {
    reason(&it.hook("claude-code", &write(it, session, path.as_ref())))
}

#[test]
fn a_file_outside_of_any_project_passes_and_leaves_nothing() {
    let it = Project::new();
    fs::create_dir(it.sandbox.folder().join("outside")).unwrap();
    let file = it.sandbox.folder().join("outside/x");
    assert_eq!(before(&it, "s1", &file), None);
    assert_eq!(before(&it, "s2", &file), None);
    let names: Vec<_> = fs::read_dir(it.sandbox.folder().join("outside")).unwrap().collect();
    assert!(names.is_empty() && it.records().is_empty());
}

#[test]
fn a_file_of_a_submodule_is_reserved_in_both_projects() {
    let it = Project::new();
    it.shell(
        "git init -q lib; cd lib; echo 1 > f; git add f; git commit -q -m f; cd ../p; \
        git submodule --quiet add ../lib lib; git commit -q -m lib",
    );
    assert_eq!(before(&it, "s1", it.folder().join("lib/f")), None);
    assert_eq!(it.reserved(), ["s1 lib/f"]);
    let inner = it.folder().join(".git/modules/lib/lokt");
    assert_eq!(records(&inner).len(), 1);
    assert!(before(&it, "s2", it.folder().join("lib/f")).is_some());
    it.clear();
    let why = before(&it, "s2", it.folder().join("lib/f")).unwrap();
    assert!(why.contains("s1"), "the inner project has it still: {why}");
    assert_eq!(it.reserved(), [""; 0], "what was reserved outside is taken back");
    it.tell("s1", "SessionEnd");
    assert_eq!(records(&inner).len(), 0, "the end reaches both");
}

#[test]
fn both_names_of_a_linked_file_count() {
    let it = Project::new();
    symlink("src", it.folder().join("source")).unwrap();
    symlink(it.folder(), it.folder().parent().unwrap().join("way")).unwrap();
    assert_eq!(before(&it, "s1", "source/a.rs"), None);
    assert_eq!(it.reserved(), ["s1 source/a.rs src/a.rs"]);
    for name in ["src/a.rs", "source/a.rs", "./source/../src/a.rs"] {
        assert!(before(&it, "s2", name).is_some(), "{name}");
    }
    let way = it.folder().parent().unwrap().join("way/src/a.rs");
    assert!(before(&it, "s2", way).is_some(), "a link to the project");
    symlink(it.folder().join("src/b.rs"), it.sandbox.folder().join("b")).unwrap();
    assert_eq!(before(&it, "s1", it.sandbox.folder().join("b")), None);
    assert!(before(&it, "s2", "src/b.rs").is_some(), "a link from outside");
}

#[test]
fn a_path_is_taken_from_the_folder_of_the_session() {
    let it = Project::new();
    let mut payload = write(&it, "s1", Path::new("a.rs"));
    payload["cwd"] = it.folder().join("src").to_str().unwrap().into();
    assert_eq!(reason(&it.hook("claude-code", &payload)), None);
    assert_eq!(it.reserved(), ["s1 src/a.rs"]);
    let odd = "app/[id]/*.tsx";
    assert_eq!(before(&it, "s1", odd), None);
    assert!(before(&it, "s2", "app/[id]/*.tsx").is_some());
    assert_eq!(before(&it, "s2", "app/i/x.tsx"), None, "it is a path, and no glob");
}

#[test]
fn a_folder_that_a_tool_deletes_covers_what_is_below() {
    let it = Project::new();
    let delete = |session: &str, path: &str| {
        json!({"conversation_id": session, "cwd": it.folder(), "hook_event_name": "preToolUse",
            "tool_name": "Delete", "tool_input": {"file_path": path}})
    };
    let denied = |payload: &Value| it.hook("cursor", payload).ok().out.contains("deny");
    assert!(!denied(&delete("s1", "src/a.rs")));
    assert!(denied(&delete("s2", "src")));
    assert!(!denied(&delete("s2", "docs")));
    assert!(denied(&delete("s1", "docs/x.md")));
}
