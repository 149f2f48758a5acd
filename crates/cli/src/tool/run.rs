use super::{Place, record::Record, running::Running, scope::Scope};
use crate::{
    cli::Global,
    commands::{guard::Guard, waiting::Waiting},
    completion,
    context::Context,
    exit::Code,
    failure::{Failure, chain},
    output, refusal,
};
use clap::Args;
use lokt_lock::words::LockName;
use lokt_tool::{
    check::Checked,
    run::{Output, Parameters},
    words::Space,
};
use nix::sys::memfd::{MFdFlags, memfd_create};
use serde_json::json;
use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read, Write},
    os::fd::AsRawFd,
};

/// No parameters are longer; what is cut there is no JSON.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

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
        let output = if self.json { Output::Capture } else { Output::Show };
        let running = Running { place, context: &context, checked: &checked, id: &self.id, output };
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
        // In memory that the command inherits: they may be too long for an argument, and `status` shows the
        // command to everybody.
        let memory = in_memory(parameters)?;
        let given = format!("@/proc/self/fd/{}", memory.as_raw_fd());
        let mut words: Vec<OsString> = vec![program.into(), "tool".into(), "run".into()];
        words.extend(["--project".into(), place.spaces().project.clone().into()]);
        words.extend(["--params".into(), given.into()]);
        words.extend(self.frozen.then(|| "--frozen".into()));
        words.extend(self.json.then(|| "--json".into()));
        let scope = self.scope.map(Space::from);
        words.extend(scope.into_iter().flat_map(|it| ["--scope".into(), it.as_str().into()]));
        words.extend(["--".into(), self.id.into()]);
        Guard::of_command(name, self.waiting, words).run(context)
    }
}

fn in_memory(parameters: &str) -> Result<File, Failure> {
    let write = || -> io::Result<File> {
        let mut memory = File::from(memfd_create("lokt-params", MFdFlags::empty())?);
        memory.write_all(parameters.as_bytes())?;
        Ok(memory)
    };
    write().map_err(|error| {
        Failure::new(Code::Error, format!("cannot keep the parameters in memory: {error}"))
    })
}
