//! What other users could do to a root, and what leads out of it.

use super::{
    checkup::{CheckStatus, RootCheckOutcome, check},
    file_store::FileLockStore,
    ownership::ProcessUser,
};
use crate::sys::nofollow;
use std::{
    fs::{self, Metadata},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Others may write: to what is theirs alone in a folder with the sticky bit.
const OTHERS: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Whether other users may write to the root, or read the log.
pub(super) fn permissions(store: &FileLockStore) -> RootCheckOutcome {
    let layout = store.layout();
    let mode = |path: &Path| nofollow::metadata(path).ok().map(|meta| meta.permissions().mode());
    let Some(root) = mode(layout.root()) else {
        let text = "the root is made at the first use, mode 700";
        return check("permissions", CheckStatus::Ok, text);
    };
    let open = layout.folders().into_iter().find(|it| mode(it).is_some_and(|it| it & 0o022 != 0));
    if let Some(folder) = open {
        let text = format!(
            "other users may write to {} (mode {:o}), and so break any lock; chmod go-w {}",
            folder.display(),
            mode(&folder).unwrap_or_default() & 0o777,
            folder.display()
        );
        return check("permissions", CheckStatus::Warn, text);
    }
    match mode(&layout.audit_log()).map(|mode| mode & 0o777) {
        Some(log) if log & 0o077 != 0 => {
            let text = format!("other users may use the audit log (mode {log:o})");
            check("permissions", CheckStatus::Warn, text)
        }
        _ => check("permissions", CheckStatus::Ok, format!("root mode {:o}", root & 0o777)),
    }
}

/// Whether another user could put another folder in the root's place. Some machines are set up so.
pub(super) fn parents(store: &FileLockStore) -> RootCheckOutcome {
    let above = store.layout().root().ancestors().skip(1);
    let risk = above.filter(|it| it.is_absolute()).find_map(|it| risk(it, &fs::metadata(it).ok()?));
    match risk {
        Some(risk) => check("parents", CheckStatus::Warn, risk),
        None => check("parents", CheckStatus::Ok, "no other user can replace the root"),
    }
}

fn risk(folder: &Path, meta: &Metadata) -> Option<String> {
    let (mode, shown) = (meta.permissions().mode(), folder.display());
    if mode & OTHERS != 0 && mode & STICKY == 0 {
        return Some(format!(
            "every user may replace what is in {shown} (mode {:o}), and so the root; chmod o-w {shown}",
            mode & 0o7777
        ));
    }
    let is_trusted = meta.uid() == 0 || ProcessUser::default().has(meta.uid());
    let text = || format!("the user with uid {} may replace what is in {shown}", meta.uid());
    (!is_trusted).then(text)
}

/// Whether everything of the root is a folder or file with one name. What a link or a second name leads to could be
/// anything.
pub(super) fn links(store: &FileLockStore) -> RootCheckOutcome {
    let layout = store.layout();
    let [_, folders @ ..] = layout.folders();
    let others = [
        layout.nested(),
        layout.root().join("once"),
        layout.audit_log(),
        layout.reservations(),
        layout.reservation_waiters(),
        layout.sessions(),
    ];
    let lines = inside(&layout.queues());
    let records = inside(&layout.reservations());
    let paths = folders.into_iter().chain(others).chain(lines).chain(records);
    let paths = paths.chain(inside(&layout.latches()));
    let leads_out = |path: &PathBuf| {
        let linked = |meta: Metadata| meta.is_symlink() || (meta.is_file() && meta.nlink() > 1);
        fs::symlink_metadata(path).is_ok_and(linked)
    };
    let found: Vec<String> = paths.filter(leads_out).map(|it| it.display().to_string()).collect();
    if found.is_empty() {
        return check("links", CheckStatus::Ok, "nothing of the root leads out of it");
    }
    let text = format!(
        "a link, or a file with another name elsewhere: {}; look where it leads, and remove it while nothing is held",
        found.join(", ")
    );
    check("links", CheckStatus::Fail, text)
}

fn inside(folder: &Path) -> Vec<PathBuf> {
    nofollow::names(folder).unwrap_or_default().into_iter().map(|it| folder.join(it)).collect()
}
