use std::time::Duration;

/// What a guard does when its lock is taken away while the command runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LockLossPolicy {
    /// Stops the command: another holder may be in.
    #[default]
    Kill,
    /// Says so, and lets it run.
    Warn,
}

/// How a guard deals with its command.
#[derive(Clone, Copy, Debug)]
pub struct SupervisionPolicy {
    /// When a lock is lost.
    pub on_lost: LockLossPolicy,
    /// How long the command may run at most.
    pub max_hold: Option<Duration>,
    /// How long a command may take to end after SIGTERM, before it is killed.
    pub grace: Duration,
}

/// How long a command has to end after SIGTERM, unless the caller sets another time.
pub const GRACE: Duration = Duration::from_secs(5);

impl Default for SupervisionPolicy {
    fn default() -> Self {
        Self { on_lost: LockLossPolicy::default(), max_hold: None, grace: GRACE }
    }
}

/// Why a guard stopped its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardStopCause {
    /// A lock was taken away.
    Lost,
    /// It ran for longer than it may.
    MaxHold,
}
