use crate::{env, failure::Failure};
use clap::Args;
use lokt_lock::{
    caller::Caller,
    file::{FileStore, Root, RootEnvironment},
    rules::OwnerSource,
    words::{AgentId, Owner},
};

/// What every command understands.
#[derive(Args, Debug)]
pub(crate) struct GlobalOptions {
    /// Act as this owner [default: `LOKT_OWNER`, else the OS user in this terminal]
    #[arg(long, global = true, value_name = "OWNER")]
    pub(crate) owner: Option<Owner>,
}

/// What every command needs to know: who calls, and where the locks are.
pub(crate) struct Context {
    pub(crate) caller: Caller,
    pub(crate) root: Root,
    pub(crate) store: FileStore,
}

impl Context {
    /// Finds out who calls and where the locks are; makes nothing.
    pub(crate) fn new(global: &GlobalOptions) -> Result<Self, Failure> {
        let root = find_root()?;
        let store = FileStore::new(&root.path);
        Ok(Self { caller: caller(global)?, root, store })
    }
}

/// The root that is meant in this folder and environment.
pub(crate) fn find_root() -> Result<Root, Failure> {
    let folder = std::env::current_dir().map_err(|error| {
        Failure::new(
            crate::exit::ExitCode::Error,
            format!("cannot find the working folder: {error}"),
        )
    })?;
    Ok(Root::find(&RootEnvironment {
        folder,
        lokt_root: env::path(env::ROOT)?,
        git_dir: env::literal_path(env::GIT_DIR),
        git_common_dir: env::literal_path(env::GIT_COMMON_DIR),
    })?)
}

fn caller(global: &GlobalOptions) -> Result<Caller, Failure> {
    let by_variable = env::text(env::OWNER)?;
    // Inside a guarded command the variable is always set; it counts as given only where somebody set it.
    let derived = by_variable.is_some() && by_variable == env::text(env::OWNER_DERIVED)?;
    let by_variable = by_variable.map(Owner::new).transpose();
    let by_variable =
        by_variable.map_err(|error| Failure::usage(format!("{}: {error}", env::OWNER)))?;
    let source = match (&global.owner, derived) {
        (None, true) => OwnerSource::Derived,
        _ => OwnerSource::Given,
    };
    let owner = global.owner.clone().or(by_variable);
    let agent = env::text(env::AGENT_ID)?.as_deref().and_then(AgentId::new);
    Ok(Caller::current(owner, source, agent))
}
