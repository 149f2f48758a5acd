use crate::context::{self, OwnerOption};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use lokt_lock::{
    file::FileLockStore,
    ops::list_reservations,
    reservation::{Reservation, is_own},
    store::{LockRecordKind, LockStore},
};
use std::ffi::OsStr;

/// The variable by which a shell asks for completions.
///
/// Its value is the name of the shell, such as `bash`. The scripts of `lokt completions` set it.
pub(crate) const VARIABLE: &str = "COMPLETE";

/// Completes the names of locks.
///
/// Names that have a record, held or not: `lokt why` and `lokt unlock` are useful for stale ones
/// too.
pub(crate) fn locks() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| names(typed, LockRecordKind::Lock))
}

/// Completes the names of freezes.
pub(crate) fn freezes() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| names(typed, LockRecordKind::Freeze))
}

/// Completes the patterns that the caller has reserved.
pub(crate) fn reserved_patterns() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        own_reservations(typed, |record| record.patterns.iter().map(ToString::to_string).collect())
    })
}

/// Completes the ids of the caller's reservations.
pub(crate) fn reservation_ids() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        own_reservations(typed, |record| vec![record.id.to_string()])
    })
}

/// The words of the caller's reservations that begin with the typed text.
fn own_reservations(
    typed: &OsStr,
    words: fn(&Reservation) -> Vec<String>,
) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let (Ok(root), Ok(caller)) = (context::find_root(), context::caller(&OwnerOption::default()))
    else {
        return Vec::new();
    };
    let Ok(list) = list_reservations(&FileLockStore::new(&root.path), &caller) else {
        return Vec::new();
    };
    let mine = |it: &&Reservation| is_own(&caller.identity, &it.owner, it.agent_id.as_ref());
    let words = list.standing.iter().filter(mine).flat_map(words);
    let fitting = words.filter(|word| word.starts_with(&*typed));
    fitting.map(CompletionCandidate::new).collect()
}

/// The names that begin with the typed text. Without a root, there is nothing to complete.
///
/// A name that is not UTF-8 cannot exist. What was typed is compared as text, without any escaping:
/// the shell does that.
fn names(typed: &OsStr, kind: LockRecordKind) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let Ok(root) = context::find_root() else {
        return Vec::new();
    };
    let names = FileLockStore::new(&root.path).names(kind).unwrap_or_default();
    let fitting = names.iter().filter(|name| name.as_str().starts_with(&*typed));
    fitting.map(|name| CompletionCandidate::new(name.as_str())).collect()
}
