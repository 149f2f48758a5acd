//! The options `--max-hold` and `--on-lost`, for the commands that run something under a lock.
//!
//! `lokt once` has only the first ([`MaxHoldOption`]), the other commands have both
//! ([`SupervisionOptions`]).

use crate::span;
use clap::{Args, ValueEnum};
use lokt_lock::guard::{self, LockLossPolicy};
use std::time::Duration;

/// How long a command may run, for the commands that run one.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct MaxHoldOption {
    /// Stop the command after this long, and exit with 124 (SIGTERM, 5 s later SIGKILL)
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = span::parse_positive)]
    max_hold: Option<Duration>,
}

impl MaxHoldOption {
    /// The limit, if there is one.
    pub(crate) fn given(self) -> Option<Duration> {
        self.max_hold
    }
}

/// How a guard deals with its command, for the commands that run one.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct SupervisionOptions {
    #[command(flatten)]
    max_hold: MaxHoldOption,
    /// If the lock is lost: stop the command and exit with 6 (kill), or only warn (warn) [default: kill]
    #[arg(long, value_name = "WHAT", value_enum, hide_possible_values = true)]
    on_lost: Option<OnLostChoice>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnLostChoice {
    /// Stop the command
    Kill,
    /// Print a warning
    Warn,
}

impl SupervisionOptions {
    /// As the guard takes them.
    /// Without `--on-lost`, the command is stopped: a command that runs on without its lock may
    /// destroy the work of the next holder.
    pub(crate) fn given(self) -> guard::SupervisionPolicy {
        let on_lost = match self.on_lost {
            None | Some(OnLostChoice::Kill) => LockLossPolicy::Kill,
            Some(OnLostChoice::Warn) => LockLossPolicy::Warn,
        };
        guard::SupervisionPolicy {
            on_lost,
            max_hold: self.max_hold(),
            ..guard::SupervisionPolicy::default()
        }
    }

    /// How long the command may run at most.
    pub(crate) fn max_hold(self) -> Option<Duration> {
        self.max_hold.given()
    }
}
