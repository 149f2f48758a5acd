use super::{Reservation, ReservationOrigin};
use crate::{
    rules::{CallerIdentity, OwnerSource},
    words::{AgentId, Owner},
};

/// Whether a reservation of this owner and agent is the caller's own: the one place that decides it, but for edits.
///
/// The rule is that of locks: the same owner, and that name was given or the agent is the same too. But two sessions of
/// harnesses are two agents that edit at the same time, also if one owner name was given to both. What a subagent has,
/// its session has: commands of the two cannot be told apart.
pub fn is_own(caller: &CallerIdentity, owner: &Owner, agent: Option<&AgentId>) -> bool {
    let mine = caller.agent.session();
    let theirs = agent.map(AgentId::session);
    // Some harnesses name a subagent as a session to the commands that it runs.
    let is_of_this_subagent = || {
        let subagent = agent.and_then(AgentId::subagent);
        let harness = agent.and_then(AgentId::harness);
        subagent.zip(harness).is_some_and(|(id, it)| AgentId::of_session(it, id.as_bytes()) == mine)
    };
    is_of(caller, owner, theirs.as_ref(), &mine)
        || (is_of_this_subagent() && is_of(caller, owner, Some(&mine), &mine))
}

/// The same for an edit. Here a subagent is a separate agent: what another subagent of the session edits is another's,
/// and the session has it only when that one has ended. A subagent may go on with what its session edits: the session
/// gave it the work.
pub fn is_own_for_edit(caller: &CallerIdentity, record: &Reservation) -> bool {
    let agent = record.agent_id.as_ref();
    if record.origin != ReservationOrigin::Edit {
        return is_own(caller, &record.owner, agent);
    }
    is_of(caller, &record.owner, agent, &caller.agent)
        || is_of(caller, &record.owner, agent, &caller.agent.session())
}

fn is_of(caller: &CallerIdentity, owner: &Owner, theirs: Option<&AgentId>, mine: &AgentId) -> bool {
    let is_same_agent = theirs == Some(mine);
    let are_sessions = mine.is_of_harness() && theirs.is_some_and(AgentId::is_of_harness);
    *owner == caller.owner
        && (is_same_agent || (caller.source == OwnerSource::Given && !are_sessions))
}
