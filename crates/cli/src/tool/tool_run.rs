use super::{
    ToolLocations,
    guarded::{RunLocks, tell},
    lock::other_versions,
    run_record::{LockCondition, ToolRunRecord, outcome_of},
    scope::LockfileScope,
};
use crate::{
    exit::ExitCode,
    failure::{Failure, chain},
    output, view,
};
use lokt_lock::{
    guard::{CommandEnd, SignalReader, StopCause, SupervisionPolicy},
    words::Timestamp,
};
use lokt_tool::{
    check::CheckedChain,
    lockfile::{Lockfile, LockfileError, ReplacePolicy},
    run::{self, ChainStep, Parameters, RunContext, RunError, RunOutcome, ToolJob, ToolOutput},
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Instant};

/// A tool that is being run.
pub(super) struct ToolRun<'a> {
    pub(super) place: &'a ToolLocations,
    pub(super) checked: &'a CheckedChain,
    /// The tool's id, as it was given.
    pub(super) id: &'a str,
    pub(super) output: ToolOutput,
    /// The signals that are held back.
    pub(super) signals: &'a SignalReader,
    /// Whether the caller has a controlling terminal.
    pub(super) has_terminal: bool,
}

impl ToolRun<'_> {
    /// Runs it, unlocks, and reports the outcome.
    pub(super) fn run(
        &self,
        parameters: &Parameters,
        scope: LockfileScope,
        record: &mut ToolRunRecord<'_>,
        mut locks: RunLocks<'_>,
    ) -> Result<ExitCode, Failure> {
        self.tell_of_other_pins();
        if let Some(note) = self.checked.chain.root().and_then(view::chain::schema_note) {
            output::note(&note);
        }
        let began = Instant::now();
        let outcome = match self.execute(parameters, &mut locks) {
            Ok(outcome) => outcome,
            Err(error) => return Err(self.came_to_nothing(error, record, locks)),
        };
        let stands = if locks.are_lost() { LockCondition::Lost } else { LockCondition::Held };
        record.ended(&outcome, stands, began.elapsed());
        let created = self.pin(&outcome, stands, scope);
        if let Some(path) = &created {
            record.pinned(path);
        }
        record.write();
        let stopped = match &outcome {
            RunOutcome::Subprocess(process) => process.stopped,
            RunOutcome::Http(_) => None,
        };
        let lost = locks.give_back(stopped);
        let word = outcome_of(&outcome, if lost.is_some() { LockCondition::Lost } else { stands });
        output::even_if_unread(self.report(&outcome, word, created.as_ref(), began))?;
        let judged = match lost {
            Some(lost) if word == "lost" => Err(lost),
            _ => self.judge(&outcome),
        };
        judged.map_err(Failure::told)
    }

    /// The outcome of a run of which only an error is known.
    fn came_to_nothing(
        &self,
        error: RunError,
        record: &mut ToolRunRecord<'_>,
        locks: RunLocks<'_>,
    ) -> Failure {
        record.failed(&error);
        if let RunError::Interrupted(received) = &error {
            self.signals.die_of(received.signal);
        }
        if error.may_run_on() {
            // The locks are left to what may be running, and end with the last of it.
            return error.into();
        }
        let lost = locks.give_back(matches!(error, RunError::Lost).then_some(StopCause::Lost));
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

    fn execute(
        &self,
        parameters: &Parameters,
        locks: &mut RunLocks<'_>,
    ) -> Result<RunOutcome, RunError> {
        let elements = self.checked.chain.elements();
        let steps: Vec<ChainStep<'_>> = elements
            .iter()
            .map(|item| ChainStep {
                id: &item.id,
                config: item.metadata.config.as_ref(),
                env_config: item.metadata.env_config.as_ref(),
            })
            .collect();
        let root = elements.first().ok_or(RunError::NoSteps)?;
        let name = root.id.as_str().rsplit('/').next().unwrap_or_default();
        let (spaces, content) = (self.place.spaces(), root.text.runnable());
        let job = ToolJob {
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
        let world = RunContext {
            watchers: locks.watchers(),
            signals: self.signals,
            orders: SupervisionPolicy::default(),
            tell: &mut |trouble| tell(&trouble),
        };
        run::run(&job, world)
    }

    /// Pins what ran well for the first time. That it could not be pinned does not undo the run.
    fn pin(
        &self,
        outcome: &RunOutcome,
        stands: LockCondition,
        scope: LockfileScope,
    ) -> Option<PathBuf> {
        if outcome_of(outcome, stands) != "success" || self.checked.pin.is_some() {
            return None;
        }
        let lockfile = Lockfile::of(&self.checked.chain)?;
        let lockfiles = &self.place.checker.lockfiles;
        match lockfiles.write(scope.into(), &lockfile, ReplacePolicy::Never, Timestamp::now()) {
            Ok(path) => Some(path),
            // Another run was first. Whether it pinned the same, the next run says.
            Err(LockfileError::Exists(_)) => None,
            Err(error) => {
                output::warn(&format!("{} ran, but is not pinned: {}", self.id, chain(&error)));
                None
            }
        }
    }

    fn report(
        &self,
        outcome: &RunOutcome,
        word: &str,
        created: Option<&PathBuf>,
        began: Instant,
    ) -> Result<(), Failure> {
        let pin = self.checked.pin.as_ref().map(|pin| &pin.path);
        if self.output == ToolOutput::Capture {
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
        if let RunOutcome::Http(answer) = outcome {
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
    fn judge(&self, outcome: &RunOutcome) -> Result<ExitCode, Failure> {
        let id = self.id;
        let process = match outcome {
            _ if outcome.success() => return Ok(ExitCode::Done),
            RunOutcome::Http(answer) => {
                let status = answer.status_code;
                let text = format!("tool {id} failed: the server answered with status {status}");
                return Err(Failure::new(ExitCode::Error, text));
            }
            RunOutcome::Subprocess(process) => process,
        };
        if process.timed_out() {
            let text = format!("tool {id} did not end in its time and was stopped");
            return Err(Failure::new(ExitCode::MaxHold, text)
                .hint("its config, or that of its runtime, sets timeout in seconds"));
        }
        match process.ending {
            CommandEnd::Exited(code) => {
                let text = format!("tool {id} failed with exit code {code}");
                Err(Failure::new(ExitCode::Error, text))
            }
            CommandEnd::Signaled(signal) => {
                if signal == Signal::SIGINT && self.has_terminal {
                    self.signals.die_of(signal);
                }
                let text = format!("tool {id} was ended by {signal}");
                Err(Failure::new(ExitCode::Command(process.return_code()), text))
            }
        }
    }
}
