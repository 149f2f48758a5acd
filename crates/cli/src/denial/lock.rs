//! Refusals of a request for a lock: `guard`, `lock`, `once`, `tool run`, and a `wait` that gave
//! up.

use crate::{
    env,
    exit::ExitCode,
    failure::CliFailure,
    span,
    view::{
        call, command_line,
        holder::{blocked, lease_of, obstacle},
    },
};
use lokt_lock::{
    caller::Caller,
    ops::Denial,
    record::LockRecord,
    rules::{CallerIdentity, Obstacle, OwnerSource},
    words::{LockId, LockMode, LockName, Timestamp},
};

/// A refusal as an error message.
///
/// The message says who holds the lock, or what else is in the way, and for how long the caller has
/// waited. The exit code is [`ExitCode::Held`]. The hints depend on whose the obstacle is:
///
/// * a kept result of `lokt once`: use another name, because the lease may stand for days;
/// * a lease of the caller: how to unlock it, or to run a command under it;
/// * the guard that the caller runs inside of: what to do instead of waiting for itself;
/// * anything else: how to wait, and whom to ask.
///
/// The last hint is always `lokt why`. For `--json`, the facts are those of
/// `view::holder::blocked`.
pub(crate) fn denied(name: &LockName, denial: &Denial, caller: &Caller) -> CliFailure {
    let me = &caller.identity;
    let (holder, ahead) = (denial.holder.as_ref(), denial.ahead.as_ref());
    let why = obstacle(&denial.obstacle, holder, ahead, (me, Timestamp::now()));
    let waited = denial.waited.map(|it| format!("; gave up after {}", span::show(it)));
    let text = format!("lock {:?} {why}{}", name.as_str(), waited.unwrap_or_default());
    let failure = CliFailure::new(ExitCode::Held, text);
    let hints = match own_lease(denial, me) {
        _ if kept_result(denial).is_some() => vec![about_result(name, denial, me)],
        Some(lease) => release_hints(name, lease, me),
        None if is_around(name, denial) => inside_hints(name),
        None => waiting_hints(name, denial, caller),
    };
    let failure = hints.into_iter().fold(failure, CliFailure::hint);
    failure.hint(call("why", name, "")).facts(&blocked(name, denial, caller))
}

/// How to wait for what is another's, or for a command of the caller, and whom to ask.
///
/// `--wait` is offered only to a caller that did not wait, `--timeout` only to one that gave up. A
/// freeze of the caller can be lifted by it; a freeze of another, like a lock of another, is a
/// matter of asking.
fn waiting_hints(name: &LockName, denial: &Denial, caller: &Caller) -> Vec<String> {
    let me = &caller.identity;
    let freeze = match &denial.obstacle {
        Obstacle::Frozen(freeze) => Some(freeze.as_ref()),
        _ => None,
    };
    let mut hints = vec![match denial.waited {
        None => format!(
            "--wait waits in the queue for it, first come, first served{}",
            around_a_script(name, denial)
        ),
        Some(_) => "--timeout sets how long to wait".to_owned(),
    }];
    if denial.waited.is_none() && freeze.is_none() {
        hints.push(super::wait_first(name));
    }
    if freeze.is_some_and(|it| me.owns(it)) {
        hints.push(format!("{}   lifts your freeze", call("unfreeze", name, &as_owner(me))));
    }
    let others = freeze.or(denial.holder.as_ref()).filter(|it| !me.owns(it));
    hints.extend(others.into_iter().flat_map(|it| super::same_user(it, caller)));
    hints.extend(others.map(super::ask_first));
    hints
}

/// How a caller waits that ran a script with the refused command in it: the script need not take the flag. Nothing
/// where a guard around the script would be of another mode than the one in it, and for a name that is like an option.
fn around_a_script(name: &LockName, denial: &Denial) -> String {
    let is_exclusive = denial.holder.as_ref().is_none_or(|it| it.mode == LockMode::Exclusive);
    if !is_exclusive || name.as_str().starts_with('-') {
        return String::new();
    }
    format!("; around a script: {} -- COMMAND", call("guard", name, " --wait"))
}

/// Whether the caller runs in the command of the guard that is the obstacle. Another guard in that command ends by
/// itself, so a wait for it makes sense.
fn is_around(name: &LockName, denial: &Denial) -> bool {
    let held = env::text(env::HELD).ok().flatten().unwrap_or_default();
    let ids = held.split(',').filter_map(|pair| pair.split_once('='));
    let mut ids = ids.filter(|(held, _)| *held == name.as_str()).map(|(_, id)| id);
    match &denial.obstacle {
        Obstacle::Ahead(place) => ids.any(|id| place.lock_id.as_str() == id),
        Obstacle::Held(record) => {
            ids.any(|id| LockId::from_record(id).is_some_and(|it| record.holder(&it).is_some()))
        }
        _ => false,
    }
}

/// What to do inside a guard of the same name: a wait for it would never end.
fn inside_hints(name: &LockName) -> Vec<String> {
    vec![
        format!("this runs in the command of a guard that holds {name}, so a wait would never end"),
        "use another name here; or lock nothing: what runs here is under that guard already"
            .to_owned(),
    ]
}

/// The caller's own lease, if it is the obstacle: no wait for it would end.
///
/// `None` for a guard of the caller: that one ends by itself, so a wait makes sense.
fn own_lease<'a>(denial: &'a Denial, me: &CallerIdentity) -> Option<&'a LockRecord> {
    match &denial.obstacle {
        Obstacle::Held(record) => lease_of(record, me),
        _ => None,
    }
}

/// The kept result of a `once` that is the obstacle: a wait for it may have no end.
fn kept_result(denial: &Denial) -> Option<&LockRecord> {
    match &denial.obstacle {
        Obstacle::Held(record) => record.result().map(|_| record.as_ref()),
        _ => None,
    }
}

/// What to do about a kept result. Only its owner is told how to remove it.
fn about_result(name: &LockName, denial: &Denial, me: &CallerIdentity) -> String {
    let text =
        format!("{name} is the name of a kept result of lokt once; use another name for guards");
    if kept_result(denial).is_some_and(|it| me.owns(it)) {
        return format!("{text}, or remove it: {}", call("results rm", name, &as_owner(me)));
    }
    text
}

/// What to do about the caller's own lease.
///
/// The second hint is only for an exclusive lease, and for a name that cannot be read as an option
/// of the command line.
fn release_hints(name: &LockName, lease: &LockRecord, me: &CallerIdentity) -> Vec<String> {
    let flags = as_owner(me);
    let mut hints = vec![format!("{}   unlocks your lease", call("unlock", name, &flags))];
    if lease.mode == LockMode::Exclusive && !name.as_str().starts_with('-') {
        let guard = call("guard", name, &flags);
        hints.push(format!("{guard} -- COMMAND   runs under your lease"));
    }
    hints
}

/// The flag `--owner NAME`, with a leading space, with which a command acts as this owner; empty if
/// it does so without the flag: the owner is the user of the system, or `LOKT_OWNER` names it.
fn as_owner(me: &CallerIdentity) -> String {
    let by_variable = env::text(env::OWNER).ok().flatten();
    if me.source == OwnerSource::Derived || by_variable.as_deref() == Some(me.owner.as_str()) {
        return String::new();
    }
    format!(" --owner {}", command_line(&[me.owner.to_string()]))
}
