use crate::span;
use clap::{Args, ValueEnum};
use lokt_lock::guard::{self, OnLost};
use std::time::Duration;

/// How long a command may run, for the commands that run one.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct MaxHold {
    /// Stop the command after this long, and give 124 (SIGTERM, 5 s later SIGKILL)
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = span::parse_positive)]
    max_hold: Option<Duration>,
}

impl MaxHold {
    /// The limit, where there is one.
    pub(crate) fn given(self) -> Option<Duration> {
        self.max_hold
    }
}

/// How a guard deals with its command, for the commands that run one.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Orders {
    #[command(flatten)]
    max_hold: MaxHold,
    /// When the lock is taken away: stop the command and give 6, or warn and let it run [default: kill]
    #[arg(long, value_name = "WHAT", value_enum, hide_possible_values = true)]
    on_lost: Option<Reaction>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Reaction {
    /// Stop the command
    Kill,
    /// Say so
    Warn,
}

impl Orders {
    /// As the guard takes them.
    pub(crate) fn given(self) -> guard::Orders {
        let on_lost = match self.on_lost {
            None | Some(Reaction::Kill) => OnLost::Kill,
            Some(Reaction::Warn) => OnLost::Warn,
        };
        guard::Orders { on_lost, max_hold: self.max_hold(), ..guard::Orders::default() }
    }

    /// How long the command may run at most.
    pub(crate) fn max_hold(self) -> Option<Duration> {
        self.max_hold.given()
    }
}
