//! Following the run of another caller: its output is shown live, and its verdict is this caller's
//! too.
//!
//! A follower reads the recording that the leader writes. It wakes by inotify(7) on the folder of
//! recordings, and by the watch on the leader's ticket, which tells that the leader is gone.

use super::session::OnceSession;
use crate::{
    exit::ExitCode,
    failure::{CliFailure, chain},
    output,
};
use lokt_lock::{
    ops::{LockOperationError, enlist},
    rules::Obstacle,
    store::{LockStore, NestedWaitEntry, ObstacleWatch},
    words::Timestamp,
};
use lokt_once::recording::{
    OnceRunOutcome, RecordingDisplayStreams, RecordingFolderWatch, RecordingProgress,
    RecordingReader,
};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use std::{
    io,
    os::fd::AsFd,
    path::PathBuf,
    time::{Duration, Instant},
};

/// Watches another caller's run, without a queue position: a follower that is stopped, or does not read on, delays
/// no other process. If the run's process is gone without a verdict, all followers try to get the lock, and one
/// of them gets it.
pub(super) struct RunFollower<'a> {
    /// The request that is followed.
    sharing: &'a OnceSession<'a>,
    /// The folder with the recordings of the key.
    folder: PathBuf,
    /// The inotify(7) watch on that folder; `None` if it cannot be watched.
    watch: Option<RecordingFolderWatch>,
    /// Where the output is shown.
    streams: RecordingDisplayStreams,
    /// The recording that is read; `None` before there is one.
    follower: Option<RecordingReader>,
    /// The registration of this wait for the search for deadlocks; `None` where this process holds
    /// no lock that others could wait for.
    enlisted: Option<NestedWaitEntry>,
    /// Recordings up to this number are not followed any more.
    passed: u64,
}

/// Why a run is broken off that has no more to say.
const GONE: &str = "the process that ran it is gone";

/// How watching ended.
///
/// `Gone` does not say that the lock is free: the caller tries again.
pub(super) enum FollowOutcome {
    /// With the end of the run.
    To(OnceRunOutcome),
    /// The obstacle may be gone.
    Gone,
    /// It took too long.
    TimedOut(Duration),
}

impl<'a> RunFollower<'a> {
    /// Begins to watch the recordings. Shows nothing yet.
    pub(super) fn begin(sharing: &'a OnceSession<'a>) -> Result<Self, CliFailure> {
        let streams = sharing.streams()?;
        let folder = sharing.question.results.recordings(sharing.question.key);
        // What cannot be watched has no recording either; then there is its end to wait for.
        let watch = RecordingFolderWatch::begin(&folder).ok();
        Ok(Self { sharing, folder, watch, streams, follower: None, enlisted: None, passed: 0 })
    }

    /// The recording that is followed now, or was followed last.
    pub(super) fn follower(&self) -> Option<&RecordingReader> {
        self.follower.as_ref()
    }

    /// The streams that show it.
    pub(super) fn streams(&self) -> &RecordingDisplayStreams {
        &self.streams
    }

    /// Shows what is recorded until the run is over, or the obstacle may be gone.
    ///
    /// Returns when the run has a verdict that counts for this request, when the obstacle may be
    /// gone, or at the deadline of `--timeout`.
    ///
    /// # Errors
    /// A deadlock among them: the run waits for something that goes on only when this has its result.
    pub(super) fn follow(&mut self, obstacle: &Obstacle) -> Result<FollowOutcome, CliFailure> {
        // The one before must not be taken for another wait of the same process.
        self.enlisted = None;
        self.enlisted = self.enlist(obstacle)?;
        let mut obstacle_watch = self.sharing.context.store.watch(&self.sharing.lock, obstacle)?;
        let mut due = Some(Instant::now());
        loop {
            self.watch.iter().for_each(RecordingFolderWatch::forget);
            if let Some(verdict) = self.show()? {
                return Ok(FollowOutcome::To(verdict));
            }
            let now = Instant::now();
            let is_due = due.is_some_and(|at| at <= now);
            if is_due && obstacle_watch.look() {
                return self.last_look();
            }
            if is_due {
                due = obstacle_watch.patience(Timestamp::now()).map(|left| now + left);
            }
            let deadline = self.sharing.deadline();
            if let Some((_, limit)) = deadline.filter(|(at, _)| *at <= now) {
                return Ok(FollowOutcome::TimedOut(limit));
            }
            let until = [due, deadline.map(|(at, _)| at)].into_iter().flatten().min();
            if self.sleep(&mut obstacle_watch, until)? {
                return self.last_look();
            }
        }
    }

    /// If the wait cannot be registered, on a full disk for instance, it waits anyway.
    fn enlist(&self, obstacle: &Obstacle) -> Result<Option<NestedWaitEntry>, CliFailure> {
        match enlist(&self.sharing.context.store, &self.sharing.request(), obstacle) {
            Err(LockOperationError::Store(error)) => {
                let why = chain(&error);
                output::warn(&format!("a deadlock through this wait would not be found: {why}"));
                Ok(None)
            }
            enlisted => Ok(enlisted?),
        }
    }

    /// The verdict comes before the end of the lock, so it is there by now, or there will be none.
    fn last_look(&mut self) -> Result<FollowOutcome, CliFailure> {
        Ok(self.show()?.map_or(FollowOutcome::Gone, FollowOutcome::To))
    }

    /// Sleeps until there may be more to show; true if the obstacle may be gone.
    ///
    /// Wakes by the sources of the obstacle, by a change in the folder of recordings, by a signal,
    /// or at `until`.
    fn sleep(
        &self,
        obstacle_watch: &mut impl ObstacleWatch,
        until: Option<Instant>,
    ) -> Result<bool, CliFailure> {
        let told = {
            let sources = obstacle_watch.sources();
            let own = sources.len();
            let all = sources.into_iter().chain(self.watch.as_ref().map(AsFd::as_fd));
            let mut fds: Vec<PollFd<'_>> =
                all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            match poll(&mut fds, timeout(until)) {
                Ok(_) => fds.iter().take(own).any(|fd| fd.any() == Some(true)),
                Err(Errno::EINTR) => false,
                Err(errno) => {
                    let error = io::Error::from(errno);
                    return Err(CliFailure::new(ExitCode::Error, format!("cannot wait: {error}")));
                }
            }
        };
        Ok(told && obstacle_watch.is_over())
    }

    /// Shows new output; returns the verdict if the run is over.
    ///
    /// A recording that ended without a verdict for this request (abandoned, or of changed inputs)
    /// is passed, and the next one is followed. During `--refresh` nothing is followed.
    fn show(&mut self) -> Result<Option<OnceRunOutcome>, CliFailure> {
        // A refresh must not share a run that began before the request.
        if self.sharing.is_refreshing() {
            return Ok(None);
        }
        loop {
            self.find_newer();
            let Some(follower) = &mut self.follower else { return Ok(None) };
            let fence = follower.fence();
            // Checked first: a newer recording begins only after this one is complete.
            let is_over = RecordingReader::newest(&self.folder) > Some(fence);
            let progress = follower.pump(&mut self.streams).map_err(|error| {
                CliFailure::new(ExitCode::Error, format!("cannot read the recording: {error}"))
            })?;
            let why = match progress {
                RecordingProgress::Ended(OnceRunOutcome::Abandoned { why }) => why,
                RecordingProgress::Ended(verdict)
                    if verdict.counts_in(&self.sharing.question.project) =>
                {
                    return Ok(Some(verdict));
                }
                RecordingProgress::Ended(_) => "what it depends on changed while it ran".to_owned(),
                RecordingProgress::BrokenOff => "its recording could not be written".to_owned(),
                RecordingProgress::Open if is_over => GONE.to_owned(),
                RecordingProgress::Open => return Ok(None),
            };
            self.pass(fence, &why);
        }
    }

    /// Prints once that the followed run was broken off.
    pub(super) fn break_off(&mut self) {
        if let Some(fence) = self.follower.as_ref().map(RecordingReader::fence) {
            self.pass(fence, GONE);
        }
    }

    /// Leaves a recording for good and says why. It starts over with the next recording.
    fn pass(&mut self, fence: u64, why: &str) {
        self.passed = fence;
        // The disk may be full of it.
        self.follower = None;
        if self.sharing.once.quiet {
            return;
        }
        let name = self.sharing.once.name.as_str();
        output::note(&format!("that run of {name:?} was broken off ({why}); it starts over"));
    }

    /// Turns to a newer recording than the one that is followed, from its start.
    fn find_newer(&mut self) {
        if self.follower.is_some() {
            // First the rest of that recording.
            return;
        }
        let newest = RecordingReader::newest(&self.folder).filter(|newest| *newest > self.passed);
        let Some(found) = newest.and_then(|newest| RecordingReader::open(&self.folder, newest))
        else {
            return;
        };
        self.sharing.tell_of_following(found.fence());
        self.follower = Some(found);
    }
}

/// poll(2) counts whole milliseconds; rounding up keeps it from waking too early and spinning.
fn timeout(until: Option<Instant>) -> PollTimeout {
    let Some(until) = until else { return PollTimeout::NONE };
    let left = until.saturating_duration_since(Instant::now());
    let milliseconds = left.as_micros().div_ceil(1000).min(1_000_000_000);
    PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
}
