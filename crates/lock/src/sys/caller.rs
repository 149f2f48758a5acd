use super::{process, user};
use crate::{
    rules::{Here, Identity, Liveness, OwnerSource, Presence, compare},
    words::{AgentId, Owner},
};
use nix::unistd::getsid;

/// Who calls, and from where: what goes into records, and what decides whether a record is mine.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The owner and the agent.
    pub identity: Identity,
    /// The host, the boot and the pid namespace.
    pub here: Here,
}

impl Caller {
    /// Reads who calls. An owner that is not given is the operating system's user; an agent that is not
    /// given is the terminal session.
    pub fn current(owner: Option<Owner>, source: OwnerSource, agent: Option<AgentId>) -> Self {
        let here = process::here();
        let source = if owner.is_some() {
            source
        } else {
            OwnerSource::Derived
        };
        let owner = owner.unwrap_or_else(user::current);
        let agent = agent.unwrap_or_else(|| session_agent(&here));
        Self {
            identity: Identity {
                owner,
                source,
                agent,
            },
            here,
        }
    }

    /// Whether the process that a record names lives.
    pub fn liveness(&self, record: &crate::record::Record) -> Liveness {
        compare(record, &self.here, process::probe)
    }
}

/// The id of this terminal session, from its leader's pid and start time.
///
/// Where the leader has ended, its pid is still reserved for the session, so it tells sessions apart by
/// itself. Where the leader is outside this pid namespace, nothing does: then every process is an agent
/// of its own, which may cost somebody a `LOKT_AGENT_ID`, but never lets two in.
fn session_agent(here: &Here) -> AgentId {
    let leader = getsid(None).map_or(0, nix::unistd::Pid::as_raw);
    let leader = if leader > 0 {
        leader
    } else {
        nix::unistd::getpid().as_raw()
    };
    let started = match process::probe(leader) {
        Presence::Present(started) => started.unwrap_or(0),
        Presence::Absent => 0,
    };
    AgentId::derived(&here.boot_id, leader, started)
}
