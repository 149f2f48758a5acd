use super::{reservations::report_faults, why_path::TypedPath};
use crate::locking::nesting;
use crate::{
    completion,
    context::{CommandContext, project_file},
    exit::ExitCode,
    failure::{CliFailure, chain},
    output,
    shell_rules::{GuardRule, read_rules, shown},
    view::{self, suggestion::CommandSuggestionCallerFacts},
};
use clap::Args;
use lokt_lock::{
    ops::{LockExplanation, explain, list_reservations},
    words::{LockMode, LockName, Owner},
};
use std::ffi::OsString;

/// Explain why you can or can't take a lock, or reserve a path, now
///
/// With a / in it, or a character that no lock's name has, the argument is a path or a glob of the project. Else it is
/// a lock; if a path has that name and is reserved, that is explained too.
///
/// The exit code is 0 if the lock is free, else 2, also if you hold it. For a path it is 0 unless another has reserved
/// it.
#[derive(Args, Debug)]
pub(crate) struct WhyCommand {
    /// The lock, or the path
    #[arg(value_name = "NAME|PATH", add = completion::locks_and_paths())]
    subject: OsString,
    /// Explain the lock only, also if a path has this name
    #[arg(long)]
    lock: bool,
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
        match self.subject.to_str().map(LockName::new) {
            Some(Ok(name)) if self.lock => self.of_lock(context, owner, (&name, None)),
            Some(Err(error)) if self.lock => Err(CliFailure::usage(error.to_string())),
            None if self.lock => Err(CliFailure::usage("a lock's name is UTF-8")),
            Some(Ok(name)) => {
                // Without a project there is no path; the lock is explained in any case.
                let path = TypedPath::read(context, &self.subject).ok();
                self.of_lock(context, owner, (&name, path.as_ref()))
            }
            _ => self.of_path(context, owner),
        }
    }

    fn of_lock(
        &self,
        context: &CommandContext,
        owner: Option<Owner>,
        (name, path): (&LockName, Option<&TypedPath>),
    ) -> Result<ExitCode, CliFailure> {
        let explanation = explain(&context.store, name, &context.caller)?;
        let list = path.and_then(|_| match list_reservations(&context.store, &context.caller) {
            Ok(list) => Some(list),
            Err(error) => {
                output::warn(&format!("what is reserved cannot be read: {}", chain(&error)));
                None
            }
        });
        let path = path.zip(list.as_ref()).filter(|(path, list)| path.is_meant(list));
        let path = path.map(|(path, list)| path.explain(list, context, owner.clone()));
        let path = path.filter(|it| !it.reasons.is_empty());
        let asker = CommandSuggestionCallerFacts { owner, around: around(name, &explanation) };
        let rules = rules(name);
        output::even_if_unread(if self.json {
            let by = (&context.caller, &asker);
            let explanation = view::reason::json(name, &explanation, path.as_ref(), by);
            output::json(&shown::WithRules { explanation, rules: &rules })
        } else {
            let lines = view::reason::lines(name, &explanation, &asker);
            let more = path.iter().flat_map(view::path_reason::lines);
            output::lines(lines.into_iter().chain(rules.iter().map(shown::line)).chain(more))
        })?;
        let is_free = explanation.is_free() && path.is_none_or(|it| it.is_free());
        Ok(if is_free { ExitCode::Done } else { ExitCode::Held })
    }

    fn of_path(
        &self,
        context: &CommandContext,
        owner: Option<Owner>,
    ) -> Result<ExitCode, CliFailure> {
        let typed = TypedPath::read(context, &self.subject)?;
        let list = list_reservations(&context.store, &context.caller)?;
        let path = typed.explain(&list, context, owner);
        output::even_if_unread(if self.json {
            output::json(&view::path_reason::json(&path, &context.caller))
        } else {
            output::lines(view::path_reason::lines(&path))
        })?;
        if typed.is_unknown() && path.reasons.is_empty() && list.faults.is_empty() {
            output::note(
                "nothing is there yet; if you mean a lock, its name has only A-Z a-z 0-9 . _ -",
            );
        }
        let is_free = path.is_free();
        // What cannot be read may be a reservation of another.
        let code = report_faults(list)?;
        Ok(if is_free { code } else { ExitCode::Held })
    }
}

/// The rules of the project that are about a lock. A file that is not understood has none, and says so.
fn rules(name: &LockName) -> Vec<GuardRule> {
    // Any other fault of the file is one of the root's.
    let folder = std::env::current_dir().unwrap_or_default();
    let Ok(Some(file)) = project_file(&folder) else { return Vec::new() };
    let rules = read_rules(&file.path, &file.text).unwrap_or_else(|error| {
        output::warn(&error.to_string());
        Vec::new()
    });
    rules.into_iter().filter(|it| it.names.contains(name)).collect()
}

/// The mode of the guard of this name that encloses this process, if there is one.
fn around(name: &LockName, explanation: &LockExplanation) -> Option<LockMode> {
    let held = nesting::held();
    let mut ids = held.iter().filter(|(held, _)| held == name).map(|(_, id)| id);
    let records = || explanation.reasons.iter().filter_map(|reason| reason.record.as_ref());
    let mode = |id| records().find(|it| it.holder(id).is_some()).map(|it| it.mode);
    ids.find_map(mode)
}
