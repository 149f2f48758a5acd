//! The command `once`: runs a command only if something that its result depends on has changed.
//!
//! * [`OnceCommand`]: its arguments.
//! * [`request`]: all that the result depends on, found out from them.
//! * [`session`]: the way to a result: a kept result, the result of a run in progress, or running the command.
//! * [`lead`]: running it, recorded. [`follow`]: watching another caller's run.
//! * [`provenance`]: the notes on where the output comes from.
//! * [`answer`]: the outcome, as JSON and as an exit code.
//! * [`explain`]: what the result depends on, and what has changed since the last one.
//! * [`saving`]: the verdict of a run, and keeping its result. [`withdraw`](mod@withdraw): removing
//!   leases of results that are gone.
//!
//! `lokt once NAME -- COMMAND` reads the inputs, makes a key of them (a digest), and looks for a
//! result under the key. Without one, one caller gets the lock of the key and leads: it runs and
//! records the command. All others with the same key follow the recording. ARCHITECTURE.md, "A
//! result's way", has the diagram.

mod answer;
mod explain;
mod follow;
mod lead;
mod provenance;
mod request;
mod saving;
mod session;
pub(crate) mod withdraw;

pub(crate) use request::results_of;

use crate::{
    completion, context::CommandContext, exit::ExitCode, failure::CliFailure,
    locking::supervision::MaxHoldOption, output, span,
};
use clap::Args;
use lokt_lock::words::LockName;
use lokt_once::results::ResultFreshnessCriteria;
use request::OnceRequest;
use session::{OnceRequestTimes, OnceSession};
use std::{ffi::OsString, path::PathBuf, time::Duration};

/// Run a command once, and share its result with every caller that needs the same
///
/// The first caller runs it. Callers that come during the run see its output live and get its exit code; later
/// callers get both from the record. It runs again if anything that it depends on has changed: the command's
/// arguments and folder, the files in the work tree that git does not ignore (or those that --input names), --env and
/// --key.
/// A failure goes to the callers that waited, and is not kept. The command's standard input is empty.
#[derive(Args, Debug)]
#[command(override_usage = "lokt once [OPTIONS] <NAME> -- <COMMAND>...")]
pub(crate) struct OnceCommand {
    /// Name for the result; the latest is kept as a lease of that name
    #[arg(add = completion::locks())]
    name: LockName,
    #[command(flatten)]
    inputs: OnceInputOptions,
    #[command(flatten)]
    keeping: OnceRetentionOptions,
    #[command(flatten)]
    asking: OnceModeOptions,
    /// Wait at most this long for another caller's run [default: until it ends]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = span::parse)]
    timeout: Option<Duration>,
    #[command(flatten)]
    max_hold: MaxHoldOption,
    /// Print the outcome as JSON, instead of the command's output
    #[arg(long)]
    json: bool,
    /// Don't say on stderr that the output is replayed, or that of another caller's run
    #[arg(long)]
    quiet: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
    #[arg(skip)]
    own: Option<OnceLoktCommandProperties>,
}

/// The properties of a command that is part of lokt.
#[derive(Clone, Debug)]
pub(crate) struct OnceLoktCommandProperties {
    /// Replaces the command in the key and in output, because its words differ from run to run.
    pub(crate) words: Vec<OsString>,
    /// Files that do not matter.
    pub(crate) left_out: Vec<PathBuf>,
    /// Whether nothing is said of where the output comes from.
    pub(crate) is_quiet: bool,
}

/// The inputs of the result.
#[derive(Args, Debug, Default)]
struct OnceInputOptions {
    /// Use only these files as inputs, not the whole work tree: a path, a folder, or a pattern like 'src/**/*.rs'
    #[arg(long = "input", value_name = "GLOB")]
    patterns: Vec<OsString>,
    /// Use the value of this environment variable as an input
    #[arg(long = "env", value_name = "VAR")]
    variables: Vec<String>,
    /// Use this text as an input: the version of a compiler, for example
    #[arg(long = "key", value_name = "TEXT")]
    texts: Vec<String>,
}

/// How results are kept.
#[derive(Args, Debug, Default)]
struct OnceRetentionOptions {
    /// Maximum age of a result to store or reuse [default: unlimited]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = span::parse_positive)]
    ttl: Option<Duration>,
    /// Keep this file or folder that the command makes, and restore it with the result; it is no input
    #[arg(long = "artifact", value_name = "PATH")]
    artifacts: Vec<PathBuf>,
    /// Also keep the result of a command that fails
    #[arg(long)]
    keep_failures: bool,
}

/// How the result is requested.
#[derive(Args, Clone, Copy, Debug, Default)]
struct OnceModeOptions {
    /// Run the command even if a result is kept
    #[arg(long)]
    refresh: bool,
    /// Run nothing: exit 0 if a result is kept, 3 if not
    #[arg(long, conflicts_with = "refresh")]
    check: bool,
    /// Run nothing: show what the result depends on, and what has changed since the last one of this name
    #[arg(long, conflicts_with_all = ["refresh", "check"])]
    explain: bool,
}

impl OnceCommand {
    /// Starts again from reading the inputs whenever they changed during a wait: the key would be
    /// another one.
    pub(crate) fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let mut question = OnceRequest::new(self, context)?;
        if self.asking.explain {
            return explain::explain(&question, self.json);
        }
        if self.asking.check {
            return self.check(&question);
        }
        let since = OnceRequestTimes::now(self);
        loop {
            if let Some(code) = OnceSession::new(self, context, question, since)?.run()? {
                return Ok(code);
            }
            question = OnceRequest::new(self, context)?;
        }
    }

    /// A command of lokt's own, with all that its result depends on apart from files.
    pub(crate) fn of_command(
        name: LockName,
        command: Vec<OsString>,
        texts: Vec<String>,
        own: OnceLoktCommandProperties,
    ) -> Self {
        Self {
            name,
            inputs: OnceInputOptions { texts, ..OnceInputOptions::default() },
            keeping: OnceRetentionOptions::default(),
            asking: OnceModeOptions::default(),
            timeout: None,
            max_hold: MaxHoldOption::default(),
            json: false,
            quiet: own.is_quiet,
            command,
            own: Some(own),
        }
    }

    /// The command, as it is shown and as it is part of the key.
    fn words(&self) -> &[OsString] {
        self.own.as_ref().map_or(&self.command, |own| &own.words)
    }

    /// Answers `--check`: whether a result is kept for the inputs as they are now, at most as old
    /// as this call's `--ttl`. Runs nothing and restores nothing.
    fn check(&self, question: &OnceRequest) -> Result<ExitCode, CliFailure> {
        // Regardless of the --ttl of the run that made it.
        let limit = ResultFreshnessCriteria { age: self.keeping.ttl, ..question.now() };
        let Some(kept) = question.find(&limit)? else {
            let text = format!("no result of {:?} for what is here now", self.name.as_str());
            let hint = format!(
                "lokt once {} --explain -- …   says what has changed since the last one",
                self.name
            );
            let key = question.key.to_string();
            return Err(CliFailure::new(ExitCode::NotFound, text).hint(hint).fact("digest", key));
        };
        let answer =
            answer::OnceAnswer::of_kept(answer::ResultOrigin::Hit, &kept.record, &question.results);
        output::even_if_unread(if self.json {
            output::json(&answer.to_json())
        } else {
            output::text(&answer.to_string())
        })?;
        Ok(ExitCode::Done)
    }
}
