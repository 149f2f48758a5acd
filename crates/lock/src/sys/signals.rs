use super::timed_flock::TIME_IS_UP;
use nix::sys::signal::{SigSet, SigmaskHow};

/// Holds back every signal that can be held back, until it is dropped.
///
/// A process that is stopped or ended inside a section would leave others waiting for its latch, or a
/// change half made. What was held back arrives when this is dropped.
#[must_use = "signals arrive again as soon as this is dropped"]
pub struct BlockedSignals(Option<SigSet>);

impl BlockedSignals {
    /// Blocks all signals for this thread, but for the one that ends a wait for a kernel lock.
    pub fn all() -> Self {
        let mut signals = SigSet::all();
        signals.remove(TIME_IS_UP);
        Self(signals.thread_swap_mask(SigmaskHow::SIG_SETMASK).ok())
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            // Setting a mask that was in force before cannot fail.
            let _ = before.thread_set_mask();
        }
    }
}
