use super::{
    OnceRunOutcome, OutputTails, RecordingOrderEntry, Stream, path,
    stream_file::{StreamFile, UnrecordedBytesError},
};
use crate::{
    digest::{Digest, DigestBuilder},
    files::{self, FileError},
};
use lokt_lock::sys::nofollow;
use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

/// Bytes that are kept: their digest, which is where they are, and how many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobReference {
    /// Their digest.
    pub digest: Digest,
    /// How many.
    pub bytes: u64,
}

/// Records what a command prints.
pub struct OutputRecorder {
    folder: PathBuf,
    fence: u64,
    out: StreamFile,
    err: StreamFile,
    order: FrameOrderFile,
}

/// The outcome of drawing from a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputReadOutcome {
    /// More was recorded.
    More,
    /// Nothing is there for now.
    Nothing,
    /// There will be no more.
    End,
}

/// The order of a recording, and what has gone into it.
struct FrameOrderFile {
    path: PathBuf,
    file: File,
    digesting: DigestBuilder,
    bytes: u64,
}

/// What a recording has so far.
#[derive(Clone, Debug)]
pub struct OutputRecordingSnapshot {
    /// What came on the standard output, and where it is.
    pub out: (BlobReference, PathBuf),
    /// What came on the standard error output, and where it is.
    pub err: (BlobReference, PathBuf),
    /// In which order, and where that is; its file goes on.
    pub order: (BlobReference, PathBuf),
}

impl FrameOrderFile {
    fn begin(path: PathBuf) -> Result<Self, FileError> {
        let file = begin(&path, OFlag::O_WRONLY | OFlag::O_APPEND)?;
        Ok(Self { path, file, digesting: DigestBuilder::default(), bytes: 0 })
    }

    fn add(&mut self, frame: &RecordingOrderEntry) -> Result<(), FileError> {
        let bytes = frame.encode();
        self.file.write_all(&bytes).map_err(FileError::on("record in", &self.path))?;
        self.digesting.add(&bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn stored(&self) -> (BlobReference, PathBuf) {
        let stored = BlobReference { digest: self.digesting.finish(), bytes: self.bytes };
        (stored, self.path.clone())
    }
}

/// Makes a new file of a recording.
pub(super) fn begin(path: &Path, flags: OFlag) -> Result<File, FileError> {
    files::remove(path).map_err(FileError::on("remove", path))?;
    let flags = flags | OFlag::O_CREAT | OFlag::O_EXCL;
    nofollow::open(path, flags, 0o600).map_err(FileError::on("record in", path))
}

impl OutputRecorder {
    /// Begins a recording in the folder of its key.
    ///
    /// # Errors
    /// [`FileError`] where it cannot be made.
    pub fn begin(folder: &Path, fence: u64) -> Result<Self, FileError> {
        files::make_folder(folder)?;
        let path = |part| path(folder, fence, part);
        let (out, err) = (StreamFile::begin(path("out"))?, StreamFile::begin(path("err"))?);
        // The order is what followers look for, so it comes last.
        let order = FrameOrderFile::begin(path("order"))?;
        // Says that it is being written, to processes that clear up. No other process locks it for longer than
        // a look.
        order.file.lock().map_err(FileError::on("lock", &order.path))?;
        Ok(Self { folder: folder.to_owned(), fence, out, err, order })
    }

    /// The folder and the number of the recording.
    pub fn place(&self) -> (PathBuf, u64) {
        (self.folder.clone(), self.fence)
    }

    /// Records what a source has for now, a pipe from which reading does not wait.
    pub(super) fn draw(
        &mut self,
        stream: Stream,
        source: &File,
    ) -> Result<OutputReadOutcome, UnrecordedBytesError> {
        let track = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        let bytes = match track.draw(source)? {
            None => return Ok(OutputReadOutcome::Nothing),
            Some(0) => return Ok(OutputReadOutcome::End),
            Some(bytes) => bytes,
        };
        match self.order.add(&RecordingOrderEntry::Bytes(stream, bytes)) {
            Ok(()) => Ok(OutputReadOutcome::More),
            // No follower has learned of them.
            Err(error) => {
                let bytes = track.take_back(bytes);
                Err(UnrecordedBytesError { error, bytes })
            }
        }
    }

    /// What it has so far.
    ///
    /// # Errors
    /// [`FileError`] where it cannot be read back.
    pub fn recorded(&mut self) -> Result<OutputRecordingSnapshot, FileError> {
        Ok(OutputRecordingSnapshot {
            out: self.out.stored()?,
            err: self.err.stored()?,
            order: self.order.stored(),
        })
    }

    /// The ends of what was recorded.
    pub fn tails(&self) -> OutputTails {
        OutputTails { out: self.out.tail(), err: self.err.tail() }
    }

    /// Tells all followers what became of the run, and removes the recording's names.
    pub fn end(mut self, verdict: &OnceRunOutcome) {
        // Where it cannot be written, the recording counts as broken off.
        let _ = self.order.add(&RecordingOrderEntry::End(verdict.encode()));
        self.remove();
    }

    /// Tells all followers that there will be no more, where nothing can be written: that takes no room.
    pub fn break_off(&self) {
        let _ = nofollow::rename(&self.order.path, &path(&self.folder, self.fence, "broken"));
    }

    /// Removes what was recorded and is of no use: the disk may be full of it.
    pub(super) fn make_room(&self) {
        for track in [&self.out, &self.err] {
            let _ = nofollow::remove_file(&track.path);
        }
    }

    fn remove(&self) {
        // What stays is removed by the next run.
        let _ = nofollow::remove_file(&self.order.path);
        self.make_room();
    }
}
