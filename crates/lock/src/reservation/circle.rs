use super::{Reservation, WaitingReservation, conflicts, is_own};

/// One wait of a circle: who waits, and for what.
#[derive(Clone, Debug, PartialEq)]
pub struct ReservationWaitCycleLink {
    /// The waiter.
    pub waiter: WaitingReservation,
    /// The reservation that it waits for; `None` where it waits behind the next waiter of the circle.
    pub standing: Option<Reservation>,
}

/// Whether a wait would close a circle: the waits from `start` back to its owner, the first one first. Empty where
/// there is no circle.
///
/// A waiter waits for each reservation of another that conflicts with its request, and behind each earlier waiter whose
/// request does. A reservation cannot be given back while its owner waits, so its owner's waits are followed.
pub fn circle(
    start: &WaitingReservation,
    standing: &[Reservation],
    waiting: &[WaitingReservation],
) -> Vec<ReservationWaitCycleLink> {
    // A circle ends at what the first waiter has.
    if !standing.iter().any(|record| owns(start, record)) {
        return Vec::new();
    }
    let mut search = CircleSearch { start, standing, waiting, met: Vec::new(), path: Vec::new() };
    if search.visit(start) { search.path } else { Vec::new() }
}

struct CircleSearch<'a> {
    start: &'a WaitingReservation,
    standing: &'a [Reservation],
    waiting: &'a [WaitingReservation],
    met: Vec<&'a WaitingReservation>,
    path: Vec<ReservationWaitCycleLink>,
}

impl<'a> CircleSearch<'a> {
    /// Follows the waits of one waiter; true where they lead back to the start.
    fn visit(&mut self, waiter: &'a WaitingReservation) -> bool {
        if self.met.iter().any(|it| it.id == waiter.id) {
            return false;
        }
        self.met.push(waiter);
        let standing = self.standing;
        // Comparing patterns is dear: first, whether the owner waits at all.
        let leads_on = |it: &&Reservation| {
            owns(self.start, it) || self.waiting.iter().any(|other| owns(other, it))
        };
        let leading: Vec<&Reservation> = standing.iter().filter(leads_on).collect();
        let mut blocking = leading.into_iter().filter(|it| blocks(waiter, it));
        blocking.any(|it| self.through(waiter, it))
            || self.ahead_of(waiter).into_iter().any(|ahead| self.behind(waiter, ahead))
    }

    /// Follows a wait for a reservation to the waits of its owner.
    fn through(&mut self, waiter: &'a WaitingReservation, record: &'a Reservation) -> bool {
        self.path.push(ReservationWaitCycleLink {
            waiter: waiter.clone(),
            standing: Some(record.clone()),
        });
        let closes = owns(self.start, record)
            || self.waiting.iter().filter(|it| owns(it, record)).any(|it| self.visit(it));
        if !closes {
            self.path.pop();
        }
        closes
    }

    /// Follows a wait behind an earlier waiter.
    fn behind(&mut self, waiter: &'a WaitingReservation, ahead: &'a WaitingReservation) -> bool {
        self.path.push(ReservationWaitCycleLink { waiter: waiter.clone(), standing: None });
        let closes = self.visit(ahead);
        if !closes {
            self.path.pop();
        }
        closes
    }

    fn ahead_of(&self, waiter: &WaitingReservation) -> Vec<&'a WaitingReservation> {
        let is_ahead = |it: &&WaitingReservation| {
            it.number < waiter.number
                && !is_own(&waiter.identity, &it.identity.owner, Some(&it.identity.agent))
                && !conflicts(waiter.terms(), it.terms()).is_empty()
        };
        self.waiting.iter().filter(is_ahead).collect()
    }
}

/// Whether a reservation is a waiter's own.
fn owns(waiter: &WaitingReservation, record: &Reservation) -> bool {
    is_own(&waiter.identity, &record.owner, record.agent_id.as_ref())
}

/// Whether a waiter waits for a reservation.
fn blocks(waiter: &WaitingReservation, record: &Reservation) -> bool {
    !owns(waiter, record) && !conflicts(waiter.terms(), record.terms()).is_empty()
}
