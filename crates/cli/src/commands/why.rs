use super::nesting;
use crate::{
    completion,
    context::Context,
    exit::Code,
    failure::Failure,
    output,
    view::{self, suggestion::Asker},
};
use clap::Args;
use lokt_lock::{
    ops::{Explanation, explain},
    rules::Mode,
    words::{LockName, Owner},
};

/// Explain why a lock can or cannot be taken
///
/// The exit code is 0 when it is free, else 2.
#[derive(Args, Debug)]
pub(crate) struct Why {
    /// The lock
    #[arg(add = completion::locks())]
    name: LockName,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Why {
    pub(crate) fn run(&self, context: &Context, owner: Option<Owner>) -> Result<Code, Failure> {
        let explanation = explain(&context.store, &self.name, &context.caller)?;
        let asker = Asker { owner, around: around(&self.name, &explanation) };
        output::even_if_unread(if self.json {
            output::json(&view::reason::json(&self.name, &explanation, &context.caller, &asker))
        } else {
            output::lines(view::reason::lines(&self.name, &explanation, &asker))
        })?;
        Ok(if explanation.is_free() { Code::Done } else { Code::Held })
    }
}

/// How the guard holds the name that this process runs inside of, where there is one.
fn around(name: &LockName, explanation: &Explanation) -> Option<Mode> {
    let held = nesting::held();
    let mut ids = held.iter().filter(|(held, _)| held == name).map(|(_, id)| id);
    let records = || explanation.reasons.iter().filter_map(|reason| reason.record.as_ref());
    let mode = |id| records().find(|it| it.holder(id).is_some()).map(|it| it.mode);
    ids.find_map(mode)
}
