//! Finding the folder of the locks, and what is said where another folder may have them.

use crate::{
    env,
    exit::ExitCode,
    failure::CliFailure,
    output,
    project_store::{ProjectRoot, RootVariable, files_of, no_reservations},
    view::command_line,
};
use lokt_lock::{
    caller::Caller,
    file::{
        ForeignOwnedPath, LockRoot, LockRootError, PreRepositoryRoot, ProcessUser, ProjectFileText,
        RootMethod, RootSearchInputs, RootSuccessor,
    },
    ops::{StoreUsageEvidence, is_reserved, is_used},
    rules::OwnerSource,
    store::LockStoreError,
};
use std::path::Path;

/// Says where a new root is, and how others share it: nothing else shows that other folders have other locks.
pub(super) fn announce(root: &Path) {
    let set = command_line(&[format!("LOKT_ROOT={}", root.display())]);
    output::note(&format!(
        "made {} for the locks, because this folder is in no git repository; to share them with other folders: export {set}",
        root.display()
    ));
}

/// The root that is meant in this folder and environment.
///
/// Needs no caller, so completion, hooks and advice use it too. Creates nothing, but may note that
/// an earlier root has ended.
pub(crate) fn find_root() -> Result<ProjectRoot, CliFailure> {
    if let RootVariable::Cluster(address) = RootVariable::read()? {
        return Ok(ProjectRoot::Cluster(address));
    }
    counting(LockRoot::find(&surroundings()?)?).map(ProjectRoot::Folder)
}

/// The folder of the locks, where it may be another user's, with what of another user leads to it.
pub(super) fn locate() -> Result<(LockRoot, Option<ForeignOwnedPath>), CliFailure> {
    let (root, foreign) = LockRoot::locate(&surroundings()?)?;
    Ok((if foreign.is_none() { counting(root)? } else { root }, foreign))
}

/// The root of a folder, whatever the working folder is: for hooks, which are about files anywhere. `LOKT_ROOT` counts,
/// and git's variables do not: they are about the working folder. The inner error is about this root alone.
///
/// # Errors
/// The failure of reservations, where `LOKT_ROOT` names a cluster: hooks need a folder.
pub(crate) fn root_of(folder: &Path) -> Result<Result<LockRoot, LockRootError>, CliFailure> {
    if let RootVariable::Cluster(_) = RootVariable::read()? {
        return Err(no_reservations().into());
    }
    let here = surroundings()?;
    let lokt_root = here.lokt_root.map(|it| here.folder.join(it));
    let folder = folder.to_owned();
    let inputs =
        RootSearchInputs { folder, lokt_root, git_dir: None, git_common_dir: None, ..here };
    match LockRoot::find(&inputs) {
        Ok(root) => counting(root).map(Ok),
        Err(error) => Ok(Err(error)),
    }
}

/// The project's file that counts in a folder.
pub(crate) fn project_file(folder: &Path) -> Result<Option<ProjectFileText>, CliFailure> {
    let environment = RootSearchInputs { folder: folder.to_owned(), ..surroundings()? };
    Ok(ProjectFileText::find(&environment)?)
}

/// The root of those who do not have this caller's `LOKT_ROOT`.
///
/// Participants are all processes that lock in this folder. Those without the variable use the root
/// that git or `lokt.toml` gives.
pub(crate) struct CompetingLockRoot {
    /// The root that they use.
    root: LockRoot,
    /// Whether anything is held in it now. If not, `lokt.toml` names it, which is reason enough to
    /// warn.
    is_used: bool,
}

impl CompetingLockRoot {
    /// What a person has to know of it.
    ///
    /// Text without a final full stop, for `output::warn`.
    pub(crate) fn warning(&self) -> String {
        let path = self.root.path.display();
        let what = match (self.is_used, self.root.method) {
            (true, _) => format!("locks are held in {path}"),
            (false, _) => format!("lokt.toml names {path}"),
        };
        format!(
            "{what}, the root of every participant without this LOKT_ROOT: two roots are two locks"
        )
    }
}

/// The root that participants without `LOKT_ROOT` use here, if it is another one and anything is held in it, or
/// the project names it.
///
/// `None` if this caller has no `LOKT_ROOT`, if that names the same folder, and if the other root
/// cannot be found.
pub(crate) fn apart(root: &ProjectRoot) -> Option<CompetingLockRoot> {
    if root.method() != RootMethod::Env {
        return None;
    }
    let environment = RootSearchInputs { lokt_root: None, ..surroundings().ok()? };
    let other = LockRoot::find(&environment).ok()?;
    if root.folder().is_some_and(|it| it.path == other.path) {
        return None;
    }
    let caller = Caller::current(None, OwnerSource::Derived, None);
    let is_used = is_used(&files_of(&other), &caller, StoreUsageEvidence::Records).unwrap_or(false);
    let counts = is_used || other.method == RootMethod::Project;
    counts.then_some(CompetingLockRoot { root: other, is_used })
}

/// Warns where the first command with a new `LOKT_ROOT` would be alone with it. A root that is there is not looked at:
/// that would cost every command. Of a cluster, only `lokt doctor` says it.
pub(super) fn warn_if_apart(root: &ProjectRoot) {
    if root.method() == RootMethod::Env
        && root.folder().is_some_and(|it| it.path.symlink_metadata().is_err())
        && let Some(other) = apart(root)
    {
        output::warn(&other.warning());
    }
}

/// Refuses to work where the root, or the repository that has the working folder, belongs to another user: also where
/// `LOKT_ROOT` names another root, because the repository's files are read.
///
/// # Errors
/// [`LockRootError::Foreign`] with the file that belongs to another user. Any other fault of a root
/// is passed over: it shows up where the root is used.
pub(crate) fn require_own_project() -> Result<(), CliFailure> {
    let environment = surroundings()?;
    let without = RootSearchInputs { lokt_root: None, ..environment.clone() };
    let project = foreign_in(&without).filter(|(method, _)| *method == RootMethod::Git);
    match foreign_in(&environment).or(project) {
        Some((_, foreign)) => Err(LockRootError::Foreign(foreign).into()),
        None => Ok(()),
    }
}

/// The file of another user that leads to a root, and how the root was found. Any other fault of the root is an error
/// where the root is used.
fn foreign_in(environment: &RootSearchInputs) -> Option<(RootMethod, ForeignOwnedPath)> {
    let (root, foreign) = LockRoot::locate(environment).ok()?;
    Some((root.method, foreign?))
}

/// What the search for a root depends on: the working folder, git's variables, `LOKT_ROOT`, and the
/// user, which under sudo(8) is also the user who called it. A `LOKT_ROOT` that names a cluster is left out.
///
/// # Errors
/// A failure if the working folder is gone, or a variable has no valid value.
pub(super) fn surroundings() -> Result<RootSearchInputs, CliFailure> {
    let folder = std::env::current_dir().map_err(|error| {
        CliFailure::new(ExitCode::Error, format!("cannot find the working folder: {error}"))
    })?;
    let sudo_uid = env::text(env::SUDO_UID)?.and_then(|uid| uid.parse().ok());
    Ok(RootSearchInputs {
        folder,
        lokt_root: RootVariable::read()?.folder(),
        git_dir: env::literal_path(env::GIT_DIR),
        git_common_dir: env::literal_path(env::GIT_COMMON_DIR),
        account: ProcessUser::current(sudo_uid),
    })
}

/// The root that counts: what was held before there was a repository stays where it was until it is free.
///
/// The roots of before are asked in their order; the first that is still in use is the one that
/// counts. If none is, the found root counts, and `FileLockStore::revive` takes back a mark that
/// said it had ended.
fn counting(root: LockRoot) -> Result<LockRoot, CliFailure> {
    for earlier in &root.earlier {
        if let Some(earlier) = still_counting(earlier, &root)? {
            return Ok(earlier);
        }
    }
    files_of(&root).revive()?;
    Ok(root)
}

/// A root from before the repository or the project's file, if it is still in use. If it is not, this
/// notes in it that its time has ended, where it can end.
///
/// `None` if it does not count any more. In use means: anything held, waited for, frozen or
/// reserved. For a root that may have come with the files of a repository (`is_older` is false),
/// only living processes prove it, because a cloned record proves nothing.
fn still_counting(
    earlier: &PreRepositoryRoot,
    root: &LockRoot,
) -> Result<Option<LockRoot>, CliFailure> {
    let successor = RootSuccessor { path: root.path.clone(), method: root.method };
    let kept = LockRoot {
        path: earlier.path.clone(),
        method: earlier.method,
        earlier: Vec::new(),
        successor: Some(successor),
        unused_file: None,
        replaced_from: None,
    };
    let store = files_of(&kept);
    let caller = Caller::current(None, OwnerSource::Derived, None);
    let proof =
        if earlier.is_older { StoreUsageEvidence::Records } else { StoreUsageEvidence::Processes };
    let is_used = || -> Result<bool, LockStoreError> {
        let is_record_a_proof = proof == StoreUsageEvidence::Records;
        Ok(is_used(&store, &caller, proof)? || (is_record_a_proof && is_reserved(&store, &caller)?))
    };
    if is_used()? {
        return Ok(Some(kept));
    }
    // What came with the files of a repository is left as it is, and so is what counts without `lokt.toml`.
    if !earlier.ends {
        return Ok(None);
    }
    match store.retire(&root.path, is_used) {
        Ok(true) => Ok(None),
        Ok(false) => Ok(Some(kept)),
        // No process can take anything there either.
        Err(LockStoreError::Io { source, .. })
            if source.kind() == std::io::ErrorKind::ReadOnlyFilesystem =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
