//! Rules of `lokt.toml`, as text and JSON.

use super::GuardRule;
use lokt_lock::words::LockName;
use serde::{Serialize, Serializer, ser::SerializeSeq};
use serde_json::json;

/// An answer, with the rules that it is about.
#[derive(Serialize)]
pub(crate) struct WithRules<'a, T: Serialize> {
    #[serde(flatten)]
    pub(crate) explanation: T,
    #[serde(serialize_with = "all")]
    pub(crate) rules: &'a [GuardRule],
}

fn all<S: Serializer>(rules: &[GuardRule], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(rules.len()))?;
    for rule in rules {
        let names: Vec<&str> = rule.names.iter().map(LockName::as_str).collect();
        list.serialize_element(&json!({
            "command": rule.pattern.as_str(),
            "names": names,
            "wait": rule.waits,
            "once": rule.is_once,
            "max_hold": rule.max_hold,
            "line": rule.line,
        }))?;
    }
    list.end()
}

/// A rule as a line of an explanation.
pub(crate) fn line(rule: &GuardRule) -> String {
    let once = if rule.is_once { ", once where it can be" } else { "" };
    format!(
        "  rule: lokt.toml, line {}: {:?} runs under it{once}",
        rule.line,
        rule.pattern.as_str()
    )
}
