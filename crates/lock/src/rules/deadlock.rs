use super::{QueueObstacleQuery, QueuePlace, TicketContent, around, passes};
use crate::words::{LockId, LockName};
use std::collections::HashMap;

/// A waiter in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// The name that is waited for.
    pub name: LockName,
    /// The place in its line.
    pub place: QueuePlace,
    /// What the ticket says, the acquisitions that its process runs under among it.
    pub text: TicketContent,
    /// The acquisition whose end it waits for, where it stands in no line.
    pub follows: Option<LockId>,
}

/// Answers what a search for a deadlock asks about the world.
pub trait DeadlockSearchSource {
    /// The live tickets of a name.
    fn line(&self, name: &LockName) -> Vec<QueuePlace>;
    /// What a ticket says.
    fn text(&self, name: &LockName, place: &QueuePlace) -> Option<TicketContent>;
    /// The waiters that run under other acquisitions.
    fn nested(&self) -> &[Waiter];
}

/// One step of a circle of waiting: a waiter waits for a name that another process has, or will have first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitCycleLink {
    /// The waiter.
    pub waiter: TicketContent,
    /// For what.
    pub name: LockName,
    /// The ticket in the way, where it can be read.
    pub blocker: Option<TicketContent>,
    /// Whether that one is in; else it waits in the same line.
    pub inside: bool,
}

/// A circle of waiting, from the caller back to what runs around it.
pub type WaitCycle = Vec<WaitCycleLink>;

/// Finds out whether a wait could never end, because what it waits for waits for it: for an acquisition that
/// `me` runs under. A wait that only others keep from ending is not reported here: those others report it
/// themselves.
///
/// A holder counts as waiting when anything that runs under it waits. That may be a process that the
/// holder's command would not wait for in its turn; such a wait is refused though it might have ended.
/// Where it would be enough that one of several goes (slots), all but too few of them must be stuck.
pub fn cycle(me: &Waiter, world: &impl DeadlockSearchSource) -> Option<WaitCycle> {
    let graph = WaitGraph::around(me, world);
    let start = &me.place.lock_id;
    let ends = graph.ends(CallerLockAssumption::Stay);
    if ends.contains_key(start) {
        return None;
    }
    // Either it would end if the caller's acquisitions did; or it would not, whatever becomes of circles of
    // others.
    let mut blame = graph.ends(CallerLockAssumption::Go);
    blame.retain(|id, _| !ends.contains_key(id));
    if !blame.contains_key(start) {
        blame = graph.stuck();
    }
    blame.contains_key(start).then(|| WaitCycleBuilder { graph: &graph, blame }.from(start))
}

/// What becomes of the acquisitions that the caller runs under.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CallerLockAssumption {
    /// They stay until the caller has got in.
    Stay,
    /// They end.
    Go,
}

/// All tickets that a wait depends on, and what each of them needs.
struct WaitGraph {
    nodes: HashMap<LockId, WaitNode>,
}

/// A ticket, or a waiter that follows another's ticket.
struct WaitNode {
    name: LockName,
    text: Option<TicketContent>,
    entered: bool,
    needs: TicketDependency,
}

/// What must happen before a ticket goes.
enum TicketDependency {
    /// That the caller has got in, and ended.
    Me,
    /// That these have got in, which run under it.
    Inner(Vec<LockId>),
    /// That all of the others go, and of those that are compatible with it, all but so many.
    Line { others: Vec<LockId>, company: Vec<LockId>, may_stay: usize },
}

/// Some of the tickets, with how many rounds of others come before each of them.
type SearchRoundByTicket<'a> = HashMap<&'a LockId, usize>;

impl WaitGraph {
    fn around(me: &Waiter, world: &impl DeadlockSearchSource) -> Self {
        let mut graph = Self { nodes: HashMap::new() };
        let mut waiters = vec![me.clone()];
        while let Some(waiter) = waiters.pop() {
            if !graph.nodes.contains_key(&waiter.place.lock_id) {
                graph.add(waiter, &me.text.held, (world, &mut waiters));
            }
        }
        graph
    }

    /// Adds a waiter, and the tickets in its way. More waiters, there or under those, are left to the caller.
    fn add(
        &mut self,
        waiter: Waiter,
        mine: &[String],
        (world, waiters): (&impl DeadlockSearchSource, &mut Vec<Waiter>),
    ) {
        let (others, company) = in_the_way(&waiter, world);
        for place in others.iter().chain(&company) {
            if self.nodes.contains_key(&place.lock_id) {
                continue;
            }
            let text = world.text(&waiter.name, place);
            let needs = match &text {
                _ if mine.iter().any(|id| id == place.lock_id.as_str()) => TicketDependency::Me,
                Some(text) if !place.entered => {
                    let (name, place) = (waiter.name.clone(), place.clone());
                    waiters.push(Waiter { name, place, text: text.clone(), follows: None });
                    continue;
                }
                _ => {
                    let inner = inside(&place.lock_id, world);
                    waiters.extend(inner.iter().cloned());
                    TicketDependency::Inner(inner.into_iter().map(|it| it.place.lock_id).collect())
                }
            };
            let node = WaitNode { name: waiter.name.clone(), text, entered: place.entered, needs };
            self.nodes.insert(place.lock_id.clone(), node);
        }
        let ids = |places: Vec<QueuePlace>| places.into_iter().map(|it| it.lock_id).collect();
        let may_stay = waiter.place.mode.slots().map_or(usize::MAX, |it| it.get() as usize - 1);
        let needs = TicketDependency::Line { others: ids(others), company: ids(company), may_stay };
        let node = WaitNode { name: waiter.name, text: Some(waiter.text), entered: false, needs };
        self.nodes.insert(waiter.place.lock_id, node);
    }

    /// The tickets that end in time: first those that wait for none, then those that wait only for them, and so
    /// on.
    fn ends(&self, mine: CallerLockAssumption) -> SearchRoundByTicket<'_> {
        self.in_rounds(|node, ends| node.goes(mine, |id| ends.contains_key(id)))
    }

    /// The tickets that cannot go while the caller's acquisitions stay, even if all circles of others were
    /// opened: first these acquisitions, then those that need them, and so on.
    fn stuck(&self) -> SearchRoundByTicket<'_> {
        self.in_rounds(|node, stuck| {
            !node.goes(CallerLockAssumption::Stay, |id| !stuck.contains_key(id))
        })
    }

    fn in_rounds(
        &self,
        joins: impl Fn(&WaitNode, &SearchRoundByTicket<'_>) -> bool,
    ) -> SearchRoundByTicket<'_> {
        let mut all = HashMap::new();
        for round in 0.. {
            let is_new =
                |(id, node): &(&LockId, &WaitNode)| !all.contains_key(id) && joins(node, &all);
            let new: Vec<&LockId> = self.nodes.iter().filter(is_new).map(|(id, _)| id).collect();
            if new.is_empty() {
                break;
            }
            all.extend(new.into_iter().map(|id| (id, round)));
        }
        all
    }
}

impl WaitNode {
    fn goes(&self, mine: CallerLockAssumption, ends: impl Fn(&LockId) -> bool) -> bool {
        match &self.needs {
            TicketDependency::Me => mine == CallerLockAssumption::Go,
            TicketDependency::Inner(inner) => inner.iter().all(ends),
            TicketDependency::Line { others, company, may_stay } => {
                let staying = company.iter().filter(|id| !ends(id)).count();
                others.iter().all(ends) && staying <= *may_stay
            }
        }
    }
}

/// The tickets in a waiter's way: those that always conflict with it, and those that are compatible with it.
fn in_the_way(
    waiter: &Waiter,
    world: &impl DeadlockSearchSource,
) -> (Vec<QueuePlace>, Vec<QueuePlace>) {
    let line = world.line(&waiter.name);
    if let Some(followed) = &waiter.follows {
        let is_followed = |place: &QueuePlace| place.lock_id == *followed;
        return (line.into_iter().filter(is_followed).collect(), Vec::new());
    }
    let (mine, mode) = (Some(waiter.place.number), waiter.place.mode);
    // A lease is no part of the guard around it, and waits for that like any other.
    let outer = around(&line, &waiter.text.held).filter(|_| !waiter.text.command.is_empty());
    let is_passed = |place: &QueuePlace| {
        outer.is_some_and(|outer| {
            let held = || Some(world.text(&waiter.name, place)?.held);
            passes(outer, &waiter.text.held, place, held)
        })
    };
    let mut ahead = QueueObstacleQuery { line: &line, mine, mode, leased: 0 }.ahead();
    ahead.retain(|place| !is_passed(place));
    let (company, others): (Vec<&QueuePlace>, Vec<&QueuePlace>) =
        ahead.into_iter().partition(|place| mode.gets_on_with(place.mode));
    (others.into_iter().cloned().collect(), company.into_iter().cloned().collect())
}

/// The waiters that run under an acquisition.
fn inside(id: &LockId, world: &impl DeadlockSearchSource) -> Vec<Waiter> {
    let runs_under = |it: &&Waiter| it.text.held.iter().any(|held| held == id.as_str());
    world.nested().iter().filter(runs_under).cloned().collect()
}

/// The way around a circle.
struct WaitCycleBuilder<'a> {
    graph: &'a WaitGraph,
    /// Those that are in a circle with the caller. The reasons of each are in earlier rounds, and the first
    /// round is the caller's own acquisitions.
    blame: SearchRoundByTicket<'a>,
}

impl WaitCycleBuilder<'_> {
    /// The steps from a waiter to what runs around the caller.
    fn from(&self, start: &LockId) -> WaitCycle {
        let mut cycle = Vec::new();
        let mut waiter = start;
        while let Some((link, next)) = self.step(waiter) {
            cycle.push(link);
            let Some(next) = next else { break };
            waiter = next;
        }
        cycle
    }

    /// The step from a waiter, and the next waiter; `None` where that is the caller.
    fn step(&self, waiter: &LockId) -> Option<(WaitCycleLink, Option<&LockId>)> {
        let WaitNode {
            name,
            text: Some(text),
            needs: TicketDependency::Line { others, company, .. },
            ..
        } = self.graph.nodes.get(waiter)?
        else {
            return None;
        };
        // Those that are compatible with it are a reason only where no other is.
        let id = self.reason(waiter, others).or_else(|| self.reason(waiter, company))?;
        let blocker = self.graph.nodes.get(id)?;
        let link = WaitCycleLink {
            waiter: text.clone(),
            name: name.clone(),
            blocker: blocker.text.clone(),
            inside: blocker.entered,
        };
        let next = match &blocker.needs {
            TicketDependency::Me => None,
            TicketDependency::Inner(inner) => self.reason(id, inner),
            TicketDependency::Line { .. } => Some(id),
        };
        Some((link, next))
    }

    /// The first of what a ticket needs that is to blame for it.
    fn reason<'i>(&self, of: &LockId, ids: &'i [LockId]) -> Option<&'i LockId> {
        let round = *self.blame.get(of)?;
        ids.iter().find(|id| self.blame.get(id).is_some_and(|it| *it < round))
    }
}

#[cfg(test)]
#[path = "deadlock_tests.rs"]
mod tests;
