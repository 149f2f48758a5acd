//! The expected outcomes of the commands that change nothing.

use super::{
    expected::{ExpectedOutcome, StatusEntry, Stdout},
    model::{
        BrokenRecord, Holder, HolderKind, LockRecordStatus, Model, ModelLockFreeze, process_of,
    },
    step::{Expiry, TestLockName, TestOwnerName},
};

impl Model {
    /// `lokt exists NAME`
    pub(crate) fn exists(&self, name: TestLockName) -> ExpectedOutcome {
        let state = self.state(name);
        match state.broken() {
            Some(broken) => ExpectedOutcome::fails(1, broken.error_text()),
            None if state.holders.iter().any(|it| it.is_held() || it.is_inside()) => {
                ExpectedOutcome::default()
            }
            None => ExpectedOutcome { code: 3, ..ExpectedOutcome::default() },
        }
    }

    /// `lokt get-meta NAME k`
    pub(crate) fn get_meta(&self, name: TestLockName) -> ExpectedOutcome {
        let state = self.state(name);
        let Some(record) = state.record() else { return ExpectedOutcome::fails(3, "is not held") };
        match (record.broken(), record.lease().and_then(|lease| lease.meta)) {
            (Some(broken), _) => ExpectedOutcome::fails(1, broken.error_text()),
            (None, _) if !record.is_held() => ExpectedOutcome::fails(3, "has expired"),
            (None, Some(value)) => ExpectedOutcome::with_stdout_line(value),
            (None, None) => ExpectedOutcome::fails(3, "has no metadata key \"k\""),
        }
    }

    /// `lokt status NAME --json`
    pub(crate) fn status(&self, name: TestLockName) -> ExpectedOutcome {
        let state = self.state(name);
        let is_free = |entry: &StatusEntry| entry.state == "expired" || entry.state == "dead";
        let lock = lock_entry(self, name).filter(|entry| !is_free(entry));
        let freeze = freeze_entry(self, name).filter(|entry| !is_free(entry));
        let Some(mut entry) = lock.or(freeze) else {
            return ExpectedOutcome::fails(3, "is not held");
        };
        let error = match (entry.freeze, state.broken()) {
            (true, _) if state.freeze == Some(ModelLockFreeze::Broken) => Some("is corrupted"),
            (false, Some(broken)) => Some(broken.error_text()),
            _ => None,
        };
        if !entry.freeze {
            entry.frozen = state.frozen_by().map(text);
        }
        let expected = ExpectedOutcome::with_stdout(Stdout::Status(entry));
        match error {
            Some(error) => ExpectedOutcome { code: 1, ..expected }.with_stderr(error),
            None => expected,
        }
    }

    /// `lokt status --json`
    pub(crate) fn list(&mut self, by: TestOwnerName) -> ExpectedOutcome {
        let removed = self.remove_dead_guards(by);
        let locks = TestLockName::ALL.into_iter().filter_map(|name| lock_entry(self, name));
        let freezes = TestLockName::ALL.into_iter().filter_map(|name| freeze_entry(self, name));
        let entries: Vec<StatusEntry> = locks.chain(freezes).collect();
        let is_broken = |it: &&StatusEntry| it.state == "corrupted" || it.state == "unsupported";
        let stderr = |it: &StatusEntry| format!("the record of {:?} is unreadable", it.name);
        let stderr = entries.iter().filter(is_broken).map(stderr).collect();
        ExpectedOutcome { stderr, ..ExpectedOutcome::with_stdout(Stdout::StatusList(entries)) }
            .with_events(removed)
    }

    /// `lokt status --prune-expired --json`
    pub(crate) fn prune(&mut self, by: TestOwnerName) -> ExpectedOutcome {
        let removed = self.remove_dead_guards(by);
        let pruned = self.prune_expired(by);
        let listed = self.list(by);
        ExpectedOutcome { events: [removed, pruned].concat(), ..listed }
    }

    /// `lokt why NAME --json`
    pub(crate) fn why(&self, by: TestOwnerName, name: TestLockName) -> ExpectedOutcome {
        let state = self.state(name);
        if state.freeze == Some(ModelLockFreeze::Broken) {
            return ExpectedOutcome::fails(1, format!("freeze {:?} is corrupted", name.as_str()));
        }
        if state.broken() == Some(BrokenRecord::Newer) {
            return ExpectedOutcome::fails(1, BrokenRecord::Newer.error_text());
        }
        let frozen = state.frozen_by().map(|_| ("frozen", true));
        let record = state.record().map(|record| match (record.broken(), record.verdict()) {
            (Some(broken), _) => ("corrupted", !broken.is_free()),
            (_, Some(LockRecordStatus::Expired)) => ("expired", false),
            (_, Some(LockRecordStatus::Dead)) => ("dead_pid", false),
            _ if record.owner == Some(by) => ("self_held", true),
            _ => ("held", true),
        });
        let inside = state.unrecorded().next().map(|_| ("held", true));
        let queued = state.queue.first().map(|_| ("queued", true));
        let reasons: Vec<_> = [frozen, record, inside, queued].into_iter().flatten().collect();
        let blocked = reasons.iter().any(|(_, blocks)| *blocks);
        let status = if blocked { "blocked" } else { "free" }.to_owned();
        let reasons = reasons.into_iter().map(|(kind, _)| kind.to_owned()).collect();
        let stdout = Stdout::Why { status, reasons };
        ExpectedOutcome {
            code: if blocked { 2 } else { 0 },
            ..ExpectedOutcome::with_stdout(stdout)
        }
    }
}

/// A lock in the output of `status`, if it has an entry.
fn lock_entry(model: &Model, name: TestLockName) -> Option<StatusEntry> {
    let state = model.state(name);
    let inside: Vec<String> =
        state.unrecorded().filter_map(|holder| holder.owner).map(text).collect();
    let queue: Vec<String> = state.queue.iter().map(|waiter| text(waiter.owner)).collect();
    let record = state.record();
    let word = match (record.and_then(Holder::broken), record.and_then(Holder::verdict)) {
        (Some(BrokenRecord::Newer), _) => "unsupported",
        (Some(_), _) => "corrupted",
        (_, Some(LockRecordStatus::Held(how))) => how,
        // There is no valid record, but there may be a live guard or a waiter.
        _ if !inside.is_empty() => "held",
        _ if !queue.is_empty() => "queued",
        (_, verdict) => verdict?.as_str(),
    };
    let entry = record.map_or_else(|| empty_entry(name), |record| entry_of_record(name, record));
    Some(StatusEntry { state: word.to_owned(), inside, queue, ..entry })
}

fn empty_entry(name: TestLockName) -> StatusEntry {
    let process = Some("unknown".to_owned());
    StatusEntry { name: name.as_str().to_owned(), process, ..StatusEntry::default() }
}

/// The part of an entry that comes from the record.
fn entry_of_record(name: TestLockName, record: &Holder) -> StatusEntry {
    let (version, end, process, meta) = match &record.kind {
        HolderKind::Lease(lease) => (lease.version, lease.end, lease.process, lease.meta),
        HolderKind::Guard(guard) => (1, guard.end, process_of(guard), None),
        HolderKind::Broken(_) => return empty_entry(name),
    };
    StatusEntry {
        owner: record.owner.map(text),
        version: Some(version),
        expired: Some(end == Expiry::Past),
        process: Some(process.as_str().to_owned()),
        meta: meta.map(str::to_owned),
        ..empty_entry(name)
    }
}

/// A freeze in the output of `status`.
fn freeze_entry(model: &Model, name: TestLockName) -> Option<StatusEntry> {
    let entry = StatusEntry { freeze: true, process: None, ..empty_entry(name) };
    Some(match model.state(name).freeze? {
        ModelLockFreeze::Broken => StatusEntry { state: "corrupted".to_owned(), ..entry },
        ModelLockFreeze::Record { by, expired } => StatusEntry {
            state: if expired { "expired" } else { "frozen" }.to_owned(),
            owner: Some(text(by)),
            version: Some(1),
            expired: Some(expired),
            ..entry
        },
    })
}

fn text(owner: TestOwnerName) -> String {
    owner.as_str().to_owned()
}
