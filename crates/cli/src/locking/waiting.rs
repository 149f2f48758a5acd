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
    pub(crate) fn is_asked(&self) -> bool {
        self.wait
    }

    pub(crate) fn patience(&self) -> WaitLimit {
        if self.wait {
            WaitLimit::For(self.timeout.unwrap_or(DEFAULT_LIMIT))
        } else {
            WaitLimit::None
        }
    }
}

/// A wait as one line, for a caller.
type QueueLineFormatter = fn(&QueueStanding, &CallerIdentity, Timestamp) -> String;

/// Shows the queue position on a terminal, and ends the wait on a signal.
pub(crate) struct QueueDisplay<'a> {
    signals: &'a SignalReader,
    caller: &'a Caller,
    progress: ProgressLine,
    line: QueueLineFormatter,
    ended_by: Option<ReceivedSignal>,
}

impl<'a> QueueDisplay<'a> {
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
    fn waiting(&mut self, standing: &QueueStanding) {
        let me = &self.caller.identity;
        self.progress.show(&(self.line)(standing, me, Timestamp::now()));
    }

    fn interval(&self) -> Option<Duration> {
        self.progress.is_live().then_some(Duration::from_secs(1))
    }

    fn interruption(&self) -> Option<BorrowedFd<'_>> {
        Some(self.signals.as_fd())
    }

    fn is_interrupted(&mut self) -> bool {
        self.ended_by = end_of_wait(self.signals).or(self.ended_by);
        self.ended_by.is_some()
    }
}

/// The first of the signals received so far that ends a wait.
pub(crate) fn end_of_wait(signals: &SignalReader) -> Option<ReceivedSignal> {
    while let Ok(Some(received)) = signals.next() {
        if received.ends_a_wait() {
            return Some(received);
        }
    }
    None
}

/// The code of a program that a signal ended.
pub(crate) fn interrupted_by(received: ReceivedSignal) -> ExitCode {
    ExitCode::Command(CommandEnd::Signaled(received.signal).code())
}

/// Ends as the signal would have ended this process.
pub(crate) fn interrupted(signals: &SignalReader, by: Option<ReceivedSignal>) -> ExitCode {
    let Some(received) = by else {
        return ExitCode::Error;
    };
    signals.die_of(received.signal);
    interrupted_by(received)
}
