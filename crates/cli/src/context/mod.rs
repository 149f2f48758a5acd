//! What every command needs before it begins: who the caller is, and which folder has the locks.
//!
//! Both are found once. [`CommandContext`] carries them to the commands, together with a store on
//! that folder. The rules are in the lock library (`file::root`, `file::earlier`, `caller`); this
//! room reads the environment for them (through `env.rs`) and decides what is said about
//! the result. Where `LOKT_ROOT` names a cluster, that has the locks, and no folder is looked for.
//!
//! A root is the folder with all locks of a repository. Two processes that find two roots do not
//! exclude each other, so `search` refuses or warns wherever that could happen unnoticed: a root
//! of another user, a `LOKT_ROOT` beside locks that are held elsewhere, a root from before there
//! was a repository.

mod search;

pub(crate) use search::{apart, find_root, project_file, require_own_project, root_of};

use crate::{
    env,
    exit::ExitCode,
    failure::CliFailure,
    project_store::{ProjectRoot, ProjectStore, no_reservations, store_of},
};
use clap::Args;
use lokt_lock::{
    caller::Caller,
    file::{FileLockStore, ForeignOwnedPath, LockRoot, RootMethod},
    harness,
    project::{ProjectSearchInputs, ProjectWorkingFolder},
    rules::OwnerSource,
    words::{AgentId, Owner},
};
use search::{announce, locate, surroundings, warn_if_apart};
use std::ffi::OsString;

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

/// The facts that every command needs: the caller, and where the locks are.
pub(crate) struct CommandContext {
    /// The owner, agent and process that the command acts as.
    pub(crate) caller: Caller,
    /// The folder or the cluster of the locks, and how it was found.
    pub(crate) root: ProjectRoot,
    /// The locks there.
    pub(crate) store: ProjectStore,
}

impl CommandContext {
    /// Finds the caller and the folder of the locks, or connects to their cluster; creates nothing.
    ///
    /// # Errors
    /// A failure if a variable or the working folder cannot be read, if the root is another user's,
    /// if the repository is unclear, or if the cluster cannot be reached.
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
        let store = store_of(&root)?;
        let is_local = root.method() == RootMethod::Local;
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
        let store = store_of(&root)?;
        Ok(Self { caller: caller(&OwnerOption::default())?, root, store })
    }

    /// The same, without a note when a root is made: for a command that draws on the whole screen.
    pub(crate) fn unannounced(self) -> Self {
        Self { store: self.store.unannounced(), ..self }
    }

    /// Finds the project of the working folder.
    ///
    /// Reservations are about paths below the project: the git work tree of the working folder,
    /// without git the folder that has the root. A cluster has none, so there is no project for them either.
    pub(crate) fn project(&self) -> Result<ProjectWorkingFolder, CliFailure> {
        let Some(root) = self.root.folder() else { return Err(no_reservations().into()) };
        let surroundings = surroundings()?;
        Ok(ProjectWorkingFolder::find(&ProjectSearchInputs {
            folder: surroundings.folder,
            git_work_tree: env::literal_path(env::GIT_WORK_TREE),
            git_dir: surroundings.git_dir,
            lock_root: root.path.clone(),
        })?)
    }

    /// The folder of the locks and its store, for something that a cluster does not have yet.
    ///
    /// # Errors
    /// A failure that names `what`, on a cluster.
    pub(crate) fn require_files(
        &self,
        what: &str,
    ) -> Result<(&LockRoot, &FileLockStore), CliFailure> {
        let root = self.root.require_folder(what)?;
        // A folder has a store of files.
        self.store.files().map(|store| (root, store)).ok_or_else(|| {
            CliFailure::new(ExitCode::Error, format!("{} has no files", self.root.shown()))
        })
    }
}

/// What a folder of locks is examined with, also where it may not be used.
pub(crate) struct ExaminedFolder {
    /// The folder, and how it was found.
    pub(crate) root: LockRoot,
    /// The file or folder of another user that leads to it: nothing may be done then but to say so, and whether an
    /// earlier root counts is not looked up.
    pub(crate) foreign: Option<ForeignOwnedPath>,
}

impl ExaminedFolder {
    /// Finds the folder.
    ///
    /// For `lokt doctor`, which must work where nothing else does.
    pub(crate) fn find() -> Result<Self, CliFailure> {
        let (root, foreign) = locate()?;
        Ok(Self { root, foreign })
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
