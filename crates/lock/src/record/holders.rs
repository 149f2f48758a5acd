use super::{HoldKind, LockRecord};
use crate::words::{LockId, LockMode, Timestamp};
use std::{borrow::Cow, cmp::Reverse};

/// The holders of a record that several hold: readers, or holders of slots.
impl LockRecord {
    /// All holders of the name, in the order in which they came.
    pub fn holders(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.co_holders)
    }

    /// What the record says of its first holder.
    #[must_use]
    pub fn alone(&self) -> Self {
        Self { co_holders: Vec::new(), ..self.clone() }
    }

    /// All holders of the name, each as a separate record.
    pub fn into_holders(mut self) -> Vec<Self> {
        let rest = std::mem::take(&mut self.co_holders);
        std::iter::once(self).chain(rest).collect()
    }

    /// The record of several holders. The first stands for all of them, for programs that know nothing of
    /// several holders. `None` without a holder.
    pub fn of_holders(holders: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut holders = holders.into_iter();
        let mut first = holders.next()?;
        first.co_holders.extend(holders.flat_map(Self::into_holders));
        Some(first)
    }

    /// The record as it is written to a file. A reader that knows nothing of several holders sees the first, so
    /// the first is the one whose lifetime ends last.
    pub(super) fn for_every_reader(&self) -> Cow<'_, Self> {
        let longest = self.co_holders.iter().map(Self::lasting).max();
        if self.mode == LockMode::Exclusive
            || longest.is_none_or(|longest| longest <= self.lasting())
        {
            return Cow::Borrowed(self);
        }
        let mut first = self.clone();
        let mut rest = std::mem::take(&mut first.co_holders);
        if let Some(place) = rest.iter().position(|it| Some(it.lasting()) == longest) {
            let longest = rest.remove(place);
            rest.insert(0, std::mem::replace(&mut first, longest));
        }
        first.co_holders = rest;
        Cow::Owned(first)
    }

    /// Puts the holders into the order in which they came, whichever of them is the first in the file.
    pub(super) fn sort_by_arrival(&mut self) {
        if self.mode == LockMode::Exclusive {
            return;
        }
        let arrival = |it: &Self| (it.since(), it.fence, Reverse(it.lasting()));
        let mut rest = std::mem::take(&mut self.co_holders);
        rest.sort_by_key(arrival);
        if let Some(earliest) = rest.first_mut().filter(|it| arrival(it) < arrival(self)) {
            std::mem::swap(self, earliest);
            rest.sort_by_key(arrival);
        }
        self.co_holders = rest;
    }

    /// How long a holder lasts, to be compared: without an end, or to which, and whether a process proves it.
    fn lasting(&self) -> (bool, Option<Timestamp>, bool) {
        let end = self.end_for_every_reader();
        (end.is_none(), end, self.hold == Some(HoldKind::Guard))
    }

    /// The holder that belongs to the acquisition `id`.
    pub fn holder(&self, id: &LockId) -> Option<&Self> {
        self.holders().find(|holder| holder.is_of(id))
    }

    /// Changes what the record says of the acquisition `id`; false where that holds nothing.
    pub fn update(&mut self, id: &LockId, change: impl FnOnce(&mut Self)) -> bool {
        if self.is_of(id) {
            change(self);
            return true;
        }
        let holder = self.co_holders.iter_mut().find(|holder| holder.is_of(id));
        holder.is_some_and(|holder| {
            change(holder);
            true
        })
    }

    /// The record without the acquisition `id`; `None` if no other holder is left.
    pub fn without(&self, id: &LockId) -> Option<Self> {
        let others = self.clone().into_holders().into_iter().filter(|holder| !holder.is_of(id));
        Self::of_holders(others)
    }

    /// Whether any holder is no guard, so that the record must survive a power cut.
    pub fn has_lease(&self) -> bool {
        self.holders().any(|holder| holder.hold != Some(HoldKind::Guard))
    }

    /// When the first holder ends by the clock. A guard never does: its expiry is an announcement.
    pub fn next_end(&self) -> Option<Timestamp> {
        let by_clock = self.holders().filter(|holder| holder.hold != Some(HoldKind::Guard));
        by_clock.filter_map(Self::expiry).filter(|end| !end.is_last()).min()
    }

    /// Whether this record, found later, still says what `then` said of those holders that only the record can
    /// tell of. Guards that came or went are reported by their tickets. Others in it do not matter: they came
    /// since, or they are over and still listed.
    pub fn still_says(&self, then: &Self) -> bool {
        let mut leases =
            then.holders().filter(|it| it.hold != Some(HoldKind::Guard)).map(Self::alone);
        let listed: Vec<Self> = self.holders().map(Self::alone).collect();
        self == then || (then.mode != LockMode::Exclusive && leases.all(|it| listed.contains(&it)))
    }
}
