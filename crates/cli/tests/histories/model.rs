//! What is true of names, as the documentation has it: a small machine without files and processes.
//!
//! A name's state is the list of those who have to do with it, each with the mode that it is in, so that
//! modes which admit several need another [`Mode`], not another model.

use super::{
    step::{End, Name, Owner},
    waiting::Waiter,
};

/// How a holder shares a name with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// With nobody.
    Exclusive,
}

impl Mode {
    /// Whether a newcomer may be in beside a holder of this mode.
    pub(crate) fn admits(self, newcomer: Self) -> bool {
        match (self, newcomer) {
            (Self::Exclusive, Self::Exclusive) => false,
        }
    }
}

/// Whether a record's process lives, as far as can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Process {
    Alive,
    Dead,
    Unknown,
}

impl Process {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
        }
    }
}

/// What the life of a lease hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Its expiry.
    Lease,
    /// Its expiry, and a process.
    Process,
    /// What another program wrote: its expiry, else its process.
    Foreign,
}

/// A lock that no guard holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// One acquisition; the same through all renewals.
    pub(crate) id: usize,
    pub(crate) hold: Hold,
    pub(crate) end: End,
    pub(crate) process: Process,
    /// Which of the processes that leases are tied to.
    pub(crate) tied_to: Option<usize>,
    pub(crate) meta: Option<&'static str>,
    pub(crate) version: u64,
}

/// A command with its supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Guard {
    pub(crate) id: usize,
    pub(crate) supervisor: bool,
    pub(crate) command: bool,
    /// The lease that it entered under.
    pub(crate) under: Option<usize>,
    /// Its announced end.
    pub(crate) end: End,
    /// Whether a record speaks of it.
    pub(crate) recorded: bool,
}

impl Guard {
    pub(crate) fn lives(&self) -> bool {
        self.supervisor || self.command
    }
}

/// Something that stands in a record's place and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    Empty { young: bool },
    Half { young: bool },
    Newer,
    Folder,
}

impl Broken {
    /// Whether it may be being written at this moment.
    pub(crate) fn is_young(self) -> bool {
        matches!(self, Self::Empty { young: true } | Self::Half { young: true })
    }

    /// Whether nobody can be behind it.
    pub(crate) fn is_free(self) -> bool {
        self == Self::Empty { young: false }
    }

    /// What commands say of it.
    pub(crate) fn told(self) -> &'static str {
        if self == Self::Newer { "lockfile version 99 not supported" } else { "is corrupted" }
    }
}

/// How somebody has to do with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grip {
    Lease(Lease),
    Guard(Guard),
    Broken(Broken),
}

/// Somebody who has to do with a name, or what is left of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Nobody knows whose a broken record is.
    pub(crate) owner: Option<Owner>,
    pub(crate) mode: Mode,
    pub(crate) grip: Grip,
}

/// What a record is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It holds; with the word for how.
    Held(&'static str),
    Expired,
    Dead,
}

impl Verdict {
    pub(crate) fn is_held(self) -> bool {
        matches!(self, Self::Held(_))
    }

    /// The state in one word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Held(word) => word,
            Self::Expired => "expired",
            Self::Dead => "dead",
        }
    }
}

impl Holder {
    pub(crate) fn new(owner: Owner, grip: Grip) -> Self {
        Self { owner: Some(owner), mode: Mode::Exclusive, grip }
    }

    pub(crate) fn guard(&self) -> Option<&Guard> {
        if let Grip::Guard(guard) = &self.grip { Some(guard) } else { None }
    }

    pub(crate) fn lease(&self) -> Option<&Lease> {
        if let Grip::Lease(lease) = &self.grip { Some(lease) } else { None }
    }

    pub(crate) fn broken(&self) -> Option<Broken> {
        if let Grip::Broken(broken) = self.grip { Some(broken) } else { None }
    }

    /// Whether this is what stands in the record's place.
    pub(crate) fn is_recorded(&self) -> bool {
        self.guard().is_none_or(|guard| guard.recorded)
    }

    /// Whether this is a guard that is in.
    pub(crate) fn is_inside(&self) -> bool {
        self.guard().is_some_and(Guard::lives)
    }

    /// What its record is worth; of what is no record nothing can be said.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        match &self.grip {
            Grip::Lease(lease) => Some(of_lease(lease)),
            Grip::Guard(guard) => Some(of_guard(guard)),
            Grip::Broken(_) => None,
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        self.verdict().is_some_and(Verdict::is_held)
    }
}

fn of_lease(lease: &Lease) -> Verdict {
    match (lease.hold, lease.end, lease.process) {
        (_, End::Past, _) => Verdict::Expired,
        (Hold::Lease, End::Never, Process::Dead) => Verdict::Held("abandoned"),
        (Hold::Process, _, Process::Dead) | (Hold::Foreign, End::Never, Process::Dead) => {
            Verdict::Dead
        }
        _ => Verdict::Held("held"),
    }
}

/// Whether a guard's supervisor, which its record names, lives.
pub(crate) fn process_of(guard: &Guard) -> Process {
    if guard.supervisor { Process::Alive } else { Process::Dead }
}

fn of_guard(guard: &Guard) -> Verdict {
    match (guard.supervisor, guard.command, guard.end) {
        (false, false, _) => Verdict::Dead,
        (false, true, _) => Verdict::Held("orphaned"),
        (true, _, End::Past) => Verdict::Held("overdue"),
        (true, _, _) => Verdict::Held("held"),
    }
}

/// An order that nobody may take a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freeze {
    Order {
        by: Owner,
        over: bool,
    },
    /// Something that is no record stands in its place.
    Broken,
}

/// All that there is about a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) holders: Vec<Holder>,
    /// Those who wait, in their order.
    pub(crate) line: Vec<Waiter>,
    pub(crate) freeze: Option<Freeze>,
}

impl State {
    /// What stands in the record's place.
    pub(crate) fn record(&self) -> Option<&Holder> {
        self.holders.iter().find(|holder| holder.is_recorded())
    }

    pub(crate) fn record_mut(&mut self) -> Option<&mut Holder> {
        self.holders.iter_mut().find(|holder| holder.is_recorded())
    }

    pub(crate) fn broken(&self) -> Option<Broken> {
        self.record().and_then(Holder::broken)
    }

    pub(crate) fn lease(&self) -> Option<&Lease> {
        self.record().and_then(Holder::lease)
    }

    /// Who holds the name, as far as its record tells.
    pub(crate) fn holder(&self) -> Option<Owner> {
        self.record().filter(|record| record.is_held()).and_then(|record| record.owner)
    }

    /// The guards that are in.
    pub(crate) fn inside(&self) -> impl Iterator<Item = &Holder> {
        self.holders.iter().filter(|holder| holder.is_inside())
    }

    /// The guards that are in and that the record does not speak of.
    pub(crate) fn unrecorded(&self) -> impl Iterator<Item = &Holder> {
        self.inside().filter(|holder| !holder.is_recorded())
    }

    /// The freeze that is in force.
    pub(crate) fn frozen_by(&self) -> Option<Owner> {
        match self.freeze {
            Some(Freeze::Order { by, over: false }) => Some(by),
            _ => None,
        }
    }

    /// Whether the record is the owner's, and stands.
    pub(crate) fn is_mine(&self, by: Owner) -> bool {
        self.holder() == Some(by)
    }

    /// Takes the record away; a guard that it spoke of stays in without it.
    pub(crate) fn drop_record(&mut self) {
        if let Some(Grip::Guard(guard)) = self.record_mut().map(|record| &mut record.grip)
            && guard.lives()
        {
            guard.recorded = false;
            return;
        }
        self.holders.retain(|holder| !holder.is_recorded());
    }
}

/// Something that the audit log must gain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) by: String,
    pub(crate) holder: Option<String>,
    pub(crate) under_lease: bool,
}

/// All names, and all processes that were started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    x: State,
    y: State,
    /// Guards that are in no more, by force, and whose processes live; with their owners.
    pub(crate) outside: Vec<(Name, Owner, Guard)>,
    /// How many guards there have been, those included that wait.
    pub(crate) guards: usize,
    /// How many leases there have been.
    pub(crate) leases: usize,
    /// How many of the processes that leases are tied to have ended. That is the number of the next, too.
    pub(crate) ended: usize,
    /// How many of them were started.
    pub(crate) started: usize,
    /// Whether a lease was taken already, and with the first one what is left of others cleared away.
    pub(crate) swept: bool,
}

impl Model {
    pub(crate) fn at(&self, name: Name) -> &State {
        match name {
            Name::X => &self.x,
            Name::Y => &self.y,
        }
    }

    pub(crate) fn at_mut(&mut self, name: Name) -> &mut State {
        match name {
            Name::X => &mut self.x,
            Name::Y => &mut self.y,
        }
    }

    /// The oldest guard of a name whose processes live, in or outside.
    pub(crate) fn oldest_guard(&self, name: Name) -> Option<(Owner, Guard)> {
        let inside = self.at(name).inside().filter_map(|it| Some((it.owner?, *it.guard()?)));
        let outside = self.outside.iter().filter(|(of, ..)| *of == name);
        let outside = outside.map(|(_, owner, guard)| (*owner, *guard));
        inside.chain(outside).min_by_key(|(_, guard)| guard.id)
    }

    /// The guard of that number, where any of it lives.
    pub(crate) fn guard_mut(&mut self, id: usize) -> Option<&mut Guard> {
        let holders = self.x.holders.iter_mut().chain(&mut self.y.holders);
        let inside = holders.filter_map(|holder| match &mut holder.grip {
            Grip::Guard(guard) => Some(guard),
            _ => None,
        });
        let outside = self.outside.iter_mut().map(|(_, _, guard)| guard);
        inside.chain(outside).find(|guard| guard.id == id)
    }
}
