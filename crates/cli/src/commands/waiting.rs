use crate::{output::Progress, span, view::holder};
use clap::Args;
use lokt_lock::{
    guard::{Received, Signals},
    ops::{Bystander, Patience, Standing},
    words::Timestamp,
};
use std::{
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

/// How long to wait in line where nobody says.
const DEFAULT: Duration = Duration::from_mins(10);

/// Waiting in line, for the commands that take a lock.
#[derive(Args, Debug, Default)]
pub(crate) struct Waiting {
    /// Wait in line, first come, first served
    #[arg(long)]
    wait: bool,
    /// Wait at most this long, with --wait [default: 10m]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = span::parse, requires = "wait")]
    timeout: Option<Duration>,
}

impl Waiting {
    pub(crate) fn is_asked(&self) -> bool {
        self.wait
    }

    pub(crate) fn patience(&self) -> Patience {
        if self.wait { Patience::For(self.timeout.unwrap_or(DEFAULT)) } else { Patience::None }
    }
}

/// Shows a person where they stand, and ends the wait when a signal asks for it.
pub(crate) struct Line<'a> {
    signals: &'a Signals,
    progress: Progress,
    ended_by: Option<Received>,
}

impl<'a> Line<'a> {
    pub(crate) fn new(signals: &'a Signals) -> Self {
        Self { signals, progress: Progress::new(), ended_by: None }
    }

    /// The signal that ended the wait.
    pub(crate) fn ended_by(&self) -> Option<Received> {
        self.ended_by
    }
}

impl Bystander for Line<'_> {
    fn waiting(&mut self, standing: &Standing) {
        self.progress.show(&holder::standing(standing, Timestamp::now()));
    }

    fn interval(&self) -> Option<Duration> {
        self.progress.is_live().then_some(Duration::from_secs(1))
    }

    fn interruption(&self) -> Option<BorrowedFd<'_>> {
        Some(self.signals.as_fd())
    }

    fn is_interrupted(&mut self) -> bool {
        while let Ok(Some(received)) = self.signals.next() {
            if received.ends_a_wait() {
                self.ended_by = Some(received);
                return true;
            }
        }
        false
    }
}
