//! The options `--wait` and `--timeout`, the line that shows a wait, and the signals that end one.
//!
//! While a command waits, its signals are blocked and read from a signalfd(2), because it must
//! leave the queue before it ends. A signal that would have ended the process ends the wait; the
//! process then ends by that same signal, so a shell sees an interrupted program.

use crate::{exit::ExitCode, output::ProgressLine, span, view::holder};
use clap::Args;
use lokt_lock::{
    caller::Caller,
    guard::{CommandEnd, ReceivedSignal, SignalReader},
    ops::{QueueStanding, WaitLimit, WaitObserver},
    rules::CallerIdentity,
    words::Timestamp,
};
use std::{
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

/// The default time limit of a wait.
pub(crate) const DEFAULT_LIMIT: Duration = Duration::from_mins(10);

/// Options for waiting in the queue, for the commands that take a lock.
#[derive(Args, Debug, Default)]
pub(crate) struct WaitOptions {
    /// Wait in the queue, first come, first served
    #[arg(long)]
    wait: bool,
    /// With --wait: wait at most this long [default: 10m]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = span::parse, requires = "wait")]
    timeout: Option<Duration>,
}

impl WaitOptions {
    /// Whether `--wait` was given.
    pub(crate) fn is_asked(&self) -> bool {
        self.wait
    }

    /// How long to wait: not at all without `--wait`, [`DEFAULT_LIMIT`] without `--timeout`. A
    /// limit of 0 is allowed: the caller tries once, and reports that it gave up.
    pub(crate) fn patience(&self) -> WaitLimit {
        if self.wait {
            WaitLimit::For(self.timeout.unwrap_or(DEFAULT_LIMIT))
        } else {
            WaitLimit::None
        }
    }
}

/// A wait as one line, for a caller.
///
/// Two functions of `view::holder` fit: one for a position in the queue, one for a wait without a
/// queue.
type QueueLineFormatter = fn(&QueueStanding, &CallerIdentity, Timestamp) -> String;

/// Shows the queue position on a terminal, and ends the wait on a signal.
///
/// Where stderr is no terminal, the line is printed once, as a note, and never again.
pub(crate) struct QueueDisplay<'a> {
    /// The signals that were blocked before the wait.
    signals: &'a SignalReader,
    /// Whose wait it is: holders that are the caller are shown as "you".
    caller: &'a Caller,
    /// The line on stderr.
    progress: ProgressLine,
    /// How the line is worded.
    line: QueueLineFormatter,
    /// The signal that ended the wait, after [`WaitObserver::is_interrupted`] has found one.
    ended_by: Option<ReceivedSignal>,
}

impl<'a> QueueDisplay<'a> {
    /// For a wait in the queue of a lock.
    pub(crate) fn new(signals: &'a SignalReader, caller: &'a Caller) -> Self {
        let (progress, line) = (ProgressLine::new(), holder::standing as QueueLineFormatter);
        Self { signals, caller, progress, line, ended_by: None }
    }

    /// For a wait that has no queue position.
    pub(crate) fn outside_the_queue(signals: &'a SignalReader, caller: &'a Caller) -> Self {
        Self { line: holder::awaited, ..Self::new(signals, caller) }
    }

    /// The signal that ended the wait.
    pub(crate) fn ended_by(&self) -> Option<ReceivedSignal> {
        self.ended_by
    }
}

impl WaitObserver for QueueDisplay<'_> {
    /// Draws the line for the present position.
    fn waiting(&mut self, standing: &QueueStanding) {
        let me = &self.caller.identity;
        self.progress.show(&(self.line)(standing, me, Timestamp::now()));
    }

    /// Once a second on a terminal, so that the waited time in the line moves; else never.
    fn interval(&self) -> Option<Duration> {
        self.progress.is_live().then_some(Duration::from_secs(1))
    }

    /// The signalfd(2), which the wait polls beside the obstacle.
    fn interruption(&self) -> Option<BorrowedFd<'_>> {
        Some(self.signals.as_fd())
    }

    /// Reads the signals that have arrived, up to one that ends the wait. A later call without a
    /// new signal still answers yes.
    fn is_interrupted(&mut self) -> bool {
        self.ended_by = end_of_wait(self.signals).or(self.ended_by);
        self.ended_by.is_some()
    }
}

/// The first of the signals received so far that ends a wait.
///
/// Signals before it are read and dropped, as are all if none of them ends a wait.
pub(crate) fn end_of_wait(signals: &SignalReader) -> Option<ReceivedSignal> {
    while let Ok(Some(received)) = signals.next() {
        if received.ends_a_wait() {
            return Some(received);
        }
    }
    None
}

/// The code of a program that a signal ended.
///
/// That is 128 plus the number of the signal, as a shell reports it.
pub(crate) fn interrupted_by(received: ReceivedSignal) -> ExitCode {
    ExitCode::Command(CommandEnd::Signaled(received.signal).code())
}

/// Ends as the signal would have ended this process.
///
/// Returns only if that is impossible: the process ignores the signal, or is process 1 of a
/// container. Then the exit code is that of [`interrupted_by`]. `by` is `None` if the wait ended
/// without a signal, which is an error.
pub(crate) fn interrupted(signals: &SignalReader, by: Option<ReceivedSignal>) -> ExitCode {
    let Some(received) = by else {
        return ExitCode::Error;
    };
    signals.die_of(received.signal);
    interrupted_by(received)
}
