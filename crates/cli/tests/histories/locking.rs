//! Applies `lock` and `guard` to the model.

use super::{
    admission::{Admission, AdmissionRequest},
    expected::{ExpectedOutcome, Stdout},
    model::{
        ExpectedAuditEvent, Holder, HolderKind, LeaseLifetimeBasis, LockRecordStatus, Model,
        ModelGuard, ModelLease, ModelLockFreeze, ProcessLiveness,
    },
    step::{
        Expiry, GuardedLoktCommand, LockCommandOptions, TestLockName, TestOwnerName,
        TiedProcessState, Ttl,
    },
};

impl Model {
    /// Removes a record that no longer holds, as an entering caller does.
    pub(crate) fn remove_stale_record(
        &mut self,
        by: TestOwnerName,
        name: TestLockName,
    ) -> Option<ExpectedAuditEvent> {
        let record = *self.state(name).record()?;
        let kind = match record.verdict() {
            Some(LockRecordStatus::Expired) => "auto-prune",
            Some(LockRecordStatus::Dead) => "stale-break",
            Some(LockRecordStatus::Held(_)) => return None,
            None => "corrupt-break",
        };
        self.state_mut(name).drop_record();
        Some(ExpectedAuditEvent::new(kind, name, by).with_holder(record.owner))
    }

    /// `lokt lock NAME`
    pub(crate) fn lock(
        &mut self,
        by: TestOwnerName,
        name: TestLockName,
        options: LockCommandOptions,
    ) -> ExpectedOutcome {
        if options.tied_to == Some(TiedProcessState::Gone) {
            return ExpectedOutcome::fails(64, "there is no such process");
        }
        let (renewed, events) = match self.admission(AdmissionRequest::lease(by, name)) {
            Admission::Refused(refusal) => return refusal.into_expected(options.json),
            Admission::Renewal => (true, vec![ExpectedAuditEvent::new("renew", name, by)]),
            Admission::New | Admission::UnderLease(_) => {
                let cleared = self.remove_stale_record(by, name);
                let acquired = ExpectedAuditEvent::new("acquire", name, by);
                (false, cleared.into_iter().chain([acquired]).collect())
            }
        };
        let before = self.state(name).lease().copied().filter(|_| renewed);
        self.state_mut(name).holders.retain(|holder| !holder.is_recorded());
        let lease = self.lease_from_options(before, options);
        self.state_mut(name).holders.insert(0, Holder::new(by, HolderKind::Lease(lease)));
        let verb = if renewed { "renewed" } else { "acquired" };
        let expected = if options.json {
            ExpectedOutcome::with_stdout(Stdout::Acquired { renewed })
        } else {
            ExpectedOutcome::with_stdout_line(format!("{verb} lock {:?}", name.as_str()))
        };
        let endless = lease.end == Expiry::Never && lease.hold != LeaseLifetimeBasis::Process;
        let expected =
            if endless { expected.with_stderr("no --ttl: it is held until") } else { expected };
        let is_tied = lease.hold == LeaseLifetimeBasis::Process && options.tied_to.is_none();
        let expected = if renewed && is_tied {
            expected.with_stderr("it is tied to process")
        } else {
            expected
        };
        expected.with_events(events).with_events(self.prune_once(by))
    }

    /// The lease that the options of a call make, of the previous lease if there is one.
    fn lease_from_options(
        &mut self,
        before: Option<ModelLease>,
        options: LockCommandOptions,
    ) -> ModelLease {
        let mut lease = before.unwrap_or_else(|| self.new_lease());
        lease.version = 1;
        lease.end = match options.ttl {
            Some(Ttl::Long) => Expiry::Future,
            Some(Ttl::Short) => Expiry::Past,
            None => lease.end,
        };
        lease.meta = options.meta.or(lease.meta);
        if options.tied_to.is_some() {
            self.started_processes = self.ended_processes + 1;
            lease.hold = LeaseLifetimeBasis::Process;
            lease.tied_to = Some(self.ended_processes);
            lease.process = ProcessLiveness::Alive;
        } else if lease.hold == LeaseLifetimeBasis::Lease {
            lease.process =
                if options.by_script { ProcessLiveness::Dead } else { ProcessLiveness::Alive };
        }
        lease
    }

    /// The first `lokt lock` in a root prunes all names.
    fn prune_once(&mut self, by: TestOwnerName) -> Vec<ExpectedAuditEvent> {
        if std::mem::replace(&mut self.is_pruned, true) {
            Vec::new()
        } else {
            self.prune_expired(by)
        }
    }

    /// Removes expired leases and freezes, and dead leases.
    pub(crate) fn prune_expired(&mut self, by: TestOwnerName) -> Vec<ExpectedAuditEvent> {
        let mut events = Vec::new();
        for name in TestLockName::ALL {
            if self.state(name).record().is_some_and(|it| it.broken().is_none()) {
                events.extend(self.remove_stale_record(by, name));
            }
            if let Some(ModelLockFreeze::Record { by: holder, expired: true }) =
                self.state(name).freeze
            {
                self.state_mut(name).freeze = None;
                events.push(
                    ExpectedAuditEvent::new("auto-prune", name, by).with_holder(Some(holder)),
                );
            }
        }
        events
    }

    fn new_lease(&mut self) -> ModelLease {
        self.lease_count += 1;
        ModelLease {
            id: self.lease_count,
            hold: LeaseLifetimeBasis::Lease,
            end: Expiry::Never,
            process: ProcessLiveness::Alive,
            tied_to: None,
            meta: None,
            version: 1,
        }
    }

    /// `lokt guard NAME -- …` whose command runs on, if it enters.
    pub(crate) fn start_guard(
        &mut self,
        by: TestOwnerName,
        name: TestLockName,
        ttl: Option<Ttl>,
    ) -> ExpectedOutcome {
        let request =
            AdmissionRequest { place: Some(self.guard_count), ..AdmissionRequest::guard(by, name) };
        let under = match self.admission(request) {
            Admission::Refused(refusal) => return refusal.into_expected(false),
            Admission::UnderLease(lease) => Some(lease),
            Admission::New | Admission::Renewal => None,
        };
        self.guard_count += 1;
        ExpectedOutcome::default().with_events(self.add_guard(request, under, ttl))
    }

    /// Makes a guard a holder, at its queue position.
    pub(crate) fn add_guard(
        &mut self,
        request: AdmissionRequest,
        under: Option<usize>,
        ttl: Option<Ttl>,
    ) -> Vec<ExpectedAuditEvent> {
        let AdmissionRequest { by, name, place, .. } = request;
        let cleared = self.remove_stale_record(by, name);
        let guard = ModelGuard {
            id: place.unwrap_or_default(),
            supervisor: true,
            command: true,
            under,
            end: if ttl.is_some() { Expiry::Future } else { Expiry::Never },
            recorded: under.is_none(),
        };
        self.state_mut(name).holders.push(Holder::new(by, HolderKind::Guard(guard)));
        cleared
            .into_iter()
            .chain([ExpectedAuditEvent::new("acquire", name, by).with_lease(under)])
            .collect()
    }

    /// `lokt guard NAME -- …` that runs to its end.
    pub(crate) fn run_guard(
        &mut self,
        by: TestOwnerName,
        name: TestLockName,
        command: GuardedLoktCommand,
    ) -> ExpectedOutcome {
        let id = self.guard_count;
        let entered = self.start_guard(by, name, None);
        if entered.code != 0 {
            return entered;
        }
        let within = match command {
            GuardedLoktCommand::Nothing => ExpectedOutcome::default(),
            // It is inside already, so nothing refuses it.
            GuardedLoktCommand::Guard(command) if command == name => {
                let events =
                    ["acquire", "release"].map(|kind| ExpectedAuditEvent::new(kind, name, by));
                ExpectedOutcome::default().with_events(events)
            }
            GuardedLoktCommand::Guard(command) => {
                self.run_guard(by, command, GuardedLoktCommand::Nothing)
            }
            GuardedLoktCommand::Lock(command) => {
                // The guard counts as its process, and ends.
                let options = LockCommandOptions {
                    ttl: Some(Ttl::Long),
                    by_script: true,
                    ..LockCommandOptions::default()
                };
                self.lock(by, command, options)
            }
            GuardedLoktCommand::Unlock(command, force) => self.unlock(by, command, force),
        };
        let ended = self.end_guard(name, id);
        ExpectedOutcome {
            code: within.code,
            stdout: within.stdout,
            stderr: [entered.stderr, within.stderr, ended.stderr].concat(),
            events: [entered.events, within.events, ended.events].concat(),
        }
    }

    /// A guard's command ends, and its supervisor, if it lives, releases the lock.
    pub(crate) fn end_guard(&mut self, name: TestLockName, id: usize) -> ExpectedOutcome {
        let Some(guard) = self.guard_mut(id) else { return ExpectedOutcome::default() };
        guard.command = false;
        let guard = *guard;
        let broken_guards = self.broken_guards.iter().find(|(.., it)| it.id == id);
        let owner = broken_guards.map(|(_, owner, _)| *owner).or_else(|| self.owner_of(name, id));
        let mine = guard.recorded
            || guard
                .under
                .is_some_and(|lease| self.state(name).lease().map(|it| it.id) == Some(lease));
        let mine = mine && broken_guards.is_none();
        let gone = |it: &ModelGuard| it.id == id && (guard.supervisor || !it.recorded);
        self.broken_guards.retain(|(.., it)| it.id != id);
        self.state_mut(name).holders.retain(|holder| !holder.guard().is_some_and(gone));
        let Some(owner) = owner.filter(|_| guard.supervisor) else {
            return ExpectedOutcome::default();
        };
        let kind = if mine { "release" } else { "lost" };
        let expected = ExpectedOutcome::default()
            .with_events([ExpectedAuditEvent::new(kind, name, owner).with_lease(guard.under)]);
        if mine { expected } else { expected.with_stderr("was taken away while the command ran") }
    }

    fn owner_of(&self, name: TestLockName, id: usize) -> Option<TestOwnerName> {
        let is_it = |holder: &&Holder| holder.guard().is_some_and(|guard| guard.id == id);
        self.state(name).holders.iter().find(is_it)?.owner
    }
}
