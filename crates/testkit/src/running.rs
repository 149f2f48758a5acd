use crate::{Done, process_states::process_states};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use std::{
    io::{Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::ExitStatusExt,
    },
    process::{Child, ChildStdin},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

/// The longest wait for an output, on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A call that runs.
#[derive(Debug)]
pub struct Running {
    child: Child,
    input: Option<ChildStdin>,
    out: Lines,
    err: Lines,
}

impl Running {
    pub(crate) fn new(mut child: Child) -> Self {
        let out = Lines::of(child.stdout.take().expect("stdout is piped"));
        let err = Lines::of(child.stderr.take().expect("stderr is piped"));
        Self { input: child.stdin.take(), child, out, err }
    }

    /// The pid of the started process.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    /// Waits until stdout has a line with a text. Returns that line.
    #[track_caller]
    pub fn prints(&mut self, text: &str) -> String {
        let found = self.out.await_line(text);
        self.with_report(found)
    }

    /// Waits until stderr has a line with a text. Returns that line.
    #[track_caller]
    pub fn says(&mut self, text: &str) -> String {
        let found = self.err.await_line(text);
        self.with_report(found)
    }

    /// Whether stderr has a text so far.
    pub fn has_said(&mut self, text: &str) -> bool {
        self.err.take_arrived();
        self.err.seen.contains(text)
    }

    /// Whether the whole stdout has a text so far.
    pub fn has_told(&mut self, text: &str) -> bool {
        self.out.take_arrived();
        self.out.seen.contains(text)
    }

    /// Waits until some guards observe the process group of a process: from then on they notice which
    /// processes a signal reaches.
    #[track_caller]
    pub fn has_observers(&self, pid: i32, guards: usize) {
        let deadline = Instant::now() + PATIENCE;
        while observers(pid) < guards {
            let states = || process_states(self.pid());
            assert!(Instant::now() < deadline, "no {guards} observers: {self:#?}\n{}", states());
            thread::park_timeout(Duration::from_millis(1));
        }
    }

    /// Waits until stdout has a text, also in an unfinished line, and returns the output up to it. For what
    /// is drawn on a terminal.
    #[track_caller]
    pub fn tells(&mut self, text: &str) -> String {
        let found = self.out.await_text(text);
        self.with_report(found)
    }

    /// What was waited for. Where it did not come, stops the test with all output and the processes' states.
    #[track_caller]
    fn with_report(&mut self, found: Result<String, String>) -> String {
        match found {
            Ok(found) => found,
            Err(missing) => panic!("{missing}\n{}", self.report()),
        }
    }

    /// All that a person needs to find out what a call that takes too long is doing.
    fn report(&mut self) -> String {
        // First of all: the output that is read after that may let a process go on.
        let processes = process_states(self.pid());
        self.out.take_arrived();
        self.err.take_arrived();
        let (out, err) = (&self.out.seen, &self.err.seen);
        format!("stdout: {out:?}\nstderr: {err:?}\nprocesses: {processes}")
    }

    /// Waits until the guarded [`HOLD`](crate::HOLD) runs.
    #[track_caller]
    pub fn is_in(mut self) -> Self {
        self.prints("in");
        self
    }

    /// Waits until it is in the queue.
    #[track_caller]
    pub fn is_waiting(mut self) -> Self {
        self.says("waiting for lock");
        self
    }

    /// Writes to standard input.
    pub fn types(&mut self, text: &str) {
        let input = self.input.as_mut().expect("standard input is open");
        input.write_all(text.as_bytes()).expect("it can be typed");
        input.flush().expect("it can be typed");
    }

    /// Closes standard input.
    pub fn closes_input(&mut self) {
        self.input = None;
    }

    /// Sends a signal to the process that was started.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("the process can be signalled");
    }

    /// Kills the started process, and collects it.
    pub fn kill(mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process can be collected");
    }

    /// Closes standard input, so that [`HOLD`](crate::HOLD) ends, and waits for the end.
    #[track_caller]
    pub fn release(mut self) -> Done {
        self.input = None;
        self.ends()
    }

    /// Waits for the end.
    #[track_caller]
    pub fn ends(mut self) -> Done {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the process can be waited for") {
                break status;
            }
            if Instant::now() >= deadline {
                let report = self.report();
                // The leader of a process group, as traced calls are, is killed with its group.
                let _ = killpg(Pid::from_raw(self.pid()), Signal::SIGKILL);
                panic!("still running\n{report}");
            }
            thread::yield_now();
            thread::park_timeout(Duration::from_millis(1));
        };
        self.input = None;
        let (out, err) = (self.out.rest(), self.err.rest());
        Done { code: status.code(), signal: status.signal(), out, err }
    }

    /// Waits for the end, which must be a success. With `kill_after`, kills the started process after so many
    /// steps of work, so at a varying moment of its life.
    #[track_caller]
    pub fn ends_or_is_killed(self, kill_after: Option<usize>) {
        if let Some(steps) = kill_after {
            (0..steps).for_each(|step| _ = std::hint::black_box(step));
            // The process may have ended.
            let _ = kill(Pid::from_raw(self.pid()), Signal::SIGKILL);
        }
        let done = self.ends();
        assert!(matches!((done.code, done.signal), (Some(0), _) | (_, Some(9))), "{done:#?}");
    }

    /// Whether the started process still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the process can be waited for").is_none()
    }
}

/// The number of processes that observe the process group of a process, by their names (proc(5), `stat`).
fn observers(pid: i32) -> usize {
    let group = |fields: &str| fields.split_ascii_whitespace().nth(2).map(str::to_owned);
    let stat = |path: String| std::fs::read_to_string(path).ok();
    let of = |text: &str| text.rsplit_once(')').map(|(name, rest)| (name.to_owned(), group(rest)));
    let Some((_, wanted)) = stat(format!("/proc/{pid}/stat")).and_then(|it| of(&it)) else {
        return 0;
    };
    let entries = std::fs::read_dir("/proc").expect("/proc can be listed").flatten();
    let stats = entries.filter_map(|it| stat(format!("{}/stat", it.path().display())));
    let found = stats.filter_map(|it| of(&it));
    found.filter(|(name, group)| name.ends_with("(group-observer") && *group == wanted).count()
}

/// The output of a stream, while it arrives.
#[derive(Debug)]
struct Lines {
    /// The same pipe, to ask whether any process can still write into it.
    pipe: OwnedFd,
    incoming: Receiver<String>,
    /// Output that no wait has consumed yet.
    fresh: String,
    seen: String,
}

impl Lines {
    fn of(mut stream: impl Read + AsFd + Send + 'static) -> Self {
        let pipe = stream.as_fd().try_clone_to_owned().expect("a pipe can be duplicated");
        let (sender, incoming) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                // The receiver may be gone.
                let _ = sender.send(String::from_utf8_lossy(&buffer[..read]).into_owned());
            }
        });
        Self { pipe, incoming, fresh: String::new(), seen: String::new() }
    }

    /// Waits for a whole line with a text. Returns the line, or says why it did not come.
    fn await_line(&mut self, text: &str) -> Result<String, String> {
        self.await_match(text, |fresh| {
            let found = fresh.find(text)?;
            let start = fresh[..found].rfind('\n').map_or(0, |end| end + 1);
            let end = found + fresh[found..].find('\n')? + 1;
            Some((fresh[start..end].to_owned(), end))
        })
    }

    fn await_text(&mut self, text: &str) -> Result<String, String> {
        self.await_match(text, |fresh| {
            let end = fresh.find(text)? + text.len();
            Some((fresh[..end].to_owned(), end))
        })
    }

    fn await_match(
        &mut self,
        text: &str,
        find: impl Fn(&str) -> Option<(String, usize)>,
    ) -> Result<String, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some((found, end)) = find(&self.fresh) {
                self.fresh.drain(..end);
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.incoming.recv_timeout(left) {
                Ok(more) => self.take(&more),
                Err(RecvTimeoutError::Timeout) => return Err(format!("no {text:?} in time")),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(format!("ended without {text:?}"));
                }
            }
        }
    }

    /// Takes what has arrived, without a wait.
    fn take_arrived(&mut self) {
        while let Ok(more) = self.incoming.try_recv() {
            self.take(&more);
        }
    }

    fn take(&mut self, more: &str) {
        self.fresh.push_str(more);
        self.seen.push_str(more);
    }

    /// The whole output. Waits for the end of the stream, but only a moment where a left-behind process holds it open.
    fn rest(&mut self) -> String {
        let limit = if self.has_writers() { Duration::from_millis(300) } else { PATIENCE };
        while let Ok(more) = self.incoming.recv_timeout(limit) {
            self.take(&more);
        }
        self.seen.clone()
    }

    fn has_writers(&self) -> bool {
        let mut fds = [PollFd::new(self.pipe.as_fd(), PollFlags::empty())];
        poll(&mut fds, PollTimeout::ZERO).expect("a pipe can be polled");
        !fds[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP))
    }
}
