use super::BlockedSignals;
use std::{io, thread};

/// Starts a thread that no signal reaches: a signal to the process then waits until the thread that works
/// inside a section may take it. Else Ctrl-Z could stop the process through a thread that happens to
/// live, with a latch in its hands.
pub(crate) fn quiet_thread(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    // A thread begins with the mask of the one that starts it.
    let _signals = BlockedSignals::all();
    thread::Builder::new().name("lokt-wait".into()).stack_size(64 * 1024).spawn(work).map(|_| ())
}
