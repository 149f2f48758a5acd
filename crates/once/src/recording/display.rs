use super::{Follower, Recorder, Streams};
use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

/// Shows a recording to those who started it, from the recording itself, in a thread of its own: whoever
/// stops reading holds up nobody but that thread.
pub struct Display {
    told: Arc<Told>,
    thread: JoinHandle<Streams>,
}

/// What the thread is told.
#[derive(Default)]
struct Told {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct State {
    /// How often more was recorded.
    more: u64,
    /// That was all.
    all: bool,
}

impl Told {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A number and a flag are whole whatever happened to the one who changed them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is more than what was known.
    fn wait(&self, known: State) -> State {
        let mut state = self.lock();
        while *state == known {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        *state
    }
}

impl Display {
    /// Begins to show a recording that has begun.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn begin(recorder: &Recorder, streams: Streams) -> io::Result<Self> {
        let (folder, fence) = recorder.place();
        let follower = Follower::open(&folder, fence);
        let follower = follower.ok_or_else(|| io::Error::other("the recording is gone"))?;
        let told = Arc::new(Told::default());
        let of_thread = Arc::clone(&told);
        let work = move || show(&of_thread, follower, streams);
        let thread = thread::Builder::new().name("lokt-display".into()).spawn(work)?;
        Ok(Self { told, thread })
    }

    /// Tells that there is more to show.
    pub fn tell(&self) {
        self.told.lock().more += 1;
        self.told.changed.notify_one();
    }

    /// Shows what is left, as fast as it is read, and gives the streams back.
    pub fn finish(self) -> Streams {
        self.told.lock().all = true;
        self.told.changed.notify_one();
        self.thread.join().unwrap_or_default()
    }
}

fn show(told: &Told, mut follower: Follower, mut streams: Streams) -> Streams {
    let mut known = State::default();
    loop {
        // What cannot be read back is not shown; the recording itself may still be right.
        let shown = follower.pump(&mut streams);
        if known.all || shown.is_err() {
            return streams;
        }
        known = told.wait(known);
    }
}
