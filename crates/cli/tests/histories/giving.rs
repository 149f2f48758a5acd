//! What comes of giving back, breaking and freezing, and of what happens to processes and files.

use super::{
    expected::{Expected, Told},
    model::{
        Broken, Event, Freeze, Grip, Guard, Hold, Holder, Lease, Mode, Model, Process, Verdict,
    },
    step::{End, Might, Name, Owner, Thing, Ttl, Victim},
};

/// The exit code of a refusal, and what it says.
type Refused = (i32, String);

/// The refusal to give back what a guard holds.
fn kept_by(guard: &Guard) -> Refused {
    let by = match guard {
        Guard { supervisor: true, .. } => "a living guard",
        Guard { recorded: true, .. } => "what is left of a guard's command",
        // A ticket does not say in which pid namespace its pid has a meaning.
        _ => "a guard, or what is left of its command",
    };
    (4, format!("is held by {by}"))
}

impl Model {
    /// `lokt unlock NAME`
    pub(crate) fn unlock(&mut self, by: Owner, name: Name, might: Might) -> Expected {
        let permitted = match might {
            Might::Own => self.giving_back(by, name),
            Might::Stale => self.breaking_stale(name),
            Might::Force => self.forcing(name),
        };
        match permitted {
            Err((code, says)) => Expected::fails(code, says),
            Ok(kind) => {
                let owner = self.at(name).record().and_then(|record| record.owner);
                let holder = owner.filter(|_| kind != "release");
                self.at_mut(name).drop_record();
                if might == Might::Force {
                    self.put_outside(name);
                }
                Expected::line(format!("released lock {:?}", name.as_str()))
                    .and([Event::new(kind, name, by).of(holder)])
            }
        }
    }

    fn giving_back(&self, by: Owner, name: Name) -> Result<&'static str, Refused> {
        let state = self.at(name);
        let guards = state.inside().filter_map(Holder::guard);
        let guarded = guards.min_by_key(|guard| guard.id).map(kept_by);
        let Some(record) = state.record() else {
            return Err(guarded.unwrap_or_else(|| not_held(name)));
        };
        if let Some(broken) = record.broken() {
            return Err((1, broken.told().to_owned()));
        }
        if record.verdict() == Some(Verdict::Expired) {
            return Err(not_held(name));
        }
        if record.owner != Some(by) {
            let whose = record.owner.map_or("", Owner::as_str);
            return Err((4, format!("is not yours: {whose}")));
        }
        guarded.map_or(Ok("release"), Err)
    }

    fn breaking_stale(&self, name: Name) -> Result<&'static str, Refused> {
        let Some(record) = self.at(name).record() else { return Err(not_held(name)) };
        match (record.broken(), record.verdict()) {
            (Some(Broken::Newer), _) => Err((1, Broken::Newer.told().to_owned())),
            (Some(broken), _) if !broken.is_young() => Ok("corrupt-break"),
            (_, Some(Verdict::Expired)) => Ok("auto-prune"),
            (_, Some(Verdict::Dead | Verdict::Held("abandoned"))) => Ok("stale-break"),
            _ => Err((4, "is not stale".to_owned())),
        }
    }

    fn forcing(&self, name: Name) -> Result<&'static str, Refused> {
        let state = self.at(name);
        match state.broken() {
            Some(Broken::Newer) => Ok("force-break"),
            Some(_) => Ok("corrupt-break"),
            None if state.holders.is_empty() => Err(not_held(name)),
            None => Ok("force-break"),
        }
    }

    /// Takes their place away from those who are in; their processes live on.
    fn put_outside(&mut self, name: Name) {
        let holders = std::mem::take(&mut self.at_mut(name).holders);
        let guards = holders.iter().filter_map(|it| Some((name, it.owner?, *it.guard()?)));
        self.outside.extend(guards.filter(|(.., guard)| guard.lives()));
    }

    /// `lokt unlock --all`
    pub(crate) fn unlock_all(&mut self, by: Owner) -> Expected {
        let mut expected = Expected::default().and(self.bury_guards(by));
        let mut lines = String::new();
        for name in Name::ALL {
            let record = self.at(name).record();
            if !record.is_some_and(|it| it.lease().is_some() && it.owner == Some(by)) {
                continue;
            }
            let given = self.unlock(by, name, Might::Own);
            if given.code == 4 {
                expected = expected.saying("stays: a guard of yours runs under it");
            } else if let Told::Text(line) = given.told {
                lines.push_str(&line);
            }
            expected = expected.and(given.events);
        }
        if lines.is_empty() {
            return expected.saying("no lease of yours is held");
        }
        expected.told = Told::Text(lines);
        expected
    }

    /// Removes the records of guards that are provably gone, as everybody does who lists all locks.
    pub(crate) fn bury_guards(&mut self, by: Owner) -> Vec<Event> {
        let dead = |it: &Holder| it.guard().is_some() && it.verdict() == Some(Verdict::Dead);
        let mut events = Vec::new();
        for name in Name::ALL {
            if self.at(name).record().is_some_and(dead) {
                events.extend(self.clear_away(by, name));
            }
        }
        events
    }

    /// `lokt freeze NAME`
    pub(crate) fn freeze(&mut self, by: Owner, name: Name, ttl: Ttl) -> Expected {
        let state = self.at_mut(name);
        if state.broken() == Some(Broken::Newer) {
            return Expected::fails(1, Broken::Newer.told());
        }
        match state.freeze {
            Some(Freeze::Broken) => return Expected::fails(1, "is corrupted"),
            Some(Freeze::Order { by: other, over: false }) if other != by => {
                let other = other.as_str();
                return Expected::fails(2, format!("is frozen already by {other}"));
            }
            _ => state.freeze = Some(Freeze::Order { by, over: ttl == Ttl::Short }),
        }
        let span = if ttl == Ttl::Short { "1ms" } else { "1h" };
        Expected::line(format!("froze {:?} for {span}", name.as_str()))
            .and([Event::new("freeze", name, by)])
    }

    /// `lokt unfreeze NAME`
    pub(crate) fn unfreeze(&mut self, by: Owner, name: Name, might: Might) -> Expected {
        let force = might == Might::Force;
        let holder = match self.at(name).freeze {
            None | Some(Freeze::Order { over: true, .. }) => {
                return Expected::fails(3, "is not frozen");
            }
            Some(Freeze::Broken) if !force => return Expected::fails(1, "is corrupted"),
            Some(Freeze::Order { by: other, .. }) if other != by && !force => {
                return Expected::fails(4, "is not yours to unfreeze");
            }
            Some(Freeze::Broken) => None,
            Some(Freeze::Order { by, .. }) => Some(by),
        };
        self.at_mut(name).freeze = None;
        let kind = if force { "force-unfreeze" } else { "unfreeze" };
        Expected::line(format!("unfroze {:?}", name.as_str()))
            .and([Event::new(kind, name, by).of(holder)])
    }

    /// SIGKILL for the guard of that number, or for what is left of it.
    pub(crate) fn kill(&mut self, name: Name, id: usize, victim: Victim) -> Expected {
        let had_supervisor = self.guard_mut(id).is_some_and(|guard| guard.supervisor);
        if victim != Victim::Command
            && let Some(guard) = self.guard_mut(id)
        {
            guard.supervisor = false;
        }
        if victim == Victim::Supervisor {
            return Expected { code: 137, ..Expected::default() };
        }
        let ended = self.end(name, id);
        Expected { code: if had_supervisor { 137 } else { 0 }, ..ended }
    }

    /// The process ends that leases are tied to.
    pub(crate) fn end_tied(&mut self) {
        let ended = self.ended;
        self.ended += 1;
        for name in Name::ALL {
            if let Some(Grip::Lease(lease)) = self.grip_mut(name)
                && lease.tied_to == Some(ended)
            {
                lease.process = Process::Dead;
            }
        }
    }

    /// What stands in a name's record's place.
    fn grip_mut(&mut self, name: Name) -> Option<&mut Grip> {
        self.at_mut(name).record_mut().map(|record| &mut record.grip)
    }

    /// A record's expiry passes.
    pub(crate) fn expire(&mut self, name: Name) {
        match self.grip_mut(name) {
            Some(Grip::Lease(lease)) => lease.end = End::Past,
            Some(Grip::Guard(guard)) => guard.end = End::Past,
            Some(Grip::Broken(_)) | None => {}
        }
    }

    /// A broken file is not changed any more.
    pub(crate) fn age(&mut self, name: Name) {
        let grip = self.grip_mut(name);
        if let Some(Grip::Broken(Broken::Empty { young } | Broken::Half { young })) = grip {
            *young = false;
        }
    }

    /// Another program creates a record, which it can only where nothing stands.
    pub(crate) fn create(&mut self, name: Name, thing: Thing) -> Expected {
        if self.at(name).record().is_some() {
            return Expected { code: 1, ..Expected::default() };
        }
        self.overwrite(name, thing);
        Expected::default()
    }

    /// Something that is no record stands in the freeze's place.
    pub(crate) fn break_freeze(&mut self, name: Name) {
        self.at_mut(name).freeze = Some(Freeze::Broken);
    }

    /// A thing stands in the record's place from now on.
    pub(crate) fn overwrite(&mut self, name: Name, thing: Thing) {
        self.at_mut(name).drop_record();
        let foreign = |owner, end, process| {
            let lease = Lease {
                id: 0,
                hold: Hold::Foreign,
                end,
                process,
                tied_to: None,
                meta: Some("foreign"),
                version: 0,
            };
            Holder::new(owner, Grip::Lease(lease))
        };
        let broken = |it| Holder { owner: None, mode: Mode::Exclusive, grip: Grip::Broken(it) };
        self.at_mut(name).holders.insert(
            0,
            match thing {
                Thing::Record(owner, end) => foreign(owner, end, Process::Unknown),
                Thing::RecordOfTheDead(owner) => foreign(owner, End::Never, Process::Dead),
                Thing::Empty { young } => broken(Broken::Empty { young }),
                Thing::Half { young } => broken(Broken::Half { young }),
                Thing::Newer => broken(Broken::Newer),
                Thing::Folder => broken(Broken::Folder),
            },
        );
    }
}

fn not_held(name: Name) -> Refused {
    (3, format!("lock {:?} is not held", name.as_str()))
}
