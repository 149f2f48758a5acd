//! Writing changes: first a draft of every file beside it, on disk, then each draft in its file's place by
//! rename(2). So a full disk or a missing permission shows before anything has changed; if a file still cannot be
//! replaced, as over a mount point, the files before it are restored. A process that is killed leaves every file in
//! its old or its new state, and at most a draft `.lokt-init-…`, which the next run removes: the kernel lock on the
//! draft shows whether a process still uses it.

use super::plan::InitFileChange;
use crate::prime::project::DRAFT;
use crate::{exit::ExitCode, failure::CliFailure};
use lokt_lock::sys;
use lokt_tool::bounded;
use std::{
    fs::{self, File, Metadata, Permissions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// Makes all changes. The folders that become empty by them go too.
pub(crate) fn all(project: &Path, changes: &[InitFileChange]) -> Result<(), CliFailure> {
    let mut folders = Vec::new();
    let drafts: Result<Vec<_>, CliFailure> =
        changes.iter().map(|change| draft(project, change, &mut folders)).collect();
    let drafts = drafts.inspect_err(|_| remove_empty(project, &folders))?;
    if let Err(failure) = changes.iter().try_for_each(require_unchanged) {
        drop(drafts);
        remove_empty(project, &folders);
        return Err(failure);
    }
    let mut done = Vec::new();
    let mut rest = changes.iter().zip(drafts);
    while let Some((change, draft)) = rest.next() {
        let before = fs::metadata(&change.path).ok();
        if let Err(error) = put(change, draft) {
            let failure = fails(change, &error).hint(take_back(&done));
            drop(rest);
            remove_empty(project, &folders);
            return Err(failure);
        }
        done.push((change, before));
    }
    let removed = changes.iter().filter(|it| it.after.is_none());
    let emptied: Vec<PathBuf> =
        removed.filter_map(|it| it.path.parent()).map(Path::to_owned).collect();
    remove_empty(project, &emptied);
    // The folder of a file of the user's own, which `init` may have made too.
    let own = emptied.iter().filter(|it| !it.starts_with(project));
    own.for_each(|it| drop(fs::remove_dir(it)));
    Ok(())
}

/// Removes the drafts that killed processes left in a folder. A draft that cannot be removed does no harm.
pub(crate) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_draft = entry.file_name().to_string_lossy().starts_with(DRAFT);
        let is_dead = |file: File| file.try_lock().is_ok();
        if is_draft && bounded::open(&entry.path()).ok().flatten().is_some_and(is_dead) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The new content on disk, beside the file; none where the file is to go.
fn draft(
    project: &Path,
    change: &InitFileChange,
    folders: &mut Vec<PathBuf>,
) -> Result<Option<NamedTempFile>, CliFailure> {
    let Some(after) = &change.after else { return Ok(None) };
    let folder = change.path.parent().unwrap_or(project);
    let mut make = || -> io::Result<NamedTempFile> {
        if !folder.exists() {
            folders.push(folder.to_owned());
            sys::make_folder(folder, 0o777)?;
        }
        let like = change.before.as_ref().map(|_| fs::metadata(&change.path)).transpose()?;
        drafted(change, after, like.as_ref())
    };
    make().map(Some).map_err(|error| fails(change, &error).hint("no file was changed"))
}

/// A text on disk beside a file, with the owner and the mode that the file has or had.
fn drafted(
    change: &InitFileChange,
    text: &str,
    like: Option<&Metadata>,
) -> io::Result<NamedTempFile> {
    let folder = change.path.parent().unwrap_or(Path::new("/"));
    let mode = if change.is_program() { 0o777 } else { 0o666 };
    let mut builder = tempfile::Builder::new();
    // As any program makes a file: less what the umask takes.
    let mut draft =
        builder.prefix(DRAFT).permissions(Permissions::from_mode(mode)).tempfile_in(folder)?;
    sys::keep_owner_bits(draft.as_file(), mode)?;
    if let Some(like) = like {
        let fresh = draft.as_file().metadata()?;
        if (fresh.uid(), fresh.gid()) != (like.uid(), like.gid()) {
            fchown(draft.as_file(), Some(like.uid()), Some(like.gid()))?;
        }
        draft.as_file().set_permissions(like.permissions())?;
    }
    draft.as_file().lock()?;
    draft.write_all(text.as_bytes())?;
    draft.as_file().sync_all()?;
    Ok(draft)
}

/// Restores the old content of files, the last one first, and returns the outcome as text.
fn take_back(done: &[(&InitFileChange, Option<Metadata>)]) -> String {
    let back = |(change, like): &(&InitFileChange, Option<Metadata>)| match &change.before {
        None => fs::remove_file(&change.path),
        Some(text) => {
            let draft = drafted(change, text, like.as_ref())?;
            draft.persist(&change.path).map(drop).map_err(|it| it.error)
        }
    };
    let left = done.iter().rev().filter(|it| back(it).is_err()).map(|(change, _)| &*change.shown);
    let left: Vec<&str> = left.collect();
    if left.is_empty() {
        return "no file was changed".to_owned();
    }
    format!("already written, and not put back: {}", left.join(", "))
}

/// Refuses to overwrite a file that another program has changed meanwhile.
fn require_unchanged(change: &InitFileChange) -> Result<(), CliFailure> {
    let now = match sys::read_regular(&change.path) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(fails(change, &error)),
    };
    if now == change.before {
        return Ok(());
    }
    let what = format!("{} was changed by another program at this moment", change.shown);
    Err(CliFailure::new(ExitCode::Error, what).hint("no file was changed; run it again"))
}

fn put(change: &InitFileChange, draft: Option<NamedTempFile>) -> io::Result<()> {
    match draft {
        None => fs::remove_file(&change.path),
        Some(draft) if change.before.is_none() => {
            draft.persist_noclobber(&change.path).map(drop).map_err(|it| it.error)
        }
        Some(draft) => draft.persist(&change.path).map(drop).map_err(|it| it.error),
    }
}

/// Removes folders that are empty, and those around them.
fn remove_empty(project: &Path, folders: &[PathBuf]) {
    for folder in folders {
        let around = folder.ancestors().take_while(|it| *it != project && it.starts_with(project));
        // The first one that is not empty ends it.
        let _ = around.map(fs::remove_dir).take_while(Result::is_ok).count();
    }
}

fn fails(change: &InitFileChange, error: &io::Error) -> CliFailure {
    CliFailure::new(ExitCode::Error, format!("cannot write {}: {error}", change.path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_wrote_meanwhile_is_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let project = fs::canonicalize(folder.path()).unwrap();
        fs::write(project.join("a"), "new").unwrap();
        let change =
            |name: &'static str, before: Option<&str>, after: Option<&str>| InitFileChange {
                shown: name.into(),
                path: project.join(name),
                before: before.map(str::to_owned),
                after: after.map(str::to_owned),
            };
        for late in [
            change("a", Some("old"), Some("ours")),
            change("a", None, Some("ours")),
            change("a", Some("old"), None),
        ] {
            let changes = [change("below/b", None, Some("ours")), late];
            let failure = all(&project, &changes).unwrap_err();
            assert!(failure.message.contains("changed by another program"), "{failure:?}");
            assert_eq!(fs::read_to_string(project.join("a")).unwrap(), "new");
            assert_eq!(fs::read_dir(&project).unwrap().count(), 1, "nothing else was made");
        }
    }
}
