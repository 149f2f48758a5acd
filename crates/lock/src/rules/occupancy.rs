use super::{LockOccupancy, LockRecordVerdict, RequestedGuardOrLease, StaleHolder};
use crate::record::{HoldKind, LockRecord};
use crate::words::LockMode;

/// What a caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldRequest {
    /// For a process tree, or for none.
    pub purpose: RequestedGuardOrLease,
    /// How many may be in beside it.
    pub mode: LockMode,
}

/// One holder of a record, judged.
#[derive(Clone, Debug)]
pub struct JudgedHolder {
    /// What the record says of it.
    pub holder: LockRecord,
    /// Whether it still stands.
    pub verdict: LockRecordVerdict,
    /// Whether it is a lease that the caller may renew or work under.
    pub mine: bool,
    /// Whether it is what runs around the caller.
    pub around: bool,
}

impl JudgedHolder {
    fn stands(&self) -> bool {
        matches!(self.verdict, LockRecordVerdict::Held(_))
    }
}

/// Says what the holders of a record are to the caller.
///
/// Under the caller's own lease, a guard may work without a place only if the lease is exclusive: beside a
/// shared lease there may be others, so the guard asks for its own place like they do.
pub fn occupant(holders: Vec<JudgedHolder>, claim: HoldRequest) -> LockOccupancy {
    let (standing, gone): (Vec<JudgedHolder>, Vec<JudgedHolder>) =
        holders.into_iter().partition(JudgedHolder::stands);
    let gone = gone.into_iter().filter_map(gone_of).collect();
    let around =
        standing.iter().find(|it| it.around && claim.purpose == RequestedGuardOrLease::Guard);
    if let Some(around) = around {
        return LockOccupancy::Around(Box::new(around.holder.clone()));
    }
    let mine = standing.iter().find(|it| it.mine).map(|it| Box::new(it.holder.clone()));
    let Some(record) = LockRecord::of_holders(standing.into_iter().map(|it| it.holder)) else {
        return LockOccupancy::Stale(gone);
    };
    let (record, held) = (Box::new(record.clone()), record.mode);
    match (mine, claim.purpose) {
        (Some(mine), RequestedGuardOrLease::Lease) if held == claim.mode => {
            LockOccupancy::MyLease(mine)
        }
        (Some(mine), RequestedGuardOrLease::Guard) if held == LockMode::Exclusive => {
            LockOccupancy::MyLease(mine)
        }
        // One lease of a name for each owner: this one is in the way, unless the number of slots conflicts
        // anyway.
        (Some(_), RequestedGuardOrLease::Lease)
            if claim.mode.disagrees_on_slots(held).is_none() =>
        {
            LockOccupancy::Holder(record)
        }
        _ => beside(record, held, claim.mode, gone),
    }
}

fn beside(
    record: Box<LockRecord>,
    held: LockMode,
    asked: LockMode,
    gone: Vec<StaleHolder>,
) -> LockOccupancy {
    match asked.disagrees_on_slots(held) {
        Some(slots) => LockOccupancy::OtherSlots(slots),
        None if asked.gets_on_with(held) => LockOccupancy::Company(record, gone),
        None => LockOccupancy::Holder(record),
    }
}

fn gone_of(judged: JudgedHolder) -> Option<StaleHolder> {
    match judged.verdict {
        LockRecordVerdict::Stale(why) => Some(StaleHolder { holder: Box::new(judged.holder), why }),
        LockRecordVerdict::Held(_) => None,
    }
}

/// How many of a record's slots are taken by holders that have no ticket. Guards have one, and are counted
/// in the queue.
pub fn leased(holders: &[JudgedHolder], asked: LockMode) -> u32 {
    let takes_one = |it: &&JudgedHolder| {
        it.stands() && it.holder.hold != Some(HoldKind::Guard) && it.holder.mode == asked
    };
    let count = if asked.slots().is_some() { holders.iter().filter(takes_one).count() } else { 0 };
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rules::{HoldState, StalenessCause},
        words::LockName,
    };
    use std::num::NonZeroU32;

    fn judged(owner: &str, mode: LockMode, verdict: LockRecordVerdict) -> JudgedHolder {
        let name = LockName::new("x").unwrap();
        let text = format!(r#"{{"owner":"{owner}","acquired_ts":"2026-02-01T10:00:00Z"}}"#);
        let mut holder = LockRecord::parse(text.as_bytes(), &name).unwrap();
        holder.mode = mode;
        holder.hold = Some(HoldKind::Lease);
        JudgedHolder { holder, verdict, mine: owner == "me", around: owner == "around" }
    }

    const LIVE: LockRecordVerdict = LockRecordVerdict::Held(HoldState::Live);
    const OVER: LockRecordVerdict = LockRecordVerdict::Stale(StalenessCause::Expired);

    fn kind(occupant: &LockOccupancy) -> &'static str {
        match occupant {
            LockOccupancy::Stale(_) => "stale",
            LockOccupancy::MyLease(_) => "my lease",
            LockOccupancy::Around(_) => "around",
            LockOccupancy::Company(..) => "company",
            LockOccupancy::Holder(_) => "holder",
            LockOccupancy::OtherSlots(_) => "other slots",
            LockOccupancy::Free | LockOccupancy::Corrupted(_) => "not a record",
        }
    }

    #[test]
    fn the_table_of_what_holders_are_to_the_one_who_asks() {
        use LockMode::{Exclusive, Shared};
        use RequestedGuardOrLease::{Guard, Lease};
        let two = LockMode::Slots(NonZeroU32::new(2).unwrap());
        let three = LockMode::Slots(NonZeroU32::new(3).unwrap());
        for (held, owners, purpose, asked, expected) in [
            (Exclusive, "you", Guard, Exclusive, "holder"),
            (Exclusive, "you", Guard, Shared, "holder"),
            (Exclusive, "me", Lease, Exclusive, "my lease"),
            (Exclusive, "me", Lease, Shared, "holder"),
            (Exclusive, "me", Guard, Exclusive, "my lease"),
            (Exclusive, "me", Guard, Shared, "my lease"),
            (Exclusive, "around", Guard, Shared, "around"),
            (Exclusive, "around", Lease, Exclusive, "holder"),
            (Shared, "you", Lease, Shared, "company"),
            (Shared, "you me", Lease, Shared, "my lease"),
            (Shared, "you me", Guard, Shared, "company"),
            (Shared, "me", Guard, Exclusive, "holder"),
            (Shared, "you", Guard, two, "holder"),
            (two, "you", Guard, two, "company"),
            (two, "you", Guard, three, "other slots"),
            (two, "me", Lease, three, "other slots"),
            (two, "you me", Lease, three, "other slots"),
            (two, "me", Guard, three, "other slots"),
            (two, "me", Lease, Shared, "holder"),
        ] {
            let holders = owners.split(' ').map(|owner| judged(owner, held, LIVE)).collect();
            let found = occupant(holders, HoldRequest { purpose, mode: asked });
            assert_eq!(kind(&found), expected, "{purpose:?} {asked} on {held} of {owners}");
        }
    }

    #[test]
    fn those_who_are_gone_are_told_apart_from_those_who_stand() {
        let claim = HoldRequest { purpose: RequestedGuardOrLease::Guard, mode: LockMode::Shared };
        let holders =
            vec![judged("a", LockMode::Shared, OVER), judged("b", LockMode::Shared, LIVE)];
        let LockOccupancy::Company(record, gone) = occupant(holders, claim) else {
            panic!("a live reader is company");
        };
        assert_eq!(record.owner.as_str(), "b", "the record is about those who stand");
        assert_eq!(gone.iter().map(|it| it.holder.owner.as_str()).collect::<Vec<_>>(), ["a"]);
        let all = vec![judged("a", LockMode::Shared, OVER), judged("b", LockMode::Shared, OVER)];
        assert!(matches!(occupant(all, claim), LockOccupancy::Stale(gone) if gone.len() == 2));
    }

    #[test]
    fn only_standing_leases_of_the_same_slots_are_counted() {
        let two = LockMode::Slots(NonZeroU32::new(2).unwrap());
        let holders = [judged("a", two, LIVE), judged("b", two, OVER)];
        assert_eq!(leased(&holders, two), 1);
        assert_eq!(
            leased(&holders, LockMode::Shared),
            0,
            "company of readers is no matter of number"
        );
    }
}
