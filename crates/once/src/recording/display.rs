use super::{
    OutputRecorder, RecordingDisplayStreams, RecordingReader, progress_signal::WaitableProgress,
};
use std::{
    io,
    sync::Arc,
    thread::{self, JoinHandle},
};

/// Shows a recording to the caller that started it, from the recording itself, in a separate thread: a reader
/// that stops reading holds up only that thread.
pub struct RecordingDisplayThread {
    signal: Arc<WaitableProgress<RecordingDisplayProgress>>,
    thread: JoinHandle<RecordingDisplayStreams>,
}

/// What the thread gets to know.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct RecordingDisplayProgress {
    /// How often more was recorded.
    more: u64,
    /// That was all.
    all: bool,
}

impl RecordingDisplayThread {
    /// Begins to show a recording that has begun.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn begin(recorder: &OutputRecorder, streams: RecordingDisplayStreams) -> io::Result<Self> {
        let (folder, fence) = recorder.place();
        let follower = RecordingReader::open(&folder, fence);
        let follower = follower.ok_or_else(|| io::Error::other("the recording is gone"))?;
        let signal = Arc::new(WaitableProgress::default());
        let of_thread = Arc::clone(&signal);
        let work = move || show(&of_thread, follower, streams);
        let thread = thread::Builder::new().name("lokt-display".into()).spawn(work)?;
        Ok(Self { signal, thread })
    }

    /// Tells that there is more to show.
    pub fn tell(&self) {
        self.signal.tell(|state| state.more += 1);
    }

    /// Shows what is left, as fast as it is read, and gives the streams back.
    pub fn finish(self) -> RecordingDisplayStreams {
        self.signal.tell(|state| state.all = true);
        self.thread.join().unwrap_or_default()
    }
}

fn show(
    signal: &WaitableProgress<RecordingDisplayProgress>,
    mut follower: RecordingReader,
    mut streams: RecordingDisplayStreams,
) -> RecordingDisplayStreams {
    let mut known = RecordingDisplayProgress::default();
    loop {
        // What cannot be read back is not shown; the recording itself may still be right.
        let shown = follower.pump(&mut streams);
        if known.all || shown.is_err() {
            return streams;
        }
        known = signal.wait(known);
    }
}
