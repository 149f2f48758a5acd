//! The command `tool run`: arguments, and the checks in their order.
//!
//! Everything is checked before a lock is requested, so a tool that may not run never makes others
//! wait. After a wait everything is checked again. [`ToolRun`] then runs the tool.

use super::{
    ToolChainLocations,
    guarded::{ToolRunLockOutcome, ToolRunLocks},
    run_record::ToolRunRecord,
    scope::LockfileSpace,
    shared,
    tool_run::ToolRun,
};
use crate::{
    completion,
    context::{CommandContext, OwnerOption},
    exit::ExitCode,
    failure::{CliFailure, chain},
    locking::waiting::WaitOptions,
};
use clap::Args;
use lokt_lock::{guard::SignalReader, words::LockName};
use lokt_tool::{
    check::CheckedChain,
    run::{ToolOutputMode, ToolParameterValues},
};
use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read},
};

/// The maximum length of parameters; longer text is cut, and then is not JSON.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// Run a tool, if its whole chain is as it was signed and pinned
///
/// The first successful run writes the lockfile. After that, if any part of the chain changes, nothing runs and the
/// exit code is 5. The tool's output is shown as it comes; with --json it is part of the result.
#[derive(Args, Debug)]
pub(super) struct ToolRunCommand {
    /// The tool
    #[arg(value_name = "ID")]
    pub(super) id: String,
    /// The parameters, a JSON object; @FILE reads it from a file, - from standard input
    #[arg(long, value_name = "JSON|@FILE|-", default_value = "{}")]
    params: OsString,
    /// Run the tool only if it is pinned already
    #[arg(long)]
    pub(super) frozen: bool,
    /// Write the lockfile to this space [default: `lockfile_scope` in the project's .ai/lokt.toml, else user]
    #[arg(long, value_name = "SCOPE")]
    pub(super) scope: Option<LockfileSpace>,
    /// Hold this lock while the tool runs, as lokt guard does
    #[arg(long, value_name = "NAME", add = completion::locks())]
    guard: Option<LockName>,
    #[command(flatten)]
    waiting: WaitOptions,
    /// Share the result as lokt once does: run again only if the chain, the parameters or a file has changed
    #[arg(long, conflicts_with_all = ["guard", "wait"])]
    once: bool,
    #[command(flatten)]
    pub(super) notes: ReplayNoticeOptions,
    /// Print JSON: the result, the chain, the lockfile
    #[arg(long)]
    pub(super) json: bool,
}

/// Options for notes on where a result comes from.
#[derive(Args, Debug)]
pub(super) struct ReplayNoticeOptions {
    /// With --once: don't say on stderr that the output is replayed, or that of another caller's run
    #[arg(long, requires = "once")]
    pub(super) quiet: bool,
}

impl ToolRunCommand {
    /// Checks, takes the lock if one is named, and runs the tool.
    ///
    /// A refused check and every run are one event in the audit log each. A lock that was not
    /// acquired is no such event: the tool was not refused.
    pub(super) fn run(
        self,
        place: &ToolChainLocations,
        acting: &OwnerOption,
    ) -> Result<ExitCode, CliFailure> {
        if self.guard.is_none() && self.waiting.is_asked() {
            return Err(CliFailure::usage("--wait is for a lock: name one with --guard NAME"));
        }
        let context = CommandContext::new(acting)?;
        let mut record = ToolRunRecord::begin(&context, &self.id);
        let checked = self.check(place, &mut record)?;
        let ready =
            LockfileSpace::chosen(self.scope, place).and_then(|it| Ok((it, self.parameters()?)));
        let (scope, parameters) = ready.inspect_err(|failure| record.refused(&failure.message))?;
        if self.once {
            return shared::run(&self, place, &context, (&checked, parameters.as_text()));
        }
        let signals = SignalReader::hold().map_err(|error| {
            CliFailure::new(ExitCode::Error, format!("cannot hold signals back: {error}"))
        })?;
        let (checked, locks) = match &self.guard {
            None => (checked, ToolRunLocks::none(&context)),
            Some(name) => {
                match ToolRunLocks::take(&context, name, &self.id, (&self.waiting, &signals))? {
                    ToolRunLockOutcome::Interrupted(code) => return Ok(code),
                    ToolRunLockOutcome::Entered(locks) => {
                        self.check_again(place, &mut record, (name, locks))?
                    }
                }
            }
        };
        let output = if self.json { ToolOutputMode::Capture } else { ToolOutputMode::Show };
        let has_terminal = context.caller.has_terminal();
        let running = ToolRun {
            place,
            checked: &checked,
            id: &self.id,
            output,
            signals: &signals,
            has_terminal,
        };
        running.run(&parameters, scope, &mut record, locks)
    }

    /// The tool, if its whole chain is as signed and pinned.
    ///
    /// With `--frozen`, a tool that is not pinned is refused too. Refusals are logged at once.
    fn check(
        &self,
        place: &ToolChainLocations,
        record: &mut ToolRunRecord<'_>,
    ) -> Result<CheckedChain, CliFailure> {
        let checked = match place.checker.check(&self.id) {
            Ok(checked) => checked,
            Err(refused) => {
                record.not_vouched_for(&refused);
                return Err(refused.into());
            }
        };
        record.chain(&checked);
        if self.frozen && checked.pin.is_none() {
            let failure = super::lock::not_pinned(&self.id);
            let message = format!("{}, and --frozen runs only what is", failure.message);
            record.refused(&message);
            return Err(CliFailure { code: ExitCode::NotVerified, message, ..failure });
        }
        Ok(checked)
    }

    /// What was checked before a lock was waited for may have changed meanwhile; what is refused now gives the
    /// lock back.
    fn check_again<'a>(
        &self,
        place: &ToolChainLocations,
        record: &mut ToolRunRecord<'_>,
        (name, locks): (&LockName, ToolRunLocks<'a>),
    ) -> Result<(CheckedChain, ToolRunLocks<'a>), CliFailure> {
        record.under(name);
        match self.check(place, record) {
            Ok(checked) => Ok((checked, locks)),
            Err(failure) => {
                locks.give_back(None);
                Err(failure)
            }
        }
    }

    /// The parameters of `--params`.
    ///
    /// # Errors
    /// A usage failure if they are no JSON object; the message says where they were read from.
    fn parameters(&self) -> Result<ToolParameterValues, CliFailure> {
        let (text, from) = self.parameters_text()?;
        ToolParameterValues::parse(&text)
            .map_err(|error| CliFailure::usage(format!("{from}: {}", chain(&error))))
    }

    /// The text of the parameters, and where it was read from, for messages.
    fn parameters_text(&self) -> Result<(String, String), CliFailure> {
        let fails = |from: &str, error: io::Error| {
            CliFailure::new(
                ExitCode::Error,
                format!("cannot read the parameters from {from}: {error}"),
            )
        };
        let text = self.params.to_str();
        let text = text.ok_or_else(|| CliFailure::usage("--params is not valid UTF-8"))?;
        if text == "-" {
            let mut text = String::new();
            let read = io::stdin().take(MOST_BYTES).read_to_string(&mut text);
            read.map_err(|error| fails("the standard input", error))?;
            return Ok((text, "the standard input".to_owned()));
        }
        match text.strip_prefix('@') {
            Some(file) => {
                let mut text = String::new();
                let read =
                    File::open(file).and_then(|it| it.take(MOST_BYTES).read_to_string(&mut text));
                read.map_err(|error| fails(file, error))?;
                Ok((text, file.to_owned()))
            }
            None => Ok((text.to_owned(), "--params".to_owned())),
        }
    }
}
