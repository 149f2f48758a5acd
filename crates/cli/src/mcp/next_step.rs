//! What an agent should do after an error. It is made from the exit code, which says what an error means, and from
//! the fields of the result. An obedient model does exactly this, so nothing here takes what belongs to another.

use super::{force, once, reserve, run_tool, server::McpOperation, unlock};
use rmcp::model::JsonObject;
use serde_json::Value;

/// The next step for a caller that holds the lock already.
pub(super) const OWN_LOCK: &str = "it is yours already: if a command of yours runs under it, wait for its end; else unlock it, then lock it as you need it";

/// The next step after an answer that is too long.
pub(super) const TOO_LONG: &str = "ask for less, for example for one name, or for a smaller limit";

/// The next step when the server ends.
pub(super) const ENDED: &str =
    "nothing: the server ends, and has unlocked what you held by this connection";

/// The next step after an error of this kind.
///
/// `code` is the exit code of the command. Texts name only tools and arguments that the client has.
pub(super) fn after(tool: &str, code: i32, fields: &JsonObject) -> &'static str {
    if matches!(tool, reserve::McpReserveArguments::NAME | reserve::McpUnreserveArguments::NAME)
        && let Some(next) = after_reserving(code, fields)
    {
        return next;
    }
    match code {
        2 => refused(tool, fields),
        3 => not_found(tool),
        4 => not_yours(tool),
        5 => {
            "nothing ran. Do not sign, trust or pin it yourself: show what differs to a person, and do other work"
        }
        6 => {
            "the lock was taken away and the command stopped: look at what it left half done before you run it again"
        }
        7 => "unlock what you hold, then ask for all names in one call of run_guarded",
        64 if tool == once::McpRunOnceArguments::NAME => {
            "fix what the error names and call again; \"inputs\" can name the files that matter"
        }
        64 => "fix what the error names and call again",
        124 if tool == run_tool::McpRunToolArguments::NAME => {
            "its time was up: give it less to do, or ask a person to raise the timeout of its config"
        }
        124 => "its time was up: run less, or call again with a longer \"max_hold\"",
        126 | 127 => "nothing ran: fix the command and call again",
        _ => {
            "do not work without the lock. If the error names an argument, fix that and call again; else show the error to a person: lokt doctor explains it"
        }
    }
}

/// The next step where paths were not reserved, or not given back.
fn after_reserving(code: i32, fields: &JsonObject) -> Option<&'static str> {
    Some(match code {
        2 if has_waited(fields) => {
            "edit other files and come back, or call again with a longer \"timeout\". If it cannot wait, ask the agent that has reserved it"
        }
        2 => {
            "edit other files and come back, or call again with \"wait\": true. If it cannot wait, ask the agent that has reserved it"
        }
        3 => {
            "there is nothing to give back. If you had reserved it, that ended before: look at these files before you edit on"
        }
        4 => "leave it: it ends by itself, or when the agent that has reserved it gives it back",
        7 => "call unreserve for what you have reserved, then reserve all paths in one call",
        1 => {
            "do not edit these files yet. If the error names a path, fix \"paths\" and call again; else show the error to a person"
        }
        _ => return None,
    })
}

/// The next step when a lock is held, frozen or waited for.
fn refused(tool: &str, fields: &JsonObject) -> &'static str {
    if tool == once::McpRunOnceArguments::NAME {
        return "do other work, and call again later: it is frozen, or another caller still runs it";
    }
    if has_waited(fields) {
        return "do other work and come back, or call again with a longer \"timeout\": each call gives up its queue position. If it cannot wait, ask the holder";
    }
    if fields.get("reason").is_some_and(|it| it == "frozen") {
        return "do other work until the freeze ends, or call again with \"wait\": true. If it cannot wait, ask the person who froze it";
    }
    "do other work and come back, or call again with \"wait\": true to wait in the queue. If it cannot wait, ask the holder"
}

/// Whether a refusal came after a wait.
fn has_waited(fields: &JsonObject) -> bool {
    let is = |key: &str, value: &str| fields.get(key).is_some_and(|it| it == value);
    let has_time = fields.get("waited_ms").is_some_and(|it| !it.is_null());
    is("outcome", "timed_out") || (is("status", "blocked") && has_time)
}

/// The next step where something does not exist.
fn not_found(tool: &str) -> &'static str {
    match tool {
        unlock::McpUnlockArguments::NAME => {
            "there is nothing to unlock. If you had locked it, your lock ended before: check what you did since; audit shows when"
        }
        run_tool::McpRunToolArguments::NAME => {
            "nothing ran: there is no such tool. Fix \"id\" and call again, or ask a person for the tool"
        }
        _ => "nothing was changed: go on with your work",
    }
}

/// The next step where something belongs to another.
fn not_yours(tool: &str) -> &'static str {
    if tool == force::McpForceUnlockArguments::NAME {
        return "the holder has changed: leave it, and show the person who asked for this what status says now";
    }
    "leave it: its holder unlocks it, or it ends by itself; why says when. Do other work, or call lock with \"wait\": true if you need it"
}

/// The next step for a caller that asked why a lock cannot be taken; `None` if it can.
pub(super) fn after_why(fields: &JsonObject) -> Option<&'static str> {
    if fields.get("status").is_none_or(|it| it != "blocked") {
        return None;
    }
    let reasons = fields.get("reasons").and_then(Value::as_array);
    let has = |kind: &str| {
        reasons.is_some_and(|all| all.iter().any(|it| it.get("type").is_some_and(|it| it == kind)))
    };
    Some(if has("corrupted") {
        "do other work, and show this to a person: lokt doctor explains it"
    } else if has("frozen") {
        "do other work until the freeze ends, or call lock or run_guarded with \"wait\": true"
    } else if has("self_held") {
        "it is yours: work under it, or wait for your call that holds it; unlock your lease when you are done"
    } else {
        "do other work and come back, or call lock or run_guarded with \"wait\": true to wait in the queue"
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TOOLS: [&str; 13] = [
        "reserve",
        "unreserve",
        "reservations",
        "lock",
        "unlock",
        "status",
        "why",
        "run_guarded",
        "run_once",
        "run_tool",
        "audit",
        "force_unlock",
        "unfreeze",
    ];

    fn fields(value: &Value) -> JsonObject {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn no_next_step_takes_what_belongs_to_another() {
        let states = [
            json!({}),
            json!({"outcome": "timed_out"}),
            json!({"status": "blocked", "waited_ms": 7}),
            json!({"status": "blocked", "reason": "frozen"}),
        ];
        let whys = ["corrupted", "frozen", "self_held", "held"].map(|kind| {
            let why = json!({"status": "blocked", "reasons": [{"type": kind}]});
            after_why(&fields(&why)).unwrap()
        });
        let codes = (0..=255).flat_map(|code| TOOLS.map(|tool| (tool, code)));
        let errors = codes.flat_map(|(tool, code)| {
            states.each_ref().map(|state| after(tool, code, &fields(state)))
        });
        for step in errors.chain(whys).chain([OWN_LOCK, TOO_LONG, ENDED]) {
            for taking in ["force", "--", "break", "owner", "LOKT_", "delete", "kill", "sign it"] {
                assert!(!step.contains(taking), "an obedient model must not {taking}: {step}");
            }
        }
    }

    #[test]
    fn a_next_step_names_only_arguments_that_the_tool_has() {
        let refusal = fields(&json!({}));
        assert!(!after("run_once", 2, &refusal).contains("wait"), "run_once has no such argument");
        assert!(after("lock", 2, &refusal).contains("\"wait\": true"));
        let waited = fields(&json!({"outcome": "timed_out"}));
        assert!(after("run_guarded", 2, &waited).contains("\"timeout\""));
        assert_eq!(after_why(&fields(&json!({"status": "free"}))), None);
    }

    #[test]
    fn a_guard_that_did_not_wait_is_not_said_to_have_waited() {
        assert!(has_waited(&fields(&json!({"status": "blocked", "waited_ms": 7}))));
        assert!(has_waited(&fields(&json!({"outcome": "timed_out"}))));
        assert!(!has_waited(&fields(&json!({"status": "blocked", "waited_ms": null}))));
        // A guard says how long it waited also where it did not.
        assert!(!has_waited(&fields(&json!({"outcome": "denied", "waited_ms": 0}))));
    }
}
