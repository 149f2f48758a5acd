//! Notes on stderr that the output is not of a run of this process: whose run it is, and when it was.
//!
//! With `--json`, the status says the same, and with `--quiet` nothing is said.

use super::session::OnceSession;
use crate::{output, span};
use lokt_lock::{
    caller::Caller,
    record::LockRecord,
    store::{LockRecordKind, LockStore, NameReader},
    words::{AgentId, Owner, Timestamp},
};
use lokt_once::results::ResultRecord;

impl OnceSession<'_> {
    /// Whether notes are wanted.
    fn says_whose(&self) -> bool {
        !self.once.json && !self.once.quiet
    }

    /// Says that a kept result is shown.
    pub(super) fn tell_of_replay(&self, record: &ResultRecord) {
        if !self.says_whose() {
            return;
        }
        let runner = RunnerIdentity {
            owner: &record.owner,
            agent: record.agent_id.as_ref(),
            host: Some(&record.host),
        };
        let age = span::show(Timestamp::now().since(record.finished_at));
        let (name, end) = (self.once.name.as_str(), in_seconds(record.finished_at));
        // A command of lokt's own has other flags.
        let again = if self.once.own.is_some() { "" } else { "; --refresh runs it again" };
        output::note(&format!(
            "{name:?} is replayed: this is the output of a run by {}, {age} ago ({end}){again}",
            runner.told(&self.context.caller)
        ));
    }

    /// Says that another caller's run is followed: the run with this fence.
    ///
    /// The note names the runner if the lock's record is still the one of that run.
    pub(super) fn tell_of_following(&self, fence: u64) {
        if !self.says_whose() {
            return;
        }
        let slot = self.context.store.reader(&self.lock).slot(LockRecordKind::Lock);
        let is_its = |it: &&LockRecord| it.fence.is_some_and(|its| its.get() == fence);
        let runner = slot.record().filter(is_its).map_or_else(String::new, |record| {
            let runner = RunnerIdentity {
                owner: &record.owner,
                agent: record.agent_id.as_ref(),
                host: record.host.as_deref(),
            };
            let age = span::show(Timestamp::now().since(record.since()));
            format!(", by {} since {age}", runner.told(&self.context.caller))
        });
        let name = self.once.name.as_str();
        output::note(&format!("{name:?} is being run already{runner}; this is its output"));
    }
}

/// The process that ran a command.
#[derive(Clone, Copy, Debug)]
struct RunnerIdentity<'a> {
    owner: &'a Owner,
    /// Its agent; `None` if the record names none.
    agent: Option<&'a AgentId>,
    /// Its machine; `None` if the record names none.
    host: Option<&'a str>,
}

impl RunnerIdentity<'_> {
    /// The runner, with what differs from the caller: `you`, `ada (agent-1 on box)`.
    fn told(&self, caller: &Caller) -> String {
        let identity = &caller.identity;
        let is_mine = identity.is(self.owner, self.agent);
        let owner = if is_mine { "you" } else { self.owner.as_str() };
        let agent = self.agent.filter(|agent| **agent != identity.agent);
        let host = self.host.filter(|host| *host != caller.here.host);
        let details = [agent.map(AgentId::spoken), host.map(|host| format!("on {host}"))];
        let details: Vec<String> = details.into_iter().flatten().collect();
        if details.is_empty() {
            return owner.to_owned();
        }
        format!("{owner} ({})", details.join(" "))
    }
}

/// A time without its fraction of a second.
fn in_seconds(time: Timestamp) -> Timestamp {
    let fraction = time.as_microseconds().rem_euclid(1_000_000);
    Timestamp::from_microseconds(time.as_microseconds() - fraction).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lokt_lock::rules::OwnerSource;

    #[test]
    fn a_runner_is_named_by_what_differs_from_the_caller() {
        let owner = |name: &str| Owner::new(name).unwrap();
        let agent = |id: &str| AgentId::new(id).unwrap();
        let caller = |source| Caller::current(Some(owner("ada")), source, Some(agent("a1")));
        let host = caller(OwnerSource::Given).here.host;
        let told = |source, name: &str, id: Option<&str>, host: &str| {
            let (owner, agent) = (owner(name), id.map(agent));
            let runner = RunnerIdentity { owner: &owner, agent: agent.as_ref(), host: Some(host) };
            runner.told(&caller(source))
        };
        let (given, derived) = (OwnerSource::Given, OwnerSource::Derived);
        assert_eq!(told(given, "ada", Some("a1"), &host), "you");
        assert_eq!(told(given, "ada", Some("a1"), "far"), "you (on far)");
        assert_eq!(told(derived, "ada", Some("a2"), &host), "ada (a2)", "another terminal");
        assert_eq!(told(derived, "ada", None, &host), "ada", "a record that names no agent");
        assert_eq!(told(given, "bob", Some("b1"), "far"), "bob (b1 on far)");
    }
}
