//! The end of a run: its verdict, keeping its result, and telling the followers.
//!
//! The order matters. The result is kept first, then its lease is published, then the verdict is
//! written as the last frame of the recording, and the lock is unlocked last. A follower that reads
//! the verdict finds the result.

use super::{
    answer::{OnceAnswer, ResultOrigin},
    lead::{OnceFinishedRun, OnceRunStartTime, warn_unrecorded},
    session::{OnceSession, unless_unshown},
    withdraw::withdraw,
};
use crate::{
    exit::ExitCode,
    failure::{CliFailure, chain, code_of},
    output,
    project_store::ProjectTicket,
    span,
};
use lokt_lock::{
    file::FileLockStore,
    guard::{CommandEnd, GuardError, GuardStopCause, SignalReader, SupervisionOutcome},
    ops::{LockGrant, LockRequest, ResultLeasePublishOutcome, publish, stands},
    record::{HoldKind, LockMetadata, LockRecord},
    sys::SignalNumber,
    words::{LockMode, Owner, Timestamp},
};
use lokt_once::{
    manifest::compare,
    recording::{
        OnceRunOutcome, OutputRecorder, OutputRecordingSnapshot, RecordingDisplayCompletion,
        RecordingDisplayStreams, UnrecordedOutput,
    },
    results::{ArtifactPathClaim, NewResult, ResultRecord, RetentionLimits},
};
use nix::sys::signal::Signal;

/// All results together have at most so many bytes.
///
/// 4 GiB. Results that were used least recently are removed first.
const MOST_BYTES: u64 = 4 << 30;

/// A run that has ended, with its verdict; its result is kept if possible.
pub(super) struct OnceRunWithVerdict<'a> {
    sharing: &'a OnceSession<'a>,
    /// The lock of the key, still held.
    grant: LockGrant<ProjectTicket>,
    /// The recording, without its last frame; `None` if it failed.
    recorder: Option<OutputRecorder>,
    verdict: OnceRunOutcome,
    /// What this process answers.
    answer: OnceAnswer,
    /// The signal by which to end, as the command did.
    dies_of: Option<SignalNumber>,
    /// The command may be running still.
    runs_on: bool,
}

impl<'a> OnceRunWithVerdict<'a> {
    /// Judges a run, and keeps its result before any follower learns that the run is over: a follower that asks again
    /// finds the result.
    pub(super) fn of(
        sharing: &'a OnceSession<'a>,
        run: OnceFinishedRun,
    ) -> Result<Self, CliFailure> {
        let OnceFinishedRun { grant, finish, mut recorder, began, claim } = run;
        let runs_on = matches!(finish, Err(GuardError::Wait { .. }));
        let stands = !grant.lost && stands(&sharing.context.store, &grant);
        let ended = finish.as_ref().ok();
        let ended_by = ended.and_then(|it| Some((it.asked?, it.ending)));
        let mut verdict = verdict(sharing, &finish, stands);
        if let Err(UnrecordedOutput { error, .. }) = &recorder {
            warn_unrecorded(error);
            verdict = verdict.not_kept(&chain(error));
        }
        let kept = ResultSaver { sharing, began: &began, claim: claim.as_ref() }
            .settle(&mut verdict, recorder.as_mut().ok());
        if let (true, Some(claim)) = (runs_on, claim) {
            claim.leave();
        }
        let answer = match &kept {
            Some(record) => {
                OnceAnswer::of_kept(ResultOrigin::Ran, record, &sharing.question.results)
            }
            None => {
                OnceAnswer::of_run(sharing, &verdict, recorder.as_ref(), began.instant.elapsed())?
            }
        };
        let answer = match (stands, &ended_by) {
            (false, _) => answer.lost(&sharing.lock),
            (true, Some((_, ending))) => answer.interrupted(*ending),
            (true, None) => answer,
        };
        let dies_of = ended_by.filter(|(_, ending)| *ending != CommandEnd::Exited(0));
        let dies_of = dies_of.map(|(signal, _)| signal);
        let recorder = recorder.ok();
        Ok(Self { sharing, grant, recorder, verdict, answer, dies_of, runs_on })
    }

    /// Informs the followers, unlocks, and shows the rest of the output.
    ///
    /// The lock stays held if the command may still be running: it then ends with the command's
    /// last process.
    pub(super) fn end(
        self,
        signals: &SignalReader,
        shown: RecordingDisplayCompletion,
    ) -> Result<ExitCode, CliFailure> {
        if let Some(recorder) = self.recorder {
            recorder.end(&self.verdict);
        }
        if !self.runs_on {
            self.sharing.give_back(self.grant);
        }
        // A signal can do no harm from here on, and the reader of the output may be slow.
        signals.release();
        let streams = match shown {
            RecordingDisplayCompletion::ByDisplay(display) => display.finish(),
            RecordingDisplayCompletion::All => RecordingDisplayStreams::none(),
        };
        if self.sharing.once.json {
            output::even_if_unread(output::json(&self.answer.to_json()))?;
        }
        let has_terminal = self.sharing.context.caller.has_terminal();
        if let Some(signal) = self.dies_of.filter(|it| *it == Signal::SIGINT && has_terminal) {
            signals.die_of(signal);
        }
        unless_unshown(&streams, self.answer.end())
    }
}

/// The verdict of a run. `stands` says whether the lock of the key was still held at its end.
///
/// A run is abandoned, and followers start over, if the lock was lost, if a signal interrupted it,
/// or if it is unknown how the command ended. A result belongs to a verdict only if the command
/// exited by itself.
fn verdict(
    sharing: &OnceSession<'_>,
    finish: &Result<SupervisionOutcome, GuardError>,
    stands: bool,
) -> OnceRunOutcome {
    let abandoned = |why: &str| OnceRunOutcome::Abandoned { why: why.to_owned() };
    let finish = match finish {
        Ok(finish) => finish,
        Err(error @ GuardError::Wait { .. }) => return abandoned(&chain(error)),
        Err(error @ (GuardError::Spawn(_) | GuardError::Keep { .. })) => {
            let code = code_of(error).number();
            return OnceRunOutcome::NotStarted { code, message: chain(error) };
        }
    };
    match (finish.stopped, finish.ending) {
        _ if !stands => abandoned("its lock was taken away"),
        (Some(GuardStopCause::Lost), _) => abandoned("its lock was taken away"),
        (Some(GuardStopCause::MaxHold), _) => {
            let limit = span::show(sharing.once.max_hold.given().unwrap_or_default());
            let text =
                format!("the command ran for longer than --max-hold {limit} and was stopped");
            OnceRunOutcome::TimedOut { message: text }
        }
        // Also if it ended well: it may have left work out.
        _ if finish.asked.is_some() => abandoned("it was interrupted"),
        (None, ending @ CommandEnd::Exited(_)) => OnceRunOutcome::exited(ending.code()),
        (None, ending @ CommandEnd::Signaled(signal)) => {
            OnceRunOutcome::Signaled { code: ending.code(), signal: signal.to_string() }
        }
    }
}

/// Keeps the result of a run.
struct ResultSaver<'a> {
    sharing: &'a OnceSession<'a>,
    /// When the run began: the record has the time.
    began: &'a OnceRunStartTime,
    /// The claim on the artifacts, if the command makes any.
    claim: Option<&'a ArtifactPathClaim>,
}

impl ResultSaver<'_> {
    /// Keeps the result of a run by its verdict, which learns the outcome of that. A run that failed makes an
    /// older success with the same inputs invalid.
    ///
    /// Returns the record if the result was kept. A failure is kept only with `--keep-failures`. If
    /// the inputs changed during the run, nothing is kept, and the verdict counts only for
    /// followers in the same project.
    fn settle(
        &self,
        verdict: &mut OnceRunOutcome,
        recorder: Option<&mut OutputRecorder>,
    ) -> Option<ResultRecord> {
        let changed = match verdict {
            OnceRunOutcome::Exited { .. } => self.require_unchanged().err(),
            _ => None,
        };
        if changed.is_some() {
            *verdict = verdict.clone().only_in(&self.sharing.question.project);
        }
        let wanted = |code: u8| code == 0 || self.sharing.once.keeping.keep_failures;
        match (&*verdict, recorder) {
            (OnceRunOutcome::Abandoned { .. }, _)
            | (OnceRunOutcome::Exited { code: 0, .. }, None) => None,
            (OnceRunOutcome::Exited { code, .. }, Some(recorder)) if wanted(*code) => {
                match changed.map_or(Ok(()), Err).and_then(|()| self.keep(*code, recorder)) {
                    Ok(record) => {
                        *verdict = verdict.clone().kept();
                        Some(record)
                    }
                    Err(why) => {
                        output::warn(&format!("the result is not kept: {why}"));
                        *verdict = verdict.clone().not_kept(&why);
                        None
                    }
                }
            }
            // The inputs have changed, and the older success is of the inputs before.
            (OnceRunOutcome::Exited { .. }, _) if changed.is_some() => None,
            _ => {
                self.forget();
                None
            }
        }
    }

    /// Removes the result that was kept under the key before.
    fn forget(&self) {
        let question = &self.sharing.question;
        match question.results.forget(question.key) {
            Ok(pruned) => withdraw(self.sharing.context, &pruned),
            Err(error) => output::warn(&format!(
                "an older result, of a run that went well, is still kept: {}",
                chain(&error)
            )),
        }
    }

    /// Keeps it, or says why not.
    ///
    /// Publishes the lease after the result is complete. Then, from time to time, it removes old
    /// results to make room. A failure to do so is a warning: the result is kept all the same.
    fn keep(&self, code: u8, recorder: &mut OutputRecorder) -> Result<ResultRecord, String> {
        let question = &self.sharing.question;
        let streams = recorder.recorded().map_err(|error| chain(&error))?;
        let new = NewResult {
            record: self.record(code, &streams),
            manifest: &question.manifest,
            recorded: &streams,
            project: &question.project,
            artifacts: &question.artifacts,
            claim: self.claim,
        };
        let record = question.results.keep(new, MOST_BYTES).map_err(|error| chain(&error))?;
        self.publish(&record);
        if question.results.is_due_for_pruning() || question.results.size() > MOST_BYTES {
            let limits = RetentionLimits { older: None, most: MOST_BYTES };
            match question.results.prune(limits, Timestamp::now()) {
                Ok(pruned) => {
                    withdraw(self.sharing.context, &pruned);
                    // A queue that stays costs an empty folder.
                    let files = self.sharing.context.store.files();
                    let _ = files.map(FileLockStore::remove_empty_lines);
                }
                Err(error) => output::warn(&format!("cannot make room: {}", chain(&error))),
            }
        }
        Ok(record)
    }

    /// A result belongs to the inputs at its start. If they have changed meanwhile, it belongs to no known inputs.
    fn require_unchanged(&self) -> Result<(), String> {
        let question = &self.sharing.question;
        let now = question.ask_again().map_err(|failure| failure.message)?;
        if now.key() == question.key {
            return Ok(());
        }
        let changes = compare(&question.manifest, &now);
        let more = changes.len().saturating_sub(1);
        let first = changes.first().map(super::explain::told).unwrap_or_default();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        Err(format!(
            "while the command ran, {first}{more} (what it makes can be an --artifact, or ignored by git)"
        ))
    }

    /// The record of the result; the store adds the artifacts.
    fn record(&self, code: u8, streams: &OutputRecordingSnapshot) -> ResultRecord {
        let OnceSession { once, context, question, .. } = self.sharing;
        let now = Timestamp::now();
        let caller = &context.caller;
        ResultRecord {
            name: once.name.clone(),
            key: question.key,
            exit_code: code,
            command: self.sharing.command(),
            owner: Owner::from_record(caller.identity.owner.as_str()),
            agent_id: Some(caller.identity.agent.clone()),
            host: caller.here.host.clone(),
            started_at: self.began.at,
            started_since_boot: self.began.booted.clone(),
            finished_at: now,
            duration_ms: u64::try_from(self.began.instant.elapsed().as_millis())
                .unwrap_or(u64::MAX),
            expires_at: once.keeping.ttl.map(|ttl| now.saturating_add(ttl)),
            stdout: streams.out.0,
            stderr: streams.err.0,
            order: streams.order.0,
            artifacts: Vec::new(),
        }
    }

    /// Makes the name's lease tell of the result.
    ///
    /// The lease makes the latest result visible to `lokt status` and `lokt get-meta`. Its metadata
    /// has the exit code, the paths of the output and the command. A name that is locked or frozen
    /// is left alone.
    fn publish(&self, record: &ResultRecord) {
        let OnceSession { once, context, question, .. } = self.sharing;
        let path = |digest| question.results.content(digest).display().to_string();
        let mut metadata = LockMetadata::default();
        LockRecord::mark_as_result(&mut metadata, &record.key.to_string());
        for (key, value) in [
            ("exit_code", record.exit_code.to_string()),
            ("stdout", path(record.stdout.digest)),
            ("stderr", path(record.stderr.digest)),
            ("duration_ms", record.duration_ms.to_string()),
            ("started_at", record.started_at.to_string()),
            ("finished_at", record.finished_at.to_string()),
            ("command", crate::view::command_line(&record.command)),
        ] {
            metadata.set(key, &value);
        }
        let request = LockRequest {
            name: &once.name,
            caller: &context.caller,
            mode: LockMode::Exclusive,
            hold: HoldKind::Lease,
            pid: nix::unistd::getpid().as_raw(),
            ttl: once.keeping.ttl,
            metadata: Some(metadata),
            command: Vec::new(),
            held: Vec::new(),
        };
        let name = once.name.as_str();
        match publish(&context.store, &request) {
            Ok(ResultLeasePublishOutcome::Done) => {}
            Ok(ResultLeasePublishOutcome::Taken) => output::warn(&format!(
                "the result is kept, but {name:?} is locked or frozen, so its lease does not show the result"
            )),
            Err(error) => output::warn(&format!(
                "the result is kept, but the lease {name:?} does not show it: {}",
                chain(&error)
            )),
        }
    }
}
