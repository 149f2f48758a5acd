use super::{
    program::is_of,
    table::{HarnessRow, TABLE},
};
use crate::{
    sys::AncestorProcess,
    words::{AgentId, Harness, ProcessLocation},
};
use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

/// Says where an agent id came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentSource {
    /// The user gave it.
    Given,
    /// A variable of a harness has the id of its session.
    Variable {
        /// The harness.
        harness: Harness,
        /// The variable.
        variable: &'static str,
    },
    /// A harness has no id for its session; its process is the session.
    Process {
        /// The harness.
        harness: Harness,
        /// Its process.
        pid: i32,
    },
    /// Several harnesses name a session each, and it is unknown which of them is the inner one.
    Nested(Vec<(Harness, &'static str)>),
    /// The terminal session.
    Terminal {
        /// A harness that is somewhere above, and the variable that says so. It names no session, and its process
        /// cannot be seen.
        marker: Option<(Harness, &'static str)>,
    },
    /// A connection of an MCP client.
    Connection,
}

/// What the harnesses above say of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentDetectionOutcome {
    /// The agent is a session of a harness.
    Agent(AgentId, AgentSource),
    /// No session is known; with the harness and the variable that hint at one.
    Unknown(Option<(Harness, &'static str)>),
}

/// What the variables say of one harness.
struct Candidate {
    row: &'static HarnessRow,
    /// The variable that hints at it.
    variable: &'static str,
    /// The id of its session, from that variable.
    session: Option<OsString>,
    /// The pid of its process.
    pid: Option<i32>,
}

/// Finds the agent by what the harnesses above say. `value_of` gives a variable's value; an empty one is not set.
/// `ancestors` are the processes above, nearest first; none is asked for where one harness alone names its session.
///
/// 1. One harness names a session: that is the agent. (A harness within one of the same kind sets the variable again;
///    if it does not, the variable cannot tell the two apart.)
/// 2. Otherwise, the nearest process above that belongs to one of the harnesses decides: a harness inherits the
///    variables of the one that it runs in. Where it names no session, its process is the session.
/// 3. Where no such process can be seen, markers of harnesses that always name a session do not count. If one session
///    is left, it is the agent; if several are left and nothing else, they together name the inner one.
/// 4. Otherwise no session is known.
pub fn find(
    value_of: impl Fn(&str) -> Option<OsString>,
    here: &ProcessLocation,
    ancestors: impl IntoIterator<Item = AncestorProcess>,
) -> AgentDetectionOutcome {
    let value_of = |name: &str| value_of(name).filter(|value| !value.is_empty());
    let candidates: Vec<Candidate> =
        TABLE.iter().filter_map(|row| Candidate::of(row, &value_of)).collect();
    let first = match candidates.as_slice() {
        [] => return AgentDetectionOutcome::Unknown(None),
        [only] => only.agent(),
        _ => None,
    };
    let nearest = || {
        ancestors.into_iter().find_map(|process| {
            let candidate = candidates.iter().find(|it| it.is(&process))?;
            Some(candidate.agent().unwrap_or_else(|| candidate.agent_by_process(here, &process)))
        })
    };
    first.or_else(nearest).unwrap_or_else(|| unseen(&candidates, &value_of))
}

/// The nearest process above that is a harness; nothing where none is recognized. `ancestors` are the processes above,
/// nearest first.
pub fn process_of(
    harness: Harness,
    ancestors: impl IntoIterator<Item = AncestorProcess>,
) -> Option<AncestorProcess> {
    let row = TABLE.iter().find(|row| row.harness == harness)?;
    ancestors.into_iter().find(|process| is_of(row, process))
}

/// What is known where no process of the harnesses can be seen.
fn unseen(
    candidates: &[Candidate],
    value_of: &impl Fn(&str) -> Option<OsString>,
) -> AgentDetectionOutcome {
    let marked = candidates.iter().find(|it| it.session.is_none());
    let unknown = AgentDetectionOutcome::Unknown(marked.map(|it| (it.row.harness, it.variable)));
    let silent = |it: &&Candidate| it.session.is_none() && it.row.may_name_no_session;
    match candidates.iter().find(silent) {
        Some(silent) if candidates.len() == 1 => silent.agent_in_part(value_of).unwrap_or(unknown),
        Some(_) => unknown,
        None => {
            let named: Vec<&Candidate> =
                candidates.iter().filter(|it| it.session.is_some()).collect();
            match named.as_slice() {
                [] => unknown,
                [only] => only.agent().unwrap_or(unknown),
                several => nested(several),
            }
        }
    }
}

fn nested(several: &[&Candidate]) -> AgentDetectionOutcome {
    let session =
        |it: &&Candidate| Some((it.row.harness, it.session.as_ref()?.as_bytes().to_vec()));
    let sessions: Vec<(Harness, Vec<u8>)> = several.iter().filter_map(session).collect();
    let sources = several.iter().map(|it| (it.row.harness, it.variable)).collect();
    AgentDetectionOutcome::Agent(AgentId::of_nested(&sessions), AgentSource::Nested(sources))
}

impl Candidate {
    fn of(row: &'static HarnessRow, value_of: &impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let number = |name: &str| value_of(name)?.to_str()?.parse().ok();
        let pid = || row.process.and_then(number);
        if let Some((variable, session)) = first_set(row.session, value_of) {
            return Some(Self { row, variable, session: Some(session), pid: pid() });
        }
        let is_set = |(name, wanted): &(&str, Option<&str>)| match (value_of(name), wanted) {
            (Some(value), Some(wanted)) => value == OsStr::new(wanted),
            (value, None) => value.is_some(),
            (None, Some(_)) => false,
        };
        let marker = row.markers.iter().find(|it| is_set(it)).map(|(name, _)| *name);
        let marker = marker.or_else(|| Some(first_set(row.partial, value_of)?.0));
        Some(Self { row, variable: marker?, session: None, pid: pid() })
    }

    fn is(&self, process: &AncestorProcess) -> bool {
        self.pid == Some(process.pid) || is_of(self.row, process)
    }

    /// The agent, where a variable names its session.
    fn agent(&self) -> Option<AgentDetectionOutcome> {
        Some(self.agent_of(self.variable, self.session.as_ref()?))
    }

    /// The agent, by a variable that not all commands of the session have.
    fn agent_in_part(
        &self,
        value_of: &impl Fn(&str) -> Option<OsString>,
    ) -> Option<AgentDetectionOutcome> {
        let (variable, session) = first_set(self.row.partial, value_of)?;
        Some(self.agent_of(variable, &session))
    }

    fn agent_of(&self, variable: &'static str, session: &OsStr) -> AgentDetectionOutcome {
        let harness = self.row.harness;
        let id = AgentId::of_session(harness, session.as_bytes());
        AgentDetectionOutcome::Agent(id, AgentSource::Variable { harness, variable })
    }

    fn agent_by_process(
        &self,
        here: &ProcessLocation,
        process: &AncestorProcess,
    ) -> AgentDetectionOutcome {
        let (harness, pid) = (self.row.harness, process.pid);
        let id = AgentId::of_process(harness, here, pid, process.started);
        AgentDetectionOutcome::Agent(id, AgentSource::Process { harness, pid })
    }
}

fn first_set(
    names: &'static [&'static str],
    value_of: &impl Fn(&str) -> Option<OsString>,
) -> Option<(&'static str, OsString)> {
    names.iter().find_map(|name| Some((*name, value_of(name)?)))
}

#[cfg(test)]
#[path = "finding_tests.rs"]
mod tests;
