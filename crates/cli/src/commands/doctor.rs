//! The command `doctor`: checks of the root, of the caller and of git.
//!
//! The checks of a folder are in `lokt_lock::file::checkup`. Here are those about a cluster, the
//! caller's session, sandboxes, and other roots. A root of another user is not examined at all.

use crate::{
    context::{ExaminedFolder, OwnerOption, apart, caller, project_file},
    env,
    exit::ExitCode,
    failure::CliFailure,
    output,
    project_store::{ProjectRoot, RootVariable, files_of, store_of},
    sandbox::advice,
    shell_rules::read_rules,
};
use clap::Args;
use lokt_etcd::ClusterAddress;
use lokt_lock::{
    caller::Caller,
    file::{CheckStatus, ForeignOwnedPath, LockRoot, RootCheckOutcome, RootMethod, checkup},
    harness::AgentSource,
    record::FORMAT_VERSION,
    store::{LockListing, LockRecordKind, LockStore},
};
use lokt_once::tree::{OLDEST_GIT, git_version};
use serde_json::{Value, json};

/// Check that locks work here
///
/// The exit code is 1 if a check fails; warnings don't count.
#[derive(Args, Debug)]
pub(crate) struct DoctorCommand {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl DoctorCommand {
    /// The exit code is [`ExitCode::Error`] if one check fails. Warnings do not change it.
    pub(crate) fn run(&self) -> Result<ExitCode, CliFailure> {
        let (root, checks) = match RootVariable::read()? {
            RootVariable::Cluster(address) => examine_cluster(address)?,
            RootVariable::Absent | RootVariable::Folder(_) => examine_folder()?,
        };
        let overall = checks.iter().map(|check| check.status).max().unwrap_or(CheckStatus::Ok);
        output::even_if_unread(self.report(&root, &checks, overall))?;
        Ok(if overall == CheckStatus::Fail { ExitCode::Error } else { ExitCode::Done })
    }

    /// Prints the checks, and the worst of them as `overall`.
    fn report(
        &self,
        root: &ProjectRoot,
        checks: &[RootCheckOutcome],
        overall: CheckStatus,
    ) -> Result<(), CliFailure> {
        let method = root.method().as_str();
        let root = root.shown();
        if self.json {
            let checks: Vec<Value> = checks
                .iter()
                .map(|it| json!({"name": it.name, "status": it.status.as_str(), "message": it.message}))
                .collect();
            return output::json(
                &json!({"protocol_version": FORMAT_VERSION, "root_method": method,
                "root_path": root, "checks": checks, "overall": overall.as_str()}),
            );
        }
        output::text(&format!("root: {root} ({method}), lock records: version {FORMAT_VERSION}"))?;
        for RootCheckOutcome { name, status, message } in checks {
            // Only the lines to copy stand alone: any other line break is not to be seen as one.
            let (first, copied) = match message.split_once('\n') {
                Some(parts) if *name == SANDBOX => parts,
                _ => (message.as_str(), ""),
            };
            output::text(&format!("{:<5} {name:<12} {first}", status.as_str()))?;
            copied.lines().try_for_each(output::text)?;
        }
        output::text(&format!("overall: {}", overall.as_str()))
    }
}

/// The check whose message has lines to copy.
const SANDBOX: &str = "sandbox";

/// Only `once` asks git, and not where its inputs are files.
fn git() -> RootCheckOutcome {
    let (status, message) = match git_version() {
        Some(found) if found >= OLDEST_GIT => (CheckStatus::Ok, format!("version {found}")),
        Some(found) => {
            let text = format!("version {found}: `once` needs {OLDEST_GIT} or later");
            (CheckStatus::Warn, text)
        }
        None => (CheckStatus::Warn, "cannot be run: `once` needs it to list files".to_owned()),
    };
    RootCheckOutcome { name: "git", status, message }
}

/// All that there is to say of a root of another user: it is not examined further.
fn foreign_root(foreign: &ForeignOwnedPath) -> RootCheckOutcome {
    let message = format!(
        "{} belongs to another user (uid {}), so nothing here is used; if you trust that user: git config --global \
         --add safe.directory {}",
        foreign.path.display(),
        foreign.uid,
        foreign.exception.display(),
    );
    RootCheckOutcome { name: "owner", status: CheckStatus::Fail, message }
}

/// A root, and the outcome of all checks.
type Examination = (ProjectRoot, Vec<RootCheckOutcome>);

/// Examines the folder of the locks.
fn examine_folder() -> Result<Examination, CliFailure> {
    let ExaminedFolder { root, foreign } = ExaminedFolder::find()?;
    let caller = caller(&OwnerOption::default())?;
    let checks = match &foreign {
        Some(foreign) => vec![foreign_root(foreign)],
        None => FolderExamination { root: &root, caller: &caller }.checks(),
    };
    Ok((ProjectRoot::Folder(root), checks))
}

/// Examines the connection to a cluster.
fn examine_cluster(address: ClusterAddress) -> Result<Examination, CliFailure> {
    let root = ProjectRoot::Cluster(address);
    let caller = caller(&OwnerOption::default())?;
    let checks = [cluster(&root)].into_iter().chain(session(&caller));
    let checks = checks.chain(other_root(&root)).chain(rules()).chain([git()]).collect();
    Ok((root, checks))
}

/// Whether the cluster can be reached, and its locks read.
fn cluster(root: &ProjectRoot) -> RootCheckOutcome {
    let read = store_of(root).and_then(|store| {
        let names = store.listing().names(LockRecordKind::Lock);
        names.map_err(CliFailure::from)
    });
    let (status, message) = match read {
        Ok(names) => {
            let known = format!("it answers, and has {} locked names", names.len());
            let unknown = "not checked yet: the state of its members, and the right to write";
            (CheckStatus::Ok, format!("{known}; {unknown}"))
        }
        Err(failure) => {
            let lines: Vec<String> = [failure.message].into_iter().chain(failure.hints).collect();
            (CheckStatus::Fail, lines.join("; "))
        }
    };
    RootCheckOutcome { name: "cluster", status, message }
}

/// A warning where each command is another agent.
fn session(caller: &Caller) -> Option<RootCheckOutcome> {
    let is_session = matches!(caller.agent_source, AgentSource::Terminal { .. });
    let message = format!(
        "the terminal session began outside this pid namespace (container), so each command is another agent, and \
         none can renew or unlock what an earlier one locked; set {} to one id for each agent or job, which no other has (lokt whoami gives a new one)",
        env::AGENT_ID
    );
    let check = RootCheckOutcome { name: "session", status: CheckStatus::Warn, message };
    (is_session && !caller.has_visible_session()).then_some(check)
}

/// A warning where `LOKT_ROOT` keeps this caller's locks apart from those of others.
fn other_root(root: &ProjectRoot) -> Option<RootCheckOutcome> {
    let message = apart(root)?.warning();
    Some(RootCheckOutcome { name: "lokt_root", status: CheckStatus::Warn, message })
}

/// The folder that is examined, and the caller.
struct FolderExamination<'a> {
    root: &'a LockRoot,
    caller: &'a Caller,
}

impl FolderExamination<'_> {
    /// All checks, in the order in which they are shown. Most of these say nothing where all is
    /// well.
    fn checks(&self) -> Vec<RootCheckOutcome> {
        let owner = "the root, and what leads to it, is trusted".to_owned();
        let owner = RootCheckOutcome { name: "owner", status: CheckStatus::Ok, message: owner };
        let checks = [owner].into_iter().chain(checkup(&files_of(self.root)));
        let checks = checks.chain(session(self.caller)).chain(self.sandbox());
        let root = ProjectRoot::Folder(self.root.clone());
        let checks = checks.chain(self.is_earlier()).chain(other_root(&root));
        let checks = checks.chain(self.project_file()).chain(rules()).chain(relative_root());
        checks.chain([git()]).collect()
    }

    /// What to do where a sandbox, or the file system, keeps the root read-only.
    fn sandbox(&self) -> Option<RootCheckOutcome> {
        let hints = advice::of_unwritable(self.root);
        let message = advice::joined(&hints);
        let check = RootCheckOutcome { name: SANDBOX, status: CheckStatus::Fail, message };
        (!hints.is_empty()).then_some(check)
    }

    /// A warning where a `lokt.toml` does not count.
    fn project_file(&self) -> Option<RootCheckOutcome> {
        let path = self.root.unused_file.as_ref()?;
        let message = format!(
            "the folder that {} names does not count: this repository has no main work tree, so its worktrees share \
             {} only",
            path.display(),
            self.root.path.display(),
        );
        Some(RootCheckOutcome { name: "project", status: CheckStatus::Warn, message })
    }

    /// Whether what was held before there was a repository, or a `lokt.toml`, keeps the locks where they were.
    fn is_earlier(&self) -> Option<RootCheckOutcome> {
        let successor = self.root.successor.as_ref()?;
        let (name, what) = match successor.method {
            RootMethod::Project => {
                ("project", format!("lokt.toml names {} now", successor.path.display()))
            }
            _ => ("repository", "there is a git repository now".to_owned()),
        };
        let message = format!("{what}; what is held here keeps the locks here until it is free");
        Some(RootCheckOutcome { name, status: CheckStatus::Warn, message })
    }
}

/// A failure where the rules of the project are not understood.
fn rules() -> Option<RootCheckOutcome> {
    // Any other fault of the file is one of the root's.
    let file = project_file(&std::env::current_dir().ok()?).ok()??;
    let message = read_rules(&file.path, &file.text).err()?.to_string();
    Some(RootCheckOutcome { name: "rules", status: CheckStatus::Fail, message })
}

/// A warning where each working folder has other locks.
fn relative_root() -> Option<RootCheckOutcome> {
    let root = RootVariable::read().ok()?.folder().filter(|root| !root.is_absolute())?;
    let message = format!(
        "LOKT_ROOT={} is relative: each working folder has other locks; set an absolute path",
        root.display()
    );
    Some(RootCheckOutcome { name: "lokt_root", status: CheckStatus::Warn, message })
}
