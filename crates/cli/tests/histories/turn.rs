//! A step as it is taken: what it needs is found, or it is left out.

use super::{
    expected::Expected,
    model::{Broken, Guard, Model},
    step::{Inner, Might, Name, Owner, Step, Terms, Thing, Tie, Ttl, Victim},
    waiting::Obstacle,
};

/// What becomes of a lock is told by who takes it away; the command goes on, so that the next steps find it.
const WARN: &[&str] = &["--on-lost", "warn"];

/// A step, and the guard that it is about or starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    pub(crate) step: Step,
    pub(crate) guard: usize,
}

impl Model {
    /// How a step is taken now; `None` where there is nothing to take it with.
    pub(crate) fn turn(&self, step: Step) -> Option<Turn> {
        let oldest = |name| self.oldest_guard(name).map(|(_, guard)| guard);
        let (step, guard) = match step {
            Step::Lock(by, name, terms) => (Step::Lock(by, name, self.possible(terms)), 0),
            Step::Enter(..) | Step::Queue(..) => (step, self.guards),
            Step::GiveUp(name) => (step, self.at(name).line.first()?.place),
            Step::Leave(name) => (step, oldest(name)?.id),
            Step::Kill(name, victim) => {
                let guard = oldest(name)?;
                (Step::Kill(name, possible_victim(guard, victim)?), guard.id)
            }
            Step::EndTied if self.started == self.ended => return None,
            Step::Delete(name) => (step, self.at(name).record().map(|_| 0)?),
            Step::Expire(name) => (step, self.at(name).record()?.verdict().map(|_| 0)?),
            Step::Age(name) if !self.at(name).broken()?.is_young() => return None,
            _ => (step, 0),
        };
        Some(Turn { step, guard }).filter(|_| self.is_certain(step))
    }

    /// Whether it is certain what comes of a step where somebody waits: when a waiter looks again at what
    /// it does not wait for, and what comes first of two things at the same time, nobody promises.
    fn is_certain(&self, step: Step) -> bool {
        let line = |name| !self.at(name).line.is_empty();
        let behind_record = |it: &Obstacle| matches!(it, Obstacle::Record(_));
        let behind_freeze = |it: &Obstacle| matches!(it, Obstacle::Freeze(_));
        match step {
            Step::Queue(_, name) => !self.at(name).broken().is_some_and(Broken::is_young),
            Step::Guard(_, name, Inner::Unlock(inner, Might::Force)) => {
                inner != name || !line(name)
            }
            Step::BreakFreeze(name) => !self.at(name).waits_for(behind_record),
            Step::Create(name, thing) | Step::Overwrite(name, thing) if line(name) => match thing {
                Thing::Record(..) | Thing::RecordOfTheDead(_) => true,
                Thing::Folder => false,
                Thing::Empty { young } | Thing::Half { young } => {
                    !young && !self.at(name).waits_for(behind_freeze)
                }
                Thing::Newer => !self.at(name).waits_for(behind_freeze),
            },
            _ => true,
        }
    }

    /// The terms of a lease that can be asked for now.
    fn possible(&self, mut terms: Terms) -> Terms {
        if !self.swept && terms.ttl == Some(Ttl::Short) {
            // The first `lokt lock` of a root clears away what is over: its own lease, too, if it is slow.
            terms.ttl = Some(Ttl::Long);
        }
        if self.ended == 0 && terms.tie == Some(Tie::Gone) {
            terms.tie = Some(Tie::Living);
        }
        terms
    }

    /// What a step must come to; the model is then as it must be afterwards.
    pub(crate) fn take(&mut self, turn: Turn) -> Expected {
        match turn.step {
            Step::Exists(_, name) => self.exists(name),
            Step::GetMeta(_, name) => self.get_meta(name),
            Step::Status(_, name) => self.status(name),
            Step::Why(by, name) => self.why(by, name),
            Step::List(by) => self.list(by),
            Step::Prune(by) => self.prune(by),
            Step::Lock(by, name, terms) => self.lock(by, name, terms),
            Step::Unlock(by, name, might) => self.unlock(by, name, might),
            Step::UnlockAll(by) => self.unlock_all(by),
            Step::Guard(by, name, inner) => self.guard(by, name, inner),
            Step::Enter(by, name, ttl) => self.enter(by, name, ttl),
            Step::Queue(by, name) => self.queue(by, name),
            Step::GiveUp(name) => self.give_up(name),
            Step::Leave(name) => self.end(name, turn.guard),
            Step::Kill(name, victim) => self.kill(name, turn.guard, victim),
            Step::Freeze(by, name, ttl) => self.freeze(by, name, ttl),
            Step::Unfreeze(by, name, might) => self.unfreeze(by, name, might),
            Step::Create(name, thing) => self.create(name, thing),
            _ => {
                self.let_happen(turn.step);
                Expected::default()
            }
        }
    }

    /// Takes a step that nobody is told anything of.
    fn let_happen(&mut self, step: Step) {
        match step {
            Step::EndTied => self.end_tied(),
            Step::Overwrite(name, thing) => self.overwrite(name, thing),
            Step::Delete(name) => self.at_mut(name).drop_record(),
            Step::Expire(name) => self.expire(name),
            Step::Age(name) => self.age(name),
            Step::BreakFreeze(name) => self.break_freeze(name),
            _ => {}
        }
    }
}

/// Who of a guard can be killed still.
fn possible_victim(guard: Guard, victim: Victim) -> Option<Victim> {
    match (guard.supervisor, victim) {
        (true, victim) => Some(victim),
        (false, Victim::Supervisor) => None,
        (false, _) => Some(Victim::Command),
    }
}

/// Where a guard is that may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    Inside,
    InLine,
    Nowhere,
}

impl Model {
    /// Where a guard is.
    pub(crate) fn stay(&self, turn: Turn) -> Stay {
        let (Step::Enter(_, name, _) | Step::Queue(_, name)) = turn.step else {
            return Stay::Nowhere;
        };
        let state = self.at(name);
        if state.line.iter().any(|waiter| waiter.place == turn.guard) {
            return Stay::InLine;
        }
        let inside = state.inside().filter_map(|holder| holder.guard());
        let is_in = inside.into_iter().any(|guard| guard.id == turn.guard);
        if is_in { Stay::Inside } else { Stay::Nowhere }
    }
}

/// Looks at everything, as every history ends.
pub(crate) fn last_looks() -> impl Iterator<Item = Step> {
    let of_name = |name: Name| {
        let by = Owner::Ada;
        [
            Step::Exists(by, name),
            Step::GetMeta(by, name),
            Step::Status(by, name),
            Step::Why(by, name),
        ]
    };
    Name::ALL.into_iter().flat_map(of_name).chain([Step::List(Owner::Ada)])
}

/// What is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// `LOKT_OWNER`
    pub(crate) owner: &'static str,
    /// The arguments of `lokt`.
    pub(crate) words: Vec<String>,
    /// Whether it is typed into a script of its own.
    pub(crate) by_script: bool,
}

impl Call {
    /// The call that a step makes, where it is one. `pid` is that of the process that a lease is tied to,
    /// and `command` what is guarded by who stays in.
    pub(crate) fn of(step: Step, pid: &str, command: &[&str]) -> Option<Self> {
        let (by, words) = match step {
            Step::Exists(by, name) => (by, words(&["exists", name.as_str()])),
            Step::GetMeta(by, name) => (by, words(&["get-meta", name.as_str(), "k"])),
            Step::Status(by, name) => (by, words(&["status", name.as_str(), "--json"])),
            Step::Why(by, name) => (by, words(&["why", name.as_str(), "--json"])),
            Step::List(by) => (by, words(&["status", "--json"])),
            Step::Prune(by) => (by, words(&["status", "--prune-expired", "--json"])),
            Step::Lock(by, name, terms) => (by, of_lock(name, terms, pid)),
            Step::Unlock(by, name, might) => (by, of_unlock(name, might)),
            Step::UnlockAll(by) => (by, words(&["unlock", "--all"])),
            Step::Guard(by, name, inner) => (by, of_guard(name, inner)),
            Step::Enter(by, name, ttl) => {
                let ttl: &[&str] = if ttl.is_some() { &["--ttl", "1h"] } else { &[] };
                (by, words(&[&["guard", name.as_str()], WARN, ttl, &["--"], command].concat()))
            }
            Step::Queue(by, name) => {
                (by, words(&[&["guard", name.as_str(), "--wait"], WARN, &["--"], command].concat()))
            }
            Step::Freeze(by, name, ttl) => {
                (by, words(&["freeze", name.as_str(), "--ttl", of_ttl(ttl)]))
            }
            Step::Unfreeze(by, name, might) => {
                (by, words(&[&["unfreeze", name.as_str()], might.flag()].concat()))
            }
            _ => return None,
        };
        let by_script = matches!(step, Step::Lock(_, _, Terms { by_script: true, .. }));
        Some(Self::by(by, words, by_script))
    }

    fn by(by: Owner, mut words: Vec<String>, by_script: bool) -> Self {
        if by != Owner::Eve {
            return Self { owner: by.as_str(), words, by_script };
        }
        words.splice(0..0, ["--owner".to_owned(), by.as_str().to_owned()]);
        Self { owner: Owner::Bob.as_str(), words, by_script }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn of_ttl(ttl: Ttl) -> &'static str {
    match ttl {
        Ttl::Long => "1h",
        Ttl::Short => "1ms",
    }
}

fn of_lock(name: Name, terms: Terms, pid: &str) -> Vec<String> {
    let mut line = words(&["lock", name.as_str()]);
    if let Some(ttl) = terms.ttl {
        line.extend(words(&["--ttl", of_ttl(ttl)]));
    }
    if let Some(value) = terms.meta {
        line.extend(["--meta".to_owned(), format!("k={value}")]);
    }
    if terms.tie.is_some() {
        line.extend(words(&["--pid", pid]));
    }
    if terms.json {
        line.push("--json".to_owned());
    }
    line
}

fn of_unlock(name: Name, might: Might) -> Vec<String> {
    words(&[&["unlock", name.as_str()], might.flag()].concat())
}

fn of_guard(name: Name, inner: Inner) -> Vec<String> {
    let mut line = words(&[&["guard", name.as_str()], WARN, &["--"]].concat());
    line.extend(match inner {
        Inner::Nothing => words(&["true"]),
        Inner::Guard(inner) => words(&["lokt", "guard", inner.as_str(), "--", "true"]),
        Inner::Lock(inner) => words(&["lokt", "lock", inner.as_str(), "--ttl", "1h"]),
        Inner::Unlock(inner, might) => [words(&["lokt"]), of_unlock(inner, might)].concat(),
    });
    line
}
