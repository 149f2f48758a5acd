//! The agent that a harness's hook acts for: the one that the shell commands and the MCP server of that session are.

use super::{event::HookCall, table::HookRow};
use crate::{
    context::{self, OwnerOption},
    failure::CliFailure,
};
use lokt_lock::{
    caller::Caller,
    file::HarnessProcess,
    harness::{self, AgentSource},
    sys,
    words::AgentId,
};

/// The session that a hook acts for.
pub(super) struct HookSession {
    /// The caller; its agent may be a subagent.
    pub(super) caller: Caller,
    /// The process of the harness, where it is recognized.
    pub(super) process: Option<HarnessProcess>,
}

/// Finds the session of a call; `None` where nothing names it.
///
/// What the user has set comes first. Then the id from the hook's input counts, if the harness gives it to shell
/// commands too; else the hook finds the session as those do.
pub(super) fn find(
    row: &HookRow,
    call: &HookCall,
    acting: &OwnerOption,
) -> Result<Option<HookSession>, CliFailure> {
    let process = harness::process_of(row.harness, sys::ancestors());
    let process = process.map(|it| HarnessProcess { pid: it.pid, started: it.started });
    let by_input = || {
        let session = call.session.as_ref()?;
        Some(AgentId::of_session(row.harness, session.as_bytes()))
    };
    let as_commands = context::caller(acting)?;
    if as_commands.agent_source == AgentSource::Given {
        return Ok(Some(HookSession { caller: as_commands, process }));
    }
    let by_commands = || {
        let agent = as_commands.identity.agent.clone();
        (agent.harness() == Some(row.harness)).then_some(agent)
    };
    let by_process = || {
        let process = process?;
        Some(AgentId::of_process(row.harness, &as_commands.here, process.pid, process.started))
    };
    let session = if row.is_session_known {
        by_input().or_else(by_commands)
    } else {
        by_commands().or_else(by_process).or_else(by_input)
    };
    let Some(session) = session else { return Ok(None) };
    let agent = match &call.subagent {
        Some(subagent) => session.of_subagent(subagent.as_bytes()),
        None => session,
    };
    let mut caller = as_commands;
    caller.identity.agent = agent;
    Ok(Some(HookSession { caller, process }))
}
