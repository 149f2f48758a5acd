use clap::Args;
use lokt_lock::rules::Mode;
use std::num::NonZeroU32;

/// Holding a lock together with others, for the commands that take one.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Sharing {
    /// Hold it together with others who say --shared: many readers, or one writer
    #[arg(long, conflicts_with = "slots")]
    shared: bool,
    /// Hold one of N places; all who hold the lock must ask for the same N
    #[arg(long, value_name = "N", value_parser = number)]
    slots: Option<NonZeroU32>,
}

/// Reads a number of slots.
fn number(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| format!("it must be a whole number from 1 to {}", u32::MAX))
}

impl Sharing {
    pub(crate) fn mode(self) -> Mode {
        match (self.shared, self.slots) {
            (true, _) => Mode::Shared,
            (false, Some(slots)) => Mode::Slots(slots),
            (false, None) => Mode::Exclusive,
        }
    }
}
