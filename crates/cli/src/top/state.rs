use super::{
    keys::KeyPress,
    snapshot::{NameStatus, RootSnapshot},
};
use crate::{span, view::command_line};
use lokt_lock::{
    ops::StatusEntry,
    record::LockRecord,
    words::{Fence, LockName},
};
use std::{cmp::Reverse, time::Duration};

/// How far the keys for pages go.
const PAGE: isize = 10;

/// The default length of a freeze.
const FREEZE: &str = "1h";

/// What is chosen, sorted, filtered and asked.
#[derive(Debug, Default)]
pub(super) struct ViewState {
    /// The name that is chosen, and where it was in the list when it was last there.
    chosen: Option<LockName>,
    place: usize,
    pub(super) sort: SortOrder,
    pub(super) filter: String,
    pub(super) detail: DetailVisibility,
    pub(super) asking: KeyboardMode,
    /// The outcome of the last request.
    pub(super) message: Option<String>,
}

/// By what the list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SortOrder {
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
pub(super) enum DetailVisibility {
    #[default]
    Hidden,
    Shown,
}

/// What the keyboard is for at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum KeyboardMode {
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

/// A request of the user that only the loop can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ViewRequest {
    Quit,
    /// Stop this program, as Ctrl-Z does.
    Stop,
    Freeze(LockName, Duration),
    Unfreeze(LockName),
    /// Of the acquisitions that were shown when it was asked for, by their fences; where none has one, of any.
    Unlock(LockName, Vec<Fence>),
}

impl SortOrder {
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

impl ViewState {
    /// The names to show, in their order.
    pub(super) fn list<'a>(&self, snapshot: &'a RootSnapshot) -> Vec<&'a NameStatus> {
        let mut list: Vec<&NameStatus> =
            snapshot.names.iter().filter(|seen| self.fits(seen)).collect();
        let end = |seen: &NameStatus| seen.records().filter_map(LockRecord::expiry).min();
        match self.sort {
            SortOrder::Name => {}
            SortOrder::Age => list.sort_by_key(|seen| seen.records().map(LockRecord::since).min()),
            // What never ends comes last.
            SortOrder::End => list.sort_by_key(|seen| (end(seen).is_none(), end(seen))),
            SortOrder::Waiting => list.sort_by_key(|seen| Reverse(seen.waiters().len())),
        }
        list
    }

    /// The index of the selected name: the same name as before, at its new index; or the name now in its place.
    pub(super) fn chosen_in(&self, list: &[&NameStatus]) -> Option<usize> {
        let same = list.iter().position(|seen| Some(&seen.name) == self.chosen.as_ref());
        same.or_else(|| list.len().checked_sub(1).map(|last| self.place.min(last)))
    }

    /// What a key does.
    pub(super) fn press(&mut self, key: KeyPress, snapshot: &RootSnapshot) -> Option<ViewRequest> {
        self.message = None;
        match (key, std::mem::take(&mut self.asking)) {
            (KeyPress::Control('c'), _) => Some(ViewRequest::Quit),
            (KeyPress::Control('z'), asking) => {
                self.asking = asking;
                Some(ViewRequest::Stop)
            }
            (key, KeyboardMode::Nothing) => self.choose(key, snapshot),
            (key, KeyboardMode::Filter) => {
                self.type_filter(key);
                None
            }
            (key, KeyboardMode::FreezeFor(name, text)) => self.type_time(key, name, text),
            (KeyPress::Character('y' | 'Y'), KeyboardMode::Unfreeze(name)) => {
                Some(ViewRequest::Unfreeze(name))
            }
            (KeyPress::Character('y' | 'Y'), KeyboardMode::Unlock(name, shown)) => {
                Some(ViewRequest::Unlock(name, shown))
            }
            (_, KeyboardMode::Unfreeze(_) | KeyboardMode::Unlock(..)) => None,
        }
    }

    fn choose(&mut self, key: KeyPress, snapshot: &RootSnapshot) -> Option<ViewRequest> {
        match key {
            KeyPress::Character('q') => return Some(ViewRequest::Quit),
            KeyPress::Character('s') => self.sort = self.sort.next(),
            KeyPress::Character('/') => self.asking = KeyboardMode::Filter,
            KeyPress::Character('f') => self.ask_freeze(snapshot),
            KeyPress::Character('u') => self.ask_unlock(snapshot),
            KeyPress::Enter => {
                self.detail = match self.detail {
                    DetailVisibility::Hidden => DetailVisibility::Shown,
                    DetailVisibility::Shown => DetailVisibility::Hidden,
                }
            }
            KeyPress::Escape if self.detail == DetailVisibility::Shown => {
                self.detail = DetailVisibility::Hidden;
            }
            KeyPress::Escape => self.filter.clear(),
            KeyPress::Up | KeyPress::Character('k') => self.go(-1, snapshot),
            KeyPress::Down | KeyPress::Character('j') => self.go(1, snapshot),
            KeyPress::PageUp => self.go(-PAGE, snapshot),
            KeyPress::PageDown => self.go(PAGE, snapshot),
            KeyPress::Home => self.go(isize::MIN, snapshot),
            KeyPress::End => self.go(isize::MAX, snapshot),
            _ => {}
        }
        None
    }

    fn go(&mut self, steps: isize, snapshot: &RootSnapshot) {
        let names = self.list(snapshot);
        let Some(end) = names.len().checked_sub(1) else { return };
        self.place = self.chosen_in(&names).unwrap_or(0).saturating_add_signed(steps).min(end);
        self.chosen = names.get(self.place).map(|seen| seen.name.clone());
    }

    /// The chosen one, which stays chosen from now on.
    fn pick<'a>(&mut self, snapshot: &'a RootSnapshot) -> Option<&'a NameStatus> {
        let list = self.list(snapshot);
        let seen = list.get(self.chosen_in(&list)?).copied()?;
        self.chosen = Some(seen.name.clone());
        Some(seen)
    }

    fn ask_freeze(&mut self, snapshot: &RootSnapshot) {
        let Some(seen) = self.pick(snapshot) else { return };
        self.asking = match seen.freeze {
            Some(_) => KeyboardMode::Unfreeze(seen.name.clone()),
            None => KeyboardMode::FreezeFor(seen.name.clone(), FREEZE.to_owned()),
        };
    }

    fn ask_unlock(&mut self, snapshot: &RootSnapshot) {
        let Some(seen) = self.pick(snapshot) else { return };
        match &seen.lock {
            Some(entry) => {
                let holders = entry.record().into_iter().flat_map(LockRecord::holders);
                let shown = holders.filter_map(|it| it.fence).collect();
                self.asking = KeyboardMode::Unlock(seen.name.clone(), shown);
            }
            None => {
                self.message =
                    Some(format!("lock {:?} is not held; f lifts the freeze", seen.name.as_str()));
            }
        }
    }

    fn type_filter(&mut self, key: KeyPress) {
        match key {
            KeyPress::Enter => return,
            KeyPress::Escape => {
                self.filter.clear();
                return;
            }
            KeyPress::Backspace => drop(self.filter.pop()),
            KeyPress::Character(typed) => self.filter.push(typed),
            _ => {}
        }
        self.asking = KeyboardMode::Filter;
    }

    fn type_time(
        &mut self,
        key: KeyPress,
        name: LockName,
        mut text: String,
    ) -> Option<ViewRequest> {
        match key {
            KeyPress::Escape => return None,
            KeyPress::Enter => match span::parse_positive(&text) {
                Ok(time) => return Some(ViewRequest::Freeze(name, time)),
                Err(why) => self.message = Some(why),
            },
            KeyPress::Backspace => drop(text.pop()),
            KeyPress::Character(typed) => text.push(typed),
            _ => {}
        }
        self.asking = KeyboardMode::FreezeFor(name, text);
        None
    }

    /// Whether the name, an owner or a command has the filter in it.
    fn fits(&self, seen: &NameStatus) -> bool {
        let wanted = self.filter.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&wanted);
        let of_record = |it: &LockRecord| {
            has(it.owner.as_str()) || it.command.as_deref().is_some_and(|it| has(&command_line(it)))
        };
        let tickets = |it: &StatusEntry| {
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
