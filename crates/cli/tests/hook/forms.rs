//! Each harness gets its denial in its own form, for its documented input.

use super::{Project, records};
use serde_json::{Value, json};

/// The input before an edit of `src/a.rs`, by harness.
fn before(it: &Project, harness: &str) -> Value {
    let (folder, file) = (it.folder(), it.folder().join("src/a.rs"));
    let patch = "*** Begin Patch\n*** Add File: src/new.rs\n+x\n*** Update File: src/a.rs\n@@\n-1\n+2\n*** End Patch\n";
    match harness {
        "claude-code" => it.edit_event("PreToolUse", "s1", "src/a.rs"),
        "codex" => {
            json!({"session_id": "s1", "turn_id": "t", "transcript_path": null, "cwd": folder,
            "hook_event_name": "PreToolUse", "model": "m", "permission_mode": "default",
            "tool_name": "apply_patch", "tool_input": {"command": patch}, "tool_use_id": "c"})
        }
        "gemini" => {
            json!({"session_id": "s1", "transcript_path": "/t", "cwd": folder, "timestamp": "t",
            "hook_event_name": "BeforeTool", "tool_name": "write_file",
            "tool_input": {"file_path": file, "content": "x"}})
        }
        "cursor" => {
            json!({"conversation_id": "s1", "generation_id": "g", "hook_event_name": "preToolUse",
            "workspace_roots": [folder], "cwd": folder, "tool_name": "Write", "tool_use_id": "t",
            "tool_input": {"file_path": file, "content": "x"}})
        }
        "copilot" => json!({"sessionId": "s1", "timestamp": 1, "cwd": folder, "toolName": "edit",
            "toolArgs": {"path": file, "old_str": "1", "new_str": "2"}}),
        _ => {
            json!({"event": "tool.execute.before", "sessionID": "s1", "callID": "c", "tool": "edit",
            "args": {"filePath": file, "oldString": "1", "newString": "2"}, "directory": folder})
        }
    }
}

/// The decision and the reason of an answer.
fn decision(harness: &str, answer: &Value) -> (String, String) {
    let (decision, reason) = match harness {
        "claude-code" | "codex" => {
            let output = &answer["hookSpecificOutput"];
            (&output["permissionDecision"], &output["permissionDecisionReason"])
        }
        "gemini" => (&answer["decision"], &answer["reason"]),
        "cursor" => (&answer["permission"], &answer["agent_message"]),
        "copilot" => (&answer["permissionDecision"], &answer["permissionDecisionReason"]),
        _ => return ("deny".to_owned(), answer["deny"].as_str().unwrap().to_owned()),
    };
    (decision.as_str().unwrap().to_owned(), reason.as_str().unwrap().to_owned())
}

#[test]
fn each_harness_reserves_and_is_denied_in_its_form() {
    for harness in ["claude-code", "codex", "gemini", "cursor", "copilot", "opencode"] {
        let it = Project::new();
        let done = it.hook(harness, &before(&it, harness)).ok();
        assert_eq!((done.out.as_str(), done.err.as_str()), ("", ""), "{harness}: {done:#?}");
        let all = records(&it.folder().join(".git/lokt"));
        assert!(all.iter().all(|it| it["agent_id"] == format!("{harness}:s1")), "{all:#?}");
        assert!(all.iter().any(|it| it["patterns"][0] == "src/a.rs"), "{harness}: {all:#?}");
        it.clear();
        it.lokt("reserve src/a.rs --reason mine").owner("bob").run().ok();
        let done = it.hook(harness, &before(&it, harness)).ok();
        let (decision, reason) = decision(harness, &done.json());
        assert_eq!((decision.as_str(), done.err.as_str()), ("deny", ""));
        assert!(reason.contains("bob") && reason.contains("mine"), "{harness}: {reason}");
        let left = records(&it.folder().join(".git/lokt"));
        assert_eq!(left.len(), 1, "all files of an edit are reserved, or none: {harness}");
    }
}
