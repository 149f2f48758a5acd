use crate::locking::nesting;
use crate::{
    completion,
    context::{CommandContext, project_file},
    exit::ExitCode,
    failure::CliFailure,
    output,
    shell_rules::{GuardRule, read_rules, shown},
    view::{self, suggestion::CommandSuggestionCallerFacts},
};
use clap::Args;
use lokt_lock::{
    ops::{LockExplanation, explain},
    words::{LockMode, LockName, Owner},
};

/// Explain why you can or can't take a lock now
///
/// The exit code is 0 if it is free, else 2.
#[derive(Args, Debug)]
pub(crate) struct WhyCommand {
    /// The lock
    #[arg(add = completion::locks())]
    name: LockName,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl WhyCommand {
    pub(crate) fn run(
        &self,
        context: &CommandContext,
        owner: Option<Owner>,
    ) -> Result<ExitCode, CliFailure> {
        let explanation = explain(&context.store, &self.name, &context.caller)?;
        let asker =
            CommandSuggestionCallerFacts { owner, around: around(&self.name, &explanation) };
        let rules = self.rules();
        output::even_if_unread(if self.json {
            let me = &context.caller;
            let explanation = view::reason::json(&self.name, &explanation, me, &asker);
            output::json(&shown::WithRules { explanation, rules: &rules })
        } else {
            let lines = view::reason::lines(&self.name, &explanation, &asker);
            output::lines(lines.into_iter().chain(rules.iter().map(shown::line)))
        })?;
        Ok(if explanation.is_free() { ExitCode::Done } else { ExitCode::Held })
    }
}

impl WhyCommand {
    /// The rules of the project that are about this lock. A file that is not understood has none, and says so.
    fn rules(&self) -> Vec<GuardRule> {
        // Any other fault of the file is one of the root's.
        let folder = std::env::current_dir().unwrap_or_default();
        let Ok(Some(file)) = project_file(&folder) else { return Vec::new() };
        let rules = read_rules(&file.path, &file.text).unwrap_or_else(|error| {
            output::warn(&error.to_string());
            Vec::new()
        });
        rules.into_iter().filter(|it| it.names.contains(&self.name)).collect()
    }
}

/// The mode of the guard of this name that encloses this process, if there is one.
fn around(name: &LockName, explanation: &LockExplanation) -> Option<LockMode> {
    let held = nesting::held();
    let mut ids = held.iter().filter(|(held, _)| held == name).map(|(_, id)| id);
    let records = || explanation.reasons.iter().filter_map(|reason| reason.record.as_ref());
    let mode = |id| records().find(|it| it.holder(id).is_some()).map(|it| it.mode);
    ids.find_map(mode)
}
