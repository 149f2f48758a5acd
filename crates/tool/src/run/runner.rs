use super::{
    ConfigTemplateError, HttpClientError, HttpRequestConfigError, HttpResponse, NonTextPath,
    ParameterValidationError, PrivateCopyError, SubprocessConfigError, SubprocessResult,
    ToolEnvironment, ToolEnvironmentError, ToolOutputMode, ToolRunRequest,
    capture::OutputCaptureThread,
    http_client,
    http_request::HttpRequest,
    input,
    plan::{ToolRunPlan, ToolRunWork},
    private_copy::{self, ToolPrivateCopy},
    subprocess::ToolSubprocessPlan,
};
use crate::words::ToolItemId;
use lokt_lock::{
    guard::{
        GuardError, GuardWarning, GuardedCommand, GuardedThreadWaitOutcome, ReceivedSignal,
        SignalReader, SpawnSettings, SupervisedLocks, SupervisionPolicy, await_work, supervise,
    },
    store::LockStore,
    sys::{BlockedSignals, descendants},
};
use nix::{
    fcntl::OFlag,
    sys::{
        prctl,
        signal::{Signal, kill},
    },
    unistd::{Pid, pipe2},
};
use serde_json::{Map, Value};
use std::{io, os::fd::AsFd, path::PathBuf, sync::mpsc, thread, time::Instant};

/// The caller that runs a tool, and its surroundings.
pub struct ToolRunSupervision<'a, S: LockStore> {
    /// The store, the caller, and the locks to hold meanwhile; none is usual.
    pub watchers: SupervisedLocks<'a, S>,
    /// The signals to pass on.
    pub signals: &'a SignalReader,
    /// What to do when a lock is lost, and how long a tool has to end. Its longest time comes from the config.
    pub orders: SupervisionPolicy,
    /// Called with what happens while the tool runs.
    pub tell: &'a mut dyn FnMut(GuardWarning),
}

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolRunOutcome {
    /// A process ended.
    Subprocess(SubprocessResult),
    /// A server answered.
    Http(HttpResponse),
}

impl ToolRunOutcome {
    /// Whether it went well.
    pub fn success(&self) -> bool {
        match self {
            Self::Subprocess(process) => process.success(),
            Self::Http(answer) => answer.success(),
        }
    }

    /// What the tool gave, where that is one JSON object.
    pub fn data(&self) -> Option<Map<String, Value>> {
        match self {
            Self::Subprocess(process) => process.data(),
            Self::Http(answer) => answer.body.as_object().cloned(),
        }
    }

    /// The result as others read it.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Subprocess(process) => process.to_json(),
            Self::Http(answer) => answer.to_json(),
        }
    }
}

/// Says why a run came to nothing. Up to and with [`ToolRunError::Http`], nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum ToolRunError {
    /// There is no chain.
    #[error("the chain is empty")]
    NoSteps,
    /// The chain does not end in a primitive that this build knows.
    #[error("{0} is no primitive of this build")]
    UnknownPrimitive(ToolItemId),
    /// The project's path is not absolute.
    #[error("the project's path {} is not absolute", .0.display())]
    RelativeProject(PathBuf),
    /// The parameters do not fit.
    #[error(transparent)]
    Schema(#[from] ParameterValidationError),
    /// A path cannot be put into a config.
    #[error(transparent)]
    Place(#[from] NonTextPath),
    /// There is no private copy of the tool.
    #[error(transparent)]
    Stage(#[from] PrivateCopyError),
    /// There is no environment.
    #[error(transparent)]
    Environment(#[from] ToolEnvironmentError),
    /// The config cannot be filled in.
    #[error(transparent)]
    Template(#[from] ConfigTemplateError),
    /// The config describes no process.
    #[error(transparent)]
    Subprocess(#[from] SubprocessConfigError),
    /// The config describes no request.
    #[error(transparent)]
    Http(#[from] HttpRequestConfigError),
    /// The streams of the tool cannot be made.
    #[error("cannot make the tool's {what}")]
    Streams {
        /// Which.
        what: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The process did not start, or its end cannot be learnt.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The server gave no answer.
    #[error(transparent)]
    Exchange(#[from] HttpClientError),
    /// A signal asked this program to end while it waited for a server.
    #[error("interrupted")]
    Interrupted(ReceivedSignal),
    /// A lock was taken away while this program waited for a server.
    #[error("the request was given up: its lock was lost")]
    Lost,
}

impl ToolRunError {
    /// Whether the tool may be running on: then its locks must not be given back, for they end with it.
    pub fn may_run_on(&self) -> bool {
        matches!(self, Self::Guard(GuardError::Wait { .. }) | Self::Interrupted(_))
    }
}

/// Runs a verified tool to its end, and gives the outcome.
///
/// Everything that can be refused is refused before anything starts. A tool that fails is an outcome.
///
/// # Errors
/// [`ToolRunError`] says what was refused, or what could not be done.
pub fn run<S>(
    job: &ToolRunRequest<'_>,
    world: ToolRunSupervision<'_, S>,
) -> Result<ToolRunOutcome, ToolRunError>
where
    S: LockStore,
    S::Ticket: AsFd,
{
    let plan = ToolRunPlan::new(job)?;
    match plan.work {
        ToolRunWork::Subprocess(process) => {
            let result = run_process(process, job.output, plan.copy.as_ref(), world);
            if plan.copy.is_some() {
                // After the tool, so that no caller waits for the leftovers of others.
                private_copy::sweep(&plan.temporary);
            }
            result.map(ToolRunOutcome::Subprocess)
        }
        ToolRunWork::Http(request, environment) => {
            run_exchange(request, environment, world).map(ToolRunOutcome::Http)
        }
    }
}

fn run_process<S>(
    process: ToolSubprocessPlan,
    output: ToolOutputMode,
    copy: Option<&ToolPrivateCopy>,
    world: ToolRunSupervision<'_, S>,
) -> Result<SubprocessResult, ToolRunError>
where
    S: LockStore,
    S::Ticket: AsFd,
{
    let failed = |what| move |source| ToolRunError::Streams { what, source };
    let (capture, [out, err]) = match output {
        ToolOutputMode::Show => (None, [None, None]),
        ToolOutputMode::Capture => {
            let (capture, ends) = OutputCaptureThread::begin().map_err(failed("output"))?;
            (Some(capture), ends.map(Some))
        }
    };
    let input = match (&process.input, output) {
        (Some(bytes), _) => Some(input::in_memory(bytes)),
        (None, ToolOutputMode::Capture) => Some(input::nothing()),
        (None, ToolOutputMode::Show) => None,
    };
    let mark = copy.map_or_else(private_copy::anonymous_mark, ToolPrivateCopy::mark);
    let command = GuardedCommand {
        words: process.words,
        environment: process.environment.into_variables(),
        setting: SpawnSettings {
            folder: Some(process.folder),
            input: input.transpose().map_err(failed("input"))?,
            output: out,
            errors: err,
            mark: Some(mark.map_err(failed("mark"))?),
            inherited: Vec::new(),
        },
    };
    let orders = SupervisionPolicy { max_hold: Some(process.timeout), ..world.orders };
    let began = Instant::now();
    // Processes that leave the tool's group and session stay in reach. Where the kernel refuses that, those
    // alone are not.
    let _ = prctl::set_child_subreaper(true);
    let finish = supervise(world.watchers, &command, world.signals, orders, world.tell)?;
    if finish.stopped.is_some() {
        kill_what_is_left();
    }
    let duration = began.elapsed();
    let [stdout, stderr] = capture.map_or_else(Default::default, OutputCaptureThread::finish);
    let (ending, stopped) = (finish.ending, finish.stopped);
    Ok(SubprocessResult { ending, stopped, stdout, stderr, duration })
}

/// Kills whatever descends from this process, until nothing does: while some are killed, others may start more.
fn kill_what_is_left() {
    const ROUNDS: usize = 1000;
    let me = nix::unistd::getpid().as_raw();
    for _ in 0..ROUNDS {
        let left = descendants(me);
        if left.is_empty() {
            return;
        }
        for pid in left {
            // It may have ended since.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        thread::yield_now();
    }
}

/// Waits for a server in a separate thread, so that Ctrl-C is heard and locks are looked after meanwhile.
fn run_exchange<S: LockStore>(
    request: HttpRequest,
    environment: ToolEnvironment,
    world: ToolRunSupervision<'_, S>,
) -> Result<HttpResponse, ToolRunError> {
    let failed = |source| ToolRunError::Streams { what: "connection", source };
    let (done, working) = pipe2(OFlag::O_CLOEXEC).map_err(|errno| failed(errno.into()))?;
    let (tell, answer) = mpsc::channel();
    let work = move || {
        // The receiver is gone if this program was interrupted.
        let _ = tell.send(http_client::exchange(&request, &environment));
        drop(working);
    };
    {
        // A signal to this process is for the thread that expects it.
        let _signals = BlockedSignals::all();
        thread::Builder::new().name("lokt-http".into()).spawn(work).map_err(failed)?;
    }
    let ToolRunSupervision { watchers, signals, orders, tell, .. } = world;
    match await_work(watchers, done.as_fd(), signals, orders.on_lost, tell)? {
        GuardedThreadWaitOutcome::Done => {}
        GuardedThreadWaitOutcome::Signal(received) => {
            return Err(ToolRunError::Interrupted(received));
        }
        GuardedThreadWaitOutcome::Lost => return Err(ToolRunError::Lost),
    }
    let ended = |_| failed(io::Error::other("the exchange ended without a result"));
    Ok(answer.try_recv().map_err(ended)??)
}
