//! The way of one request to an answer: a kept result, the result of a run in progress, or a run.
//!
//! The loop in [`OnceSession::run`] tries these three in that order. Each pass ends with an answer,
//! or with news: the obstacle may be gone, so it begins at the top. `--refresh` accepts only
//! results that began after the request.

use super::{
    OnceCommand,
    answer::{OnceAnswer, ResultOrigin},
    follow::{FollowOutcome, RunFollower},
    lead::RunLeader,
    request::OnceRequest,
};
use crate::{
    context::CommandContext,
    exit::ExitCode,
    failure::{CliFailure, chain},
    locking::nesting,
    output,
    project_store::ProjectTicket,
    span,
};
use lokt_lock::{
    ops::{AcquireAttemptOutcome, LockGrant, LockRequest, ReleaseOutcome, attempt, release},
    record::HoldKind,
    store::{LockRecordKind, LockStore, NameReader},
    words::{LockMode, LockName, Timestamp},
};
use lokt_once::{
    recording::{OnceRunOutcome, RecordingDisplayStreams, RecordingReader},
    results::{
        ArtifactClaimPurpose, ArtifactClaimRequest, ResultFreshnessCriteria, RivalKind,
        VerifiedResult,
    },
};
use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// The way to a result.
pub(super) struct OnceSession<'a> {
    pub(super) once: &'a OnceCommand,
    /// The caller and the root.
    pub(super) context: &'a CommandContext,
    /// The inputs, and the key made of them.
    pub(super) question: OnceRequest,
    /// The lock of the key.
    pub(super) lock: LockName,
    /// When it was asked for the first time.
    since: OnceRequestTimes,
    /// Whether a warning said that the kept result cannot be used.
    said: Cell<bool>,
}

/// When a result was asked for, however often since then.
///
/// It is made once for a call of the program, also if the inputs change and the request is made
/// again after a wait: otherwise a wait could last for several times `--timeout`.
#[derive(Clone, Copy)]
pub(super) struct OnceRequestTimes {
    /// A refreshed result must have begun later.
    asked: Timestamp,
    /// When to give up.
    ///
    /// With the limit as it was given, for the message. `None` without `--timeout`.
    deadline: Option<(Instant, Duration)>,
}

impl OnceRequestTimes {
    /// The times of a request that begins now.
    pub(super) fn now(once: &OnceCommand) -> Self {
        let end = |limit: Duration| Some((Instant::now().checked_add(limit)?, limit));
        Self { asked: Timestamp::now(), deadline: once.timeout.and_then(end) }
    }
}

impl<'a> OnceSession<'a> {
    /// # Errors
    /// A usage failure if the name is too long, and [`ExitCode::Deadlock`] if the command of this
    /// run asks for its own result.
    pub(super) fn new(
        once: &'a OnceCommand,
        context: &'a CommandContext,
        question: OnceRequest,
        since: OnceRequestTimes,
    ) -> Result<Self, CliFailure> {
        let lock = question.lock()?;
        question.refuse_inside_itself(context, &lock)?;
        Ok(Self { once, context, question, lock, since, said: Cell::new(false) })
    }

    /// The exit code; `None` if the request changed during the wait.
    pub(super) fn run(&self) -> Result<Option<ExitCode>, CliFailure> {
        let mut following: Option<RunFollower<'_>> = None;
        loop {
            if let Some(code) = self.take_kept()? {
                return Ok(Some(code));
            }
            self.refuse_frozen()?;
            let obstacle = match attempt(&self.context.store, &self.request(), None)? {
                AcquireAttemptOutcome::Entered(grant) => return self.enter(grant, following),
                AcquireAttemptOutcome::Blocked(obstacle) => obstacle,
            };
            let following = match &mut following {
                Some(following) => following,
                none => none.insert(RunFollower::begin(self)?),
            };
            match following.follow(&obstacle)? {
                FollowOutcome::To(verdict) => return self.share(&verdict, following).map(Some),
                FollowOutcome::Gone => {}
                FollowOutcome::TimedOut(limit) => return Err(self.timed_out(limit)),
            }
        }
    }

    /// Whether what the result depends on is as it was. Where it is not, a run under the old key would be taken for an
    /// answer by others that have what was there before.
    fn is_still_asked(&self) -> bool {
        self.question.ask_again().is_ok_and(|now| now.key() == self.question.key)
    }

    /// Has the lock, perhaps after it followed others: runs the command, unless a result came between the last look and
    /// the lock.
    fn enter(
        &self,
        grant: LockGrant<ProjectTicket>,
        following: Option<RunFollower<'_>>,
    ) -> Result<Option<ExitCode>, CliFailure> {
        if let Some(mut following) = following {
            following.break_off();
            if !self.is_still_asked() {
                self.give_back(grant);
                return Ok(None);
            }
        }
        match self.take_kept() {
            Ok(None) => RunLeader { sharing: self }.run(grant).map(Some),
            taken => {
                self.give_back(grant);
                taken
            }
        }
    }

    /// Unlocks the lock of the key.
    pub(super) fn give_back(&self, grant: LockGrant<ProjectTicket>) {
        let lock = self.lock.as_str();
        match release(&self.context.store, grant, &self.context.caller) {
            Ok(ReleaseOutcome::Done { unlogged }) => {
                output::warn_unlogged(&format!("lock {lock:?} is free"), unlogged);
            }
            Ok(ReleaseOutcome::Lost) => {}
            Err(error) => output::warn(&format!(
                "the record of lock {lock:?} could not be removed, which the next taker does: {}",
                chain(&error)
            )),
        }
    }

    /// The streams that show the command's output.
    pub(super) fn streams(&self) -> Result<RecordingDisplayStreams, CliFailure> {
        if self.once.json {
            return Ok(RecordingDisplayStreams::none());
        }
        Ok(RecordingDisplayStreams::standard()?)
    }

    /// Whether only what begins from now on counts.
    pub(super) fn is_refreshing(&self) -> bool {
        self.once.asking.refresh
    }

    /// When to give up, and the limit that was given.
    pub(super) fn deadline(&self) -> Option<(Instant, Duration)> {
        self.since.deadline
    }

    /// The request for the lock of the key: an exclusive guard, without a wait.
    pub(super) fn request(&self) -> LockRequest<'_> {
        LockRequest {
            name: &self.lock,
            caller: &self.context.caller,
            mode: LockMode::Exclusive,
            hold: HoldKind::Guard,
            pid: nix::unistd::getpid().as_raw(),
            ttl: None,
            metadata: None,
            command: self.command(),
            held: nesting::held().into_iter().map(|(_, id)| id).collect(),
        }
    }

    /// The command, as text.
    pub(super) fn command(&self) -> Vec<String> {
        let words = self.once.words().iter();
        words.map(|word| word.to_string_lossy().into_owned()).collect()
    }

    /// A freeze of the name prevents a run of the command; a kept result is shared anyway.
    fn refuse_frozen(&self) -> Result<(), CliFailure> {
        let name = &self.once.name;
        let reader = self.context.store.reader(name);
        let slot = reader.slot(LockRecordKind::Freeze);
        let Some(freeze) = slot.record().filter(|it| !reader.is_over(it)) else {
            return Ok(());
        };
        let by = crate::view::holder::frozen_by(freeze, &self.context.caller.identity);
        Err(CliFailure::new(ExitCode::Held, format!("{:?} is frozen {by}", name.as_str()))
            .hint(crate::view::call("why", name, "")))
    }

    /// The failure after `--timeout`, with the process that runs the command.
    fn timed_out(&self, limit: Duration) -> CliFailure {
        let name = self.once.name.as_str();
        let slot = self.context.store.reader(&self.lock).slot(LockRecordKind::Lock);
        let who = slot.record().map_or_else(|| "another".to_owned(), crate::view::holder::who);
        let limit = span::show(limit);
        CliFailure::new(
            ExitCode::Held,
            format!("{name:?} is being run by {who}; gave up after {limit}"),
        )
        .hint(crate::view::call("why", &self.lock, ""))
    }

    /// Gives a kept result, if there is one.
    ///
    /// `None` also if the artifacts cannot be restored: then the command has to make them. The
    /// result is marked as used, for pruning.
    fn take_kept(&self) -> Result<Option<ExitCode>, CliFailure> {
        let since = self.is_refreshing().then_some(self.since.asked);
        let limit =
            ResultFreshnessCriteria { since, age: self.once.keeping.ttl, ..self.question.now() };
        let Some(kept) = self.question.find(&limit)? else { return Ok(None) };
        if !self.restore(&kept) {
            return Ok(None);
        }
        self.question.results.touch(self.question.key);
        let answer = OnceAnswer::of_kept(ResultOrigin::Hit, &kept.record, &self.question.results);
        let code = ExitCode::Command(kept.record.exit_code);
        if self.once.json {
            output::even_if_unread(output::json(&answer.to_json()))?;
            return Ok(Some(code));
        }
        self.tell_of_replay(&kept.record);
        let mut streams = self.streams()?;
        kept.replay(&mut streams).map_err(|error| {
            CliFailure::new(ExitCode::Error, format!("cannot read the kept result: {error}"))
        })?;
        unless_unshown(&streams, Ok(code)).map(Some)
    }

    /// Restores the artifacts; false if that is not possible, so that the command has to make them.
    ///
    /// A run of another caller that makes the same artifacts at this moment is a warning.
    pub(super) fn restore(&self, kept: &VerifiedResult) -> bool {
        let claimant = self.claimant(ArtifactClaimPurpose::Restore(self.question.key));
        let name = self.once.name.as_str();
        match kept.restore(&self.question.results, &claimant) {
            Ok(restored) => {
                if let Some(meeting) = restored.meeting.filter(|it| it.by == RivalKind::Run) {
                    let path = meeting.artifact.display();
                    output::warn(&format!(
                        "{path} was restored while another run makes it, and may write there still; its result is not kept"
                    ));
                }
                true
            }
            Err(error) => {
                if !self.said.replace(true) {
                    let why = chain(&error);
                    output::warn(&format!("the result of {name:?} is not used: {why}"));
                }
                false
            }
        }
    }

    /// This process, as a writer of the artifacts.
    pub(super) fn claimant(&self, purpose: ArtifactClaimPurpose) -> ArtifactClaimRequest<'_> {
        ArtifactClaimRequest {
            project: &self.question.project,
            artifacts: &self.question.artifacts,
            purpose,
            inside: nesting::held().into_iter().map(|(_, id)| id).collect(),
        }
    }

    /// Ends as the process that ran the command did: the same exit code, and the same artifacts.
    fn share(
        &self,
        verdict: &OnceRunOutcome,
        following: &RunFollower<'_>,
    ) -> Result<ExitCode, CliFailure> {
        if let OnceRunOutcome::Exited { code: 0, .. } = verdict
            && !self.question.artifacts.is_empty()
        {
            self.restore_shared(verdict)?;
        }
        let tails = following.follower().map(RecordingReader::tails).unwrap_or_default();
        let answer = OnceAnswer::of_verdict(ResultOrigin::Followed, self, verdict, &tails)?;
        if self.once.json {
            output::even_if_unread(output::json(&answer.to_json()))?;
        }
        unless_unshown(following.streams(), answer.end())
    }

    /// Restores the artifacts of the followed run. If they were not kept, that is only a warning.
    fn restore_shared(&self, verdict: &OnceRunOutcome) -> Result<(), CliFailure> {
        if verdict.is_kept()
            && let Some(kept) = self.question.find(&self.question.now())?
            && self.restore(&kept)
        {
            return Ok(());
        }
        output::warn("the artifacts were not kept, so they are not restored here");
        Ok(())
    }
}

/// The exit code after a command that succeeded, if its output could not be shown. A reader that closed the pipe is
/// no failure.
pub(super) fn unless_unshown(
    streams: &RecordingDisplayStreams,
    code: Result<ExitCode, CliFailure>,
) -> Result<ExitCode, CliFailure> {
    let Some(error) = streams.trouble() else { return code };
    let text = format!("cannot write output: {error}");
    match code {
        Ok(code) if code.number() != 0 => {
            output::warn(&text);
            Ok(code)
        }
        Ok(_) => Err(CliFailure::new(ExitCode::Error, text)),
        failed => failed,
    }
}
