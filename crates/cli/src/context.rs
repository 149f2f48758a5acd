//! What every command needs before it begins: who the caller is, and which folder has the locks.
//!
//! Both are found once. [`CommandContext`] carries them to the commands, together with a store on
//! that folder. The rules are in the lock library (`file::root`, `file::earlier`, `caller`); this
//! file reads the environment for them (through `env.rs`) and decides what is said about
//! the result.
//!
//! A root is the folder with all locks of a repository. Two processes that find two roots do not
//! exclude each other, so this file refuses or warns wherever that could happen unnoticed: a root
//! of another user, a `LOKT_ROOT` beside locks that are held elsewhere, a root from before there
//! was a repository.

use crate::{
    env,
    exit::ExitCode,
    failure::CliFailure,
    output,
    project_store::{ProjectStore, store_of},
    view::command_line,
};
use clap::Args;
use lokt_lock::{
    caller::Caller,
    file::{
        ForeignOwnedPath, LockRoot, LockRootError, PreRepositoryRoot, ProcessUser, ProjectFileText,
        RootMethod, RootSearchInputs, RootSuccessor,
    },
    harness,
    ops::{StoreUsageEvidence, is_reserved, is_used},
    project::{ProjectSearchInputs, ProjectWorkingFolder},
    rules::OwnerSource,
    store::LockStoreError,
    words::{AgentId, Owner},
};
use std::{ffi::OsString, path::Path};

/// The owner to act as.
#[derive(Args, Debug, Default)]
pub(crate) struct OwnerOption {
    /// Act as this owner; not for agents, because all with one given owner are one [default: `LOKT_OWNER`, else the OS
    /// user]
    #[arg(long, value_name = "OWNER", display_order = 900)]
    pub(crate) owner: Option<Owner>,
}

// A command whose effect depends on the owner: its arguments, and that option. No doc comment: it would replace the
// help of the command.
#[derive(Args, Debug)]
pub(crate) struct CommandWithOwnerOption<A: Args> {
    #[command(flatten)]
    pub(crate) acting: OwnerOption,
    #[command(flatten)]
    pub(crate) command: A,
}

impl<A: Args> CommandWithOwnerOption<A> {
    /// Runs the command for its owner.
    ///
    /// Fails before `run` if the caller or the root cannot be found.
    pub(crate) fn run(
        self,
        run: impl FnOnce(A, &CommandContext) -> Result<ExitCode, CliFailure>,
    ) -> Result<ExitCode, CliFailure> {
        run(self.command, &CommandContext::new(&self.acting)?)
    }

    /// The same, without a note when a root is made.
    ///
    /// For commands whose stderr is a screen.
    pub(crate) fn run_unannounced(
        self,
        run: impl FnOnce(A, &CommandContext) -> Result<ExitCode, CliFailure>,
    ) -> Result<ExitCode, CliFailure> {
        run(self.command, &CommandContext::new(&self.acting)?.unannounced())
    }
}

/// The facts that every command needs: the caller, and the folder of the locks.
pub(crate) struct CommandContext {
    /// The owner, agent and process that the command acts as.
    pub(crate) caller: Caller,
    /// The folder of the locks, and how it was found.
    pub(crate) root: LockRoot,
    /// The locks in that folder.
    pub(crate) store: ProjectStore,
}

impl CommandContext {
    /// Finds the caller and the folder of the locks; creates nothing.
    ///
    /// # Errors
    /// A failure if a variable or the working folder cannot be read, if the root is another user's,
    /// or if the repository is unclear.
    pub(crate) fn new(acting: &OwnerOption) -> Result<Self, CliFailure> {
        Self::of(caller(acting)?)
    }

    /// The same for a session of Claude Code, if no other harness is nearer. A hook knows the session from its input.
    ///
    /// Only hooks need this: the harness passes the session in a hook's input, and not always in
    /// its environment.
    pub(crate) fn in_session(acting: &OwnerOption, session: &str) -> Result<Self, CliFailure> {
        Self::of(caller_by(acting, |key| {
            if key == harness::CLAUDE_SESSION { Some(session.into()) } else { env::value(key) }
        })?)
    }

    /// Finds the root, and warns if this caller would be alone with it. Only a root that this
    /// command would make outside of a repository is announced.
    fn of(caller: Caller) -> Result<Self, CliFailure> {
        let root = find_root()?;
        warn_if_apart(&root);
        let store = store_of(&root);
        let is_local = root.method == RootMethod::Local;
        let store = if is_local { store.announcing(announce) } else { store };
        Ok(Self { caller, root, store })
    }

    /// The same for a command that only reads: no option gives its owner.
    pub(crate) fn to_read() -> Result<Self, CliFailure> {
        Self::new(&OwnerOption::default())
    }

    /// The same for a completion, which says nothing.
    pub(crate) fn quietly() -> Result<Self, CliFailure> {
        let root = find_root()?;
        let store = store_of(&root);
        Ok(Self { caller: caller(&OwnerOption::default())?, root, store })
    }

    /// The same, without a note when a root is made: for a command that draws on the whole screen.
    pub(crate) fn unannounced(self) -> Self {
        Self { store: self.store.unannounced(), ..self }
    }

    /// Finds the project of the working folder.
    ///
    /// Reservations are about paths below the project: the git work tree of the working folder,
    /// without git the folder that has the root.
    pub(crate) fn project(&self) -> Result<ProjectWorkingFolder, CliFailure> {
        let surroundings = surroundings()?;
        Ok(ProjectWorkingFolder::find(&ProjectSearchInputs {
            folder: surroundings.folder,
            git_work_tree: env::literal_path(env::GIT_WORK_TREE),
            git_dir: surroundings.git_dir,
            lock_root: self.root.path.clone(),
        })?)
    }

    /// The same, where the root may be another user's: nothing may be done with it but to say so.
    ///
    /// For `lokt doctor`, which must work where nothing else does. The second value is the file or
    /// folder of another user that leads to the root; with it, whether an earlier root counts is
    /// not looked up.
    pub(crate) fn to_examine() -> Result<(Self, Option<ForeignOwnedPath>), CliFailure> {
        let (root, foreign) = LockRoot::locate(&surroundings()?)?;
        let root = if foreign.is_none() { counting(root)? } else { root };
        let store = store_of(&root);
        Ok((Self { caller: caller(&OwnerOption::default())?, root, store }, foreign))
    }
}

/// Says where a new root is, and how others share it: nothing else shows that other folders have other locks.
fn announce(root: &Path) {
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
pub(crate) fn find_root() -> Result<LockRoot, CliFailure> {
    counting(LockRoot::find(&surroundings()?)?)
}

/// The root of a folder, whatever the working folder is: for hooks, which are about files anywhere. `LOKT_ROOT` counts,
/// and git's variables do not: they are about the working folder. The inner error is about this root alone.
pub(crate) fn root_of(folder: &Path) -> Result<Result<LockRoot, LockRootError>, CliFailure> {
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
pub(crate) fn apart(root: &LockRoot) -> Option<CompetingLockRoot> {
    if root.method != RootMethod::Env {
        return None;
    }
    let environment = RootSearchInputs { lokt_root: None, ..surroundings().ok()? };
    let other = LockRoot::find(&environment).ok().filter(|it| it.path != root.path)?;
    let caller = Caller::current(None, OwnerSource::Derived, None);
    let is_used = is_used(&store_of(&other), &caller, StoreUsageEvidence::Records).unwrap_or(false);
    let counts = is_used || other.method == RootMethod::Project;
    counts.then_some(CompetingLockRoot { root: other, is_used })
}

/// Warns where the first command with a new `LOKT_ROOT` would be alone with it. A root that is there is not looked at:
/// that would cost every command.
fn warn_if_apart(root: &LockRoot) {
    if root.method == RootMethod::Env
        && root.path.symlink_metadata().is_err()
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
/// user, which under sudo(8) is also the user who called it.
///
/// # Errors
/// A failure if the working folder is gone, or a variable has no valid value.
fn surroundings() -> Result<RootSearchInputs, CliFailure> {
    let folder = std::env::current_dir().map_err(|error| {
        CliFailure::new(ExitCode::Error, format!("cannot find the working folder: {error}"))
    })?;
    let sudo_uid = env::text(env::SUDO_UID)?.and_then(|uid| uid.parse().ok());
    Ok(RootSearchInputs {
        folder,
        lokt_root: env::path(env::ROOT)?,
        git_dir: env::literal_path(env::GIT_DIR),
        git_common_dir: env::literal_path(env::GIT_COMMON_DIR),
        account: ProcessUser::current(sudo_uid),
    })
}

/// The root that counts: what was held before there was a repository stays where it was until it is free.
///
/// The roots of before are asked in their order; the first that is still in use is the one that
/// counts. If none is, the found root counts, and [`ProjectStore::revive`] takes back a mark that
/// said it had ended.
fn counting(root: LockRoot) -> Result<LockRoot, CliFailure> {
    for earlier in &root.earlier {
        if let Some(earlier) = still_counting(earlier, &root)? {
            return Ok(earlier);
        }
    }
    store_of(&root).revive()?;
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
    let store = store_of(&kept);
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

/// The caller, by the arguments and the environment.
///
/// # Errors
/// A usage failure if `LOKT_OWNER` or `LOKT_AGENT_ID` is no valid value.
pub(crate) fn caller(acting: &OwnerOption) -> Result<Caller, CliFailure> {
    caller_by(acting, env::value)
}

/// The caller, where a harness's variables have these values.
///
/// The owner is `--owner`, else `LOKT_OWNER`, else the user of the system. The agent is
/// `LOKT_AGENT_ID`, else the session of the harness above this process, else the terminal session.
fn caller_by(
    acting: &OwnerOption,
    value_of: impl Fn(&str) -> Option<OsString>,
) -> Result<Caller, CliFailure> {
    let by_variable = env::text(env::OWNER)?;
    // Inside a guarded command the variable is always set; it counts as given only if the user set it.
    let derived = by_variable.is_some() && by_variable == env::text(env::OWNER_DERIVED)?;
    let by_variable = by_variable.map(Owner::new).transpose();
    let by_variable =
        by_variable.map_err(|error| CliFailure::usage(format!("{}: {error}", env::OWNER)))?;
    let source = match (&acting.owner, derived) {
        (None, true) => OwnerSource::Derived,
        _ => OwnerSource::Given,
    };
    let owner = acting.owner.clone().or(by_variable);
    let agent = AgentId::given(&env::text(env::AGENT_ID)?.unwrap_or_default());
    let agent = agent.map_err(|error| CliFailure::usage(format!("{}: {error}", env::AGENT_ID)))?;
    Ok(Caller::within(owner, source, agent, value_of))
}
