//! Whether somebody is let in, and if not, why.

use super::{
    expected::{Expected, Told},
    model::{Broken, Event, Freeze, Hold, Holder, Lease, Mode, Model},
    step::{Name, Owner},
    waiting::Obstacle,
};

/// What somebody asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Lease,
    Guard,
}

/// Who asks for what.
#[derive(Clone, Copy)]
pub(crate) struct Asking {
    pub(crate) by: Owner,
    pub(crate) name: Name,
    pub(crate) purpose: Purpose,
    /// The place of one who stands in the queue already.
    pub(crate) place: Option<usize>,
}

/// What becomes of one who asks.
pub(crate) enum Admission {
    Fresh,
    Renewing,
    UnderLease(usize),
    Refused(Box<Refusal>),
}

/// Why somebody is not let in.
pub(crate) struct Refusal {
    pub(crate) code: i32,
    pub(crate) says: String,
    /// What `lock --json` tells of it, where it tells anything.
    blocked: Option<(&'static str, Option<Owner>)>,
    event: Option<Event>,
    /// What one who waits waits for; after an error, nobody waits.
    pub(crate) obstacle: Option<Obstacle>,
}

impl Refusal {
    fn error(says: String) -> Admission {
        let (blocked, event, obstacle) = (None, None, None);
        Admission::Refused(Box::new(Self { code: 1, says, blocked, event, obstacle }))
    }

    fn held(
        says: String,
        (reason, owner): (&'static str, Option<Owner>),
        event: Event,
        obstacle: Obstacle,
    ) -> Admission {
        let blocked = Some((reason, owner));
        let (event, obstacle) = (Some(event), Some(obstacle));
        Admission::Refused(Box::new(Self { code: 2, says, blocked, event, obstacle }))
    }

    pub(crate) fn into_expected(self, json: bool) -> Expected {
        let blocked = self.blocked.filter(|_| json).map(|(reason, owner)| Told::Blocked {
            reason: reason.to_owned(),
            owner: owner.map(|it| it.as_str().to_owned()),
        });
        let told = blocked.unwrap_or_default();
        Expected { told, ..Expected::fails(self.code, self.says) }.and(self.event)
    }
}

/// Somebody in the queue before one who asks.
struct Ahead {
    place: usize,
    owner: Option<Owner>,
    is_in: bool,
}

impl Asking {
    pub(crate) fn guard(by: Owner, name: Name) -> Self {
        Self { by, name, purpose: Purpose::Guard, place: None }
    }

    pub(crate) fn lease(by: Owner, name: Name) -> Self {
        Self { purpose: Purpose::Lease, ..Self::guard(by, name) }
    }
}

impl Model {
    /// Whether somebody is let in: those who came earlier come first, then what stands on the name, then
    /// the freeze. But one's own lease is renewed whoever is ahead, and in spite of a freeze, and a guard
    /// under it passes those who wait for it to end.
    pub(crate) fn admission(&self, asking: Asking) -> Admission {
        let Asking { by, name, purpose, .. } = asking;
        let state = self.at(name);
        if state.broken() == Some(Broken::Newer) {
            return Refusal::error(Broken::Newer.told().to_owned());
        }
        let usable = |lease: &Lease| purpose == Purpose::Lease || lease.hold != Hold::Foreign;
        let mine = state.lease().filter(|lease| usable(lease) && state.is_mine(by));
        let renewing = mine.is_some() && purpose == Purpose::Lease;
        let ahead = self.nearest_ahead(asking, mine.is_some());
        let error = self.unclear(name).filter(|_| mine.is_some() || ahead.is_none());
        match (error, mine, ahead) {
            (Some(error), ..) => error,
            (_, Some(_), _) if renewing => Admission::Renewing,
            (_, _, Some(ahead)) => self.kept_out_by(&ahead, by, name),
            (_, None, _) if !self.is_free(name) => self.kept_out_by_record(by, name),
            (_, mine, _) => self.unless_frozen(by, name, mine.map(|lease| lease.id)),
        }
    }

    /// The last of those who are before the one who asks, and in the way.
    fn nearest_ahead(&self, asking: Asking, mine: bool) -> Option<Ahead> {
        let state = self.at(asking.name);
        let inside = state.inside().filter(|it| !it.mode.admits(Mode::Exclusive));
        let inside = inside
            .filter_map(|it| Some(Ahead { place: it.guard()?.id, owner: it.owner, is_in: true }));
        let waiting = state.line.iter().map(|it| Ahead {
            place: it.place,
            owner: Some(it.owner),
            is_in: false,
        });
        let before = |it: &Ahead| asking.place.is_none_or(|mine| it.is_in || it.place < mine);
        let passed = |it: &Ahead| mine && !it.is_in && it.owner != Some(asking.by);
        inside.chain(waiting).filter(|it| before(it) && !passed(it)).max_by_key(|it| it.place)
    }

    /// Somebody came earlier, and is in or is not.
    fn kept_out_by(&self, ahead: &Ahead, by: Owner, name: Name) -> Admission {
        let holder = self.at(name).holder();
        let owner = holder.or(ahead.owner);
        let who = owner.map_or("", Owner::as_str);
        let how = if holder.is_some() { "is held by" } else { "goes to" };
        let event = Event::new("deny", name, by).of(holder);
        let reason = if holder.is_some() || ahead.is_in { "held" } else { "queued" };
        let says = format!("{how} {who} (pid ");
        Refusal::held(says, (reason, owner), event, Obstacle::Behind(ahead.place))
    }

    fn kept_out_by_record(&self, by: Owner, name: Name) -> Admission {
        let holder = self.at(name).holder();
        let event = Event::new("deny", name, by).of(holder);
        let (says, reason) = match holder {
            Some(owner) => (format!("is held by {}", owner.as_str()), "held"),
            None => ("is treated as held".to_owned(), "corrupted"),
        };
        let obstacle = Obstacle::Record(self.at(name).record().copied());
        Refusal::held(says, (reason, holder), event, obstacle)
    }

    fn unless_frozen(&self, by: Owner, name: Name, under: Option<usize>) -> Admission {
        match (self.at(name).frozen_by(), under) {
            (Some(owner), _) => {
                let event = Event::new("freeze-deny", name, by).of(Some(owner));
                let says = format!("is frozen by {}", owner.as_str());
                let obstacle = Obstacle::Freeze(self.at(name).freeze);
                Refusal::held(says, ("frozen", Some(owner)), event, obstacle)
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
}
