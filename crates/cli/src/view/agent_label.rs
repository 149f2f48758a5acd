//! Which owners need their agent beside them: those that have several agents among what is shown.

use lokt_lock::words::AgentId;
use std::collections::{BTreeMap, BTreeSet};

/// The owners of a view that stand for more than one agent.
#[derive(Debug, Default)]
pub(crate) struct OwnerLabelDisambiguator(BTreeSet<String>);

impl OwnerLabelDisambiguator {
    /// Finds them among owners and their agents.
    pub(crate) fn among<'a>(all: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let mut agents: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (owner, agent) in all {
            agents.entry(owner).or_default().extend(agent);
        }
        let several = agents.into_iter().filter(|(_, agents)| agents.len() > 1);
        Self(several.map(|(owner, _)| owner.to_owned()).collect())
    }

    /// Whether every owner has one agent at most.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An owner, and its agent where that tells it apart: `ada (claude-code 1f0c4be0)`.
    pub(crate) fn label(&self, owner: &str, agent: Option<&str>) -> String {
        let agent = agent.and_then(AgentId::new).filter(|_| self.0.contains(owner));
        super::holder::named(owner, [agent.map(|it| it.spoken())])
    }
}

/// The agent of an event in words, unless it is a terminal session: those of one owner are one person.
pub(crate) fn other_than_terminal(agent: Option<&str>) -> Option<String> {
    let agent = agent.and_then(AgentId::new)?;
    (!agent.is_of_terminal()).then(|| agent.spoken())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_named_where_its_owner_has_another_one() {
        let (one, two) = ("claude-code:one", "claude-code:two");
        let owners = OwnerLabelDisambiguator::among([
            ("ada", Some(one)),
            ("ada", Some(two)),
            ("bob", Some(one)),
            ("bob", Some(one)),
            ("bob", None),
        ]);
        assert_eq!(owners.label("ada", Some(two)), "ada (claude-code two)");
        assert_eq!(owners.label("ada", None), "ada");
        assert_eq!(owners.label("bob", Some(one)), "bob", "it is the only one");
    }

    #[test]
    fn a_terminal_session_is_no_agent_of_an_event() {
        assert_eq!(other_than_terminal(Some("agent-0ac8ac9fdf8b8d21")), None);
        assert_eq!(other_than_terminal(Some("codex:7")).as_deref(), Some("codex 7"));
        assert_eq!(other_than_terminal(None), None);
    }
}
