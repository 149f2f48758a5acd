use crate::locking::nesting;
use crate::{
    completion,
    context::CommandContext,
    exit::ExitCode,
    failure::CliFailure,
    output,
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
        output::even_if_unread(if self.json {
            output::json(&view::reason::json(&self.name, &explanation, &context.caller, &asker))
        } else {
            output::lines(view::reason::lines(&self.name, &explanation, &asker))
        })?;
        Ok(if explanation.is_free() { ExitCode::Done } else { ExitCode::Held })
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
