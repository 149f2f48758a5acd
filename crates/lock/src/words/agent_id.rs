use super::{Harness, ProcessLocation};
use std::fmt;

/// Tells apart two agents or terminals that work under one owner name.
///
/// | id | what it names |
/// | --- | --- |
/// | `claude-code:1f0c4be0-…` | a session of a harness, by the harness's own id |
/// | `claude-code:1f0c4be0-…/a3f1` | a subagent of that session, for edits only |
/// | `gemini:pid-1234-0ac8ac9f` | a session of a harness that has no id for it: the harness's process |
/// | `claude-code+codex:0ac8ac9fdf8b8d21` | a session within a session, where it is unknown which is the inner one |
/// | `agent-0ac8ac9fdf8b8d21` | a terminal session |
/// | `mcp-0ac8ac9fdf8b8d21` | a connection of an MCP client |
///
/// Any other text is an id that the user gave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AgentId(String);

/// Says why a text is no agent id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAgentId {
    /// The text holds a control character, a newline for instance.
    #[error("control characters are not allowed: {0:?}")]
    Control(String),
    /// The text has too many bytes.
    #[error("it is {0} bytes long, and at most {MOST_BYTES} are allowed")]
    TooLong(usize),
}

/// How long a given id may be, in bytes.
const MOST_BYTES: usize = 200;
/// How long the id of a harness's session may be; longer ones are hashed.
const MOST_SESSION_BYTES: usize = 100;
/// What the id of a terminal session begins with.
const TERMINAL: &str = "agent-";
/// What the id of a connection begins with.
const CONNECTION: &str = "mcp-";
/// What a session begins with that is a process.
const PROCESS: &str = "pid-";
/// What stands between a session and its subagent.
const SUBAGENT: char = '/';

impl AgentId {
    /// Takes an id as it stands in a record; `None` where the text is empty.
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// Checks an id that the user gave; `None` where the text is empty.
    ///
    /// # Errors
    /// [`InvalidAgentId`] says what is wrong with the text.
    pub fn given(text: &str) -> Result<Option<Self>, InvalidAgentId> {
        if text.len() > MOST_BYTES {
            return Err(InvalidAgentId::TooLong(text.len()));
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidAgentId::Control(text.to_owned()));
        }
        Ok(Self::new(text))
    }

    /// Derives an id from what names a terminal session: the boot, the session leader's pid and the time
    /// it started. The same session always gives the same id, and no two sessions do.
    pub fn derived(boot_id: &str, pid: i32, started: u64) -> Self {
        let digest = fnv1a(format!("{boot_id}/{pid}/{started}").as_bytes());
        Self(format!("{TERMINAL}{digest:016x}"))
    }

    /// The id of a harness's session, by the id that the harness has for it. A long one, and one with other
    /// characters than such ids have, is hashed: it must not get into messages and logs, and still names one
    /// session.
    pub fn of_session(harness: Harness, session: &[u8]) -> Self {
        Self(format!("{harness}:{}", id_of(session)))
    }

    /// The id of a harness's session that is its process. Start time, boot and pid namespace tell apart two
    /// processes that have one pid, also of two containers.
    pub fn of_process(harness: Harness, here: &ProcessLocation, pid: i32, started: u64) -> Self {
        let place = format!("{}/{}/{pid}/{started}", here.boot_id, here.pid_ns);
        let digest = fnv1a(place.as_bytes()) & 0xffff_ffff;
        Self(format!("{harness}:{PROCESS}{pid}-{digest:08x}"))
    }

    /// The id where several harnesses name a session each, one within the other, and it is unknown which is the
    /// inner one. Only the inner session knows both, so the pair names it.
    pub fn of_nested(sessions: &[(Harness, Vec<u8>)]) -> Self {
        let names: Vec<&str> = sessions.iter().map(|(harness, _)| harness.as_str()).collect();
        let mut all = Vec::new();
        for (_, session) in sessions {
            all.extend_from_slice(session);
            all.push(0);
        }
        Self(format!("{}:{:016x}", names.join("+"), fnv1a(&all)))
    }

    /// The id of a connection, from a random text.
    pub fn of_connection(random: &str) -> Self {
        Self(format!("{CONNECTION}{}", random.get(..16).unwrap_or(random)))
    }

    /// The id of a subagent of this session, by the id that the harness has for it. Only sessions of harnesses have
    /// subagents: of another id, this is the id itself.
    #[must_use]
    pub fn of_subagent(&self, subagent: &[u8]) -> Self {
        if subagent.is_empty() || !self.is_of_harness() || self.subagent().is_some() {
            return self.clone();
        }
        Self(format!("{}{SUBAGENT}{}", self.0, id_of(subagent)))
    }

    /// The session that the id names, or that its subagent belongs to.
    #[must_use]
    pub fn session(&self) -> Self {
        match self.subagent() {
            Some(subagent) => {
                let end = self.0.len() - subagent.len() - SUBAGENT.len_utf8();
                Self(self.0.get(..end).unwrap_or(&self.0).to_owned())
            }
            None => self.clone(),
        }
    }

    /// The part of the id that names a subagent.
    pub fn subagent(&self) -> Option<&str> {
        let (_, session) = self.harnesses_and_session()?;
        session.split_once(SUBAGENT).map(|(_, subagent)| subagent)
    }

    /// The harness that the id names a session of.
    pub fn harness(&self) -> Option<Harness> {
        Harness::named(self.0.split_once(':')?.0)
    }

    /// Whether the id names a session of a harness, a nested one too.
    pub fn is_of_harness(&self) -> bool {
        self.harnesses_and_session().is_some()
    }

    /// Whether the id names a terminal session.
    pub fn is_of_terminal(&self) -> bool {
        self.0.strip_prefix(TERMINAL).is_some_and(|rest| rest.len() == 16 && is_hex(rest))
    }

    fn harnesses_and_session(&self) -> Option<(&str, &str)> {
        let (harnesses, session) = self.0.split_once(':')?;
        let are_known = harnesses.split('+').all(|it| Harness::named(it).is_some());
        (are_known && !session.is_empty()).then_some((harnesses, session))
    }

    /// The id as a person recognizes it: `claude-code 1f0c4be0`, `gemini pid 1234`, `terminal 0ac8ac9f`. It may
    /// stand for more than one id: compare the ids, never this.
    pub fn spoken(&self) -> String {
        if let Some((harnesses, session)) = self.harnesses_and_session() {
            return match session.split_once(SUBAGENT) {
                Some((session, subagent)) => {
                    format!("{harnesses} {}, subagent {}", shortened(session), shortened(subagent))
                }
                None => format!("{harnesses} {}", shortened(session)),
            };
        }
        for (beginning, word) in [(TERMINAL, "terminal"), (CONNECTION, "mcp")] {
            let rest = self.0.strip_prefix(beginning);
            if let Some(rest) = rest.filter(|it| it.len() == 16 && is_hex(it)) {
                return format!("{word} {}", rest.get(..8).unwrap_or(rest));
            }
        }
        self.0.clone()
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of a harness as it stands in an agent id: hashed where it is long, or has other characters than such ids
/// have.
fn id_of(bytes: &[u8]) -> String {
    let is_plain = |it: &u8| it.is_ascii_alphanumeric() || b"-_.".contains(it);
    let text = std::str::from_utf8(bytes).ok().filter(|it| it.len() <= MOST_SESSION_BYTES);
    match text.filter(|_| bytes.iter().all(is_plain)) {
        Some(text) => text.to_owned(),
        None => format!("{:016x}", fnv1a(bytes)),
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|it| it.is_ascii_hexdigit())
}

/// The beginning of a session's id. The ids that begin with the time of their making need their end too: two sessions
/// that began within a minute have the same beginning.
fn shortened(session: &str) -> String {
    if let Some((pid, _)) = session.strip_prefix(PROCESS).and_then(|it| it.split_once('-')) {
        return format!("pid {pid}");
    }
    let characters: Vec<char> = session.chars().collect();
    let part = |range: std::ops::Range<usize>| -> String {
        characters.get(range).unwrap_or_default().iter().collect()
    };
    match characters.len() {
        length if length <= 12 => session.to_owned(),
        _ if is_random(session) => part(0..8),
        length => format!("{}…{}", part(0..8), part(length - 4..length)),
    }
}

/// Whether a text is 16 hexadecimal digits, or a UUID of random digits (RFC 9562, version 4).
fn is_random(text: &str) -> bool {
    let is_uuid = text.len() == 36 && text.as_bytes().get(14) == Some(&b'4');
    is_uuid || (text.len() == 16 && is_hex(text))
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hashes bytes with FNV-1a, 64 bits (Fowler, Noll, Vo): stable across versions, which `std`'s hashers
/// do not promise.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
#[path = "agent_id_tests.rs"]
mod tests;
