use super::{
    Place,
    lock::other_versions,
    record::{Record, outcome_of},
    scope::Scope,
};
use crate::{
    cli::Global,
    commands::{guard::Guard, waiting::Waiting},
    completion,
    context::Context,
    exit::Code,
    failure::{Failure, chain},
    output, refusal, view,
};
use clap::Args;
use lokt_lock::{
    guard::{Ending, Orders, Seat, Signals, Trouble, Watchers},
    words::{LockName, Timestamp},
};
use lokt_tool::{
    check::Checked,
    lockfile::{Lockfile, LockfileError, Replace},
    run::{self, Job, Outcome, Output, Parameters, Step, World},
    words::Space,
};
use serde_json::{Value, json};
use std::{
    ffi::OsString,
    io::{self, Read, Write},
    path::PathBuf,
    time::Instant,
};
use tempfile::NamedTempFile;

/// Run a tool, if it and all that runs it is what was pinned and signed
///
/// The first run that succeeds writes the lockfile. From then on nothing of the chain can change unnoticed:
/// the exit code is 5, and nothing runs. What a tool prints is shown as it comes, or with --json is part of
/// the result.
#[derive(Args, Debug)]
pub(super) struct Run {
    /// The tool
    #[arg(value_name = "ID")]
    id: String,
    /// A JSON object; @FILE reads it from a file, - from the standard input
    #[arg(long, value_name = "JSON|@FILE|-", default_value = "{}")]
    params: OsString,
    /// Run only what is pinned already
    #[arg(long)]
    frozen: bool,
    /// Where the lockfile is written [default: `lockfile_scope` in the project's .ai/lokt.toml, else user]
    #[arg(long, value_name = "SCOPE")]
    scope: Option<Scope>,
    /// Hold this lock while the tool runs, as lokt guard does
    #[arg(long, value_name = "NAME", add = completion::locks())]
    guard: Option<LockName>,
    #[command(flatten)]
    waiting: Waiting,
    /// Print JSON: the result, the chain, the lockfile
    #[arg(long)]
    json: bool,
}

impl Run {
    pub(super) fn run(self, place: &Place, global: &Global) -> Result<Code, Failure> {
        let (json, id) = (self.json, self.id.clone());
        let result = self.run_it(place, global);
        // With --json, somebody reads stdout whatever happens. Refusals and results are there already.
        if let (true, Err(failure)) = (json, &result)
            && !failure.is_told
        {
            let shown = json!({"status": "error", "item_id": id, "error": failure.message});
            output::even_if_unread(output::json(&shown))?;
        }
        result
    }

    fn run_it(mut self, place: &Place, global: &Global) -> Result<Code, Failure> {
        if self.guard.is_none() && self.waiting.is_asked() {
            return Err(Failure::usage("--wait is for a lock: name one with --guard NAME"));
        }
        let context = Context::new(global)?;
        let mut record = Record::begin(&context, &self.id);
        let checked = match place.checker.check(&self.id) {
            Ok(checked) => checked,
            Err(refused) => {
                record.refused(&chain(&refused));
                if self.json {
                    let shown = output::json(&refusal::to_json(&self.id, &refused));
                    output::even_if_unread(shown)?;
                }
                return Err(Failure::from(refused).told());
            }
        };
        record.chain(&checked);
        let ready = self.make_ready(place, &checked);
        let (parameters, scope) = ready.inspect_err(|failure| record.refused(&failure.message))?;
        if let Some(name) = self.guard.take() {
            return self.under_guard(name, place, &context, parameters.as_text());
        }
        let running = Running { run: &self, place, context: &context, checked: &checked };
        running.run(&parameters, scope, &mut record)
    }

    /// What has to be right besides the chain.
    fn make_ready(&self, place: &Place, checked: &Checked) -> Result<(Parameters, Scope), Failure> {
        if self.frozen && checked.pin.is_none() {
            let failure = super::lock::not_pinned(&self.id);
            let message = format!("{}, and --frozen runs only what is", failure.message);
            return Err(Failure { code: Code::NotVerified, message, ..failure });
        }
        let scope = Scope::chosen(self.scope, place)?;
        Ok((self.parameters()?, scope))
    }

    fn parameters(&self) -> Result<Parameters, Failure> {
        let (text, from) = self.parameters_text()?;
        Parameters::parse(&text)
            .map_err(|error| Failure::usage(format!("{from}: {}", chain(&error))))
    }

    fn parameters_text(&self) -> Result<(String, String), Failure> {
        let fails = |from: &str, error: io::Error| {
            Failure::new(Code::Error, format!("cannot read the parameters from {from}: {error}"))
        };
        let text = self.params.to_str();
        let text = text.ok_or_else(|| Failure::usage("--params is not valid UTF-8"))?;
        if text == "-" {
            let mut text = String::new();
            let read = io::stdin().read_to_string(&mut text);
            read.map_err(|error| fails("the standard input", error))?;
            return Ok((text, "the standard input".to_owned()));
        }
        match text.strip_prefix('@') {
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| fails(file, error))?;
                Ok((text, file.to_owned()))
            }
            None => Ok((text.to_owned(), "--params".to_owned())),
        }
    }

    /// Runs the same again, as the command of a guard: so the lock is as good as any other, and all that
    /// was checked is checked again once it is had.
    fn under_guard(
        self,
        name: LockName,
        place: &Place,
        context: &Context,
        parameters: &str,
    ) -> Result<Code, Failure> {
        let program = std::env::current_exe().map_err(|error| {
            Failure::new(Code::Error, format!("cannot find the program itself: {error}"))
        })?;
        // In a file of this user's alone: they may be too long for an argument.
        let file = in_file(parameters)?;
        let mut given = OsString::from("@");
        given.push(file.path());
        let mut words: Vec<OsString> = vec![program.into(), "tool".into(), "run".into()];
        words.extend(["--project".into(), place.spaces().project.clone().into()]);
        words.extend(["--params".into(), given]);
        words.extend(self.frozen.then(|| "--frozen".into()));
        words.extend(self.json.then(|| "--json".into()));
        let scope = self.scope.map(Space::from);
        words.extend(scope.into_iter().flat_map(|it| ["--scope".into(), it.as_str().into()]));
        words.extend(["--".into(), self.id.into()]);
        Guard::of_command(name, self.waiting, words).run(context)
    }
}

fn in_file(parameters: &str) -> Result<NamedTempFile, Failure> {
    let write = || -> io::Result<NamedTempFile> {
        let mut file = NamedTempFile::with_prefix("lokt-params-")?;
        file.write_all(parameters.as_bytes())?;
        Ok(file)
    };
    write().map_err(|error| {
        Failure::new(Code::Error, format!("cannot keep the parameters in a file: {error}"))
    })
}

/// A tool that is being run.
struct Running<'a> {
    run: &'a Run,
    place: &'a Place,
    context: &'a Context,
    checked: &'a Checked,
}

impl Running<'_> {
    fn run(
        &self,
        parameters: &Parameters,
        scope: Scope,
        record: &mut Record<'_>,
    ) -> Result<Code, Failure> {
        self.tell_of_other_pins();
        let seat = Seat::of(&self.context.caller);
        let signals = Signals::hold(seat).map_err(|error| {
            Failure::new(Code::Error, format!("cannot hold signals back: {error}"))
        })?;
        let began = Instant::now();
        let result = self.execute(parameters, (seat, &signals));
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => {
                record.failed(&chain(&error));
                if let run::RunError::Interrupted(received) = &error {
                    signals.die_of(received.signal);
                }
                return Err(error.into());
            }
        };
        record.ended(&outcome, began.elapsed());
        let created = self.pin(&outcome, scope);
        if let Some(path) = &created {
            record.pinned(path);
        }
        record.write();
        output::even_if_unread(self.report(&outcome, created.as_ref(), began))?;
        self.judge(&outcome, seat, &signals).map_err(Failure::told)
    }

    /// A version that was never pinned is not a change of the one that was; that should not go unseen.
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
        (seat, signals): (Seat, &Signals),
    ) -> Result<Outcome, run::RunError> {
        let elements = self.checked.chain.elements();
        let steps: Vec<Step<'_>> = elements
            .iter()
            .map(|item| Step {
                id: &item.id,
                config: item.metadata.config.as_ref(),
                env_config: item.metadata.env_config.as_ref(),
            })
            .collect();
        let root = elements.first().ok_or(run::RunError::NoSteps)?;
        let name = root.id.as_str().rsplit('/').next().unwrap_or_default();
        let (spaces, content) = (self.place.spaces(), root.text.runnable());
        let job = Job {
            steps: &steps,
            file_name: &format!("{name}{}", root.extension.as_str()),
            bytes: content.as_bytes(),
            original: root.origin.path(),
            schema: root.metadata.config_schema.as_ref(),
            parameters,
            project: &spaces.project,
            user_space: &spaces.user,
            system_space: &spaces.system_paths(),
            environment: std::env::vars_os().collect(),
            output: if self.run.json { Output::Capture } else { Output::Show },
        };
        let Context { store, caller, .. } = self.context;
        let world = World {
            watchers: Watchers { store, caller, grants: &mut [] },
            seat,
            signals,
            orders: Orders::default(),
            tell: &mut |trouble| tell(&trouble),
        };
        run::run(&job, world)
    }

    /// Pins what ran well for the first time. That it could not be pinned does not undo the run.
    fn pin(&self, outcome: &Outcome, scope: Scope) -> Option<PathBuf> {
        if !outcome.success() || self.checked.pin.is_some() {
            return None;
        }
        let lockfile = Lockfile::of(&self.checked.chain)?;
        let lockfiles = &self.place.checker.lockfiles;
        match lockfiles.write(scope.into(), &lockfile, Replace::Never, Timestamp::now()) {
            Ok(path) => Some(path),
            // Another run was first. Whether it pinned the same, the next run says.
            Err(LockfileError::Exists(_)) => None,
            Err(error) => {
                output::warn(&format!("{} ran, but is not pinned: {}", self.run.id, chain(&error)));
                None
            }
        }
    }

    fn report(
        &self,
        outcome: &Outcome,
        created: Option<&PathBuf>,
        began: Instant,
    ) -> Result<(), Failure> {
        let pin = self.checked.pin.as_ref().map(|pin| &pin.path);
        if self.run.json {
            let result = outcome.to_json();
            return output::json(&json!({
                "status": outcome_of(outcome),
                "item_id": self.run.id,
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
        if let Outcome::Http(answer) = outcome {
            match &answer.body {
                Value::String(text) => output::bytes(text.as_bytes())?,
                body => output::json(body)?,
            }
        }
        if let Some(path) = created {
            let version = &self.checked.version;
            output::note(&format!("pinned {}@{version} in {}", self.run.id, path.display()));
        }
        Ok(())
    }

    /// The code, once everything is told.
    fn judge(&self, outcome: &Outcome, seat: Seat, signals: &Signals) -> Result<Code, Failure> {
        let id = &self.run.id;
        let process = match outcome {
            _ if outcome.success() => return Ok(Code::Done),
            Outcome::Http(answer) => {
                let status = answer.status_code;
                let text = format!("tool {id} failed: the server answered with status {status}");
                return Err(Failure::new(Code::Error, text));
            }
            Outcome::Subprocess(process) => process,
        };
        if process.timed_out() {
            let text = format!("tool {id} did not end in its time and was stopped");
            return Err(Failure::new(Code::MaxHold, text)
                .hint("its config, or that of its runtime, sets timeout in seconds"));
        }
        match process.ending {
            Ending::Exited(code) => {
                let text = format!("tool {id} failed with exit code {code}");
                Err(Failure::new(Code::Error, text))
            }
            Ending::Signaled(signal) => {
                if signal == nix::sys::signal::Signal::SIGINT && seat == Seat::Terminal {
                    signals.die_of(signal);
                }
                let text = format!("tool {id} was ended by {signal}");
                Err(Failure::new(Code::Command(process.return_code()), text))
            }
        }
    }
}

fn tell(trouble: &Trouble) {
    match trouble {
        Trouble::Stopping(_) => output::warn("its time is up: stopping the tool (SIGTERM)"),
        Trouble::Killing => output::warn("killing what is left of the tool (SIGKILL)"),
        // There are no locks here to be lost or renewed.
        Trouble::Heartbeat(..) | Trouble::Lost { .. } => {}
    }
}
