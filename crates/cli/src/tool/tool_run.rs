//! One run of a checked tool: running it, pinning it, logging it, unlocking, and the exit code.

use super::{
    ToolChainLocations,
    guarded::{ToolRunLocks, tell},
    lock::other_versions,
    run_record::{ToolRunFinalLockState, ToolRunRecord, outcome_of},
    scope::LockfileSpace,
};
use crate::{
    exit::ExitCode,
    failure::{CliFailure, chain},
    output, view,
};
use lokt_lock::{
    guard::{CommandEnd, GuardStopCause, SignalReader, SupervisionPolicy},
    words::Timestamp,
};
use lokt_tool::{
    check::CheckedChain,
    lockfile::{Lockfile, LockfileError, LockfileReplacePolicy},
    run::{
        self, ChainElementConfig, ToolOutputMode, ToolParameterValues, ToolRunError,
        ToolRunOutcome, ToolRunRequest, ToolRunSupervision,
    },
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Instant};

/// A tool that is being run.
pub(super) struct ToolRun<'a> {
    /// The spaces, and the lockfiles in them.
    pub(super) place: &'a ToolChainLocations,
    /// The chain as it was checked; these bytes run.
    pub(super) checked: &'a CheckedChain,
    /// The tool's id, as it was given.
    pub(super) id: &'a str,
    /// Whether the output is shown as it comes, or captured for `--json`.
    pub(super) output: ToolOutputMode,
    /// The signals that are held back.
    pub(super) signals: &'a SignalReader,
    /// Whether the caller has a controlling terminal.
    pub(super) has_terminal: bool,
}

impl ToolRun<'_> {
    /// Runs it, unlocks, and reports the outcome.
    ///
    /// The lock is checked a last time before the run is pinned: a result counts only if the lock
    /// was held until then. Pinning comes before unlocking, so the next holder sees the pin.
    pub(super) fn run(
        &self,
        parameters: &ToolParameterValues,
        scope: LockfileSpace,
        record: &mut ToolRunRecord<'_>,
        mut locks: ToolRunLocks<'_>,
    ) -> Result<ExitCode, CliFailure> {
        self.tell_of_other_pins();
        if let Some(note) = self.checked.chain.root().and_then(view::chain::schema_note) {
            output::note(&note);
        }
        let began = Instant::now();
        let outcome = match self.execute(parameters, &mut locks) {
            Ok(outcome) => outcome,
            Err(error) => return Err(self.came_to_nothing(error, record, locks)),
        };
        let stands = if locks.are_lost() {
            ToolRunFinalLockState::Lost
        } else {
            ToolRunFinalLockState::Held
        };
        record.ended(&outcome, stands, began.elapsed());
        let created = self.pin(&outcome, stands, scope);
        if let Some(path) = &created {
            record.pinned(path);
        }
        record.write();
        let stopped = match &outcome {
            ToolRunOutcome::Subprocess(process) => process.stopped,
            ToolRunOutcome::Http(_) => None,
        };
        let lost = locks.give_back(stopped);
        let word =
            outcome_of(&outcome, if lost.is_some() { ToolRunFinalLockState::Lost } else { stands });
        output::even_if_unread(self.report(&outcome, word, created.as_ref(), began))?;
        match lost {
            Some(lost) if word == "lost" => Err(lost),
            _ => self.judge(&outcome),
        }
    }

    /// The outcome of a run of which only an error is known.
    ///
    /// If the tool's processes may still be running, the locks are left to them. A signal that
    /// ended the run ends this process in the same way.
    fn came_to_nothing(
        &self,
        error: ToolRunError,
        record: &mut ToolRunRecord<'_>,
        locks: ToolRunLocks<'_>,
    ) -> CliFailure {
        record.failed(&error);
        if let ToolRunError::Interrupted(received) = &error {
            self.signals.die_of(received.signal);
        }
        if error.may_run_on() {
            // The locks are left to what may be running, and end with the last of it.
            return error.into();
        }
        let lost =
            locks.give_back(matches!(error, ToolRunError::Lost).then_some(GuardStopCause::Lost));
        lost.unwrap_or_else(|| error.into())
    }

    /// A version that was never pinned is no drift from the pinned one, but the user should know.
    fn tell_of_other_pins(&self) {
        let Some(root) = self.checked.chain.root().filter(|_| self.checked.pin.is_none()) else {
            return;
        };
        if let Some(pin) = other_versions(self.place, &root.id, &self.checked.version).first() {
            output::note(&format!(
                "{}@{} is not pinned yet; another version is: {pin}",
                root.id, self.checked.version
            ));
        }
    }

    /// Runs the chain: the configs of all elements are merged, and the primitive at its end is run.
    fn execute(
        &self,
        parameters: &ToolParameterValues,
        locks: &mut ToolRunLocks<'_>,
    ) -> Result<ToolRunOutcome, ToolRunError> {
        let elements = self.checked.chain.elements();
        let steps: Vec<ChainElementConfig<'_>> = elements
            .iter()
            .map(|item| ChainElementConfig {
                id: &item.id,
                config: item.metadata.config.as_ref(),
                env_config: item.metadata.env_config.as_ref(),
            })
            .collect();
        let root = elements.first().ok_or(ToolRunError::NoSteps)?;
        let name = root.id.as_str().rsplit('/').next().unwrap_or_default();
        let (spaces, content) = (self.place.spaces(), root.text.runnable());
        let job = ToolRunRequest {
            steps: &steps,
            file_name: &format!("{name}{}", root.extension.as_str()),
            bytes: content.as_bytes(),
            original: root.origin.path(),
            schema: root.metadata.config_schema.as_ref(),
            parameters,
            project: &spaces.project,
            user_space: &spaces.user,
            system_space: &spaces.system_paths(),
            environment: locks.environment(),
            output: self.output,
        };
        let world = ToolRunSupervision {
            watchers: locks.watchers(),
            signals: self.signals,
            orders: SupervisionPolicy::default(),
            tell: &mut |trouble| tell(&trouble),
        };
        run::run(&job, world)
    }

    /// Pins what ran well for the first time. That it could not be pinned does not undo the run.
    ///
    /// Returns the path of a new lockfile; `None` if the tool was pinned already, did not succeed,
    /// or if another run pinned it at the same time.
    fn pin(
        &self,
        outcome: &ToolRunOutcome,
        stands: ToolRunFinalLockState,
        scope: LockfileSpace,
    ) -> Option<PathBuf> {
        if outcome_of(outcome, stands) != "success" || self.checked.pin.is_some() {
            return None;
        }
        let lockfile = Lockfile::of(&self.checked.chain)?;
        let lockfiles = &self.place.checker.lockfiles;
        match lockfiles.write(
            scope.into(),
            &lockfile,
            LockfileReplacePolicy::Never,
            Timestamp::now(),
        ) {
            Ok(path) => Some(path),
            // Another run was first. Whether it pinned the same, the next run says.
            Err(LockfileError::Exists(_)) => None,
            Err(error) => {
                output::warn(&format!("{} ran, but is not pinned: {}", self.id, chain(&error)));
                None
            }
        }
    }

    /// Prints the outcome: one JSON object if the output was captured, else only the answer of a
    /// server (the output of a process was shown already), and a note about a new pin.
    fn report(
        &self,
        outcome: &ToolRunOutcome,
        word: &str,
        created: Option<&PathBuf>,
        began: Instant,
    ) -> Result<(), CliFailure> {
        let pin = self.checked.pin.as_ref().map(|pin| &pin.path);
        if self.output == ToolOutputMode::Capture {
            let result = outcome.to_json();
            return output::json(&json!({
                "status": word,
                "item_id": self.id,
                "data": outcome.data().map_or_else(|| result.clone(), Value::Object),
                "result": result,
                "chain": view::chain::to_json(&self.checked.chain),
                "metadata": {
                    "duration_ms": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                    "lockfile_used": pin.is_some(),
                    "lockfile_created": created.is_some(),
                    "lockfile_path": pin.or(created),
                },
            }));
        }
        if let ToolRunOutcome::Http(answer) = outcome {
            match &answer.body {
                Value::String(text) => output::bytes(text.as_bytes())?,
                body => output::json(body)?,
            }
        }
        if let Some(path) = created {
            let version = &self.checked.version;
            output::note(&format!("pinned {}@{version} in {}", self.id, path.display()));
        }
        Ok(())
    }

    /// The exit code, after all output.
    ///
    /// 0 for a success; 124 after the time limit; 128 and the signal's number if a signal ended the
    /// tool; else 1, whatever the tool's own code was, so that none of them is taken for one of
    /// lokt's.
    fn judge(&self, outcome: &ToolRunOutcome) -> Result<ExitCode, CliFailure> {
        let id = self.id;
        let process = match outcome {
            _ if outcome.success() => return Ok(ExitCode::Done),
            ToolRunOutcome::Http(answer) => {
                let status = answer.status_code;
                let text = format!("tool {id} failed: the server answered with status {status}");
                return Err(CliFailure::new(ExitCode::Error, text));
            }
            ToolRunOutcome::Subprocess(process) => process,
        };
        if process.timed_out() {
            let text = format!("tool {id} did not end in its time and was stopped");
            return Err(CliFailure::new(ExitCode::MaxHold, text)
                .hint("its config, or that of its runtime, sets timeout in seconds"));
        }
        match process.ending {
            CommandEnd::Exited(code) => {
                let text = format!("tool {id} failed with exit code {code}");
                Err(CliFailure::new(ExitCode::Error, text))
            }
            CommandEnd::Signaled(signal) => {
                if signal == Signal::SIGINT && self.has_terminal {
                    self.signals.die_of(signal);
                }
                let text = format!("tool {id} was ended by {signal}");
                Err(CliFailure::new(ExitCode::Command(process.return_code()), text))
            }
        }
    }
}
