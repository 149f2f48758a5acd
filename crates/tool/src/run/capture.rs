use lokt_lock::sys::BlockedSignals;
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    unistd::{pipe2, read},
};
use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    thread::{self, JoinHandle},
};

/// How much of a stream is kept, in bytes.
pub const MAX_KEPT: usize = 64 * 1024 * 1024;

/// What came out of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapturedStream {
    /// The bytes, up to [`MAX_KEPT`].
    pub bytes: Vec<u8>,
    /// Whether there were more, which were thrown away.
    pub truncated: bool,
}

/// Reads both output streams of a process while it runs, in one separate thread.
#[derive(Debug)]
pub(super) struct OutputCaptureThread {
    /// Closing it tells the thread that the process has ended.
    running: OwnedFd,
    reader: JoinHandle<[CapturedStream; 2]>,
}

/// The ends of the two pipes that are for the process: its standard output and its standard error output.
pub(super) type OutputPipeWriteEnds = [OwnedFd; 2];

impl OutputCaptureThread {
    /// Makes the pipes and begins to read.
    pub(super) fn begin() -> io::Result<(Self, OutputPipeWriteEnds)> {
        let [(out, to_out), (err, to_err), (ended, running)] = [pipe()?, pipe()?, pipe()?];
        for source in [&out, &err] {
            fcntl(source, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        let reading = move || read_both([&out, &err], &ended);
        // A signal to this process is for the thread that expects it.
        let _signals = BlockedSignals::all();
        let reader = thread::Builder::new().name("lokt-capture".into()).spawn(reading)?;
        Ok((Self { running, reader }, [to_out, to_err]))
    }

    /// The process has ended: gives what it wrote. What its descendants may still write is not waited for.
    pub(super) fn finish(self) -> [CapturedStream; 2] {
        drop(self.running);
        self.reader.join().unwrap_or_default()
    }
}

fn pipe() -> nix::Result<(OwnedFd, OwnedFd)> {
    pipe2(OFlag::O_CLOEXEC)
}

fn read_both(sources: [&OwnedFd; 2], ended: &OwnedFd) -> [CapturedStream; 2] {
    let mut buffer = vec![0; 64 * 1024];
    let mut captured = [CapturedStream::default(), CapturedStream::default()];
    loop {
        let watched = sources.iter().map(|source| (*source, PollFlags::POLLIN));
        let watched = watched.chain([(ended, PollFlags::empty())]);
        let mut fds: Vec<PollFd<'_>> =
            watched.map(|(fd, flags)| PollFd::new(fd.as_fd(), flags)).collect();
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return captured,
        }
        let has_ended = fds.last().and_then(PollFd::any) == Some(true);
        for (source, captured) in sources.into_iter().zip(&mut captured) {
            let most = if has_ended { size(source) } else { buffer.len() };
            take(source, captured, &mut buffer, most);
        }
        if has_ended {
            return captured;
        }
    }
}

/// As much as a pipe can hold: what the process wrote before its end is not more than that, while a descendant
/// could go on writing forever.
fn size(pipe: &OwnedFd) -> usize {
    let size = fcntl(pipe, FcntlArg::F_GETPIPE_SZ).ok();
    size.and_then(|size| usize::try_from(size).ok()).unwrap_or(1024 * 1024)
}

/// Reads what is there now, about `most` bytes of it.
fn take(source: &OwnedFd, captured: &mut CapturedStream, buffer: &mut [u8], most: usize) {
    let mut taken = 0;
    while taken < most {
        match read(source, buffer) {
            Err(Errno::EINTR) => {}
            Ok(0) | Err(_) => return,
            Ok(count) => {
                taken += count;
                captured.keep(buffer.get(..count).unwrap_or_default());
            }
        }
    }
}

impl CapturedStream {
    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_KEPT.saturating_sub(self.bytes.len());
        self.truncated |= bytes.len() > room;
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs::File, io::Write};

    #[test]
    fn what_was_written_before_the_end_is_kept_even_while_others_hold_the_pipe() {
        let (capture, [out, err]) = OutputCaptureThread::begin().unwrap();
        let (mut out, mut err) = (File::from(out), File::from(err));
        let much = vec![b'x'; 1024 * 1024];
        out.write_all(&much).unwrap();
        err.write_all(b"e").unwrap();
        let [captured_out, captured_err] = capture.finish();
        assert_eq!(captured_out, CapturedStream { bytes: much, truncated: false });
        assert_eq!(captured_err.bytes, b"e");
    }

    #[test]
    fn more_than_is_kept_is_thrown_away_and_told() {
        let mut captured = CapturedStream { bytes: vec![0; MAX_KEPT - 1], truncated: false };
        captured.keep(b"a");
        assert!(!captured.truncated, "exactly as much as is kept");
        captured.keep(b"b");
        assert!(captured.truncated && captured.bytes.len() == MAX_KEPT);
    }
}
