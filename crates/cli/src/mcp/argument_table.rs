//! The arguments of a tool as a table. The schema that a client reads is made from it, and what a client sends is
//! checked against it: an argument that does not fit is named, with its value and what is allowed.

use super::argument_types::{McpLockNameArgument, McpToolIdArgument, McpWaitLimitArgument};
use crate::span;
use lokt_lock::{audit::AuditEventKind, words::Owner};
use rmcp::model::JsonObject;
use serde_json::{Value, json};
use std::sync::Arc;

/// How long a text may be that becomes one word of a command line, in bytes. The kernel takes 128 KiB with the flag
/// before it (execve(2), `MAX_ARG_STRLEN`).
const LONGEST_WORD: usize = (128 << 10) - 64;

/// How much of a value an error shows, in characters.
const SHOWN: usize = 80;

/// Whether a call must give an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum McpArgumentNeed {
    /// A call without it is refused.
    Required,
    /// A call may leave it out, or give `null`.
    Optional,
}

/// An argument of a tool.
#[derive(Clone, Copy, Debug)]
pub(super) struct McpArgument {
    /// The name in the JSON object.
    pub(super) name: &'static str,
    /// Which values it may have.
    pub(super) kind: McpArgumentKind,
    /// Whether a call must give it.
    pub(super) need: McpArgumentNeed,
    /// What it means, for the client.
    about: &'static str,
}

/// An argument that a call must give.
pub(super) const fn required(
    name: &'static str,
    kind: McpArgumentKind,
    about: &'static str,
) -> McpArgument {
    McpArgument { name, kind, need: McpArgumentNeed::Required, about }
}

/// An argument that a call may leave out.
pub(super) const fn optional(
    name: &'static str,
    kind: McpArgumentKind,
    about: &'static str,
) -> McpArgument {
    McpArgument { name, kind, need: McpArgumentNeed::Optional, about }
}

/// The values that an argument may have.
#[derive(Clone, Copy, Debug)]
pub(super) enum McpArgumentKind {
    /// A lock's name.
    Name,
    /// One or more locks' names.
    Names,
    /// The name of a result, which is part of a lock's name.
    ResultName,
    /// A tool's id.
    ToolId,
    /// A program and its arguments.
    Command,
    /// Any text.
    Text,
    /// Patterns of paths.
    Globs,
    /// One or more paths, or patterns of them.
    Paths,
    /// An owner's name.
    Owner,
    /// A kind of event.
    Event,
    /// A time, or a duration before now.
    Moment,
    /// A duration of more than nothing.
    Duration,
    /// A duration that a call may wait for.
    WaitLimit,
    /// A whole number from the first to the second.
    Count(u64, u64),
    /// True or false.
    Flag,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A JSON object that is a word of the command line.
    Metadata,
    /// A JSON object of any size.
    Object,
}

impl McpArgumentKind {
    /// The part of a value that does not fit, if one does not.
    fn misfit(self, value: &Value) -> Option<&Value> {
        let one = |fits: bool| (!fits).then_some(value);
        let text = value.as_str();
        match self {
            Self::Names => misfit_of_list(value, is_name),
            Self::Command => misfit_of_list(value, is_word),
            Self::Globs if value.as_array().is_some_and(Vec::is_empty) => None,
            Self::Paths => misfit_of_list(value, |path| is_word(path) && !path.is_empty()),
            Self::Globs => misfit_of_list(value, |glob| is_word(glob) && !glob.is_empty()),
            Self::Name => one(text.is_some_and(is_name)),
            Self::ResultName => one(text.is_some_and(|it| is_name(it) && it.len() <= 183)),
            Self::ToolId => one(text.is_some_and(is_tool_id)),
            Self::Text => one(text.is_some_and(is_word)),
            Self::Owner => one(text.is_some_and(|it| is_word(it) && Owner::new(it).is_ok())),
            Self::Event => one(text.is_some_and(|it| it.parse::<AuditEventKind>().is_ok())),
            Self::Moment => one(text.is_some_and(|it| span::point(it).is_ok())),
            Self::Duration => one(text.is_some_and(|it| span::parse_positive(it).is_ok())),
            Self::WaitLimit => {
                one(text.is_some_and(|it| McpWaitLimitArgument::try_from(it.to_owned()).is_ok()))
            }
            Self::Count(least, most) => {
                one(value.as_u64().is_some_and(|it| (least..=most).contains(&it)))
            }
            Self::Flag => one(value.is_boolean()),
            Self::Choice(choices) => one(text.is_some_and(|it| choices.contains(&it))),
            Self::Metadata => one(value.is_object() && value.to_string().len() <= LONGEST_WORD),
            Self::Object => one(value.is_object()),
        }
    }

    /// The allowed values, in words that follow "must be".
    fn allowed(self) -> String {
        const NAME: &str = "of A-Z a-z 0-9 . _ -, without .., not beginning with -";
        const WORD: &str = "at most 128 KiB and without NUL";
        let duration = "like 90s, 5m or 1h30m, with the units ms, s, m, h, d, w, the largest first";
        match self {
            Self::Name => format!("a lock name: 1 to 200 {NAME}"),
            Self::Names => format!("a list of at least one lock name: 1 to 200 {NAME}"),
            Self::ResultName => format!("a result's name: 1 to 183 {NAME}"),
            Self::ToolId => "a tool's id: its path below tools/, like web/scraper".to_owned(),
            Self::Command => {
                format!("a list of texts, the program and its arguments, each {WORD}")
            }
            Self::Text => format!("a text of {WORD}"),
            Self::Paths => {
                format!("a list of at least one path or glob, each not empty, {WORD}")
            }
            Self::Globs => format!("a list of globs, each not empty, {WORD}"),
            Self::Owner => "an owner: a text that is not empty, without control characters".into(),
            Self::Event => {
                let all: Vec<_> = AuditEventKind::ALL.iter().map(|it| it.as_str()).collect();
                format!("one of {}", all.join(", "))
            }
            Self::Moment => {
                format!("a time like 2026-02-01T10:00:00Z, or a duration before now {duration}")
            }
            Self::Duration => format!("a text with a duration of more than 0, {duration}"),
            Self::WaitLimit => format!("a text with a duration of at most 1h, {duration}"),
            Self::Count(least, most) => format!("a whole number from {least} to {most}"),
            Self::Flag => "true or false".to_owned(),
            Self::Choice(choices) => choices.join(" or "),
            Self::Metadata => "a JSON object of at most 128 KiB".to_owned(),
            Self::Object => "a JSON object".to_owned(),
        }
    }

    /// The values as a schema, in words that all models understand.
    fn schema(self) -> Value {
        match self {
            Self::Names | Self::Command | Self::Paths => {
                json!({"type": "array", "items": {"type": "string"}, "minItems": 1})
            }
            Self::Globs => json!({"type": "array", "items": {"type": "string"}}),
            // The largest number of slots says nothing to a client.
            Self::Count(least, most) if most >= u64::from(u32::MAX) => {
                json!({"type": "integer", "minimum": least})
            }
            Self::Count(least, most) => {
                json!({"type": "integer", "minimum": least, "maximum": most})
            }
            Self::Flag => json!({"type": "boolean"}),
            Self::Choice(choices) => json!({"type": "string", "enum": choices}),
            Self::Metadata | Self::Object => json!({"type": "object"}),
            _ => json!({"type": "string"}),
        }
    }
}

/// The first element that does not fit; the whole value if it is no list, or an empty one.
fn misfit_of_list(value: &Value, fits: impl Fn(&str) -> bool) -> Option<&Value> {
    match value.as_array().map(Vec::as_slice) {
        None | Some([]) => Some(value),
        Some(list) => list.iter().find(|it| !it.as_str().is_some_and(&fits)),
    }
}

/// Whether a text can be the name of a lock in a call.
fn is_name(text: &str) -> bool {
    McpLockNameArgument::try_from(text.to_owned()).is_ok()
}

/// Whether a text can be the id of a tool in a call.
fn is_tool_id(text: &str) -> bool {
    is_word(text) && McpToolIdArgument::try_from(text.to_owned()).is_ok()
}

/// Whether a text can be one word of a command line.
fn is_word(text: &str) -> bool {
    text.len() <= LONGEST_WORD && !text.contains('\0')
}

/// The schema of arguments: without references, and without `null` beside the type of an argument that may be left
/// out.
pub(super) fn schema(arguments: &[McpArgument]) -> Arc<JsonObject> {
    let described = arguments.iter().map(|argument| {
        let mut schema = argument.kind.schema();
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".to_owned(), argument.about.into());
        }
        (argument.name.to_owned(), schema)
    });
    let properties: JsonObject = described.collect();
    let needed = arguments.iter().filter(|it| it.need == McpArgumentNeed::Required);
    let needed: Vec<Value> = needed.map(|it| it.name.into()).collect();
    let mut object = JsonObject::from_iter([
        ("type".to_owned(), "object".into()),
        ("properties".to_owned(), properties.into()),
    ]);
    if !needed.is_empty() {
        object.insert("required".to_owned(), needed.into());
    }
    object.insert("additionalProperties".to_owned(), false.into());
    Arc::new(object)
}

/// Checks what a client sends against the arguments of a tool.
///
/// # Errors
/// A text that names each argument that is unknown, missing or does not fit.
pub(super) fn check(
    tool: &str,
    arguments: &[McpArgument],
    given: &JsonObject,
) -> Result<(), String> {
    let names: Vec<&str> = arguments.iter().map(|it| it.name).collect();
    let unknown = given.keys().filter(|name| !names.contains(&name.as_str()));
    let unknown = unknown.map(|name| {
        format!("{} is not an argument; {tool} takes {}", quoted(name), names.join(", "))
    });
    let faults: Vec<String> =
        unknown.chain(arguments.iter().filter_map(|it| fault(it, given))).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
}

/// The fault of one argument.
fn fault(argument: &McpArgument, given: &JsonObject) -> Option<String> {
    let (name, allowed) = (quoted(argument.name), || argument.kind.allowed());
    match given.get(argument.name).filter(|it| !it.is_null()) {
        None if argument.need == McpArgumentNeed::Required => {
            Some(format!("{name} is missing: it must be {}", allowed()))
        }
        None => None,
        Some(value) => {
            let misfit = argument.kind.misfit(value)?;
            Some(format!("{name} must be {}, not {}", allowed(), shown(misfit)))
        }
    }
}

/// A name as JSON, shortened.
fn quoted(name: &str) -> String {
    shown(&name.into())
}

/// A value as JSON, shortened.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => {
            format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), text.len())
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARGUMENTS: [McpArgument; 3] = [
        required("name", McpArgumentKind::Name, "The lock"),
        optional("ttl", McpArgumentKind::Duration, "How long"),
        optional("names", McpArgumentKind::Names, "More"),
    ];

    #[track_caller]
    fn told(given: &Value, expected: &[&str]) {
        let error = check("lock", &ARGUMENTS, given.as_object().unwrap()).unwrap_err();
        for text in expected {
            assert!(error.contains(text), "{given}: {error}");
        }
    }

    #[test]
    fn arguments_that_fit_are_accepted_also_null_for_one_that_may_be_left_out() {
        for given in [
            json!({"name": "x"}),
            json!({"name": "x", "ttl": null}),
            json!({"name": "x", "ttl": "5m", "names": ["a", "b"]}),
        ] {
            assert_eq!(check("lock", &ARGUMENTS, given.as_object().unwrap()), Ok(()));
        }
    }

    #[test]
    fn each_fault_names_the_argument_its_value_and_what_is_allowed() {
        told(&json!({}), &["\"name\" is missing: it must be a lock name: 1 to 200"]);
        told(&json!({"name": null}), &["\"name\" is missing"]);
        told(&json!({"name": "a/b"}), &["\"name\" must be a lock name", "not \"a/b\""]);
        told(&json!({"name": "x", "ttl": 5}), &["\"ttl\" must be a text with a duration", "not 5"]);
        told(&json!({"name": "x", "names": ["a", "-b"]}), &["\"names\" must be", "not \"-b\""]);
        told(&json!({"name": "x", "names": []}), &["\"names\" must be", "not []"]);
        let unknown = "\"force\" is not an argument; lock takes name, ttl, names";
        told(&json!({"force": 1, "ttl": "0"}), &[unknown, "\"name\" is missing", "not \"0\""]);
        told(&json!({"name": "x".repeat(500)}), &["… (502 bytes)"]);
    }

    #[test]
    fn a_kind_accepts_what_it_says_and_nothing_else() {
        let long = "x".repeat(LONGEST_WORD + 1);
        for (kind, good, bad) in [
            (McpArgumentKind::ResultName, json!("x".repeat(183)), json!("x".repeat(184))),
            (McpArgumentKind::ToolId, json!("web/scraper"), json!("--help")),
            (McpArgumentKind::Command, json!(["a", ""]), json!("a")),
            (McpArgumentKind::Command, json!(["a"]), json!(["a", "b\0"])),
            (McpArgumentKind::Text, json!(""), json!("\0")),
            (McpArgumentKind::Text, json!("é"), json!(long)),
            (McpArgumentKind::Globs, json!([]), json!([""])),
            (McpArgumentKind::Paths, json!(["src/a", "*"]), json!([])),
            (McpArgumentKind::Owner, json!("ada"), json!("a\nb")),
            (McpArgumentKind::Event, json!("renew"), json!("explosion")),
            (McpArgumentKind::Moment, json!("2026-02-01T10:00:00Z"), json!("--tail")),
            (McpArgumentKind::Moment, json!("2h"), json!(2)),
            (McpArgumentKind::WaitLimit, json!("1h"), json!("61m")),
            (McpArgumentKind::Count(1, 5), json!(5), json!(6)),
            (McpArgumentKind::Count(1, 5), json!(1), json!(-1)),
            (McpArgumentKind::Count(1, 5), json!(2), json!(2.5)),
            (McpArgumentKind::Flag, json!(false), json!("no")),
            (McpArgumentKind::Choice(&["a", "b"]), json!("b"), json!("c")),
            (McpArgumentKind::Metadata, json!({"a": 1}), json!({"a": long})),
            (McpArgumentKind::Object, json!({"a": long}), json!([])),
        ] {
            assert_eq!(kind.misfit(&good), None, "{kind:?} accepts {good:.40}");
            assert!(kind.misfit(&bad).is_some(), "{kind:?} refuses {bad:.40}");
            assert!(kind.schema().is_object() && !kind.allowed().is_empty());
        }
    }
}
