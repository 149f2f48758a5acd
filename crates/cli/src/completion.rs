use crate::{
    context::{self, CommandContext},
    project_store::store_of,
};
use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};
use lokt_lock::{
    ops::list_reservations,
    pattern::{Pattern, ProjectPath},
    reservation::{Reservation, is_own},
    store::{LockListing, LockRecordKind, LockStore},
};
use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
};

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

/// Completes the names of locks, then paths.
pub(crate) fn locks_and_paths() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let mut all = names(typed, LockRecordKind::Lock);
        all.extend(PathCompleter::any().complete(typed));
        all
    })
}

/// Completes the names of freezes.
pub(crate) fn freezes() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| names(typed, LockRecordKind::Freeze))
}

/// Completes the patterns that the caller has reserved, as they are typed in the working folder.
pub(crate) fn reserved_patterns() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let Some((context, own)) = own_reservations() else { return Vec::new() };
        let Ok(project) = context.project() else { return Vec::new() };
        let patterns = own.iter().flat_map(|record| &record.patterns);
        fitting(typed, patterns.map(|it| from_folder(it, &project.folder)))
    })
}

/// Completes the ids of the caller's reservations.
pub(crate) fn reservation_ids() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let own = own_reservations().map(|(_, own)| own).unwrap_or_default();
        fitting(typed, own.iter().map(|record| record.id.to_string().into()))
    })
}

/// A pattern as it is typed in a folder of the project.
fn from_folder(pattern: &Pattern, folder: &ProjectPath) -> OsString {
    let text = pattern.as_bytes();
    let folder = Pattern::literal(folder);
    let folder = folder.as_bytes();
    if folder == b"." {
        return OsString::from_vec(text.to_vec());
    }
    if let Some(rest) = text.strip_prefix(folder) {
        match rest {
            b"" => return OsString::from("."),
            [b'/', rest @ ..] => return OsString::from_vec(rest.to_vec()),
            _ => {}
        }
    }
    let depth = folder.split(|byte| *byte == b'/').count();
    let up = b"../".repeat(depth);
    let text = if text == b"." { &[][..] } else { text };
    OsString::from_vec([up.as_slice(), text].concat())
}

/// The caller's reservations; nothing where they cannot be read, as there is no one to tell.
fn own_reservations() -> Option<(CommandContext, Vec<Reservation>)> {
    let context = CommandContext::quietly().ok()?;
    let list = list_reservations(&context.store, &context.caller).ok()?;
    let me = &context.caller.identity;
    let mine = |it: &Reservation| is_own(me, &it.owner, it.agent_id.as_ref());
    let own = list.standing.into_iter().filter(mine).collect();
    Some((context, own))
}

/// The words that begin with the typed text.
fn fitting(typed: &OsStr, words: impl Iterator<Item = OsString>) -> Vec<CompletionCandidate> {
    let fits = |word: &OsString| word.as_bytes().starts_with(typed.as_bytes());
    words.filter(fits).map(CompletionCandidate::new).collect()
}

/// The names that begin with the typed text. Without a root, there is nothing to complete.
///
/// A name that is not UTF-8 cannot exist. What was typed is compared as text, without any escaping:
/// the shell does that.
fn names(typed: &OsStr, kind: LockRecordKind) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let Ok(store) = context::find_root().and_then(|root| store_of(&root)) else {
        return Vec::new();
    };
    let names = store.listing().names(kind).unwrap_or_default();
    let fitting = names.iter().filter(|name| name.as_str().starts_with(&*typed));
    fitting.map(|name| CompletionCandidate::new(name.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_completed_as_it_is_typed_in_a_folder() {
        let folder = |text: &str| match text {
            "" => ProjectPath::root(),
            text => ProjectPath::new(text.as_bytes()).unwrap(),
        };
        for (pattern, from, expected) in [
            ("src/a", "", "src/a"),
            ("src/a", "src", "a"),
            ("src", "src", "."),
            ("srcs/a", "src", "../srcs/a"),
            ("docs/*.md", "src/deep", "../../docs/*.md"),
            (".", "src", "../"),
            (r"app/\[id\]/x", "app/[id]", "x"),
        ] {
            let pattern = Pattern::parse(pattern.as_bytes()).unwrap();
            assert_eq!(from_folder(&pattern, &folder(from)), expected, "{pattern} from {from:?}");
        }
    }
}
