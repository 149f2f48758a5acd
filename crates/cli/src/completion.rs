use crate::context;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use lokt_lock::{
    file::FileLockStore,
    store::{LockRecordKind, LockStore},
};
use std::ffi::OsStr;

/// The variable by which a shell asks for completions.
pub(crate) const VARIABLE: &str = "COMPLETE";

/// Completes the names of locks.
pub(crate) fn locks() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| names(typed, LockRecordKind::Lock))
}

/// Completes the names of freezes.
pub(crate) fn freezes() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| names(typed, LockRecordKind::Freeze))
}

/// The names that begin with the typed text. Without a root, there is nothing to complete.
fn names(typed: &OsStr, kind: LockRecordKind) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let Ok(root) = context::find_root() else {
        return Vec::new();
    };
    let names = FileLockStore::new(&root.path).names(kind).unwrap_or_default();
    let fitting = names.iter().filter(|name| name.as_str().starts_with(&*typed));
    fitting.map(|name| CompletionCandidate::new(name.as_str())).collect()
}
