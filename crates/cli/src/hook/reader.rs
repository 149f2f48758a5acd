//! From a harness's JSON to a [`HookCall`], by the row of the harness.

use super::{
    event::{HookCall, HookEvent, ShellCall},
    fields::PayloadFields,
    patch,
    table::{EventKind, HookRow, ToolKind},
};
use lokt_lock::reservation::EditEnd;
use std::path::PathBuf;

/// Where the input of a tool has its file.
const PATHS: [&str; 7] = [
    "file_path",
    "filePath",
    "notebook_path",
    "path",
    "absolute_path",
    "target_file",
    "target_notebook",
];
/// Where it has several.
const PATH_LISTS: [&str; 4] = ["files", "file_paths", "replacements", "edits"];
/// Where it has a patch.
const PATCHES: [&str; 4] = ["command", "patchText", "input", "patch"];
/// Where it has a line of shell.
const LINES: [&str; 1] = ["command"];
/// Where it has the folder of that line.
const FOLDERS: [&str; 5] = ["working_directory", "workdir", "cwd", "directory", "dir_path"];
/// Where it has the time limit of that line, in milliseconds.
const LIMITS: [&str; 2] = ["timeout", "timeout_ms"];

/// Says why a payload is not understood.
#[derive(Debug, thiserror::Error)]
pub(super) enum PayloadError {
    /// It is no JSON object.
    #[error("its input is no JSON object ({0})")]
    NotAnObject(serde_json::Error),
    /// It says no event.
    #[error("its input names no event")]
    NoEvent,
}

/// Reads a payload. An event or a tool that the row does not have is [`HookEvent::Other`], or a tool that writes
/// nothing.
pub(super) fn read(row: &HookRow, json: &str) -> Result<HookCall, PayloadError> {
    let fields = PayloadFields::read(json).map_err(PayloadError::NotAnObject)?;
    let kind = match fields.text(row.names.event) {
        Some(name) => row.event(&name),
        None => Some(unnamed(&fields, row).ok_or(PayloadError::NoEvent)?),
    };
    Ok(HookCall {
        event: kind.map_or(HookEvent::Other, |kind| event(row, kind, &fields)),
        session: fields.name(row.names.session),
        subagent: fields.name(row.names.subagent),
        folder: fields.name(&["cwd", "directory"]).map(PathBuf::from),
        call: fields.name(row.names.call),
    })
}

/// The event of a payload that names none, as Copilot's camelCase form: its fields show it.
fn unnamed(fields: &PayloadFields<'_>, row: &HookRow) -> Option<EventKind> {
    let has = |key| fields.has(key);
    if !row.names.session.iter().any(|it| has(it)) {
        return None;
    }
    if row.names.tool.iter().any(|it| has(it)) {
        return Some(match (has("toolResult"), has("error")) {
            (true, _) => EventKind::AfterTool,
            (_, true) => EventKind::ToolFailed,
            _ => EventKind::BeforeTool,
        });
    }
    if has("stopReason") || has("stop_hook_active") {
        return Some(if has("agentName") { EventKind::SubagentEnds } else { EventKind::TurnEnds });
    }
    let kinds = [
        ("source", EventKind::SessionStarts),
        ("reason", EventKind::SessionEnds),
        ("transformedPrompt", EventKind::Notification),
        ("prompt", EventKind::PromptSubmitted),
    ];
    let shown = kinds.iter().find(|(key, _)| has(key)).map(|(_, kind)| *kind);
    Some(shown.unwrap_or(EventKind::Notification))
}

fn event(row: &HookRow, kind: EventKind, fields: &PayloadFields<'_>) -> HookEvent {
    match kind {
        EventKind::SessionStarts => HookEvent::SessionStarts {
            replaces: fields.text(&["source"]).is_some_and(|it| it == "clear"),
        },
        EventKind::SessionEnds => HookEvent::SessionEnds,
        EventKind::PromptSubmitted => HookEvent::PromptSubmitted,
        EventKind::PermissionAsked => HookEvent::PermissionAsked,
        EventKind::Notification => notification(fields),
        EventKind::TurnEnds => HookEvent::TurnEnds,
        EventKind::SubagentEnds => HookEvent::SubagentEnds,
        EventKind::BeforeShell => shell(row, kind, fields, None),
        EventKind::AfterEdit => HookEvent::AfterEdit(paths(fields), EditEnd::Made),
        EventKind::BeforeTool | EventKind::AfterTool | EventKind::ToolFailed => {
            tool(row, kind, fields)
        }
    }
}

fn notification(fields: &PayloadFields<'_>) -> HookEvent {
    let kind = fields.text(&["notification_type", "notificationType"]);
    match kind.as_deref() {
        Some("permission_prompt" | "ToolPermission") => HookEvent::PermissionAsked,
        _ => HookEvent::Other,
    }
}

fn tool(row: &HookRow, kind: EventKind, fields: &PayloadFields<'_>) -> HookEvent {
    let name = fields.text(row.names.tool).unwrap_or_default();
    let input = fields.object(row.names.input).unwrap_or_default();
    let is_before = kind == EventKind::BeforeTool;
    let other = || if is_before { HookEvent::BeforeTool } else { HookEvent::AfterTool };
    let (Some(tool), Ok(input)) = (row.tool(&name), PayloadFields::read(&input)) else {
        return other();
    };
    let files = match tool {
        ToolKind::Edit => edited(&input),
        ToolKind::Patch => patched(&input),
        ToolKind::Shell => patch_in_line(&input),
    };
    match (tool, is_before, files.is_empty()) {
        (_, true, false) => HookEvent::BeforeEdit(files),
        (_, false, false) => HookEvent::AfterEdit(files, end(kind, fields)),
        (ToolKind::Shell, true, true) => shell(row, kind, &input, Some(row.rewrites)),
        _ => other(),
    }
}

/// How an edit has ended, as far as the harness says.
fn end(kind: EventKind, fields: &PayloadFields<'_>) -> EditEnd {
    let result = fields.object(&["tool_response", "toolResult"]).unwrap_or_default();
    let has_failed = PayloadFields::read(&result).is_ok_and(|it| it.has("error"));
    if kind == EventKind::ToolFailed || has_failed { EditEnd::Unknown } else { EditEnd::Made }
}

fn edited(input: &PayloadFields<'_>) -> Vec<String> {
    // One tool of Copilot's both shows files and changes them.
    if input.text(&["command"]).is_some_and(|it| it == "view") {
        return Vec::new();
    }
    paths(input)
}

fn paths(fields: &PayloadFields<'_>) -> Vec<String> {
    let one = fields.name(&PATHS);
    let mut all: Vec<String> = one.into_iter().collect();
    for list in PATH_LISTS {
        for path in fields.list(&[list], &PATHS) {
            if !all.contains(&path) {
                all.push(path);
            }
        }
    }
    all
}

/// The files of a patch. Some tools name their file instead.
fn patched(input: &PayloadFields<'_>) -> Vec<String> {
    let text =
        PATCHES.iter().find_map(|key| input.text(&[key]).filter(|it| it.contains(patch::BEGIN)));
    text.map_or_else(|| paths(input), |text| patch::files(&text))
}

/// The files of a patch that a line of shell gives to `apply_patch`: the harness applies it itself.
fn patch_in_line(input: &PayloadFields<'_>) -> Vec<String> {
    let line = input.text(&LINES).filter(|it| it.trim_start().starts_with("apply_patch"));
    line.filter(|it| it.contains(patch::BEGIN)).map(|it| patch::files(&it)).unwrap_or_default()
}

/// A line of shell; `rewrites` is whether the event lets a hook change it.
fn shell(
    row: &HookRow,
    kind: EventKind,
    input: &PayloadFields<'_>,
    rewrites: Option<bool>,
) -> HookEvent {
    let Some((key, line)) = LINES.iter().find_map(|key| Some((*key, input.name(&[key])?))) else {
        return HookEvent::BeforeTool;
    };
    let can_be_rewritten = rewrites == Some(true) && kind == EventKind::BeforeTool;
    HookEvent::BeforeShell(ShellCall {
        line,
        folder: input.name(&FOLDERS).map(PathBuf::from),
        limit: input.milliseconds(&LIMITS).or(row.shell_limit),
        input: can_be_rewritten.then(|| (key, input.with_text(key, ""))),
    })
}
