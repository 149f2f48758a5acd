use super::{
    keys::Key,
    scene::{Scene, Seen},
};
use crate::{span, view::command_line};
use lokt_lock::{
    ops::Entry,
    record::Record,
    words::{Fence, LockName},
};
use std::{cmp::Reverse, time::Duration};

/// How far the keys for pages go.
const PAGE: isize = 10;

/// How long a freeze lasts where nobody says otherwise.
const FREEZE: &str = "1h";

/// What is chosen, sorted, filtered and asked.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The name that is chosen, and where it was in the list when it was last there.
    chosen: Option<LockName>,
    place: usize,
    pub(super) sort: Sort,
    pub(super) filter: String,
    pub(super) detail: Detail,
    pub(super) asking: Asking,
    /// What came of the last wish.
    pub(super) message: Option<String>,
}

/// By what the list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    #[default]
    Name,
    /// The oldest first.
    Age,
    /// What ends soonest first.
    End,
    /// What most wait for first.
    Waiting,
}

/// Whether the name that is chosen is shown in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Detail {
    #[default]
    Hidden,
    Shown,
}

/// What the keyboard is for at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Asking {
    /// Choosing.
    #[default]
    Nothing,
    /// Typing a filter.
    Filter,
    /// Typing for how long to freeze a name.
    FreezeFor(LockName, String),
    /// Whether to lift a freeze.
    Unfreeze(LockName),
    /// Whether to unlock a name, of the acquisitions with these fences.
    Unlock(LockName, Vec<Fence>),
}

/// What somebody wants that only the loop can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Quit,
    /// Stop this program, as Ctrl-Z does.
    Stop,
    Freeze(LockName, Duration),
    Unfreeze(LockName),
    /// Of the acquisitions that were shown when it was asked for, by their fences; where none has one, of any.
    Unlock(LockName, Vec<Fence>),
}

impl Sort {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Age => "age",
            Self::End => "end",
            Self::Waiting => "waiting",
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::Name => Self::Age,
            Self::Age => Self::End,
            Self::End => Self::Waiting,
            Self::Waiting => Self::Name,
        }
    }
}

impl State {
    /// The names to show, in their order.
    pub(super) fn list<'a>(&self, scene: &'a Scene) -> Vec<&'a Seen> {
        let mut list: Vec<&Seen> = scene.names.iter().filter(|seen| self.fits(seen)).collect();
        let end = |seen: &Seen| seen.records().filter_map(Record::expiry).min();
        match self.sort {
            Sort::Name => {}
            Sort::Age => list.sort_by_key(|seen| seen.records().map(Record::since).min()),
            // What never ends comes last.
            Sort::End => list.sort_by_key(|seen| (end(seen).is_none(), end(seen))),
            Sort::Waiting => list.sort_by_key(|seen| Reverse(seen.waiters().len())),
        }
        list
    }

    /// Which of the list is chosen: the same name as before, wherever it is now; or what is in its place.
    pub(super) fn chosen_in(&self, list: &[&Seen]) -> Option<usize> {
        let same = list.iter().position(|seen| Some(&seen.name) == self.chosen.as_ref());
        same.or_else(|| list.len().checked_sub(1).map(|last| self.place.min(last)))
    }

    /// What a key does.
    pub(super) fn press(&mut self, key: Key, scene: &Scene) -> Option<Wish> {
        self.message = None;
        match (key, std::mem::take(&mut self.asking)) {
            (Key::Control('c'), _) => Some(Wish::Quit),
            (Key::Control('z'), asking) => {
                self.asking = asking;
                Some(Wish::Stop)
            }
            (key, Asking::Nothing) => self.choose(key, scene),
            (key, Asking::Filter) => {
                self.type_filter(key);
                None
            }
            (key, Asking::FreezeFor(name, text)) => self.type_time(key, name, text),
            (Key::Character('y' | 'Y'), Asking::Unfreeze(name)) => Some(Wish::Unfreeze(name)),
            (Key::Character('y' | 'Y'), Asking::Unlock(name, shown)) => {
                Some(Wish::Unlock(name, shown))
            }
            (_, Asking::Unfreeze(_) | Asking::Unlock(..)) => None,
        }
    }

    fn choose(&mut self, key: Key, scene: &Scene) -> Option<Wish> {
        match key {
            Key::Character('q') => return Some(Wish::Quit),
            Key::Character('s') => self.sort = self.sort.next(),
            Key::Character('/') => self.asking = Asking::Filter,
            Key::Character('f') => self.ask_freeze(scene),
            Key::Character('u') => self.ask_unlock(scene),
            Key::Enter => {
                self.detail = match self.detail {
                    Detail::Hidden => Detail::Shown,
                    Detail::Shown => Detail::Hidden,
                }
            }
            Key::Escape if self.detail == Detail::Shown => self.detail = Detail::Hidden,
            Key::Escape => self.filter.clear(),
            Key::Up | Key::Character('k') => self.go(-1, scene),
            Key::Down | Key::Character('j') => self.go(1, scene),
            Key::PageUp => self.go(-PAGE, scene),
            Key::PageDown => self.go(PAGE, scene),
            Key::Home => self.go(isize::MIN, scene),
            Key::End => self.go(isize::MAX, scene),
            _ => {}
        }
        None
    }

    fn go(&mut self, steps: isize, scene: &Scene) {
        let names = self.list(scene);
        let Some(end) = names.len().checked_sub(1) else { return };
        self.place = self.chosen_in(&names).unwrap_or(0).saturating_add_signed(steps).min(end);
        self.chosen = names.get(self.place).map(|seen| seen.name.clone());
    }

    /// The chosen one, which stays chosen from now on.
    fn pick<'a>(&mut self, scene: &'a Scene) -> Option<&'a Seen> {
        let list = self.list(scene);
        let seen = list.get(self.chosen_in(&list)?).copied()?;
        self.chosen = Some(seen.name.clone());
        Some(seen)
    }

    fn ask_freeze(&mut self, scene: &Scene) {
        let Some(seen) = self.pick(scene) else { return };
        self.asking = match seen.freeze {
            Some(_) => Asking::Unfreeze(seen.name.clone()),
            None => Asking::FreezeFor(seen.name.clone(), FREEZE.to_owned()),
        };
    }

    fn ask_unlock(&mut self, scene: &Scene) {
        let Some(seen) = self.pick(scene) else { return };
        match &seen.lock {
            Some(entry) => {
                let holders = entry.record().into_iter().flat_map(Record::holders);
                let shown = holders.filter_map(|it| it.fence).collect();
                self.asking = Asking::Unlock(seen.name.clone(), shown);
            }
            None => {
                self.message =
                    Some(format!("lock {:?} is not held; f lifts the freeze", seen.name.as_str()));
            }
        }
    }

    fn type_filter(&mut self, key: Key) {
        match key {
            Key::Enter => return,
            Key::Escape => {
                self.filter.clear();
                return;
            }
            Key::Backspace => drop(self.filter.pop()),
            Key::Character(typed) => self.filter.push(typed),
            _ => {}
        }
        self.asking = Asking::Filter;
    }

    fn type_time(&mut self, key: Key, name: LockName, mut text: String) -> Option<Wish> {
        match key {
            Key::Escape => return None,
            Key::Enter => match span::parse_positive(&text) {
                Ok(time) => return Some(Wish::Freeze(name, time)),
                Err(why) => self.message = Some(why),
            },
            Key::Backspace => drop(text.pop()),
            Key::Character(typed) => text.push(typed),
            _ => {}
        }
        self.asking = Asking::FreezeFor(name, text);
        None
    }

    /// Whether the name, an owner or a command has the filter in it.
    fn fits(&self, seen: &Seen) -> bool {
        let wanted = self.filter.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        let of_record = |it: &Record| {
            has(it.owner.as_str()) || it.command.as_deref().is_some_and(|it| has(&command_line(it)))
        };
        let tickets = |it: &Entry| {
            let mut all = it.waiters.iter().chain(&it.inside);
            all.any(|it| has(&it.owner) || has(&command_line(&it.command)))
        };
        has(seen.name.as_str())
            || seen.records().any(of_record)
            || seen.lock.as_ref().is_some_and(tickets)
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
