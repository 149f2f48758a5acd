//! Applies `unlock`, `freeze` and `unfreeze` to the model, and faults of processes and files.

use super::{
    expected::{ExpectedOutcome, Stdout},
    model::{
        BrokenRecord, ExpectedAuditEvent, Holder, HolderKind, LeaseLifetimeBasis, LockRecordStatus,
        Mode, Model, ModelGuard, ModelLease, ModelLockFreeze, ProcessLiveness,
    },
    step::{Expiry, ForeignRecordContent, TestLockName, TestOwnerName, Ttl, UnlockForce, Victim},
};

/// The exit code of a refusal, and its text.
type ExpectedRefusal = (i32, String);

/// The refusal to release a lock that a guard holds.
fn guard_refusal(guard: &ModelGuard) -> ExpectedRefusal {
    let by = match guard {
        ModelGuard { supervisor: true, .. } => "a living guard",
        ModelGuard { recorded: true, .. } => "what is left of a guard's command",
        // A ticket does not say in which pid namespace its pid has a meaning.
        _ => "a guard, or what is left of its command",
    };
    (4, format!("is held by {by}"))
}

impl Model {
    /// `lokt unlock NAME`
    pub(crate) fn unlock(
        &mut self,
        by: TestOwnerName,
        name: TestLockName,
        force: UnlockForce,
    ) -> ExpectedOutcome {
        let permitted = match force {
            UnlockForce::Own => self.check_release(by, name),
            UnlockForce::Stale => self.check_break_stale(name),
            UnlockForce::Force => self.check_force(name),
        };
        match permitted {
            Err((code, stderr)) => ExpectedOutcome::fails(code, stderr),
            Ok(kind) => {
                let owner = self.state(name).record().and_then(|record| record.owner);
                let holder = owner.filter(|_| kind != "release");
                let guards = self.state(name).inside().filter_map(Holder::guard).count();
                self.state_mut(name).drop_record();
                let mut done =
                    ExpectedOutcome::with_stdout_line(format!("released lock {:?}", name.as_str()));
                if force == UnlockForce::Force {
                    self.break_guards(name);
                    done = (0..guards).fold(done, |done, _| done.with_stderr("its guard (pid "));
                }
                done.with_events([ExpectedAuditEvent::new(kind, name, by).with_holder(holder)])
            }
        }
    }

    fn check_release(
        &self,
        by: TestOwnerName,
        name: TestLockName,
    ) -> Result<&'static str, ExpectedRefusal> {
        let state = self.state(name);
        let guards = state.inside().filter_map(Holder::guard);
        let guarded = guards.min_by_key(|guard| guard.id).map(guard_refusal);
        let Some(record) = state.record() else {
            return Err(guarded.unwrap_or_else(|| not_held(name)));
        };
        if let Some(broken) = record.broken() {
            return Err((1, broken.error_text().to_owned()));
        }
        if record.verdict() == Some(LockRecordStatus::Expired) {
            return Err(not_held(name));
        }
        if record.owner != Some(by) {
            let whose = record.owner.map_or("", TestOwnerName::as_str);
            return Err((4, format!("is not yours: {whose}")));
        }
        guarded.map_or(Ok("release"), Err)
    }

    fn check_break_stale(&self, name: TestLockName) -> Result<&'static str, ExpectedRefusal> {
        let Some(record) = self.state(name).record() else { return Err(not_held(name)) };
        match (record.broken(), record.verdict()) {
            (Some(BrokenRecord::Newer), _) => Err((1, BrokenRecord::Newer.error_text().to_owned())),
            (Some(broken), _) if !broken.is_young() => Ok("corrupt-break"),
            (_, Some(LockRecordStatus::Expired)) => Ok("auto-prune"),
            (_, Some(LockRecordStatus::Dead | LockRecordStatus::Held("abandoned"))) => {
                Ok("stale-break")
            }
            _ => Err((4, "is not stale".to_owned())),
        }
    }

    fn check_force(&self, name: TestLockName) -> Result<&'static str, ExpectedRefusal> {
        let state = self.state(name);
        match state.broken() {
            Some(BrokenRecord::Newer) => Ok("force-break"),
            Some(_) => Ok("corrupt-break"),
            None if state.holders.is_empty() => Err(not_held(name)),
            None => Ok("force-break"),
        }
    }

    /// The holders lose the lock; their processes live on.
    fn break_guards(&mut self, name: TestLockName) {
        let holders = std::mem::take(&mut self.state_mut(name).holders);
        let guards = holders.iter().filter_map(|it| Some((name, it.owner?, *it.guard()?)));
        self.broken_guards.extend(guards.filter(|(.., guard)| guard.lives()));
    }

    /// `lokt unlock --all`
    pub(crate) fn unlock_all(&mut self, by: TestOwnerName) -> ExpectedOutcome {
        let mut expected = ExpectedOutcome::default().with_events(self.remove_dead_guards(by));
        let mut lines = String::new();
        for name in TestLockName::ALL {
            let record = self.state(name).record();
            if !record.is_some_and(|it| it.lease().is_some() && it.owner == Some(by)) {
                continue;
            }
            let given = self.unlock(by, name, UnlockForce::Own);
            if given.code == 4 {
                expected = expected.with_stderr("stays: a guard of yours runs under it");
            } else if let Stdout::Text(line) = given.stdout {
                lines.push_str(&line);
            }
            expected = expected.with_events(given.events);
        }
        if lines.is_empty() {
            return expected.with_stderr("no lease of yours is held");
        }
        expected.stdout = Stdout::Text(lines);
        expected
    }

    /// Removes the records of guards that are certainly gone, as every list of all locks does.
    pub(crate) fn remove_dead_guards(&mut self, by: TestOwnerName) -> Vec<ExpectedAuditEvent> {
        let dead =
            |it: &Holder| it.guard().is_some() && it.verdict() == Some(LockRecordStatus::Dead);
        let mut events = Vec::new();
        for name in TestLockName::ALL {
            if self.state(name).record().is_some_and(dead) {
                events.extend(self.remove_stale_record(by, name));
            }
        }
        events
    }

    /// `lokt freeze NAME`
    pub(crate) fn freeze(
        &mut self,
        by: TestOwnerName,
        name: TestLockName,
        ttl: Ttl,
    ) -> ExpectedOutcome {
        let state = self.state_mut(name);
        if state.broken() == Some(BrokenRecord::Newer) {
            return ExpectedOutcome::fails(1, BrokenRecord::Newer.error_text());
        }
        match state.freeze {
            Some(ModelLockFreeze::Broken) => return ExpectedOutcome::fails(1, "is corrupted"),
            Some(ModelLockFreeze::Record { by: other, expired: false }) if other != by => {
                let other = other.as_str();
                return ExpectedOutcome::fails(2, format!("is frozen already by {other}"));
            }
            _ => state.freeze = Some(ModelLockFreeze::Record { by, expired: ttl == Ttl::Short }),
        }
        let span = if ttl == Ttl::Short { "1ms" } else { "1h" };
        ExpectedOutcome::with_stdout_line(format!("froze {:?} for {span}", name.as_str()))
            .with_events([ExpectedAuditEvent::new("freeze", name, by)])
    }

    /// `lokt unfreeze NAME`
    pub(crate) fn unfreeze(
        &mut self,
        by: TestOwnerName,
        name: TestLockName,
        force: UnlockForce,
    ) -> ExpectedOutcome {
        let force = force == UnlockForce::Force;
        let holder = match self.state(name).freeze {
            None | Some(ModelLockFreeze::Record { expired: true, .. }) => {
                return ExpectedOutcome::fails(3, "is not frozen");
            }
            Some(ModelLockFreeze::Broken) if !force => {
                return ExpectedOutcome::fails(1, "is corrupted");
            }
            Some(ModelLockFreeze::Record { by: other, .. }) if other != by && !force => {
                return ExpectedOutcome::fails(4, "is not yours to unfreeze");
            }
            Some(ModelLockFreeze::Broken) => None,
            Some(ModelLockFreeze::Record { by, .. }) => Some(by),
        };
        self.state_mut(name).freeze = None;
        let kind = if force { "force-unfreeze" } else { "unfreeze" };
        ExpectedOutcome::with_stdout_line(format!("unfroze {:?}", name.as_str()))
            .with_events([ExpectedAuditEvent::new(kind, name, by).with_holder(holder)])
    }

    /// SIGKILL for the guard with that number, or for what is left of it.
    pub(crate) fn kill(
        &mut self,
        name: TestLockName,
        id: usize,
        victim: Victim,
    ) -> ExpectedOutcome {
        let had_supervisor = self.guard_mut(id).is_some_and(|guard| guard.supervisor);
        if victim != Victim::Command
            && let Some(guard) = self.guard_mut(id)
        {
            guard.supervisor = false;
        }
        if victim == Victim::Supervisor {
            return ExpectedOutcome { code: 137, ..ExpectedOutcome::default() };
        }
        let ended = self.end_guard(name, id);
        ExpectedOutcome { code: if had_supervisor { 137 } else { 0 }, ..ended }
    }

    /// The process that leases are tied to ends.
    pub(crate) fn end_tied_process(&mut self) {
        let ended = self.ended_processes;
        self.ended_processes += 1;
        for name in TestLockName::ALL {
            if let Some(HolderKind::Lease(lease)) = self.record_kind_mut(name)
                && lease.tied_to == Some(ended)
            {
                lease.process = ProcessLiveness::Dead;
            }
        }
    }

    /// The kind of a name's record.
    fn record_kind_mut(&mut self, name: TestLockName) -> Option<&mut HolderKind> {
        self.state_mut(name).record_mut().map(|record| &mut record.kind)
    }

    /// A record's expiry passes.
    pub(crate) fn expire(&mut self, name: TestLockName) {
        match self.record_kind_mut(name) {
            Some(HolderKind::Lease(lease)) => lease.end = Expiry::Past,
            Some(HolderKind::Guard(guard)) => guard.end = Expiry::Past,
            Some(HolderKind::Broken(_)) | None => {}
        }
    }

    /// A broken file gets too old to be still written.
    pub(crate) fn age(&mut self, name: TestLockName) {
        let kind = self.record_kind_mut(name);
        if let Some(HolderKind::Broken(
            BrokenRecord::Empty { young } | BrokenRecord::Half { young },
        )) = kind
        {
            *young = false;
        }
    }

    /// Another program creates a record, which is only possible if there is no file.
    pub(crate) fn create(
        &mut self,
        name: TestLockName,
        content: ForeignRecordContent,
    ) -> ExpectedOutcome {
        if self.state(name).record().is_some() {
            return ExpectedOutcome { code: 1, ..ExpectedOutcome::default() };
        }
        self.overwrite(name, content);
        ExpectedOutcome::default()
    }

    /// The freeze's file becomes unreadable.
    pub(crate) fn break_freeze(&mut self, name: TestLockName) {
        self.state_mut(name).freeze = Some(ModelLockFreeze::Broken);
    }

    /// Another program replaces the record's file.
    pub(crate) fn overwrite(&mut self, name: TestLockName, content: ForeignRecordContent) {
        self.state_mut(name).drop_record();
        let foreign = |owner, end, process| {
            let lease = ModelLease {
                id: 0,
                hold: LeaseLifetimeBasis::Foreign,
                end,
                process,
                tied_to: None,
                meta: Some("foreign"),
                version: 0,
            };
            Holder::new(owner, HolderKind::Lease(lease))
        };
        let broken =
            |it| Holder { owner: None, mode: Mode::Exclusive, kind: HolderKind::Broken(it) };
        self.state_mut(name).holders.insert(
            0,
            match content {
                ForeignRecordContent::Record(owner, end) => {
                    foreign(owner, end, ProcessLiveness::Unknown)
                }
                ForeignRecordContent::DeadRecord(owner) => {
                    foreign(owner, Expiry::Never, ProcessLiveness::Dead)
                }
                ForeignRecordContent::Empty { young } => broken(BrokenRecord::Empty { young }),
                ForeignRecordContent::Half { young } => broken(BrokenRecord::Half { young }),
                ForeignRecordContent::Newer => broken(BrokenRecord::Newer),
                ForeignRecordContent::Folder => broken(BrokenRecord::Folder),
            },
        );
    }
}

fn not_held(name: TestLockName) -> ExpectedRefusal {
    (3, format!("lock {:?} is not held", name.as_str()))
}
