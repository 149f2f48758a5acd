//! What a step must come to: exit code, output, and what the audit log gains.

use super::{
    model::Event,
    step::{Name, Owner},
};

/// What a step must come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) code: i32,
    pub(crate) told: Told,
    /// A text in each line of stderr that is an error, a warning or a note, in their order.
    pub(crate) says: Vec<String>,
    pub(crate) events: Vec<Event>,
}

/// What stdout says, as far as it can be foretold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Told {
    #[default]
    Nothing,
    Text(String),
    /// `lock --json` of one who got it.
    Taken {
        renewed: bool,
    },
    /// `lock --json` of one who did not.
    Blocked {
        reason: String,
        owner: Option<String>,
    },
    /// `status NAME --json`
    One(Entry),
    /// `status --json`
    List(Vec<Entry>),
    /// `why --json`
    Why {
        status: String,
        reasons: Vec<String>,
    },
}

/// A lock or a freeze, as `status` tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) freeze: bool,
    pub(crate) state: String,
    pub(crate) owner: Option<String>,
    pub(crate) version: Option<u64>,
    pub(crate) expired: Option<bool>,
    /// Of locks only.
    pub(crate) process: Option<String>,
    pub(crate) meta: Option<String>,
    /// The owners of the guards that are in and that the record does not speak of.
    pub(crate) inside: Vec<String>,
    /// The owners of those who wait.
    pub(crate) queue: Vec<String>,
    /// Who has frozen the name that is held.
    pub(crate) frozen: Option<String>,
}

impl Expected {
    /// Success, and this on stdout.
    pub(crate) fn told(told: Told) -> Self {
        Self { told, ..Self::default() }
    }

    /// Success, and this line on stdout.
    pub(crate) fn line(text: impl Into<String>) -> Self {
        let line = text.into() + "\n";
        Self::told(Told::Text(line))
    }

    /// An exit code, and this on stderr.
    pub(crate) fn fails(code: i32, says: impl Into<String>) -> Self {
        Self { code, says: vec![says.into()], ..Self::default() }
    }

    /// What the log gains, too.
    pub(crate) fn and(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.events.extend(events);
        self
    }

    /// What stderr says, too.
    pub(crate) fn saying(mut self, text: impl Into<String>) -> Self {
        self.says.push(text.into());
        self
    }
}

impl Event {
    pub(crate) fn new(kind: &str, name: Name, by: Owner) -> Self {
        let (name, by) = (name.as_str().to_owned(), by.as_str().to_owned());
        Self { name, kind: kind.to_owned(), by, holder: None, under_lease: false }
    }

    /// Tells of the holder of before.
    pub(crate) fn of(mut self, holder: Option<Owner>) -> Self {
        self.holder = holder.map(|it| it.as_str().to_owned());
        self
    }

    /// Is about a guard that may be under a lease.
    pub(crate) fn under(mut self, lease: Option<usize>) -> Self {
        self.under_lease = lease.is_some();
        self
    }
}
