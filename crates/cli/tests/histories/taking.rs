//! What comes of asking for a lock, and of a guard's life.

use super::{
    expected::{Expected, Told},
    model::{
        Broken, Event, Freeze, Grip, Guard, Hold, Holder, Lease, Mode, Model, Process, Verdict,
    },
    step::{End, Inner, Name, Owner, Terms, Tie, Ttl},
};

/// What somebody asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Lease,
    Guard,
}

/// What becomes of one who asks.
enum Admission {
    Fresh,
    Renewing,
    UnderLease(usize),
    Refused(Refusal),
}

/// Why somebody is not let in.
struct Refusal {
    code: i32,
    says: String,
    /// What `lock --json` tells of it, where it tells anything.
    blocked: Option<(&'static str, Option<Owner>)>,
    event: Option<Event>,
}

impl Refusal {
    fn error(says: String) -> Admission {
        Admission::Refused(Self { code: 1, says, blocked: None, event: None })
    }

    fn held(says: String, reason: &'static str, owner: Option<Owner>, event: Event) -> Admission {
        let blocked = Some((reason, owner));
        Admission::Refused(Self { code: 2, says, blocked, event: Some(event) })
    }

    fn into_expected(self, json: bool) -> Expected {
        let blocked = self.blocked.filter(|_| json).map(|(reason, owner)| Told::Blocked {
            reason: reason.to_owned(),
            owner: owner.map(|it| it.as_str().to_owned()),
        });
        let told = blocked.unwrap_or_default();
        Expected { told, ..Expected::fails(self.code, self.says) }.and(self.event)
    }
}

impl Model {
    /// Whether somebody is let in: those who are in come first, then what stands on the name, then the
    /// freeze; but one's own lease is renewed whoever is in, and in spite of a freeze.
    fn admission(&self, by: Owner, name: Name, purpose: Purpose) -> Admission {
        let state = self.at(name);
        if state.broken() == Some(Broken::Newer) {
            return Refusal::error(Broken::Newer.told().to_owned());
        }
        let usable = |lease: &Lease| purpose == Purpose::Lease || lease.hold != Hold::Foreign;
        let mine = state.lease().filter(|lease| usable(lease) && state.is_mine(by));
        let renewing = mine.is_some() && purpose == Purpose::Lease;
        let in_the_way = |holder: &&Holder| !holder.mode.admits(Mode::Exclusive);
        let inside = state.inside().find(in_the_way);
        let error = self.unclear(name).filter(|_| mine.is_some() || inside.is_none());
        match (error, mine, inside) {
            (Some(error), ..) => error,
            (_, Some(_), _) if renewing => Admission::Renewing,
            (_, _, Some(inside)) => self.kept_out_by(inside, by, name),
            (_, None, _) if !self.is_free(name) => self.kept_out_by_record(by, name),
            (_, mine, _) => self.unless_frozen(by, name, mine.map(|lease| lease.id)),
        }
    }

    /// Somebody is in, with the name's record or without.
    fn kept_out_by(&self, inside: &Holder, by: Owner, name: Name) -> Admission {
        let holder = self.at(name).holder();
        let owner = holder.or(inside.owner);
        let who = owner.map_or("", Owner::as_str);
        let how = if holder.is_some() { "is held by" } else { "goes to" };
        let event = Event::new("deny", name, by).of(holder);
        Refusal::held(format!("{how} {who} (pid "), "held", owner, event)
    }

    fn kept_out_by_record(&self, by: Owner, name: Name) -> Admission {
        let holder = self.at(name).holder();
        let event = Event::new("deny", name, by).of(holder);
        match holder {
            Some(owner) => {
                Refusal::held(format!("is held by {}", owner.as_str()), "held", holder, event)
            }
            None => Refusal::held("counts as held".to_owned(), "corrupted", None, event),
        }
    }

    fn unless_frozen(&self, by: Owner, name: Name, under: Option<usize>) -> Admission {
        match (self.at(name).frozen_by(), under) {
            (Some(owner), _) => {
                let event = Event::new("freeze-deny", name, by).of(Some(owner));
                let says = format!("is frozen by {}", owner.as_str());
                Refusal::held(says, "frozen", Some(owner), event)
            }
            (None, Some(lease)) => Admission::UnderLease(lease),
            (None, None) => Admission::Fresh,
        }
    }

    /// The error of one who can be told neither that the name is held nor that it is free.
    fn unclear(&self, name: Name) -> Option<Admission> {
        let state = self.at(name);
        match state.broken() {
            Some(broken) if !broken.is_young() && !broken.is_free() => {
                Some(Refusal::error(format!("lock {:?} is corrupted", name.as_str())))
            }
            _ if state.freeze == Some(Freeze::Broken) => {
                Some(Refusal::error(format!("freeze {:?} is corrupted", name.as_str())))
            }
            _ => None,
        }
    }

    /// Whether nothing that stands in the record's place keeps anybody out.
    fn is_free(&self, name: Name) -> bool {
        let free = |it: &Holder| match it.broken() {
            Some(broken) => broken.is_free(),
            None => !it.is_held() || it.mode.admits(Mode::Exclusive),
        };
        self.at(name).record().is_none_or(free)
    }

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
        let (renewed, events) = match self.admission(by, name, Purpose::Lease) {
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
        let under = match self.admission(by, name, Purpose::Guard) {
            Admission::Refused(refusal) => return refusal.into_expected(false),
            Admission::UnderLease(lease) => Some(lease),
            Admission::Fresh | Admission::Renewing => None,
        };
        let cleared = self.clear_away(by, name);
        let guard = Guard {
            id: self.guards,
            supervisor: true,
            command: true,
            under,
            end: if ttl.is_some() { End::Ahead } else { End::Never },
            recorded: under.is_none(),
        };
        self.guards += 1;
        self.at_mut(name).holders.push(Holder::new(by, Grip::Guard(guard)));
        let acquired = Event::new("acquire", name, by).under(under);
        Expected::default().and(cleared).and([acquired])
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
            // Inside of it already: straight through.
            Inner::Guard(inner) if inner == name => Expected::default(),
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
