//! The command `doctor`: checks of the root, of the caller and of git.
//!
//! The checks of the root itself are in `lokt_lock::file::checkup`. Here are those about the
//! caller's session, sandboxes, and other roots. A root of another user is not examined at all.

use crate::{
    context::{CommandContext, apart, project_file},
    env,
    exit::ExitCode,
    failure::CliFailure,
    output,
    sandbox::advice,
    shell_rules::read_rules,
};
use clap::Args;
use lokt_lock::{
    file::{CheckStatus, ForeignOwnedPath, RootCheckOutcome, RootMethod, checkup},
    harness::AgentSource,
    record::FORMAT_VERSION,
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
        let (context, foreign) = CommandContext::to_examine()?;
        let context = &context;
        let mut checks =
            foreign.as_ref().map_or_else(|| context.checks(), |it| vec![foreign_root(it)]);
        if foreign.is_none() {
            checks.push(git());
        }
        let overall = checks.iter().map(|check| check.status).max().unwrap_or(CheckStatus::Ok);
        output::even_if_unread(self.report(context, &checks, overall))?;
        Ok(if overall == CheckStatus::Fail { ExitCode::Error } else { ExitCode::Done })
    }

    /// Prints the checks, and the worst of them as `overall`.
    fn report(
        &self,
        context: &CommandContext,
        checks: &[RootCheckOutcome],
        overall: CheckStatus,
    ) -> Result<(), CliFailure> {
        let root = context.root.path.display().to_string();
        let method = context.root.method.as_str();
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
            output::text(&format!("{:<5} {name:<12} {message}", status.as_str()))?;
        }
        output::text(&format!("overall: {}", overall.as_str()))
    }
}

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

impl CommandContext {
    /// All checks, in the order in which they are shown. Most of these say nothing where all is
    /// well.
    fn checks(&self) -> Vec<RootCheckOutcome> {
        let owner = "the root, and what leads to it, is trusted".to_owned();
        let owner = RootCheckOutcome { name: "owner", status: CheckStatus::Ok, message: owner };
        let checks = [owner].into_iter().chain(checkup(&self.store));
        let checks = checks.chain(self.session()).chain(self.sandbox());
        let checks = checks.chain(self.is_earlier()).chain(self.other_root());
        checks.chain(self.project_file()).chain(rules()).chain(relative_root()).collect()
    }

    /// A warning where each command is another agent.
    fn session(&self) -> Option<RootCheckOutcome> {
        let caller = &self.caller;
        let is_session = matches!(caller.agent_source, AgentSource::Terminal { .. });
        let message = format!(
            "the terminal session began outside this pid namespace (container), so each command is another agent, and \
             none can renew or unlock what an earlier one locked; set {} to one id for each agent or job",
            env::AGENT_ID
        );
        let check = RootCheckOutcome { name: "session", status: CheckStatus::Warn, message };
        (is_session && !caller.has_visible_session()).then_some(check)
    }

    /// What to do where a sandbox, or the file system, keeps the root read-only.
    fn sandbox(&self) -> Option<RootCheckOutcome> {
        let hints = advice::of_unwritable(&self.root);
        let message = hints.join("; ");
        let check = RootCheckOutcome { name: "sandbox", status: CheckStatus::Fail, message };
        (!hints.is_empty()).then_some(check)
    }

    /// A warning where `LOKT_ROOT` keeps this caller's locks apart from those of others.
    fn other_root(&self) -> Option<RootCheckOutcome> {
        let other = apart(&self.root)?;
        let message = other.warning();
        Some(RootCheckOutcome { name: "lokt_root", status: CheckStatus::Warn, message })
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
    let root = env::path(env::ROOT).ok().flatten().filter(|root| !root.is_absolute())?;
    let message = format!(
        "LOKT_ROOT={} is relative: each working folder has other locks; set an absolute path",
        root.display()
    );
    Some(RootCheckOutcome { name: "lokt_root", status: CheckStatus::Warn, message })
}
