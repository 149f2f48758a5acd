//! The program itself, started for a call and stopped with it.

use super::{
    apart::set_apart,
    call::{McpCallDurationKind, McpCallHandle, McpCallStopReason},
    connection::McpClientSession,
    excerpt::{ExcerptLimit, OutputExcerpt, SharedOutputExcerpt, keep},
};
use lokt_lock::{sys, words::AgentId};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use std::{
    io,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

/// This program, even if the file that it was started from was replaced.
const PROGRAM: &str = "/proc/self/exe";

/// How much of an answer in JSON, or of what goes with it, is read: what clients take in one message.
const ANSWER: usize = 2 << 20;

/// How long the rest of a pipe is read after the program has ended. A process that it left behind may
/// hold the pipe open without limit.
const DRAIN: Duration = Duration::from_secs(2);

/// How long a guard has to unlock after its command was killed.
const GIVING_BACK: Duration = Duration::from_secs(5);

/// The words of a command of Lokt's own, to be run for a call.
pub(super) struct LoktCommandLine {
    /// The words after `lokt`.
    words: Vec<String>,
    /// What the command reads from stdin; without it, stdin is empty.
    input: Option<String>,
    /// How much of each output is kept.
    keep: ExcerptLimit,
    /// Whether it is stopped when the connection ends.
    lasting: McpCallDurationKind,
    /// The locks that are waited for.
    names: Vec<String>,
    /// The agent to act as, where that is not the present one of the client.
    agent: Option<AgentId>,
}

/// How a command ended, and what it said.
pub(super) struct McpCommandResult {
    /// The exit code; `None` where a signal ended it.
    pub(super) code: Option<i32>,
    /// What was kept of stdout.
    pub(super) out: OutputExcerpt,
    /// What was kept of stderr.
    pub(super) err: OutputExcerpt,
    /// Why it was stopped, where it was.
    pub(super) stopped: Option<McpCallStopReason>,
}

impl LoktCommandLine {
    /// A command of a moment, without input. Of its output, an answer's length is kept.
    pub(super) fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            words: words.into_iter().map(str::to_owned).collect(),
            input: None,
            keep: ExcerptLimit::Ends(ANSWER),
            lasting: McpCallDurationKind::Moment,
            names: Vec::new(),
            agent: None,
        }
    }

    /// Adds words.
    pub(super) fn words(mut self, words: impl IntoIterator<Item = String>) -> Self {
        self.words.extend(words);
        self
    }

    /// Adds a flag with its value, where there is one. Both are one word, so that no value is taken for
    /// another flag.
    pub(super) fn flag(mut self, flag: &str, value: Option<impl AsRef<str>>) -> Self {
        self.words.extend(value.map(|value| format!("{flag}={}", value.as_ref())));
        self
    }

    /// Acts as the agent that took a lease, which may be an earlier session of the client.
    pub(super) fn acting_as(mut self, agent: impl Into<Option<AgentId>>) -> Self {
        self.agent = agent.into();
        self
    }

    /// Gives it something to read.
    pub(super) fn input(mut self, input: String) -> Self {
        self.input = Some(input);
        self
    }

    /// Keeps another part of its output.
    pub(super) fn keeping(mut self, keep: ExcerptLimit) -> Self {
        self.keep = keep;
        self
    }

    /// It may wait for these locks, or run for long: it then ends with its client.
    pub(super) fn lasting(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.lasting = McpCallDurationKind::Long;
        self.names.extend(names);
        self
    }

    /// Runs to the end, or until the call is to stop.
    pub(super) async fn run(self, call: &McpCallHandle) -> io::Result<McpCommandResult> {
        let mut running = RunningCommand::start(&self, &call.connection)?;
        let pid = running.pid;
        let (status, stopped) = tokio::select! {
            status = running.child.wait() => (status?, None),
            stopped = call.stopped(self.lasting) => {
                (running.stop(stopped.grace()).await?, Some(stopped))
            }
            never = call.accompany(&self.names, pid) => match never {},
        };
        Ok(running.ended(status, stopped).await)
    }

    /// Runs to the end, whatever happens.
    pub(super) async fn run_for(
        self,
        connection: &McpClientSession,
    ) -> io::Result<McpCommandResult> {
        let mut running = RunningCommand::start(&self, connection)?;
        let status = running.child.wait().await?;
        Ok(running.ended(status, None).await)
    }
}

/// A command that was started.
struct RunningCommand {
    child: Child,
    /// Its process id, valid until it was waited for.
    pid: i32,
    /// The tasks that read stdout and stderr, and what they have kept.
    reading: [(SharedOutputExcerpt, JoinHandle<()>); 2],
}

impl RunningCommand {
    /// # Errors
    /// The error of the system if the process cannot be started.
    fn start(order: &LoktCommandLine, connection: &McpClientSession) -> io::Result<Self> {
        let mut command = Command::new(PROGRAM);
        let agent = order.agent.clone().unwrap_or_else(|| connection.agent());
        command.arg0("lokt").args(&order.words).envs(connection.environment(&agent));
        command.stdin(if order.input.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        set_apart(&mut command);
        let mut child = command.spawn()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let pid = pid.ok_or_else(|| io::Error::other("it has no process id"))?;
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), order.input.clone()) {
            // One who does not read it to its end has its reasons.
            tokio::spawn(async move { drop(stdin.write_all(input.as_bytes()).await) });
        }
        let missing = || io::Error::other("its output is not connected");
        let out = child.stdout.take().ok_or_else(missing)?;
        let err = child.stderr.take().ok_or_else(missing)?;
        let [kept_out, kept_err] =
            [(); 2].map(|()| Arc::new(Mutex::new(OutputExcerpt::new(order.keep))));
        let out = tokio::spawn(keep(out, Arc::clone(&kept_out)));
        let err = tokio::spawn(keep(err, Arc::clone(&kept_err)));
        Ok(Self { child, pid, reading: [(kept_out, out), (kept_err, err)] })
    }

    /// Sends it SIGTERM, which a guard passes on to its command; then kills its children, so that it can still
    /// unlock; then kills it.
    async fn stop(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        let me = Pid::from_raw(self.pid);
        // It was not collected yet, so its pid is its own.
        let _ = kill(me, Signal::SIGTERM);
        if let Ok(status) = timeout(grace, self.child.wait()).await {
            return status;
        }
        for pid in sys::descendants(self.pid) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        if let Ok(status) = timeout(GIVING_BACK, self.child.wait()).await {
            return status;
        }
        self.child.start_kill()?;
        self.child.wait().await
    }

    /// The result after the process has ended. Waits for the rest of the output for [`DRAIN`] at
    /// most.
    async fn ended(
        self,
        status: ExitStatus,
        stopped: Option<McpCallStopReason>,
    ) -> McpCommandResult {
        let [out, err] = self.reading;
        let (out, err) = tokio::join!(all_of(out), all_of(err));
        McpCommandResult { code: status.code(), out, err, stopped }
    }
}

/// What a stream gave.
async fn all_of((kept, mut reading): (SharedOutputExcerpt, JoinHandle<()>)) -> OutputExcerpt {
    if timeout(DRAIN, &mut reading).await.is_err() {
        reading.abort();
    }
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::replace(&mut kept, OutputExcerpt::new(ExcerptLimit::Tail(0)))
}

impl McpCommandResult {
    /// The JSON document that it printed.
    ///
    /// `None` if the output is no JSON, or was cut.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.out.text()).ok()
    }
}
