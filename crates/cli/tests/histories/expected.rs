//! The expected outcome of a step: exit code, output, and new events in the audit log.

use super::{
    model::ExpectedAuditEvent,
    step::{TestLockName, TestOwnerName},
};

/// The expected outcome of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExpectedOutcome {
    pub(crate) code: i32,
    pub(crate) stdout: Stdout,
    /// A part of each error, warning and note on stderr, in their order.
    pub(crate) stderr: Vec<String>,
    pub(crate) events: Vec<ExpectedAuditEvent>,
}

/// The predictable part of stdout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stdout {
    #[default]
    Nothing,
    Text(String),
    /// `lock --json` of a caller that got the lock.
    Acquired {
        renewed: bool,
    },
    /// `lock --json` of a caller that did not.
    Blocked {
        reason: String,
        owner: Option<String>,
    },
    /// `status NAME --json`
    Status(StatusEntry),
    /// `status --json`
    StatusList(Vec<StatusEntry>),
    /// `why --json`
    Why {
        status: String,
        reasons: Vec<String>,
    },
}

/// A lock or a freeze in the output of `status`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StatusEntry {
    pub(crate) name: String,
    pub(crate) freeze: bool,
    pub(crate) state: String,
    pub(crate) owner: Option<String>,
    pub(crate) version: Option<u64>,
    pub(crate) expired: Option<bool>,
    /// Only for locks.
    pub(crate) process: Option<String>,
    pub(crate) meta: Option<String>,
    /// The owners of live guards that the record does not name.
    pub(crate) inside: Vec<String>,
    /// The owners of the waiters.
    pub(crate) queue: Vec<String>,
    /// The owner of the freeze of a held name.
    pub(crate) frozen: Option<String>,
}

impl ExpectedOutcome {
    /// Success, with this stdout.
    pub(crate) fn with_stdout(stdout: Stdout) -> Self {
        Self { stdout, ..Self::default() }
    }

    /// Success, with this line on stdout.
    pub(crate) fn with_stdout_line(text: impl Into<String>) -> Self {
        let line = text.into() + "\n";
        Self::with_stdout(Stdout::Text(line))
    }

    /// An exit code, with this on stderr.
    pub(crate) fn fails(code: i32, stderr: impl Into<String>) -> Self {
        Self { code, stderr: vec![stderr.into()], ..Self::default() }
    }

    /// Adds events of the log.
    pub(crate) fn with_events(
        mut self,
        events: impl IntoIterator<Item = ExpectedAuditEvent>,
    ) -> Self {
        self.events.extend(events);
        self
    }

    /// Adds a line of stderr.
    pub(crate) fn with_stderr(mut self, text: impl Into<String>) -> Self {
        self.stderr.push(text.into());
        self
    }
}

impl ExpectedAuditEvent {
    pub(crate) fn new(kind: &str, name: TestLockName, by: TestOwnerName) -> Self {
        let (name, by) = (name.as_str().to_owned(), by.as_str().to_owned());
        Self { name, kind: kind.to_owned(), by, holder: None, under_lease: false }
    }

    /// Adds the previous holder.
    pub(crate) fn with_holder(mut self, holder: Option<TestOwnerName>) -> Self {
        self.holder = holder.map(|it| it.as_str().to_owned());
        self
    }

    /// Adds whether its guard is under a lease.
    pub(crate) fn with_lease(mut self, lease: Option<usize>) -> Self {
        self.under_lease = lease.is_some();
        self
    }
}
