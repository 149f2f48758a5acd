use crate::{
    context::CommandContext,
    exit::ExitCode,
    failure::CliFailure,
    span,
    view::{self, flat::HolderJsonFields},
};
use lokt_lock::{
    ops::UnlockOutcome,
    record::{HoldKind, LockRecord},
    rules::{HoldState, Liveness},
    words::{Fence, LockName, Timestamp},
};

/// The refusal to free a name.
pub(crate) fn refusal(
    name: &LockName,
    refused: &UnlockOutcome,
    context: &CommandContext,
) -> CliFailure {
    let shown = name.as_str();
    match refused {
        UnlockOutcome::Done { .. } | UnlockOutcome::NotFound => {
            CliFailure::new(ExitCode::NotFound, format!("lock {shown:?} is not held"))
        }
        UnlockOutcome::NotYours(record) => not_yours(name, record, context),
        UnlockOutcome::GuardLives { pid, supervisor } => guard_lives(name, *pid, *supervisor),
        UnlockOutcome::NotStale { record, holding } => not_stale(name, record.as_deref(), *holding),
        UnlockOutcome::OtherFence(now) => CliFailure::new(
            ExitCode::NotYours,
            format!("lock {shown:?} has changed since you saw it: {}", standing(now.as_deref())),
        ),
    }
}

/// The refusal to break a lock whose fence is not the requested one.
pub(crate) fn other_fence(name: &LockName, asked: Fence, now: Option<&LockRecord>) -> CliFailure {
    let text =
        format!("lock {:?} has another fence than {asked}: {}", name.as_str(), standing(now));
    CliFailure::new(ExitCode::NotYours, text)
        .hint(format!("lokt status {name}   shows what holds it now"))
}

/// The holders of a lock now, with the fences: `it is held by ada (pid 7 on box), fence 12`.
fn standing(now: Option<&LockRecord>) -> String {
    let Some(record) = now else {
        return "it is held by a guard whose record is gone, and with it its fence".to_owned();
    };
    let told = |holder: &LockRecord| {
        let fence =
            holder.fence.map_or_else(|| "without a fence".to_owned(), |it| format!("fence {it}"));
        format!("{}, {fence}", view::holder::who(holder))
    };
    let holders: Vec<String> = record.holders().map(told).collect();
    format!("it is held by {}", holders.join("; "))
}

fn guard_lives(name: &LockName, pid: Option<i32>, supervisor: Liveness) -> CliFailure {
    let named = |text: &str| pid.map_or_else(String::new, |pid| format!(" (pid {pid}{text})"));
    let who = match supervisor {
        Liveness::Alive => format!("a living guard{}", named("")),
        Liveness::Dead => {
            format!("what is left of a guard's command{}", named(", the guard, is gone"))
        }
        Liveness::Unknown => {
            format!("a guard, or what is left of its command{}", named(" is not visible from here"))
        }
    };
    let failure =
        CliFailure::new(ExitCode::NotYours, format!("lock {:?} is held by {who}", name.as_str()));
    match supervisor {
        Liveness::Alive => {
            failure.hint("it is unlocked when the guard's command ends; end that, or wait")
        }
        _ => failure
            .hint("it is free when the last process of the command has ended; end them, or wait")
            .hint(format!(
                "{}   lists the ones that are visible from here",
                view::call("why", name, "")
            )),
    }
}

fn not_yours(name: &LockName, record: &LockRecord, context: &CommandContext) -> CliFailure {
    let identity = &context.caller.identity;
    let text = format!("lock {:?} is not yours: {}", name.as_str(), view::holder::who(record));
    let holder = HolderJsonFields::of(Some(record), None, &context.caller, Timestamp::now());
    let failure = CliFailure::new(ExitCode::NotYours, text).facts(&holder);
    if record.owner == identity.owner {
        let owner = view::command_line(&[record.owner.to_string()]);
        return failure
            .hint(format!(
                "the same user, but another terminal or agent (you are {})",
                identity.agent.spoken()
            ))
            .hint(format!("act as the owner by name with --owner {owner} or LOKT_OWNER"));
    }
    failure.hint(format!("{}   shows what you can do", view::call("why", name, "")))
}

fn not_stale(
    name: &LockName,
    record: Option<&LockRecord>,
    holding: Option<HoldState>,
) -> CliFailure {
    let why = match (holding, record) {
        (Some(HoldState::Overdue), _) => {
            "its lifetime has passed, but the guard's processes live".to_owned()
        }
        (Some(HoldState::Orphaned), _) => {
            "its guard is gone, but processes of its command live".to_owned()
        }
        (_, Some(record)) => match record.expiry() {
            Some(end) if record.hold != Some(HoldKind::Guard) => {
                format!("it is valid for another {}", span::show(end.since(Timestamp::now())))
            }
            _ => "nothing proves that its holder is gone".to_owned(),
        },
        (_, None) => "another program may still be writing it".to_owned(),
    };
    CliFailure::new(ExitCode::NotYours, format!("lock {:?} is not stale: {why}", name.as_str()))
        .hint(view::call("why", name, ""))
}
