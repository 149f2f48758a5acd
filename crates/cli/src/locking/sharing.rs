//! The options `--shared` and `--slots`, and the lock mode that they ask for.
//!
//! An exclusive lock is the default. All holders of a shared lock, and all of a lock with slots,
//! must use the same option; the rules for that are in `lokt_lock::rules`.

use clap::Args;
use lokt_lock::words::LockMode;
use std::num::NonZeroU32;

/// Holding a lock together with others, for the commands that take one.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct LockModeOptions {
    /// Share the lock with other holders that use --shared: many readers, or one writer
    #[arg(long, conflicts_with = "slots")]
    shared: bool,
    /// Hold one of N slots; every holder of the lock must ask for the same N
    #[arg(long, value_name = "N", value_parser = number)]
    slots: Option<NonZeroU32>,
}

/// Reads a number of slots, from 1 to `u32::MAX`. The text of the error follows the name of the
/// option in clap's message.
fn number(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| format!("it must be a whole number from 1 to {}", u32::MAX))
}

impl LockModeOptions {
    /// The mode that the options ask for. clap refuses both options together.
    pub(crate) fn mode(self) -> LockMode {
        match (self.shared, self.slots) {
            (true, _) => LockMode::Shared,
            (false, Some(slots)) => LockMode::Slots(slots),
            (false, None) => LockMode::Exclusive,
        }
    }
}
