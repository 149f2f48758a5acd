use crate::{
    record::LockRecord,
    words::{AgentId, Owner},
};

/// Says where an owner name came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerSource {
    /// Given by the caller (a flag or a variable): callers that give the same name are the same owner.
    Given,
    /// The operating system's user name: two terminals of that user are still two owners.
    Derived,
}

/// The caller's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The owner name.
    pub owner: Owner,
    /// Whether that name was given or derived.
    pub source: OwnerSource,
    /// Which of the owner's agents or terminals.
    pub agent: AgentId,
}

impl CallerIdentity {
    /// Whether a record is this identity's own: the same owner, and that name was given or the agent is the
    /// same too.
    ///
    /// A person with two terminals and nothing configured is two owners, or the second terminal would
    /// get the first one's lock.
    pub fn owns(&self, record: &LockRecord) -> bool {
        self.is(&record.owner, record.agent_id.as_ref())
    }

    /// Whether an owner name and an agent id are this identity's.
    pub fn is(&self, owner: &Owner, agent: Option<&AgentId>) -> bool {
        *owner == self.owner && (self.source == OwnerSource::Given || agent == Some(&self.agent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_owner_is_mine_only_in_the_same_terminal() {
        let owner = Owner::new("ada").unwrap();
        let agent = AgentId::new("a1").unwrap();
        let other = AgentId::new("a2").unwrap();
        let derived = CallerIdentity {
            owner: owner.clone(),
            source: OwnerSource::Derived,
            agent: agent.clone(),
        };
        assert!(derived.is(&owner, Some(&agent)));
        assert!(!derived.is(&owner, Some(&other)), "another terminal is another owner");
        assert!(!derived.is(&owner, None), "an unknown terminal is not this one");
        let given = CallerIdentity { source: OwnerSource::Given, ..derived };
        assert!(given.is(&owner, Some(&other)), "a given name is the owner wherever it is given");
        assert!(!given.is(&Owner::new("bob").unwrap(), Some(&agent)));
    }
}
