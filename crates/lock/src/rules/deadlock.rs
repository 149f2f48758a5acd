use super::{Asker, Mode, Place, TicketText, around, passes};
use crate::words::{LockId, LockName};
use std::collections::HashMap;

/// Somebody who waits in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// The name that is waited for.
    pub name: LockName,
    /// The place in its line.
    pub place: Place,
    /// What the ticket says, the acquisitions that its process runs under among it.
    pub text: TicketText,
}

/// Answers what a search for a deadlock asks about the world.
pub trait Waits {
    /// The live tickets of a name.
    fn line(&self, name: &LockName) -> Vec<Place>;
    /// What a ticket says.
    fn text(&self, name: &LockName, place: &Place) -> Option<TicketText>;
    /// Those who wait while they run under other acquisitions.
    fn nested(&self) -> &[Waiter];
}

/// One step of a circle of waiting: somebody waits for a name that somebody else has, or has first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Who waits.
    pub waiter: TicketText,
    /// For what.
    pub name: LockName,
    /// Who is in the way, where the ticket tells.
    pub blocker: Option<TicketText>,
    /// Whether that one is in; else it waits in the same line.
    pub inside: bool,
}

/// A circle of waiting, from the one who asks back to what runs around it.
pub type Cycle = Vec<Link>;

/// Finds out whether a wait could never end, because what it waits for waits for it: for an acquisition
/// that `me` runs under.
///
/// A holder counts as waiting when anything that runs under it waits. That may be a process that the
/// holder's command would not wait for in its turn; such a wait is refused though it might have ended.
/// Where it would be enough that one of several goes (slots), all but too few of them must be stuck.
pub fn cycle(me: &Waiter, world: &impl Waits) -> Option<Cycle> {
    let mut search = Search { world, mine: &me.text.held, known: HashMap::new() };
    loop {
        let before = search.known.len();
        if let Some(cycle) = search.stuck(me) {
            return Some(cycle);
        }
        // What seemed free to go may have hung on something that was being looked at just then.
        search.known.retain(|_, found| found.is_some());
        if search.known.len() == before {
            return None;
        }
    }
}

struct Search<'a, W> {
    world: &'a W,
    /// The acquisitions whose end depends on the one who asks.
    mine: &'a [String],
    /// What was found out about tickets; those that are being looked at count as free to go.
    known: HashMap<LockId, Option<Cycle>>,
}

impl<W: Waits> Search<'_, W> {
    /// The circle that keeps a waiter from ever getting in.
    fn stuck(&mut self, waiter: &Waiter) -> Option<Cycle> {
        let line = self.world.line(&waiter.name);
        let (mine, mode) = (Some(waiter.place.number), waiter.place.mode);
        // A lease is no part of the guard around it, and waits for that like any other.
        let outer = around(&line, &waiter.text.held).filter(|_| !waiter.text.command.is_empty());
        let is_passed = |place: &Place| {
            outer.is_some_and(|outer| {
                let held = || Some(self.world.text(&waiter.name, place)?.held);
                passes(outer, &waiter.text.held, place, held)
            })
        };
        let mut ahead = Asker { line: &line, mine, mode, leased: 0 }.ahead();
        ahead.retain(|place| !is_passed(place));
        let (company, others): (Vec<&Place>, Vec<&Place>) =
            ahead.into_iter().partition(|place| mode.gets_on_with(place.mode));
        // All of the others must go, so one that cannot is enough.
        let stuck = others.into_iter().find_map(|place| self.never_goes(waiter, place));
        stuck.or_else(|| self.too_few_go(waiter, &company))
    }

    /// For slots: the circle, where fewer of those ahead can go than must.
    fn too_few_go(&mut self, waiter: &Waiter, company: &[&Place]) -> Option<Cycle> {
        let Mode::Slots(slots) = waiter.place.mode else { return None };
        let may_stay = slots.get() as usize - 1;
        let stuck: Vec<Cycle> =
            company.iter().filter_map(|place| self.never_goes(waiter, place)).collect();
        if stuck.len() > may_stay { stuck.into_iter().next() } else { None }
    }

    /// The circle that keeps a ticket from going before the one who asks does.
    fn never_goes(&mut self, waiter: &Waiter, place: &Place) -> Option<Cycle> {
        let (name, text) = (&waiter.name, self.world.text(&waiter.name, place));
        let link = Link {
            waiter: waiter.text.clone(),
            name: name.clone(),
            blocker: text.clone(),
            inside: place.entered,
        };
        if self.mine.iter().any(|id| id == place.lock_id.as_str()) {
            return Some(vec![link]);
        }
        let rest = self.stays_for(name, place, text)?;
        Some(std::iter::once(link).chain(rest).collect())
    }

    fn stays_for(
        &mut self,
        name: &LockName,
        place: &Place,
        text: Option<TicketText>,
    ) -> Option<Cycle> {
        if let Some(known) = self.known.get(&place.lock_id) {
            return known.clone();
        }
        self.known.insert(place.lock_id.clone(), None);
        let found = match text {
            Some(text) if !place.entered => {
                self.stuck(&Waiter { name: name.clone(), place: place.clone(), text })
            }
            _ => self.any_under(&place.lock_id),
        };
        self.known.insert(place.lock_id.clone(), found.clone());
        found
    }

    /// The circle that something runs into which runs under an acquisition.
    fn any_under(&mut self, id: &LockId) -> Option<Cycle> {
        let nested = self.world.nested();
        let under = nested.iter().filter(|it| it.text.held.iter().any(|held| held == id.as_str()));
        under.cloned().collect::<Vec<Waiter>>().iter().find_map(|waiter| self.stuck(waiter))
    }
}

#[cfg(test)]
#[path = "deadlock_tests.rs"]
mod tests;
