//! What is said where the folder of the locks cannot be written.
//!
//! A sandbox often lets an agent's command write the work tree but not `.git`, where the root is.
//! Then a lock fails with `EROFS` or `EACCES`. The hints name the setting that lets the sandbox
//! write the root, for the person who can change it.

use super::harness::{COPIED, SandboxedHarness};
use crate::{
    context::find_root,
    failure::{CliFailure, WriteFault},
    printable,
    project_store::{ProjectRoot, files_of},
};
use lokt_lock::file::{LockRoot, PROJECT_FILE, RootMethod, work_tree};
use nix::unistd::{AccessFlags, access};
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// Why a root cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RootWriteObstacle {
    /// The root cannot, and the project's folder can.
    Sandbox,
    /// Nothing here can.
    ReadOnly,
    /// The modes of files and folders say no.
    Permissions,
}

/// A failure with what to do about it, where it is that of a file that cannot be written.
///
/// Any other failure comes back as it is.
pub(crate) fn explained(failure: CliFailure) -> CliFailure {
    let Some(fault) = &failure.write_fault else { return failure };
    let hints = hints_for(fault);
    hints.into_iter().fold(failure, CliFailure::hint)
}

/// The hints for a file that cannot be written, inside or outside of the root.
fn hints_for(fault: &WriteFault) -> Vec<String> {
    let root = find_root().ok();
    let root = root.as_ref().and_then(ProjectRoot::folder).filter(|it| is_about(it, &fault.path));
    let Some(root) = root else {
        let text = match fault.kind {
            ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
            _ => "lokt doctor   checks the folder's permissions",
        };
        return vec![text.to_owned()];
    };
    of_root(root, fault.kind)
}

/// Whether a file is in the root, or on the way to it.
fn is_about(root: &LockRoot, path: &Path) -> bool {
    path.starts_with(&root.path) || root.path.starts_with(path)
}

/// What to do where a root cannot be written; nothing where it can, or where nothing has been tried.
///
/// Tries to write, and leaves nothing behind. Used before a failure: by `doctor` and at the start
/// of a session.
pub(crate) fn of_unwritable(root: &LockRoot) -> Vec<String> {
    match files_of(root).try_writing() {
        Err(error) if is_refusal(&error) => of_root(root, error.kind()),
        _ => Vec::new(),
    }
}

/// The same for the text that an agent reads at the start of its session: a title, then one item for each thing to
/// know. An item with lines to copy has them below it.
///
/// Empty if the root can be written.
pub(crate) fn for_session(root: &LockRoot) -> Vec<String> {
    let hints = of_unwritable(root);
    if hints.is_empty() {
        return Vec::new();
    }
    let path = printable::line(&root.path.display().to_string()).replace('`', "'");
    let mut items =
        vec![format!("No lock can be taken here: `{path}` cannot be written. Tell your user:")];
    for hint in hints {
        let hint = printable::line(&hint);
        match items.last_mut() {
            Some(last) if hint.starts_with(COPIED) => *last = format!("{last}\n{hint}"),
            _ => items.push(format!("- {hint}")),
        }
    }
    items
}

/// Hints in one text, in which the lines to copy stand alone.
pub(crate) fn joined(hints: &[String]) -> String {
    let mut text = String::new();
    let mut is_copied = false;
    for hint in hints {
        let was_copied = std::mem::replace(&mut is_copied, hint.starts_with(COPIED));
        let between = match (text.is_empty(), was_copied || is_copied) {
            (true, _) => "",
            (false, true) => "\n",
            (false, false) => "; ",
        };
        text = format!("{text}{between}{}", printable::line(hint));
    }
    text
}

/// Whether an error says that writing is not allowed. A full disk, for instance, is another matter.
fn is_refusal(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied)
}

/// The hints for a root that cannot be written; `kind` is what the kernel said.
fn of_root(root: &LockRoot, kind: ErrorKind) -> Vec<String> {
    let Ok(folder) = std::env::current_dir() else { return Vec::new() };
    let project = work_tree(&folder).unwrap_or(folder);
    match obstacle(root, &project, kind) {
        RootWriteObstacle::Permissions => {
            vec!["lokt doctor   checks the folder's permissions".to_owned()]
        }
        RootWriteObstacle::ReadOnly => vec![
            "nothing here can be written: a file system, or a sandbox, is read-only".to_owned(),
            NO_OTHER_ROOT.to_owned(),
        ],
        RootWriteObstacle::Sandbox => in_sandbox(root, &project),
    }
}

/// The one wrong way out that a model finds by itself.
const NO_OTHER_ROOT: &str = "set no other LOKT_ROOT for yourself: all participants must use one folder, two folders are two locks";

/// Whether a sandbox stands between this process and the root: where the modes would allow to write, or the file system
/// is read-only, and the project's folder can be written.
///
/// access(2) asks for the permissions that count for this process, a read-only mount included.
fn obstacle(root: &LockRoot, project: &Path, kind: ErrorKind) -> RootWriteObstacle {
    let can_write = |path: &Path| access(path, AccessFlags::W_OK | AccessFlags::X_OK).is_ok();
    let nearest = root.path.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/"));
    let is_sandbox = kind == ErrorKind::ReadOnlyFilesystem || can_write(nearest);
    match (is_sandbox, can_write(project)) {
        (false, _) => RootWriteObstacle::Permissions,
        (true, true) => RootWriteObstacle::Sandbox,
        (true, false) => RootWriteObstacle::ReadOnly,
    }
}

/// The hints where only the root is read-only: the setting of the harness, and a root in the work
/// tree.
fn in_sandbox(root: &LockRoot, project: &Path) -> Vec<String> {
    let mut hints = vec![
        "a sandbox, or a mount, keeps the folder of the locks read-only, while the work tree can be written"
            .to_owned(),
        NO_OTHER_ROOT.to_owned(),
    ];
    if let Some(successor) = &root.successor {
        hints.push(format!(
            "locks are still held in {}, from before {PROJECT_FILE} named another folder; as soon as they are free, \
             the locks are in {}: lokt status",
            root.path.display(),
            successor.path.display(),
        ));
        return hints;
    }
    let setting = SandboxedHarness::current().and_then(|it| it.setting(&root.path));
    match &setting {
        Some(it) => {
            hints.extend(it.hints(&format!("add to {}", it.file)));
            hints.extend((!it.note.is_empty()).then(|| it.note.to_owned()));
        }
        None => hints.extend(of_any_harness(&root.path)),
    }
    // From a linked worktree, the folder of the main one is as far away as its git directory.
    if root.method == RootMethod::Git && main_work_tree(&root.path).as_deref() == Some(project) {
        let file = project.join(PROJECT_FILE);
        hints.push(format!(
            "or name a folder in the work tree for all participants: root = \".lokt\" in {}, committed, with .lokt in \
             .gitignore",
            file.display(),
        ));
    }
    hints
}

/// The hints where the harness is not known: the settings of those that are known.
fn of_any_harness(root: &Path) -> Vec<String> {
    let first = format!("let the sandbox write {}, in the settings of its program", root.display());
    let known = SandboxedHarness::ALL.into_iter().filter_map(|(name, harness)| {
        let it = harness.setting(root)?;
        Some(it.hints(&format!("for {name}, add to {}", it.file)))
    });
    std::iter::once(first).chain(known.flatten()).collect()
}

/// The folder whose `lokt.toml` counts for a root in a git directory.
fn main_work_tree(root: &Path) -> Option<PathBuf> {
    root.parent().filter(|common| common.ends_with(".git"))?.parent().map(Path::to_owned)
}
