use super::{
    BlobReference, OutputTail,
    digest_thread::{DigestThread, digest_of},
    recorder::begin,
    transcript::is_for_now,
};
use crate::files::FileError;
use nix::{
    errno::Errno,
    fcntl::{OFlag, SpliceFFlags, splice},
};
use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::fs::FileExt,
    path::PathBuf,
};

/// How much is moved at once, at most.
const PORTION: usize = 1 << 20;

/// From so many bytes on, a stream is digested while it is recorded, and before that at the end.
const MANY: u64 = 4 << 20;

/// The bytes of a stream, in the file that records them.
pub(super) struct StreamFile {
    pub(super) path: PathBuf,
    file: File,
    bytes: u64,
    /// Digests them, where they are many.
    digest_thread: Option<DigestThread>,
}

/// Says that nothing more can be recorded, with the bytes that were drawn from the source but not recorded.
#[derive(Debug)]
pub(super) struct UnrecordedBytesError {
    pub(super) error: FileError,
    pub(super) bytes: Vec<u8>,
}

impl StreamFile {
    /// Replaces the file by an empty one.
    pub(super) fn begin(path: PathBuf) -> Result<Self, FileError> {
        // Not for appending: splice(2) refuses such files.
        let file = begin(&path, OFlag::O_RDWR)?;
        Ok(Self { path, file, bytes: 0, digest_thread: None })
    }

    /// Draws what a source has for now, at most a portion: how many bytes, and none where it has ended.
    ///
    /// The kernel moves them from a pipe to the file, so they do not pass through this process. What it cannot
    /// move, because the disk is full, stays in the pipe.
    pub(super) fn draw(&mut self, source: &File) -> Result<Option<u64>, UnrecordedBytesError> {
        let flags = SpliceFFlags::SPLICE_F_NONBLOCK;
        let drawn = match splice(source, None, &self.file, None, PORTION, flags) {
            Ok(drawn) => Some(drawn as u64),
            Err(Errno::EAGAIN | Errno::EINTR) => None,
            // Between these two files, it can not.
            Err(Errno::EINVAL) => self.copy(source)?,
            Err(errno) => return Err(self.failed(errno.into(), Vec::new())),
        };
        self.grow(drawn.unwrap_or_default());
        Ok(drawn)
    }

    /// Reads and writes, where splice(2) does not know one of the two.
    fn copy(&self, mut source: &File) -> Result<Option<u64>, UnrecordedBytesError> {
        let mut bytes = vec![0; PORTION];
        match source.read(&mut bytes) {
            Ok(length) => bytes.truncate(length),
            Err(error) if is_for_now(&error) => return Ok(None),
            Err(error) => return Err(self.failed(error, Vec::new())),
        }
        match (&self.file).write_all(&bytes) {
            Ok(()) => Ok(Some(bytes.len() as u64)),
            Err(error) => Err(self.failed(error, bytes)),
        }
    }

    fn failed(&self, error: io::Error, bytes: Vec<u8>) -> UnrecordedBytesError {
        UnrecordedBytesError { error: FileError::on("record in", &self.path)(error), bytes }
    }

    fn grow(&mut self, drawn: u64) {
        self.bytes += drawn;
        if self.digest_thread.is_none() && self.bytes > MANY {
            // Where no thread can be had, it is digested at the end.
            self.digest_thread = DigestThread::begin(&self.file).ok();
        }
        if let Some(digest_thread) = &self.digest_thread {
            digest_thread.tell(self.bytes);
        }
    }

    /// The last bytes that were drawn, which count as undrawn from now on.
    pub(super) fn take_back(&mut self, bytes: u64) -> Vec<u8> {
        let mut last = vec![0; usize::try_from(bytes).unwrap_or_default()];
        self.bytes = self.bytes.saturating_sub(bytes);
        // What cannot be read back is lost to the readers of the output.
        let read = self.file.read_exact_at(&mut last, self.bytes);
        read.map(|()| last).unwrap_or_default()
    }

    /// The end of what was drawn.
    pub(super) fn tail(&self) -> Option<OutputTail> {
        OutputTail::of_first(&self.file, self.bytes).ok()
    }

    /// What it has, digested.
    pub(super) fn stored(&mut self) -> Result<(BlobReference, PathBuf), FileError> {
        let digest = match self.digest_thread.take() {
            Some(digest_thread) => digest_thread.finish(),
            None => digest_of(&self.file, self.bytes),
        };
        let digest = digest.map_err(FileError::on("read", &self.path))?;
        Ok((BlobReference { digest, bytes: self.bytes }, self.path.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use std::{
        fs,
        io::Seek,
        path::Path,
        thread,
        time::{Duration, Instant},
    };
    use tempfile::{tempdir, tempfile};

    /// Draws until the source has ended, and gives what is recorded then.
    fn draw_all(track: &mut StreamFile, source: &File) -> (BlobReference, Vec<u8>) {
        while track.draw(source).unwrap() != Some(0) {}
        let (stored, path) = track.stored().unwrap();
        (stored, fs::read(path).unwrap())
    }

    #[test]
    fn what_comes_through_a_pipe_is_recorded_and_digested_few_or_many() {
        for bytes in [0, 1, 70_000, 5 << 20] {
            let folder = tempdir().unwrap();
            let mut track = StreamFile::begin(folder.path().join("out")).unwrap();
            let content: Vec<u8> = (0..=250).cycle().take(bytes).collect();
            let (source, mut writer) = io::pipe().unwrap();
            let sent = content.clone();
            let sender = thread::spawn(move || writer.write_all(&sent).unwrap());
            let source = File::from(std::os::fd::OwnedFd::from(source));
            let (stored, recorded) = draw_all(&mut track, &source);
            sender.join().unwrap();
            assert!(recorded == content, "{bytes} bytes are recorded as they came");
            let expected =
                BlobReference { digest: Digest::of(&content), bytes: content.len() as u64 };
            assert_eq!(stored, expected, "{bytes} bytes are digested");
        }
    }

    #[test]
    fn where_the_kernel_cannot_move_bytes_they_are_copied() {
        let folder = tempdir().unwrap();
        let mut track = StreamFile::begin(folder.path().join("out")).unwrap();
        let mut no_pipe = tempfile().unwrap();
        let content = vec![7; 3 << 20];
        no_pipe.write_all(&content).unwrap();
        no_pipe.rewind().unwrap();
        let (stored, recorded) = draw_all(&mut track, &no_pipe);
        assert!(recorded == content, "all of it");
        assert_eq!(stored.digest, Digest::of(&recorded));
    }

    #[test]
    fn the_last_bytes_are_taken_back_to_be_shown() {
        let folder = tempdir().unwrap();
        let mut track = StreamFile::begin(folder.path().join("out")).unwrap();
        let (source, mut writer) = io::pipe().unwrap();
        let source = File::from(std::os::fd::OwnedFd::from(source));
        writer.write_all(b"first").unwrap();
        track.draw(&source).unwrap().unwrap();
        writer.write_all(b"second").unwrap();
        let drawn = track.draw(&source).unwrap().unwrap();
        assert_eq!(track.take_back(drawn), b"second");
        let tail = track.tail().unwrap();
        assert_eq!((tail.bytes(), tail.whole()), (&b"first"[..], 5), "and count no more");
    }

    #[test]
    fn a_track_that_is_dropped_keeps_no_room_on_the_disk() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("out");
        let mut track = StreamFile::begin(path.clone()).unwrap();
        let mut no_pipe = tempfile().unwrap();
        no_pipe.write_all(&vec![7; 5 << 20]).unwrap();
        no_pipe.rewind().unwrap();
        while track.draw(&no_pipe).unwrap() != Some(0) {}
        assert!(track.digest_thread.is_some(), "it is digested by a thread");
        fs::remove_file(&path).unwrap();
        drop(track);
        let deadline = Instant::now() + Duration::from_secs(20);
        while is_open(&path) {
            assert!(Instant::now() < deadline, "no process has it open any more");
            thread::yield_now();
        }
    }

    /// Whether this process has a file open that has no name any more.
    fn is_open(path: &Path) -> bool {
        let name = format!("{} (deleted)", path.display());
        let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
        let mut links = open.filter_map(|fd| fs::read_link(fd.path()).ok());
        links.any(|link| link.as_os_str() == name.as_str())
    }
}
