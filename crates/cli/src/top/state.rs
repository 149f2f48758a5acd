use super::{
    keys::KeyPress,
    snapshot::{LockNameStatus, TopSnapshot},
};
use crate::{span, view::command_line};
use lokt_lock::{
    ops::LockStatusEntry,
    record::LockRecord,
    reservation::{Reservation, WaitingReservation},
    words::{Fence, LockName},
};
use std::{cmp::Reverse, time::Duration};

/// How far the keys for pages go.
const PAGE: isize = 10;

/// The default length of a freeze.
const FREEZE: &str = "1h";

/// What is chosen, sorted, filtered and asked.
#[derive(Debug, Default)]
pub(super) struct TopViewState {
    /// The name that is chosen, and where it was in the list when it was last there.
    chosen: Option<LockName>,
    place: usize,
    pub(super) sort: SortOrder,
    pub(super) filter: String,
    pub(super) detail: TopDetailVisibility,
    pub(super) asking: TopInputMode,
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
pub(super) enum TopDetailVisibility {
    #[default]
    Hidden,
    Shown,
}

/// What the keyboard is for at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum TopInputMode {
    /// Choosing.
    #[default]
    Nothing,
    /// Reading which keys there are.
    Help,
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
pub(super) enum TopUserRequest {
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

impl TopViewState {
    /// The names to show, in their order.
    pub(super) fn list<'a>(&self, snapshot: &'a TopSnapshot) -> Vec<&'a LockNameStatus> {
        let mut list: Vec<&LockNameStatus> =
            snapshot.names.iter().filter(|seen| self.fits(seen)).collect();
        let end = |seen: &LockNameStatus| seen.records().filter_map(LockRecord::expiry).min();
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
    pub(super) fn chosen_in(&self, list: &[&LockNameStatus]) -> Option<usize> {
        let same = list.iter().position(|seen| Some(&seen.name) == self.chosen.as_ref());
        same.or_else(|| list.len().checked_sub(1).map(|last| self.place.min(last)))
    }

    /// What a key does.
    pub(super) fn press(
        &mut self,
        key: KeyPress,
        snapshot: &TopSnapshot,
    ) -> Option<TopUserRequest> {
        self.message = None;
        match (key, std::mem::take(&mut self.asking)) {
            (KeyPress::Control('c'), _) => Some(TopUserRequest::Quit),
            (KeyPress::Control('z'), asking) => {
                self.asking = asking;
                Some(TopUserRequest::Stop)
            }
            (key, TopInputMode::Nothing) => self.choose(key, snapshot),
            (key, TopInputMode::Filter) => {
                self.type_filter(key);
                None
            }
            (key, TopInputMode::FreezeFor(name, text)) => self.type_time(key, name, text),
            (KeyPress::Character('y' | 'Y'), TopInputMode::Unfreeze(name)) => {
                Some(TopUserRequest::Unfreeze(name))
            }
            (KeyPress::Character('y' | 'Y'), TopInputMode::Unlock(name, shown)) => {
                Some(TopUserRequest::Unlock(name, shown))
            }
            (_, TopInputMode::Unfreeze(_) | TopInputMode::Unlock(..) | TopInputMode::Help) => None,
        }
    }

    fn choose(&mut self, key: KeyPress, snapshot: &TopSnapshot) -> Option<TopUserRequest> {
        match key {
            KeyPress::Character('q') => return Some(TopUserRequest::Quit),
            KeyPress::Character('s') => self.sort = self.sort.next(),
            KeyPress::Character('?') => self.asking = TopInputMode::Help,
            KeyPress::Character('/') => self.asking = TopInputMode::Filter,
            KeyPress::Character('f') => self.ask_freeze(snapshot),
            KeyPress::Character('u') => self.ask_unlock(snapshot),
            KeyPress::Enter => {
                self.detail = match self.detail {
                    TopDetailVisibility::Hidden => TopDetailVisibility::Shown,
                    TopDetailVisibility::Shown => TopDetailVisibility::Hidden,
                }
            }
            KeyPress::Escape if self.detail == TopDetailVisibility::Shown => {
                self.detail = TopDetailVisibility::Hidden;
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

    fn go(&mut self, steps: isize, snapshot: &TopSnapshot) {
        let names = self.list(snapshot);
        let Some(end) = names.len().checked_sub(1) else { return };
        self.place = self.chosen_in(&names).unwrap_or(0).saturating_add_signed(steps).min(end);
        self.chosen = names.get(self.place).map(|seen| seen.name.clone());
    }

    /// The chosen one, which stays chosen from now on.
    fn pick<'a>(&mut self, snapshot: &'a TopSnapshot) -> Option<&'a LockNameStatus> {
        let list = self.list(snapshot);
        let seen = list.get(self.chosen_in(&list)?).copied()?;
        self.chosen = Some(seen.name.clone());
        Some(seen)
    }

    fn ask_freeze(&mut self, snapshot: &TopSnapshot) {
        let Some(seen) = self.pick(snapshot) else { return };
        self.asking = match seen.freeze {
            Some(_) => TopInputMode::Unfreeze(seen.name.clone()),
            None => TopInputMode::FreezeFor(seen.name.clone(), FREEZE.to_owned()),
        };
    }

    fn ask_unlock(&mut self, snapshot: &TopSnapshot) {
        let Some(seen) = self.pick(snapshot) else { return };
        match &seen.lock {
            Some(entry) => {
                let holders = entry.record().into_iter().flat_map(LockRecord::holders);
                let shown = holders.filter_map(|it| it.fence).collect();
                self.asking = TopInputMode::Unlock(seen.name.clone(), shown);
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
        self.asking = TopInputMode::Filter;
    }

    fn type_time(
        &mut self,
        key: KeyPress,
        name: LockName,
        mut text: String,
    ) -> Option<TopUserRequest> {
        match key {
            KeyPress::Escape => return None,
            KeyPress::Enter => match span::parse_positive(&text) {
                Ok(time) => return Some(TopUserRequest::Freeze(name, time)),
                Err(why) => self.message = Some(why),
            },
            KeyPress::Backspace => drop(text.pop()),
            KeyPress::Character(typed) => text.push(typed),
            _ => {}
        }
        self.asking = TopInputMode::FreezeFor(name, text);
        None
    }

    /// Whether the owner, the reason or a pattern of a reservation has the filter in it.
    pub(super) fn fits_reservation(&self, record: &Reservation) -> bool {
        self.has_filter(record.owner.as_str())
            || record.reason.as_deref().is_some_and(|it| self.has_filter(it))
            || record.patterns.iter().any(|it| self.has_filter(&it.to_string()))
    }

    /// Whether the owner or a pattern of a request has the filter in it.
    pub(super) fn fits_request(&self, request: &WaitingReservation) -> bool {
        self.has_filter(request.identity.owner.as_str())
            || request.patterns.iter().any(|it| self.has_filter(&it.to_string()))
    }

    fn has_filter(&self, text: &str) -> bool {
        text.to_lowercase().contains(&self.filter.to_lowercase())
    }

    /// Whether the name, an owner or a command has the filter in it.
    fn fits(&self, seen: &LockNameStatus) -> bool {
        let has = |text: &str| self.has_filter(text);
        let of_record = |it: &LockRecord| {
            has(it.owner.as_str()) || it.command.as_deref().is_some_and(|it| has(&command_line(it)))
        };
        let tickets = |it: &LockStatusEntry| {
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
