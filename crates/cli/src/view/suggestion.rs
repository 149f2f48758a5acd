//! Suggestions for a lock that cannot be taken: commands that work, or wait, exactly as they are printed.
//! None of them breaks a lock that may belong to another. An unreadable record may be that of a living lease, so no
//! command is suggested for it, but [whom to show it to](LEAVE_TO_A_PERSON).

use super::{call, command_line};
use lokt_lock::{
    ops::{ExplanationReason, ExplanationReasonKind, LockExplanation},
    record::{HoldKind, LockRecord, RecordCorruption},
    rules::{CallerIdentity, HoldState},
    sys,
    words::{LockMode, LockName, Owner},
};

/// What an agent does about a record that cannot be read.
///
/// Nothing says whose it is. Only a person can find out whether its holder still needs it.
pub(crate) const LEAVE_TO_A_PERSON: &str =
    "do other work, and show this to a person: it may be a lock of another";

/// The facts about the caller that decide which commands work.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommandSuggestionCallerFacts {
    /// The owner that was named with `--owner`: it has to be named again.
    pub(crate) owner: Option<Owner>,
    /// How the guard holds the name that the caller runs inside of.
    pub(crate) around: Option<LockMode>,
}

/// The commands, the most harmless first.
///
/// Empty if the name is free. A caller inside a guard of the name gets only the one command that
/// works there.
pub(super) fn all(
    name: &LockName,
    explanation: &LockExplanation,
    asker: &CommandSuggestionCallerFacts,
) -> Vec<String> {
    if explanation.is_free() {
        return Vec::new();
    }
    let situation = CommandSuggestionInputs { name, explanation, asker };
    if let Some(mode) = asker.around {
        return vec![situation.inside(mode)];
    }
    if let Some(corruption) = situation.corruption().filter(|_| !situation.is_inside()) {
        return vec![situation.leave(corruption)];
    }
    let mut all = situation.entering();
    all.extend(situation.giving_back());
    all
}

/// A name that cannot be taken, and the caller.
struct CommandSuggestionInputs<'a> {
    name: &'a LockName,
    /// Why the name cannot be taken.
    explanation: &'a LockExplanation,
    /// What decides about the caller which commands work.
    asker: &'a CommandSuggestionCallerFacts,
}

impl CommandSuggestionInputs<'_> {
    /// Whether one of the reasons is of a kind.
    fn has(&self, is: fn(&ExplanationReasonKind) -> bool) -> bool {
        self.explanation.reasons.iter().any(|reason| is(&reason.kind))
    }

    /// Whether the name is frozen: then a command must wait even under the caller's own lease.
    fn is_frozen(&self) -> bool {
        self.has(|kind| matches!(kind, ExplanationReasonKind::Frozen))
    }

    /// Whether a guard without a record holds the lock: one that runs under a lease, for instance.
    fn is_inside(&self) -> bool {
        self.has(|kind| matches!(kind, ExplanationReasonKind::Inside(_)))
    }

    /// Whether others wait: then a free slot is theirs first.
    fn is_queued(&self) -> bool {
        self.has(|kind| matches!(kind, ExplanationReasonKind::Queued { .. }))
    }

    fn me(&self) -> &CallerIdentity {
        &self.explanation.identity
    }

    /// The reason that tells of the holders, with their record.
    fn held(&self) -> Option<(&ExplanationReason, &LockRecord)> {
        let is_held = |it: &&ExplanationReason| {
            matches!(
                it.kind,
                ExplanationReasonKind::Held { .. } | ExplanationReasonKind::SelfHeld { .. }
            )
        };
        let reason = self.explanation.reasons.iter().find(is_held)?;
        Some((reason, reason.record.as_ref()?))
    }

    /// The flaw of an unreadable record that blocks.
    fn corruption(&self) -> Option<&RecordCorruption> {
        self.explanation.reasons.iter().find_map(|reason| match &reason.kind {
            ExplanationReasonKind::Corrupted { corruption } if reason.blocks => Some(corruption),
            _ => None,
        })
    }

    /// A lease of the caller's.
    fn lease(&self) -> Option<&LockRecord> {
        let (_, record) = self.held()?;
        record.holders().find(|it| it.hold != Some(HoldKind::Guard) && self.me().owns(it))
    }

    /// A call with this name, and what it does. `flags` begin with a space, or are empty.
    fn call(&self, verb: &str, flags: &str, what: &str) -> String {
        format!("{}   {what}", call(verb, self.name, &format!("{flags}{}", self.as_owner())))
    }

    /// A call that runs a command under the lock.
    fn guard(&self, flags: &str, what: &str) -> String {
        let flags = format!("{flags}{}", self.as_owner());
        if self.name.as_str().starts_with('-') {
            // The command line of a guard cannot take such a name.
            return format!("{}   {what}", call("lock", self.name, &flags));
        }
        format!("{} -- COMMAND   {what}", call("guard", self.name, &flags))
    }

    /// The flag `--owner`, if the caller used it, with a space before it.
    fn as_owner(&self) -> String {
        let words = |it: &Owner| command_line(&[it.to_string()]);
        self.asker.owner.as_ref().map_or_else(String::new, |it| format!(" --owner {}", words(it)))
    }

    /// A call that works while the caller's own lease stands.
    fn under_lease(&self, flags: &str) -> String {
        if self.name.as_str().starts_with('-') {
            return self.call("lock", "", "renews your lease");
        }
        self.guard(flags, "runs under your lease")
    }

    /// For a caller that runs inside a guard of this name, which holds it in `mode`. The same mode
    /// again is inside that guard; more would be a deadlock.
    fn inside(&self, mode: LockMode) -> String {
        let flags = match mode {
            LockMode::Exclusive => " --wait".to_owned(),
            LockMode::Shared => " --shared".to_owned(),
            LockMode::Slots(slots) => format!(" --slots {slots}"),
        };
        self.guard(&flags, "runs inside your guard")
    }

    /// What to do about an unreadable record: look again while another program may still be writing
    /// it, else leave it.
    fn leave(&self, corruption: &RecordCorruption) -> String {
        if corruption.may_be_filling() {
            return self.call("why", "", "shows more once it has been written");
        }
        LEAVE_TO_A_PERSON.to_owned()
    }

    /// Running a command anyway: under, beside or after the current holder.
    fn entering(&self) -> Vec<String> {
        let must_wait = self.is_frozen() || self.is_queued() || self.is_inside();
        if self.lease().is_some_and(bears_a_guard) && !self.is_inside() {
            let flags = if self.is_frozen() { " --wait" } else { "" };
            return vec![self.under_lease(flags)];
        }
        let slots = self.held().and_then(|(_, record)| record.mode.slots());
        let slots = slots.map_or_else(String::new, |slots| format!(" --slots {slots}"));
        let mut all = Vec::new();
        match self.held() {
            Some((_, record)) if record.mode == LockMode::Shared => {
                let wait = if must_wait { " --wait" } else { "" };
                all.push(self.guard(&format!(" --shared{wait}"), "shares it"));
            }
            Some((_, record)) if !must_wait && has_free_slot(record) => {
                all.push(self.guard(&slots, "takes a free slot"));
            }
            _ => {}
        }
        all.push(self.guard(&format!("{slots} --wait"), "waits in the queue"));
        all
    }

    /// Removing what belongs to the caller.
    fn giving_back(&self) -> Vec<String> {
        let mut all = Vec::new();
        let freeze = self
            .explanation
            .reasons
            .iter()
            .find(|it| matches!(it.kind, ExplanationReasonKind::Frozen));
        let freeze = freeze.and_then(|it| it.record.as_ref());
        if freeze.is_some_and(|it| self.me().owns(it)) {
            all.push(self.call("unfreeze", "", "lifts your freeze"));
        }
        let Some((reason, record)) = self.held() else { return all };
        let lease = self.lease();
        // An exclusive lease cannot be unlocked while a guard runs under it.
        if lease.is_some_and(|it| it.mode != LockMode::Exclusive || !self.is_inside()) {
            all.push(self.call("unlock", "", "unlocks your lease"));
        }
        // Another's lease whose taker is gone stays: nothing proves that the work is finished.
        if let ExplanationReasonKind::SelfHeld { holding: HoldState::Orphaned, keepers } =
            &reason.kind
            && record.holders().all(|it| self.me().owns(it))
        {
            all.extend(kill(keepers));
        }
        all
    }
}

/// Whether a guard of the lease's owner runs under it. Beside a lease that others share, it asks for a place like
/// any other; of another program's lock, nothing says that no process has it.
fn bears_a_guard(lease: &LockRecord) -> bool {
    lease.mode == LockMode::Exclusive
        && matches!(lease.hold, Some(HoldKind::Lease | HoldKind::Process))
}

/// Whether fewer hold the lock than it has slots. Queued waiters are not counted.
fn has_free_slot(record: &LockRecord) -> bool {
    record.mode.slots().is_some_and(|slots| record.holders().count() < slots.get() as usize)
}

/// How to end processes, where all of them can be ended.
///
/// `None` if there are no such processes, or one of them belongs to another user.
fn kill(keepers: &[(i32, String)]) -> Option<String> {
    let can_end = !keepers.is_empty() && keepers.iter().all(|(pid, _)| sys::may_signal(*pid));
    let pids: Vec<String> = keepers.iter().map(|(pid, _)| pid.to_string()).collect();
    can_end.then(|| format!("kill {}   ends what is left of your command", pids.join(" ")))
}
