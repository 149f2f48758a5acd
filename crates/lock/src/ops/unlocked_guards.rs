use super::snapshot::LazyLockVerdictFacts;
use crate::{
    caller::Caller,
    record::LockRecord,
    rules::{HoldState, Liveness, LockRecordVerdict, QueuePlace, judge},
    store::NameReader,
    sys,
    words::ProcessPresence,
};

/// A guard whose lock was taken away. If its process lives, it notices that and stops its command; if it is gone,
/// nothing stops what is left of the command.
#[derive(Clone, Debug)]
pub struct UnlockedGuard {
    /// The guard's process, where it is known.
    pub pid: Option<i32>,
    /// Whether that process lives.
    pub supervisor: Liveness,
    /// The command; empty where it is not known.
    pub command: Vec<String>,
    /// The processes of the command that run on, where the guard is gone: pid and name.
    pub processes: Vec<(i32, String)>,
}

/// The guards with these places. To be called while the places are there.
pub(super) fn unlocked_guards<R: NameReader>(
    reader: &R,
    caller: &Caller,
    holders: &[&LockRecord],
    places: &[QueuePlace],
) -> Vec<UnlockedGuard> {
    let guard = |place: &QueuePlace| {
        let text = reader.ticket_text(place);
        let pid = text.as_ref().map(|text| text.pid);
        let holder = holders.iter().find(|it| it.is_of(&place.lock_id));
        let verdict = holder.map(|it| judge(it, &LazyLockVerdictFacts::new(reader, caller)));
        let supervisor = match (verdict, pid.map(sys::probe)) {
            (Some(LockRecordVerdict::Held(HoldState::Orphaned)), _) => Liveness::Dead,
            // A ticket does not say in which pid namespace its pid has a meaning: that it is not here proves nothing.
            (_, None | Some(ProcessPresence::Absent)) => Liveness::Unknown,
            _ => Liveness::Alive,
        };
        let command = holder.and_then(|it| it.command.clone());
        let is_gone = supervisor == Liveness::Dead;
        let left = if is_gone { reader.keepers(place) } else { Vec::new() };
        UnlockedGuard {
            pid,
            supervisor,
            command: command.or(text.map(|it| it.command)).unwrap_or_default(),
            processes: left
                .into_iter()
                .map(|pid| (pid, sys::name_of(pid).unwrap_or_default()))
                .collect(),
        }
    };
    places.iter().map(guard).collect()
}
