//! The command `once`: a command that need not run again where nothing that matters has changed.
//!
//! * [`OnceCommand`]: its arguments.
//! * [`request`]: all that the result depends on, found out from them.
//! * [`session`]: the way to a result: what is kept, what somebody makes just now, or running the command.
//! * [`lead`]: running it, recorded. [`follow`]: watching the one who does.
//! * [`answer`]: what came of it, as JSON and as an exit code.
//! * [`explain`]: what the result depends on, and what has changed since the last one.

mod answer;
mod explain;
mod follow;
mod lead;
mod request;
mod saving;
mod session;
pub(crate) mod withdraw;

pub(crate) use request::results_of;

use crate::{
    completion, context::Context, exit::ExitCode, failure::Failure,
    locking::supervision::MaxHoldOption, output, span,
};
use clap::Args;
use lokt_lock::words::LockName;
use lokt_once::results::AgeLimit;
use request::OnceRequest;
use session::{RequestTimes, ResultSharing};
use std::{ffi::OsString, path::PathBuf, time::Duration};

/// Run a command once, and share its result with all who ask for the same
///
/// The first one runs it. Who comes meanwhile watches its output live and ends with its exit code; who comes
/// later gets both from the record. It runs again when anything has changed that it depends on: the command's
/// words and folder, the files in the work tree that no .gitignore ignores (or those that --input names), --env and
/// --key.
/// Failures are told to those who waited, and not kept. The command's standard input is empty.
#[derive(Args, Debug)]
#[command(override_usage = "lokt once [OPTIONS] <NAME> -- <COMMAND>...")]
pub(crate) struct OnceCommand {
    /// What the result is called; its last one is the lease of this name
    #[arg(add = completion::locks())]
    name: LockName,
    #[command(flatten)]
    inputs: InputOptions,
    #[command(flatten)]
    keeping: RetentionOptions,
    #[command(flatten)]
    asking: RequestOptions,
    /// Watch another's run at most this long [default: to its end]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = span::parse)]
    timeout: Option<Duration>,
    #[command(flatten)]
    max_hold: MaxHoldOption,
    /// Print what came of it as JSON, in place of the command's output
    #[arg(long)]
    json: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
    #[arg(skip)]
    own: Option<BuiltInCommand>,
}

/// What is special about a command of lokt's own.
#[derive(Clone, Debug)]
pub(crate) struct BuiltInCommand {
    /// What stands for the command in the key and for people, because its words differ from run to run.
    pub(crate) words: Vec<OsString>,
    /// Files that do not matter.
    pub(crate) left_out: Vec<PathBuf>,
}

/// What the result depends on.
#[derive(Args, Debug, Default)]
struct InputOptions {
    /// Files that matter, in place of all in the work tree: a path, a folder, or a pattern like 'src/**/*.rs'
    #[arg(long = "input", value_name = "GLOB")]
    patterns: Vec<OsString>,
    /// A variable of the environment whose value matters
    #[arg(long = "env", value_name = "VAR")]
    variables: Vec<String>,
    /// A text that matters: the version of a compiler, say
    #[arg(long = "key", value_name = "TEXT")]
    texts: Vec<String>,
}

/// What is kept.
#[derive(Args, Debug, Default)]
struct RetentionOptions {
    /// Forget the result after this long, and take none that is older [default: any; when room is needed]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = span::parse_positive)]
    ttl: Option<Duration>,
    /// A file or folder that the command makes; kept with the result and restored, no part of what matters
    #[arg(long = "artifact", value_name = "PATH")]
    artifacts: Vec<PathBuf>,
    /// Keep the result of a command that fails, too
    #[arg(long)]
    keep_failures: bool,
}

/// How the result is asked for.
#[derive(Args, Clone, Copy, Debug, Default)]
struct RequestOptions {
    /// Run the command even if there is a result
    #[arg(long)]
    refresh: bool,
    /// Only say whether there is a result: exit code 0 or 3
    #[arg(long, conflicts_with = "refresh")]
    check: bool,
    /// Only say what the result depends on, and what has changed since the last one of this name
    #[arg(long, conflicts_with_all = ["refresh", "check"])]
    explain: bool,
}

impl OnceCommand {
    pub(crate) fn run(&self, context: &Context) -> Result<ExitCode, Failure> {
        let mut question = OnceRequest::new(self, context)?;
        if self.asking.explain {
            return explain::explain(&question, self.json);
        }
        if self.asking.check {
            return self.check(&question);
        }
        let since = RequestTimes::now(self);
        loop {
            if let Some(code) = ResultSharing::new(self, context, question, since)?.run()? {
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
        own: BuiltInCommand,
    ) -> Self {
        Self {
            name,
            inputs: InputOptions { texts, ..InputOptions::default() },
            keeping: RetentionOptions::default(),
            asking: RequestOptions::default(),
            timeout: None,
            max_hold: MaxHoldOption::default(),
            json: false,
            command,
            own: Some(own),
        }
    }

    /// The command, as it is told and counted.
    fn words(&self) -> &[OsString] {
        self.own.as_ref().map_or(&self.command, |own| &own.words)
    }

    fn check(&self, question: &OnceRequest) -> Result<ExitCode, Failure> {
        // The caller's limit holds, whatever the maker of the result wanted.
        let limit = AgeLimit { age: self.keeping.ttl, ..question.now() };
        let Some(kept) = question.find(&limit)? else {
            let text = format!("no result of {:?} for what is here now", self.name.as_str());
            return Err(Failure::new(ExitCode::NotFound, text).hint(format!(
                "lokt once {} --explain -- …   says what has changed since the last one",
                self.name
            )));
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
