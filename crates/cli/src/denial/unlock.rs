//! Refusals of `lokt unlock`, with and without `--break-stale`, `--force` and `--fence`.

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
///
/// [`ExitCode::NotFound`] if the name is free, else [`ExitCode::NotYours`]. No text suggests
/// `--force` or `--break-stale`, and neither does `lokt why`: docs/troubleshooting.md has them, for
/// people. Callers do not pass the outcome of a success.
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
        UnlockOutcome::GuardLives { pid, supervisor, is_mine } => {
            guard_lives(name, (*pid, *supervisor), *is_mine)
        }
        UnlockOutcome::NotStale { record, holding } => not_stale(name, record.as_deref(), *holding),
        UnlockOutcome::OtherFence(now) => CliFailure::new(
            ExitCode::NotYours,
            format!("lock {shown:?} has changed since you saw it: {}", standing(now.as_deref())),
        ),
    }
}

/// The refusal to break a lock whose fence is not the requested one.
///
/// `asked` is the fence of `--fence`, `now` the record that stands; `None` if there is no record.
pub(crate) fn other_fence(name: &LockName, asked: Fence, now: Option<&LockRecord>) -> CliFailure {
    let text =
        format!("lock {:?} has another fence than {asked}: {}", name.as_str(), standing(now));
    CliFailure::new(ExitCode::NotYours, text)
        .hint(format!("{}   shows what holds it now", view::call("status", name, "")))
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

/// The refusal to unlock a lock that processes of a guard have: it is free when the last of them
/// ends, and no unlocking would stop them.
///
/// `pid` is the guard's process, if a record or ticket names it, and `supervisor` whether that
/// process lives. `Dead` means that only the command is left, `Unknown` that the process is not
/// visible from here, as in another container.
fn guard_lives(
    name: &LockName,
    (pid, supervisor): (Option<i32>, Liveness),
    is_mine: bool,
) -> CliFailure {
    let named = |text: &str| pid.map_or_else(String::new, |pid| format!(" (pid {pid}{text})"));
    let who = match supervisor {
        Liveness::Alive if is_mine => format!("a living guard of yours{}", named("")),
        Liveness::Alive => format!("a living guard{}", named("")),
        Liveness::Dead if is_mine => {
            let gone = named(", the guard, is gone");
            format!("what is left of a guard's command, which is yours{gone}")
        }
        Liveness::Dead => {
            format!("what is left of a guard's command{}", named(", the guard, is gone"))
        }
        Liveness::Unknown => {
            format!("a guard, or what is left of its command{}", named(" is not visible from here"))
        }
    };
    let failure =
        CliFailure::new(ExitCode::NotYours, format!("lock {:?} is held by {who}", name.as_str()));
    let failure = failure.hint(match (supervisor, is_mine) {
        (Liveness::Alive, true) => "it is unlocked when your command ends; end that, or wait",
        (Liveness::Alive, false) => "it is unlocked when the guard's command ends",
        (_, true) => "it is free when the last process of your command has ended",
        (_, false) => "it is free when the last process of the command has ended",
    });
    let failure = failure.hint(super::wait_first(name));
    if supervisor == Liveness::Alive {
        return failure;
    }
    let why = view::call("why", name, "");
    failure.hint(format!("{why}   lists the ones that are visible from here"))
}

/// The refusal to unlock what another holds. The same user in another terminal or agent is another
/// holder too; then a hint says so, because the message alone would name the reader as the holder.
fn not_yours(name: &LockName, record: &LockRecord, context: &CommandContext) -> CliFailure {
    let text = format!("lock {:?} is not yours: {}", name.as_str(), view::holder::who(record));
    let holder = HolderJsonFields::of(Some(record), None, &context.caller, Timestamp::now());
    let failure = CliFailure::new(ExitCode::NotYours, text).facts(&holder);
    super::same_user(record, &context.caller)
        .into_iter()
        .fold(failure, CliFailure::hint)
        .hint(super::wait_first(name))
        .hint(super::ask_first(record))
        .hint(format!("{}   shows what you can do", view::call("why", name, "")))
}

/// The refusal of `--break-stale` where nothing proves that the holder is gone. `holding` is how
/// the lock is held, if a record says so; `record` is `None` while another program may still be
/// writing it.
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
