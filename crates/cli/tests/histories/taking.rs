//! What comes of asking for a lock, and of a guard's life.

use super::{
    admission::{Admission, Asking},
    expected::{Expected, Told},
    model::{Event, Freeze, Grip, Guard, Hold, Holder, Lease, Model, Process, Verdict},
    step::{End, Inner, Name, Owner, Terms, Tie, Ttl},
};

impl Model {
    /// Removes what binds nobody any more, as one does who enters.
    pub(crate) fn clear_away(&mut self, by: Owner, name: Name) -> Option<Event> {
        let record = *self.at(name).record()?;
        let kind = match record.verdict() {
            Some(Verdict::Expired) => "auto-prune",
            Some(Verdict::Dead) => "stale-break",
            Some(Verdict::Held(_)) => return None,
            None => "corrupt-break",
        };
        self.at_mut(name).drop_record();
        Some(Event::new(kind, name, by).of(record.owner))
    }

    /// `lokt lock NAME`
    pub(crate) fn lock(&mut self, by: Owner, name: Name, terms: Terms) -> Expected {
        if terms.tie == Some(Tie::Gone) {
            return Expected::fails(64, "there is no such process");
        }
        let (renewed, events) = match self.admission(Asking::lease(by, name)) {
            Admission::Refused(refusal) => return refusal.into_expected(terms.json),
            Admission::Renewing => (true, vec![Event::new("renew", name, by)]),
            Admission::Fresh | Admission::UnderLease(_) => {
                let cleared = self.clear_away(by, name);
                let acquired = Event::new("acquire", name, by);
                (false, cleared.into_iter().chain([acquired]).collect())
            }
        };
        let before = self.at(name).lease().copied().filter(|_| renewed);
        self.at_mut(name).holders.retain(|holder| !holder.is_recorded());
        let lease = self.leased(before, terms);
        self.at_mut(name).holders.insert(0, Holder::new(by, Grip::Lease(lease)));
        let verb = if renewed { "renewed" } else { "acquired" };
        let expected = if terms.json {
            Expected::told(Told::Taken { renewed })
        } else {
            Expected::line(format!("{verb} lock {:?}", name.as_str()))
        };
        let endless = lease.end == End::Never && lease.hold != Hold::Process;
        let expected =
            if endless { expected.saying("no --ttl: it is held until") } else { expected };
        expected.and(events).and(self.sweep(by))
    }

    /// The lease that comes of what is asked for, and of the one of before.
    fn leased(&mut self, before: Option<Lease>, terms: Terms) -> Lease {
        let mut lease = before.unwrap_or_else(|| self.new_lease());
        lease.version = 1;
        lease.end = match terms.ttl {
            Some(Ttl::Long) => End::Ahead,
            Some(Ttl::Short) => End::Past,
            None => lease.end,
        };
        lease.meta = terms.meta.or(lease.meta);
        if terms.tie.is_some() {
            self.started = self.ended + 1;
            lease.hold = Hold::Process;
            lease.tied_to = Some(self.ended);
            lease.process = Process::Alive;
        } else if lease.hold == Hold::Lease {
            lease.process = if terms.by_script { Process::Dead } else { Process::Alive };
        }
        lease
    }

    /// The `lokt lock` that is the first in a root clears away what is left of others everywhere.
    fn sweep(&mut self, by: Owner) -> Vec<Event> {
        if std::mem::replace(&mut self.swept, true) { Vec::new() } else { self.tidy(by) }
    }

    /// Clears away what binds nobody any more, leases and freezes.
    pub(crate) fn tidy(&mut self, by: Owner) -> Vec<Event> {
        let mut events = Vec::new();
        for name in Name::ALL {
            if self.at(name).record().is_some_and(|it| it.broken().is_none()) {
                events.extend(self.clear_away(by, name));
            }
            if let Some(Freeze::Order { by: holder, over: true }) = self.at(name).freeze {
                self.at_mut(name).freeze = None;
                events.push(Event::new("auto-prune", name, by).of(Some(holder)));
            }
        }
        events
    }

    fn new_lease(&mut self) -> Lease {
        self.leases += 1;
        Lease {
            id: self.leases,
            hold: Hold::Lease,
            end: End::Never,
            process: Process::Alive,
            tied_to: None,
            meta: None,
            version: 1,
        }
    }

    /// `lokt guard NAME -- …` that stays in, where it gets in.
    pub(crate) fn enter(&mut self, by: Owner, name: Name, ttl: Option<Ttl>) -> Expected {
        let asking = Asking { place: Some(self.guards), ..Asking::guard(by, name) };
        let under = match self.admission(asking) {
            Admission::Refused(refusal) => return refusal.into_expected(false),
            Admission::UnderLease(lease) => Some(lease),
            Admission::Fresh | Admission::Renewing => None,
        };
        self.guards += 1;
        Expected::default().and(self.let_in(asking, under, ttl))
    }

    /// Lets a guard in at its queue position.
    pub(crate) fn let_in(
        &mut self,
        asking: Asking,
        under: Option<usize>,
        ttl: Option<Ttl>,
    ) -> Vec<Event> {
        let Asking { by, name, place, .. } = asking;
        let cleared = self.clear_away(by, name);
        let guard = Guard {
            id: place.unwrap_or_default(),
            supervisor: true,
            command: true,
            under,
            end: if ttl.is_some() { End::Ahead } else { End::Never },
            recorded: under.is_none(),
        };
        self.at_mut(name).holders.push(Holder::new(by, Grip::Guard(guard)));
        cleared.into_iter().chain([Event::new("acquire", name, by).under(under)]).collect()
    }

    /// `lokt guard NAME -- …` that runs to its end.
    pub(crate) fn guard(&mut self, by: Owner, name: Name, inner: Inner) -> Expected {
        let id = self.guards;
        let entered = self.enter(by, name, None);
        if entered.code != 0 {
            return entered;
        }
        let within = match inner {
            Inner::Nothing => Expected::default(),
            // Inside of it already: nothing keeps it out.
            Inner::Guard(inner) if inner == name => {
                let events = ["acquire", "release"].map(|kind| Event::new(kind, name, by));
                Expected::default().and(events)
            }
            Inner::Guard(inner) => self.guard(by, inner, Inner::Nothing),
            Inner::Lock(inner) => {
                // Its taker is the guard, which ends.
                let terms = Terms { ttl: Some(Ttl::Long), by_script: true, ..Terms::default() };
                self.lock(by, inner, terms)
            }
            Inner::Unlock(inner, might) => self.unlock(by, inner, might),
        };
        let ended = self.end(name, id);
        Expected {
            code: within.code,
            told: within.told,
            says: [entered.says, within.says, ended.says].concat(),
            events: [entered.events, within.events, ended.events].concat(),
        }
    }

    /// A guard's command ends, and its supervisor, where that lives, gives the lock back.
    pub(crate) fn end(&mut self, name: Name, id: usize) -> Expected {
        let Some(guard) = self.guard_mut(id) else { return Expected::default() };
        guard.command = false;
        let guard = *guard;
        let outside = self.outside.iter().find(|(.., it)| it.id == id);
        let owner = outside.map(|(_, owner, _)| *owner).or_else(|| self.owner_of(name, id));
        let mine = guard.recorded
            || guard
                .under
                .is_some_and(|lease| self.at(name).lease().map(|it| it.id) == Some(lease));
        let mine = mine && outside.is_none();
        let gone = |it: &Guard| it.id == id && (guard.supervisor || !it.recorded);
        self.outside.retain(|(.., it)| it.id != id);
        self.at_mut(name).holders.retain(|holder| !holder.guard().is_some_and(gone));
        let Some(owner) = owner.filter(|_| guard.supervisor) else { return Expected::default() };
        let kind = if mine { "release" } else { "lost" };
        let expected = Expected::default().and([Event::new(kind, name, owner).under(guard.under)]);
        if mine { expected } else { expected.saying("was taken away while the command ran") }
    }

    fn owner_of(&self, name: Name, id: usize) -> Option<Owner> {
        let is_it = |holder: &&Holder| holder.guard().is_some_and(|guard| guard.id == id);
        self.at(name).holders.iter().find(is_it)?.owner
    }
}
