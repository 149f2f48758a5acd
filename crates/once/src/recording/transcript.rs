use super::{
    OutputReadOutcome, OutputRecorder, OutputTail, OutputTails, RecordingDisplayStreams,
    RecordingDisplayThread, Stream, stream_file::UnrecordedBytesError,
};
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
const PORTION: i32 = 1 << 20;

/// Where a command's output comes from.
pub struct OutputSources {
    out: File,
    err: File,
}

impl OutputSources {
    /// The reading ends of two pipes.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn new(out: OwnedFd, err: OwnedFd) -> io::Result<Self> {
        for pipe in [&out, &err] {
            fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
            // A smaller one does as well.
            let _ = fcntl(pipe, FcntlArg::F_SETPIPE_SZ(PORTION));
        }
        Ok(Self { out: out.into(), err: err.into() })
    }

    fn of(&self, stream: Stream) -> &File {
        match stream {
            Stream::Out => &self.out,
            Stream::Err => &self.err,
        }
    }
}

/// The outcome of recording a command.
pub struct RecordingOutcome {
    /// The recording, where it is whole.
    pub recorder: Result<OutputRecorder, UnrecordedOutput>,
    /// What still shows it.
    pub display: RecordingDisplayCompletion,
}

/// What is known of an output that is not recorded.
#[derive(Debug)]
pub struct UnrecordedOutput {
    /// Why it is not.
    pub error: FileError,
    /// How it ended.
    pub tails: OutputTails,
}

/// How what was recorded is shown.
pub enum RecordingDisplayCompletion {
    /// From the recording, by a thread that may not have shown all of it yet.
    ByDisplay(RecordingDisplayThread),
    /// All of it is shown.
    All,
}

/// Records what comes from a command until both sources have ended, or `stop` is readable and nothing more is
/// there: the output of a daemon that the command leaves behind is not recorded.
///
/// Where nothing can be recorded any more, the output still is shown.
pub fn transcribe(
    sources: &OutputSources,
    stop: BorrowedFd<'_>,
    mut sink: RecordingOrDirectSink,
) -> RecordingOutcome {
    let mut open = vec![Stream::Out, Stream::Err];
    let mut stopping = false;
    while !open.is_empty() {
        let Ok(ready) = wait(sources, &open, (!stopping).then_some(stop)) else { break };
        stopping |= ready.stop;
        let mut more = false;
        for stream in ready.streams {
            match sink.draw(stream, sources.of(stream)) {
                OutputReadOutcome::More => more = true,
                OutputReadOutcome::Nothing => {}
                OutputReadOutcome::End => open.retain(|it| *it != stream),
            }
        }
        if stopping && !more {
            break;
        }
    }
    sink.close()
}

/// What can be read.
struct ReadySources {
    streams: Vec<Stream>,
    stop: bool,
}

/// Waits until something can be read; without a `stop`, only looks.
fn wait(
    sources: &OutputSources,
    open: &[Stream],
    stop: Option<BorrowedFd<'_>>,
) -> nix::Result<ReadySources> {
    let watched = open.iter().map(|stream| sources.of(*stream).as_fd()).chain(stop);
    let mut fds: Vec<PollFd<'_>> = watched.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    let limit = if stop.is_some() { PollTimeout::NONE } else { PollTimeout::ZERO };
    match poll(&mut fds, limit) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => return Err(errno),
    }
    let is_ready = |fd: &PollFd<'_>| fd.any() == Some(true);
    let streams = open.iter().zip(&fds).filter(|(_, fd)| is_ready(fd)).map(|(stream, _)| *stream);
    Ok(ReadySources { streams: streams.collect(), stop: fds.get(open.len()).is_some_and(is_ready) })
}

/// Where the output goes.
pub enum RecordingOrDirectSink {
    /// Into a recording, from which it is shown.
    Recording(Box<OutputRecorder>, RecordingDisplayThread),
    /// The recording failed; the command's output is shown all the same.
    Direct(Box<UnrecordedOutputWriter>),
}

/// Shows what is not recorded, and keeps its end.
pub struct UnrecordedOutputWriter {
    unrecorded: UnrecordedOutput,
    streams: RecordingDisplayStreams,
    buffer: Vec<u8>,
}

impl RecordingOrDirectSink {
    /// Records, and shows what is recorded.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn recording(
        recorder: OutputRecorder,
        streams: RecordingDisplayStreams,
    ) -> io::Result<Self> {
        let display = RecordingDisplayThread::begin(&recorder, streams)?;
        Ok(Self::Recording(Box::new(recorder), display))
    }

    /// Shows what cannot be recorded.
    pub fn unrecorded(error: FileError, streams: RecordingDisplayStreams) -> Self {
        let tails =
            OutputTails { out: Some(OutputTail::default()), err: Some(OutputTail::default()) };
        Self::Direct(Box::new(UnrecordedOutputWriter::new(
            UnrecordedOutput { error, tails },
            streams,
        )))
    }

    /// Takes what a source has for now.
    fn draw(&mut self, stream: Stream, source: &File) -> OutputReadOutcome {
        let undrawn = match self {
            Self::Direct(direct) => return direct.draw(stream, source),
            Self::Recording(recorder, display) => match recorder.draw(stream, source) {
                Ok(OutputReadOutcome::More) => {
                    display.tell();
                    return OutputReadOutcome::More;
                }
                Ok(drawn) => return drawn,
                Err(undrawn) => undrawn,
            },
        };
        self.give_up(stream, undrawn);
        OutputReadOutcome::More
    }

    /// Shows what comes from now on without recording it.
    fn give_up(
        &mut self,
        stream: Stream,
        UnrecordedBytesError { error, bytes }: UnrecordedBytesError,
    ) {
        let direct = Self::unrecorded(error, RecordingDisplayStreams::none());
        let before = std::mem::replace(self, direct);
        if let (Self::Recording(recorder, display), Self::Direct(direct)) = (before, self) {
            recorder.break_off();
            direct.streams = display.finish();
            direct.unrecorded.tails = recorder.tails();
            recorder.make_room();
            direct.show(stream, &bytes);
        }
    }

    fn close(self) -> RecordingOutcome {
        match self {
            Self::Recording(recorder, display) => RecordingOutcome {
                recorder: Ok(*recorder),
                display: RecordingDisplayCompletion::ByDisplay(display),
            },
            Self::Direct(direct) => RecordingOutcome {
                recorder: Err(direct.unrecorded),
                display: RecordingDisplayCompletion::All,
            },
        }
    }
}

impl UnrecordedOutputWriter {
    fn new(unrecorded: UnrecordedOutput, streams: RecordingDisplayStreams) -> Self {
        Self { unrecorded, streams, buffer: vec![0; PORTION as usize] }
    }

    /// Reads what is there for now, and shows it.
    fn draw(&mut self, stream: Stream, mut source: &File) -> OutputReadOutcome {
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = source.read(&mut buffer);
        if let Ok(length) = read {
            self.show(stream, buffer.get(..length).unwrap_or_default());
        }
        self.buffer = buffer;
        match read {
            Ok(0) => OutputReadOutcome::End,
            Ok(_) => OutputReadOutcome::More,
            Err(error) if is_for_now(&error) => OutputReadOutcome::Nothing,
            Err(_) => OutputReadOutcome::End,
        }
    }

    fn show(&mut self, stream: Stream, bytes: &[u8]) {
        self.streams.write(stream, bytes);
        if let Some(tail) = self.unrecorded.tails.of(stream) {
            tail.add(bytes);
        }
    }
}

/// Whether reading may go on later.
pub(super) fn is_for_now(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
