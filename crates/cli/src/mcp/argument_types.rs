//! Arguments with one checked constructor, which reading them from JSON goes through. None of them can be
//! taken for a flag.

use crate::span;
use lokt_lock::words::LockName;
use rmcp::schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// The default time limit of a wait: many clients give an answer a minute.
const WAIT: &str = "50s";

/// How long a call may wait at most.
const WAIT_AT_MOST: Duration = Duration::from_hours(1);

/// Name of a lock: 1 to 200 of the characters A-Z a-z 0-9 . _ -, not beginning with -
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct McpLockNameArgument(#[schemars(with = "String")] LockName);

impl McpLockNameArgument {
    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(super) fn lock(&self) -> &LockName {
        &self.0
    }
}

impl TryFrom<String> for McpLockNameArgument {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.starts_with('-') {
            return Err(format!("invalid lock name {text:?}: it must not begin with '-'"));
        }
        LockName::new(text).map(Self).map_err(|error| error.to_string())
    }
}

/// A duration: 500ms, 90s, 5m, 1h30m, 2d, 1w
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct McpDurationArgument(String);

impl AsRef<str> for McpDurationArgument {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for McpDurationArgument {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        span::parse(&text).map(|_| Self(text))
    }
}

/// The time limit of a wait: at most 1h
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct McpWaitLimitArgument(String);

impl TryFrom<String> for McpWaitLimitArgument {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let asked = span::parse(&text)?;
        if asked > WAIT_AT_MOST {
            let most = span::show(WAIT_AT_MOST);
            return Err(format!(
                "a call waits {most} at most, not {text:?}; call again after that"
            ));
        }
        Ok(Self(text))
    }
}

/// The words that make a command wait.
pub(super) fn waiting(wait: Option<bool>, timeout: Option<&McpWaitLimitArgument>) -> Vec<String> {
    match (wait, timeout) {
        (Some(true), given) => {
            let timeout = given.map_or(WAIT, |it| it.0.as_str());
            vec!["--wait".to_owned(), format!("--timeout={timeout}")]
        }
        // Without the wait it means nothing, which the command says.
        (_, Some(given)) => vec![format!("--timeout={}", given.0)],
        (_, None) => Vec::new(),
    }
}

/// The words that make a command share a lock.
pub(super) fn sharing(shared: Option<bool>, slots: Option<u32>) -> Vec<String> {
    let shared = shared.unwrap_or(false).then(|| "--shared".to_owned());
    let slots = slots.map(|slots| format!("--slots={slots}"));
    shared.into_iter().chain(slots).collect()
}

/// Id of a tool: its path below tools/, like web/scraper
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(crate = "rmcp::schemars")]
pub(super) struct McpToolIdArgument(String);

impl McpToolIdArgument {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for McpToolIdArgument {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.starts_with('-') {
            return Err(format!("invalid tool id {text:?}: it must not begin with '-'"));
        }
        Ok(Self(text))
    }
}
