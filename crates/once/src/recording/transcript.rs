use super::{Display, Recorder, Stream, Streams};
use crate::files::FileError;
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

/// How much is read at once, and how much a pipe holds where the kernel allows it: a command that prints a lot
/// is held up less often.
const PORTION: usize = 1 << 20;

/// Where a command's output comes from.
pub struct Sources {
    out: File,
    err: File,
    buffer: Vec<u8>,
}

impl Sources {
    /// The reading ends of two pipes.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn new(out: OwnedFd, err: OwnedFd) -> io::Result<Self> {
        for pipe in [&out, &err] {
            fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
            // A smaller one does as well.
            let _ = fcntl(pipe, FcntlArg::F_SETPIPE_SZ(1 << 20));
        }
        Ok(Self { out: out.into(), err: err.into(), buffer: vec![0; PORTION] })
    }

    fn of(&mut self, stream: Stream) -> (&mut File, &mut [u8]) {
        match stream {
            Stream::Out => (&mut self.out, &mut self.buffer),
            Stream::Err => (&mut self.err, &mut self.buffer),
        }
    }
}

/// What came of recording a command.
pub struct Transcribed {
    /// The recording, where it is whole.
    pub recorder: Result<Recorder, FileError>,
    /// What still shows it.
    pub display: Shown,
}

/// How what was recorded is shown.
pub enum Shown {
    /// From the recording, by a thread that may not have shown all of it yet.
    ByDisplay(Display),
    /// All of it is shown.
    All,
}

/// Records what comes from a command until both sources have ended, or `stop` is readable and nothing more is
/// there: what a daemon writes that the command leaves behind belongs to nobody.
///
/// Where nothing can be recorded any more, the output still is shown.
pub fn transcribe(
    mut sources: Sources,
    stop: BorrowedFd<'_>,
    recorder: Recorder,
    display: Display,
) -> Transcribed {
    let mut sink = Sink::Recording(Box::new(recorder), display);
    let mut open = vec![Stream::Out, Stream::Err];
    let mut stopping = false;
    while !open.is_empty() {
        let Ok(ready) = wait(&sources, &open, (!stopping).then_some(stop)) else { break };
        stopping |= ready.stop;
        let mut more = false;
        for stream in ready.streams {
            let (file, buffer) = sources.of(stream);
            match file.read(buffer) {
                Ok(0) => open.retain(|it| *it != stream),
                Ok(length) => {
                    more = true;
                    sink = sink.take(stream, buffer.get(..length).unwrap_or_default());
                }
                Err(error) if is_for_now(&error) => {}
                Err(_) => open.retain(|it| *it != stream),
            }
        }
        if stopping && !more {
            break;
        }
    }
    sink.close()
}

fn is_for_now(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// What can be read.
struct Ready {
    streams: Vec<Stream>,
    stop: bool,
}

/// Waits until something can be read; without a `stop`, only looks.
fn wait(sources: &Sources, open: &[Stream], stop: Option<BorrowedFd<'_>>) -> nix::Result<Ready> {
    let file = |stream: &Stream| match stream {
        Stream::Out => sources.out.as_fd(),
        Stream::Err => sources.err.as_fd(),
    };
    let watched = open.iter().map(file).chain(stop);
    let mut fds: Vec<PollFd<'_>> = watched.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    let limit = if stop.is_some() { PollTimeout::NONE } else { PollTimeout::ZERO };
    match poll(&mut fds, limit) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => return Err(errno),
    }
    let told = |fd: &PollFd<'_>| fd.any() == Some(true);
    let streams = open.iter().zip(&fds).filter(|(_, fd)| told(fd)).map(|(stream, _)| *stream);
    Ok(Ready { streams: streams.collect(), stop: fds.get(open.len()).is_some_and(told) })
}

/// Where the output goes.
enum Sink {
    Recording(Box<Recorder>, Display),
    /// The recording failed; the command's output is shown all the same.
    Direct(FileError, Streams),
}

impl Sink {
    fn take(self, stream: Stream, bytes: &[u8]) -> Self {
        match self {
            Self::Recording(mut recorder, display) => match recorder.add(stream, bytes) {
                Ok(()) => {
                    display.tell();
                    Self::Recording(recorder, display)
                }
                Err(error) => {
                    recorder.break_off();
                    let mut streams = display.finish();
                    recorder.make_room();
                    streams.write(stream, bytes);
                    Self::Direct(error, streams)
                }
            },
            Self::Direct(error, mut streams) => {
                streams.write(stream, bytes);
                Self::Direct(error, streams)
            }
        }
    }

    fn close(self) -> Transcribed {
        match self {
            Self::Recording(recorder, display) => {
                Transcribed { recorder: Ok(*recorder), display: Shown::ByDisplay(display) }
            }
            Self::Direct(error, _) => Transcribed { recorder: Err(error), display: Shown::All },
        }
    }
}
