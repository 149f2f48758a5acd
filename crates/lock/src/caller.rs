//! The caller: the owner, the agent and the process that a command acts for.

use crate::{
    harness::{self, AgentDetectionOutcome, AgentSource},
    record::LockRecord,
    rules::{CallerIdentity, Liveness, OwnerSource, RecordedProcess, compare},
    sys::{self, ProcessStat},
    words::{AgentId, LockId, Owner, ProcessLocation, ProcessPresence},
};
use nix::{
    sys::stat::fstat,
    unistd::{self, Pid},
};
use std::ffi::OsString;

/// The caller and its location: what goes into records, and what decides whether a record is the caller's.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The owner and the agent.
    pub identity: CallerIdentity,
    /// Where the agent comes from.
    pub agent_source: AgentSource,
    /// The host, the boot and the pid namespace.
    pub here: ProcessLocation,
    /// This process.
    pub pid: i32,
    this: Option<ProcessStat>,
}

impl Caller {
    /// Reads the caller's identity. An owner that is not given is the operating system's user; an agent that is
    /// not given is the terminal session.
    pub fn current(owner: Option<Owner>, source: OwnerSource, agent: Option<AgentId>) -> Self {
        Self::within(owner, source, agent, |_| None)
    }

    /// The same, where an agent that is not given is the session of the harness above, if `value_of` gives the values
    /// of [its variables](harness::variables). Without a harness, it is the terminal session.
    pub fn within(
        owner: Option<Owner>,
        source: OwnerSource,
        agent: Option<AgentId>,
        value_of: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        let here = sys::here();
        let this = ProcessStat::of_this_process();
        let pid = nix::unistd::getpid().as_raw();
        let source = if owner.is_some() { source } else { OwnerSource::Derived };
        let owner = owner.unwrap_or_else(sys::current_user);
        let finding = match agent {
            Some(agent) => AgentDetectionOutcome::Agent(agent, AgentSource::Given),
            None => harness::find(value_of, &here, sys::ancestors()),
        };
        let (agent, agent_source) = match finding {
            AgentDetectionOutcome::Agent(agent, source) => (agent, source),
            AgentDetectionOutcome::Unknown(marker) => {
                (session_agent(&here, this.as_ref(), pid), AgentSource::Terminal { marker })
            }
        };
        Self { identity: CallerIdentity { owner, source, agent }, agent_source, here, pid, this }
    }

    /// Whether the process that a record names lives.
    pub fn liveness<'a>(&self, record: impl Into<RecordedProcess<'a>>) -> Liveness {
        compare(record, &self.here, sys::probe)
    }

    /// Whether the process that a record names lives, by what `probe` says of its pid.
    pub(crate) fn liveness_by(
        &self,
        record: &LockRecord,
        probe: impl FnOnce(i32) -> ProcessPresence,
    ) -> Liveness {
        compare(record, &self.here, probe)
    }

    /// Whether this process has a controlling terminal.
    pub fn has_terminal(&self) -> bool {
        // Where `/proc` does not tell, the terminal itself does (tty(4)).
        let is_there = || std::fs::File::open("/dev/tty").is_ok();
        self.this.map_or_else(is_there, |stat| stat.terminal != 0)
    }

    /// Whether the leader of the terminal session is in this pid namespace. If it is not, an agent that comes from the
    /// session is this process alone.
    pub fn has_visible_session(&self) -> bool {
        session_leader(self.this.as_ref()) > 0
    }

    /// The start time of a process, for a record.
    pub(crate) fn start_of(&self, pid: i32) -> Option<u64> {
        match self.this {
            Some(this) if pid == self.pid => Some(this.start),
            _ => sys::start_of(pid),
        }
    }
}

/// An agent id that no other caller has, for commands in separate sessions that are to be one agent; `None` if the
/// kernel gives no random bytes.
pub fn unused_agent() -> Option<AgentId> {
    let random = LockId::from_random(sys::random_bytes().ok()?);
    AgentId::new(&format!("agent-{}", random.as_str().get(..12)?))
}

/// The id of this terminal session, from its leader's pid and start time. Where there is no `/proc` to tell the start
/// time, the inode of the leader's pidfd tells two leaders of one pid apart, as far as the kernel has such inodes.
///
/// Where the leader has ended, its pid is still reserved for the session, so the pid alone tells sessions
/// apart. Where the leader is outside this pid namespace, nothing does: then every process is a separate agent.
/// That may require a caller to set `LOKT_AGENT_ID`, but never lets two in.
fn session_agent(here: &ProcessLocation, this: Option<&ProcessStat>, pid: i32) -> AgentId {
    let leader = session_leader(this);
    let leader = if leader > 0 { leader } else { pid };
    let started = match this {
        Some(_) => sys::start_in_table(leader),
        None => identity(leader),
    };
    let started = started.unwrap_or(0);
    AgentId::derived(&here.boot_id, leader, started)
}

/// The pid of the leader of the terminal session; 0 if it is outside this pid namespace.
fn session_leader(this: Option<&ProcessStat>) -> i32 {
    let asked = || unistd::getsid(None).map_or(0, Pid::as_raw);
    this.map_or_else(asked, |stat| stat.session)
}

/// What no other process of this boot has: the inode of a pidfd (Linux 6.9; before, all have the same).
fn identity(pid: i32) -> Option<u64> {
    Some(fstat(sys::watch_exit(pid).ok()?).ok()?.st_ino)
}
