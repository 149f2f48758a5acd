use crate::{context::Context, exit::ExitCode, failure::Failure, output};
use clap::Args;
use lokt_lock::{
    file::{CheckStatus, RootCheck, checkup},
    record::FORMAT_VERSION,
};
use lokt_once::tree::{OLDEST_GIT, git_version};
use serde_json::{Value, json};

/// Check that locks work here
///
/// The exit code is 1 when a check fails; warnings don't count.
#[derive(Args, Debug)]
pub(crate) struct DoctorCommand {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl DoctorCommand {
    pub(crate) fn run(&self, context: &Context) -> Result<ExitCode, Failure> {
        let mut checks = checkup(&context.store);
        checks.push(git());
        let overall = checks.iter().map(|check| check.status).max().unwrap_or(CheckStatus::Ok);
        output::even_if_unread(self.report(context, &checks, overall))?;
        Ok(if overall == CheckStatus::Fail { ExitCode::Error } else { ExitCode::Done })
    }

    fn report(
        &self,
        context: &Context,
        checks: &[RootCheck],
        overall: CheckStatus,
    ) -> Result<(), Failure> {
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
        for RootCheck { name, status, message } in checks {
            output::text(&format!("{:<5} {name:<12} {message}", status.as_str()))?;
        }
        output::text(&format!("overall: {}", overall.as_str()))
    }
}

/// Only `once` asks git, and not where its inputs are files.
fn git() -> RootCheck {
    let (status, message) = match git_version() {
        Some(found) if found >= OLDEST_GIT => (CheckStatus::Ok, format!("version {found}")),
        Some(found) => {
            let text = format!("version {found}: `once` needs {OLDEST_GIT} or later");
            (CheckStatus::Warn, text)
        }
        None => (CheckStatus::Warn, "cannot be run: `once` needs it to list files".to_owned()),
    };
    RootCheck { name: "git", status, message }
}
