use crate::{
    rules::CallerIdentity,
    words::{AgentId, Owner},
};

/// Whether a reservation of this owner and agent is the caller's own: the one place that decides it.
///
/// The rule is that of locks: the same owner, and that name was given or the agent is the same too. But two sessions of
/// harnesses are two agents that edit at the same time, also if one owner name was given to both.
pub fn is_own(caller: &CallerIdentity, owner: &Owner, agent: Option<&AgentId>) -> bool {
    let is_session = caller.agent.is_of_harness() && agent.is_some_and(AgentId::is_of_harness);
    caller.is(owner, agent) && (!is_session || agent == Some(&caller.agent))
}
