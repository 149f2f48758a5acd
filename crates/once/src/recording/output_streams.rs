use super::Stream;
use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    os::fd::AsFd,
};

/// Where a followed recording is shown: two streams, each of which its reader may close at any time.
#[derive(Debug, Default)]
pub struct RecordingDisplayStreams {
    out: Option<File>,
    err: Option<File>,
    trouble: Option<io::Error>,
}

impl RecordingDisplayStreams {
    /// The standard streams of this process.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn standard() -> io::Result<Self> {
        // Not by way of Rust's own streams, which look at every byte. And closed in the command: what it leaves behind
        // must not keep them open.
        let out = io::stdout().as_fd().try_clone_to_owned()?;
        let err = io::stderr().as_fd().try_clone_to_owned()?;
        Ok(Self { out: Some(out.into()), err: Some(err.into()), trouble: None })
    }

    /// Shows nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Copies all that a reader gives to a stream. If the process that reads the stream stops reading, that is
    /// no error: then nothing is shown there any more.
    pub fn copy(&mut self, stream: Stream, mut from: impl Read) {
        self.give(stream, |file| io::copy(&mut from, file).map(|_| ()));
    }

    /// Writes some bytes to a stream.
    pub fn write(&mut self, stream: Stream, bytes: &[u8]) {
        self.give(stream, |file| file.write_all(bytes));
    }

    /// What kept output from being shown, other than that its reader stopped reading.
    pub fn trouble(&self) -> Option<&io::Error> {
        self.trouble.as_ref()
    }

    fn give(&mut self, stream: Stream, write: impl FnOnce(&mut File) -> io::Result<()>) {
        let place = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        let Some(Err(error)) = place.as_mut().map(write) else { return };
        *place = None;
        if error.kind() != ErrorKind::BrokenPipe {
            self.trouble = Some(error);
        }
    }
}
