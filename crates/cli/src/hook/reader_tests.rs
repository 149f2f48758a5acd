//! Payloads of each harness, in the form that its documentation has.

use super::{
    HookedHarness,
    event::{HookAnswer, HookCall, HookEvent},
    reader,
};
use clap::ValueEnum;
use lokt_lock::reservation::EditEnd;
use serde_json::{Value, json};
use std::time::Duration;

fn read(harness: HookedHarness, payload: &Value) -> HookCall {
    reader::read(harness.row(), &payload.to_string()).unwrap()
}

fn event(harness: HookedHarness, payload: &Value) -> HookEvent {
    read(harness, payload).event
}

fn files(names: &[&str]) -> Vec<String> {
    names.iter().map(|it| (*it).to_owned()).collect()
}

fn claude(event: &str, tool: &str, input: &Value) -> Value {
    json!({"session_id": "s1", "transcript_path": "/t", "cwd": "/p", "permission_mode": "default",
        "hook_event_name": event, "tool_name": tool, "tool_input": input, "tool_use_id": "toolu_1"})
}

#[test]
fn claude_code_names_files_and_its_subagents() {
    let of = |payload: &Value| event(HookedHarness::ClaudeCode, payload);
    let input = json!({"file_path": "/p/a.rs", "old_string": "x", "new_string": "y"});
    for tool in ["Edit", "Write", "MultiEdit"] {
        let before = of(&claude("PreToolUse", tool, &input));
        assert_eq!(before, HookEvent::BeforeEdit(files(&["/p/a.rs"])));
    }
    let notebook = json!({"notebook_path": "/p/n.ipynb", "new_source": ""});
    let before = of(&claude("PreToolUse", "NotebookEdit", &notebook));
    assert_eq!(before, HookEvent::BeforeEdit(files(&["/p/n.ipynb"])));
    let after = of(&claude("PostToolUse", "Edit", &input));
    assert_eq!(after, HookEvent::AfterEdit(files(&["/p/a.rs"]), EditEnd::Made));
    for failed in ["PostToolUseFailure", "PermissionDenied"] {
        let after = of(&claude(failed, "Edit", &input));
        assert_eq!(after, HookEvent::AfterEdit(files(&["/p/a.rs"]), EditEnd::Unknown));
    }
    assert_eq!(of(&claude("PreToolUse", "Read", &input)), HookEvent::BeforeTool);
    assert_eq!(of(&claude("PostToolUse", "Task", &json!({}))), HookEvent::AfterTool);
    let mut payload = claude("PreToolUse", "Edit", &input);
    payload["agent_id"] = "a1".into();
    let call = read(HookedHarness::ClaudeCode, &payload);
    assert_eq!((call.session.as_deref(), call.subagent.as_deref()), (Some("s1"), Some("a1")));
    assert_eq!(call.call.as_deref(), Some("toolu_1"));
    for (name, expected) in [
        (
            json!({"hook_event_name": "SessionStart", "source": "startup"}),
            HookEvent::SessionStarts { replaces: false },
        ),
        (
            json!({"hook_event_name": "SessionStart", "source": "clear"}),
            HookEvent::SessionStarts { replaces: true },
        ),
        (json!({"hook_event_name": "SessionEnd", "reason": "clear"}), HookEvent::SessionEnds),
        (json!({"hook_event_name": "UserPromptSubmit", "prompt": "x"}), HookEvent::PromptSubmitted),
        (json!({"hook_event_name": "Stop", "stop_hook_active": false}), HookEvent::TurnEnds),
        (json!({"hook_event_name": "SubagentStop", "agent_id": "a1"}), HookEvent::SubagentEnds),
        (json!({"hook_event_name": "PermissionRequest"}), HookEvent::PermissionAsked),
        (
            json!({"hook_event_name": "Notification", "notification_type": "permission_prompt"}),
            HookEvent::PermissionAsked,
        ),
        (
            json!({"hook_event_name": "Notification", "notification_type": "idle_prompt"}),
            HookEvent::Other,
        ),
        (json!({"hook_event_name": "Tomorrow"}), HookEvent::Other),
    ] {
        assert_eq!(of(&name), expected, "{name}");
    }
}

#[test]
fn a_shell_line_comes_with_its_folder_its_limit_and_its_input() {
    let input = json!({"command": "npm run build", "timeout": 60000, "description": "b"});
    let payload = claude("PreToolUse", "Bash", &input);
    let HookEvent::BeforeShell(shell) = event(HookedHarness::ClaudeCode, &payload) else {
        panic!()
    };
    assert_eq!((shell.line.as_str(), shell.limit), ("npm run build", Some(Duration::from_mins(1))));
    assert!(shell.can_be_rewritten());
    let answer = (HookedHarness::ClaudeCode.row().answer)(
        &HookAnswer::Rewrite("lokt guard b -- npm run build".to_owned()),
        Some(&shell),
    );
    let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
    let output = &answer["hookSpecificOutput"];
    assert_eq!(output["updatedInput"]["command"], "lokt guard b -- npm run build");
    assert_eq!(output["updatedInput"]["timeout"], 60000, "the whole input is replaced");
    assert!(output.get("permissionDecision").is_none(), "a rewrite approves nothing");
    let HookEvent::BeforeShell(shell) = event(HookedHarness::Codex, &payload) else { panic!() };
    assert!(!shell.can_be_rewritten(), "only with an allow");
    let gemini = json!({"session_id": "s", "hook_event_name": "BeforeTool", "cwd": "/p",
        "tool_name": "run_shell_command", "tool_input": {"command": "make", "dir_path": "sub"}});
    let HookEvent::BeforeShell(shell) = event(HookedHarness::Gemini, &gemini) else { panic!() };
    assert_eq!(shell.folder.as_deref(), Some(std::path::Path::new("sub")));
    let rewrite = HookAnswer::Rewrite("x".to_owned());
    let answer = (HookedHarness::Gemini.row().answer)(&rewrite, Some(&shell)).unwrap();
    assert_eq!(answer, r#"{"hookSpecificOutput":{"tool_input":{"command":"x"}}}"#);
    let cursor = json!({"conversation_id": "c", "hook_event_name": "beforeShellExecution",
        "command": "make", "cwd": "/p", "workspace_roots": ["/p"]});
    let HookEvent::BeforeShell(shell) = event(HookedHarness::Cursor, &cursor) else { panic!() };
    assert!(!shell.can_be_rewritten());
}

#[test]
fn codex_names_the_files_of_its_patches() {
    let patch = "*** Begin Patch\n*** Update File: a\n*** Move to: b\n@@\n-x\n+y\n*** End Patch";
    let payload = claude("PreToolUse", "apply_patch", &json!({"command": patch}));
    let expected = HookEvent::BeforeEdit(files(&["a", "b"]));
    assert_eq!(event(HookedHarness::Codex, &payload), expected);
    let line = format!("apply_patch <<'EOF'\n{patch}\nEOF");
    let payload = claude("PreToolUse", "Bash", &json!({"command": line}));
    assert_eq!(event(HookedHarness::Codex, &payload), expected);
    let payload = claude("PreToolUse", "apply_patch", &json!({"command": "no patch"}));
    assert_eq!(event(HookedHarness::Codex, &payload), HookEvent::BeforeTool);
}

#[test]
fn the_others_name_files_in_their_forms() {
    let gemini = |event: &str, result: Value| {
        json!({"session_id": "s", "cwd": "/p", "hook_event_name": event, "tool_name": "replace",
            "tool_input": {"file_path": "/p/a"}, "tool_response": result})
    };
    let of = |payload: &Value| event(HookedHarness::Gemini, payload);
    assert_eq!(of(&gemini("BeforeTool", Value::Null)), HookEvent::BeforeEdit(files(&["/p/a"])));
    let failed = of(&gemini("AfterTool", json!({"error": "no match"})));
    assert_eq!(failed, HookEvent::AfterEdit(files(&["/p/a"]), EditEnd::Unknown));
    let made = of(&gemini("AfterTool", json!({"llmContent": "ok"})));
    assert_eq!(made, HookEvent::AfterEdit(files(&["/p/a"]), EditEnd::Made));

    let of = |payload: &Value| event(HookedHarness::Cursor, payload);
    let write = json!({"conversation_id": "c", "hook_event_name": "preToolUse", "tool_name": "Write",
        "tool_input": {"file_path": "/p/a", "content": ""}, "tool_use_id": "t"});
    assert_eq!(of(&write), HookEvent::BeforeEdit(files(&["/p/a"])));
    let edited = json!({"conversation_id": "c", "hook_event_name": "afterFileEdit", "file_path": "/p/a",
        "edits": [{"old_string": "x", "new_string": "y"}]});
    assert_eq!(of(&edited), HookEvent::AfterEdit(files(&["/p/a"]), EditEnd::Made));

    let of = |payload: &Value| event(HookedHarness::OpenCode, payload);
    let edit = json!({"event": "tool.execute.before", "sessionID": "ses", "callID": "c", "tool": "edit",
        "args": {"filePath": "/p/a"}, "directory": "/p"});
    assert_eq!(of(&edit), HookEvent::BeforeEdit(files(&["/p/a"])));
    assert_eq!(of(&json!({"event": "session.idle", "sessionID": "ses"})), HookEvent::TurnEnds);
}

#[test]
fn copilot_has_two_forms_and_one_of_them_names_no_event() {
    let of = |payload: &Value| event(HookedHarness::Copilot, payload);
    let base = json!({"sessionId": "s", "timestamp": 1, "cwd": "/p"});
    let with = |more: Value| {
        let mut payload = base.clone();
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        payload
    };
    let edit = json!({"toolName": "edit", "toolArgs": {"path": "/p/a", "old_str": "x"}});
    assert_eq!(of(&with(edit)), HookEvent::BeforeEdit(files(&["/p/a"])));
    let text =
        json!({"toolName": "create", "toolArgs": "{\"path\": \"/p/b\", \"file_text\": \"\"}"});
    assert_eq!(of(&with(text)), HookEvent::BeforeEdit(files(&["/p/b"])), "arguments as a text");
    let done = json!({"toolName": "edit", "toolArgs": {"path": "/p/a"},
        "toolResult": {"resultType": "success"}});
    assert_eq!(of(&with(done)), HookEvent::AfterEdit(files(&["/p/a"]), EditEnd::Made));
    let failed = json!({"toolName": "edit", "toolArgs": {"path": "/p/a"}, "error": "x"});
    assert_eq!(of(&with(failed)), HookEvent::AfterEdit(files(&["/p/a"]), EditEnd::Unknown));
    let view =
        json!({"toolName": "str_replace_editor", "toolArgs": {"command": "view", "path": "/p/a"}});
    assert_eq!(of(&with(view)), HookEvent::BeforeTool, "a read");
    assert_eq!(of(&with(json!({"source": "new"}))), HookEvent::SessionStarts { replaces: false });
    assert_eq!(of(&with(json!({"reason": "complete"}))), HookEvent::SessionEnds);
    assert_eq!(of(&with(json!({"prompt": "x"}))), HookEvent::PromptSubmitted);
    let stop = json!({"stopReason": "end_turn", "stop_hook_active": false});
    assert_eq!(of(&with(stop)), HookEvent::TurnEnds);
    let subagent = json!({"agentId": "a", "agentName": "x", "stopReason": "end_turn"});
    assert_eq!(of(&with(subagent)), HookEvent::SubagentEnds);
    let code = json!({"hook_event_name": "PreToolUse", "session_id": "s", "cwd": "/p",
        "tool_name": "editFiles", "tool_input": {"files": ["a", "b"]}});
    assert_eq!(of(&code), HookEvent::BeforeEdit(files(&["a", "b"])));
    let code = json!({"hook_event_name": "PreToolUse", "session_id": "s", "cwd": "/p",
        "tool_name": "multi_replace_string_in_file",
        "tool_input": {"replacements": [{"filePath": "/p/a"}, {"filePath": "/p/a"}, {"filePath": "/p/b"}]}});
    assert_eq!(of(&code), HookEvent::BeforeEdit(files(&["/p/a", "/p/b"])));
}

#[test]
fn a_denial_has_the_form_of_each_harness() {
    for harness in HookedHarness::value_variants() {
        let deny = HookAnswer::Deny("a \"b\"\nc".to_owned());
        let text = (harness.row().answer)(&deny, None).unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        let (decision, reason) = match harness {
            HookedHarness::ClaudeCode | HookedHarness::Codex => {
                let output = &answer["hookSpecificOutput"];
                assert_eq!(output["hookEventName"], "PreToolUse");
                (&output["permissionDecision"], &output["permissionDecisionReason"])
            }
            HookedHarness::Gemini => (&answer["decision"], &answer["reason"]),
            HookedHarness::Cursor => (&answer["permission"], &answer["agent_message"]),
            HookedHarness::Copilot => {
                (&answer["permissionDecision"], &answer["permissionDecisionReason"])
            }
            HookedHarness::OpenCode => (&Value::Null, &answer["deny"]),
        };
        assert!(decision.is_null() || decision == "deny", "{text}");
        assert_eq!(reason, "a \"b\"\nc", "{text}");
        assert_eq!((harness.row().answer)(&HookAnswer::NoDecision, None), None);
    }
}

#[test]
fn what_is_no_payload_is_an_error_and_no_panic() {
    for harness in HookedHarness::value_variants() {
        let row = harness.row();
        for broken in ["", "x", "[]", "null", "{", "{}", "{\"hook_event_name\": 3}"] {
            assert!(reader::read(row, broken).is_err(), "{harness:?} {broken}");
        }
        for odd in [
            json!({"hook_event_name": "PreToolUse", "tool_name": "Edit"}),
            json!({"hook_event_name": "PreToolUse", "tool_name": "Edit", "tool_input": []}),
            json!({"hook_event_name": "PreToolUse", "tool_name": "Edit", "tool_input": {"file_path": 3}}),
            json!({"hook_event_name": "PreToolUse", "tool_name": ["Edit"], "tool_input": "x"}),
            json!({"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": ""}}),
        ] {
            let read = reader::read(row, &odd.to_string());
            let is_edit = |it: &HookCall| matches!(it.event, HookEvent::BeforeEdit(_));
            assert!(!read.is_ok_and(|it| is_edit(&it)), "{harness:?} {odd}");
        }
    }
}
