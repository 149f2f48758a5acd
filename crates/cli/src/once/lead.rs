//! Running the command of `once`: under the lock of its key, with its output recorded.
//!
//! Three threads of work: the guard supervises the command (this thread), `transcribe` copies its
//! output from two pipes into the recording, and a display shows the recording on the streams of
//! this process. So a slow reader of the output does not slow down the command.

use super::{saving::OnceRunWithVerdict, session::OnceSession};
use crate::{
    exit::ExitCode,
    failure::{CliFailure, chain},
    locking::{held, nesting},
    output,
    project_store::ProjectTicket,
};
use lokt_lock::{
    guard::{
        GuardError, GuardedCommand, SignalReader, SpawnSettings, SupervisedLocks,
        SupervisionOutcome, SupervisionPolicy, supervise,
    },
    ops::LockGrant,
    store::Ticket,
    words::Timestamp,
};
use lokt_once::{
    files::FileError,
    recording::{
        self, OutputRecorder, OutputSources, OutputTails, RecordingDisplayCompletion,
        RecordingOrDirectSink, RecordingOutcome, UnrecordedOutput, transcribe,
    },
    results::{ArtifactClaimPurpose, ArtifactPathClaim, BootClockTime},
};
use nix::{fcntl::OFlag, unistd::pipe2};
use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    thread::{self, JoinHandle},
    time::Instant,
};

/// Runs the command under the lock of the key, records it, and shares the outcome.
pub(super) struct RunLeader<'a> {
    /// The request whose command is run.
    pub(super) sharing: &'a OnceSession<'a>,
}

/// A command that is being recorded.
struct CommandRecordingThread {
    /// The standard streams of the command.
    ///
    /// These are the write ends of two pipes, for standard output and standard error. They are
    /// taken for the command, so that the pipes end when the command's processes end.
    streams: Option<(OwnedFd, OwnedFd)>,
    /// Closed when the command has ended.
    stop: OwnedFd,
    /// The thread that copies the output; it ends when the pipes do, or after `stop` was closed.
    thread: JoinHandle<RecordingOutcome>,
}

/// When a run began, by several clocks.
pub(super) struct OnceRunStartTime {
    /// The wall clock.
    pub(super) at: Timestamp,
    /// The clock that cannot be set.
    pub(super) booted: Option<BootClockTime>,
    /// The clock that measures the duration.
    pub(super) instant: Instant,
}

impl OnceRunStartTime {
    fn now(boot: &str) -> Self {
        Self { at: Timestamp::now(), booted: BootClockTime::now(boot), instant: Instant::now() }
    }
}

/// A run that has ended.
pub(super) struct OnceFinishedRun {
    /// The lock of the key, still held.
    pub(super) grant: LockGrant<ProjectTicket>,
    /// How the command ended, or why it could not be run.
    pub(super) finish: Result<SupervisionOutcome, GuardError>,
    /// The recording, if it is whole.
    pub(super) recorder: Result<OutputRecorder, UnrecordedOutput>,
    pub(super) began: OnceRunStartTime,
    /// The claim on the artifacts that it makes.
    pub(super) claim: Option<ArtifactPathClaim>,
}

impl RunLeader<'_> {
    /// Runs the command, keeps its result if it may be kept, unlocks, and returns the command's
    /// code.
    ///
    /// Signals are blocked from here on. The command runs even if its output cannot be recorded,
    /// but not without a claim on its artifacts.
    pub(super) fn run(&self, mut grant: LockGrant<ProjectTicket>) -> Result<ExitCode, CliFailure> {
        let signals = SignalReader::hold().map_err(|error| {
            CliFailure::new(ExitCode::Error, format!("cannot hold signals back: {error}"))
        })?;
        // Before any thread is started that it could stop.
        signals.hold_stop();
        let claim = match self.claim(&grant) {
            Ok(claim) => claim,
            Err(failure) => {
                self.sharing.give_back(grant);
                return Err(failure);
            }
        };
        let began = OnceRunStartTime::now(&self.sharing.context.caller.here.boot_id);
        let fence = grant.record.fence.map_or(0, lokt_lock::words::Fence::get);
        let recording = self.record(fence);
        let (streams, recording) = match recording {
            Ok(mut it) => (it.streams.take(), Ok(it)),
            Err(error) => (None, Err(error)),
        };
        let finish = self.supervise(&mut grant, &signals, (streams, claim.as_ref()));
        let (recorder, shown) = match recording {
            Ok(it) => {
                drop(it.stop);
                let ended = it.thread.join();
                let ended =
                    ended.map_err(|_| CliFailure::new(ExitCode::Error, "recording panicked"))?;
                (ended.recorder, ended.display)
            }
            Err(error) => (
                Err(UnrecordedOutput { error, tails: OutputTails::default() }),
                RecordingDisplayCompletion::All,
            ),
        };
        let run = OnceFinishedRun { grant, finish, recorder, began, claim };
        let settled = OnceRunWithVerdict::of(self.sharing, run)?;
        settled.end(&signals, shown)
    }

    /// Claims the artifacts that the command makes. Without a claim it must not run: another run would keep what this
    /// one writes.
    fn claim(
        &self,
        grant: &LockGrant<ProjectTicket>,
    ) -> Result<Option<ArtifactPathClaim>, CliFailure> {
        let question = &self.sharing.question;
        if question.artifacts.is_empty() {
            return Ok(None);
        }
        let id = grant.ticket.as_ref().map(|ticket| ticket.place().lock_id.clone());
        let claimant = self.sharing.claimant(ArtifactClaimPurpose::Run(id));
        let claim = question.results.claim(&claimant).map_err(|error| {
            let text = format!("cannot claim the artifacts, so nothing runs: {}", chain(&error));
            CliFailure::new(ExitCode::Error, text)
        })?;
        Ok(Some(claim))
    }

    /// Begins to record, and removes recordings of earlier runs. A failure to record does not keep
    /// the command from running.
    fn record(&self, fence: u64) -> Result<CommandRecordingThread, FileError> {
        let question = &self.sharing.question;
        let folder = question.results.recordings(question.key);
        recording::remove_before(&folder, fence);
        let recorder = match OutputRecorder::begin(&folder, fence) {
            // Then the output can go straight to the streams of this process.
            Err(error) if !self.sharing.once.json => return Err(error),
            recorder => recorder,
        };
        self.begin(recorder).map_err(|source| FileError { what: "record in", path: folder, source })
    }

    /// Makes the pipes and starts the thread that copies from them. Without a recorder, the thread
    /// only shows the output and keeps its end for the JSON.
    fn begin(
        &self,
        recorder: Result<OutputRecorder, FileError>,
    ) -> io::Result<CommandRecordingThread> {
        let pipe = || pipe2(OFlag::O_CLOEXEC).map_err(io::Error::from);
        let ((out, out_end), (err, err_end), (ended, stop)) = (pipe()?, pipe()?, pipe()?);
        let sources = OutputSources::new(out, err)?;
        let streams = self.sharing.streams().unwrap_or_default();
        let sink = match recorder {
            Ok(recorder) => RecordingOrDirectSink::recording(recorder, streams)?,
            Err(error) => RecordingOrDirectSink::unrecorded(error, streams),
        };
        let work = move || transcribe(&sources, ended.as_fd(), sink);
        let thread = thread::Builder::new().name("lokt-record".into()).spawn(work)?;
        Ok(CommandRecordingThread { streams: Some((out_end, err_end)), stop, thread })
    }

    /// Runs the command as a guard of the lock, with an empty standard input.
    ///
    /// Its output goes into the pipes. Without them, it goes straight to the streams of this
    /// process, or, with `--json`, nowhere. The command inherits the ticket and the claim, so both
    /// last until its last process ends.
    fn supervise(
        &self,
        grant: &mut LockGrant<ProjectTicket>,
        signals: &SignalReader,
        (streams, claim): (Option<(OwnedFd, OwnedFd)>, Option<&ArtifactPathClaim>),
    ) -> Result<SupervisionOutcome, GuardError> {
        let OnceSession { once, context, .. } = self.sharing;
        let wait_error = |source| GuardError::Wait { source };
        let input = File::open("/dev/null").map_err(wait_error)?.into();
        let (output, errors) = match streams {
            Some((output, errors)) => (Some(output), Some(errors)),
            // Without a recording: straight to the streams of this process.
            None if once.json => {
                let null = File::options().write(true).open("/dev/null").map_err(wait_error)?;
                (Some(null.into()), None)
            }
            None => (None, None),
        };
        let inherited: io::Result<Vec<OwnedFd>> =
            claim.map(ArtifactPathClaim::inheritance).into_iter().collect();
        let inherited = inherited.map_err(wait_error)?;
        let told = nesting::InheritedLock::of(&grant.record);
        let held = nesting::with(&nesting::held(), std::slice::from_ref(grant));
        let command = GuardedCommand {
            words: once.command.clone(),
            environment: nesting::environment(context, &[told], &held),
            setting: SpawnSettings {
                input: Some(input),
                output,
                errors,
                inherited,
                ..SpawnSettings::default()
            },
        };
        let watchers = SupervisedLocks {
            store: &context.store,
            caller: &context.caller,
            grants: std::slice::from_mut(grant),
        };
        let orders =
            SupervisionPolicy { max_hold: once.max_hold.given(), ..SupervisionPolicy::default() };
        supervise(watchers, &command, signals, orders, &mut |it| held::tell("command", &it))
    }
}

/// Warns why a run is not recorded.
pub(super) fn warn_unrecorded(error: &FileError) {
    output::warn(&format!(
        "the command was not recorded, so its result is not kept: {}",
        chain(error)
    ));
}
