use super::progress_signal::WaitableProgress;
use crate::digest::{Digest, DigestBuilder};
use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    sync::Arc,
    thread::{self, JoinHandle},
};

/// How much is read at once: what the processor's own memory holds.
const PORTION: usize = 128 << 10;

/// Digests a file that grows, in a separate thread: a command that prints a lot is not held up by that.
pub(super) struct DigestThread {
    signal: Arc<WaitableProgress<DigestInputProgress>>,
    thread: Option<JoinHandle<io::Result<Digest>>>,
}

/// How far the file goes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct DigestInputProgress {
    bytes: u64,
    /// It grows no more.
    all: bool,
    /// The digest is not wanted any more.
    given_up: bool,
}

impl DigestThread {
    /// Begins with the first byte of a file; [`tell`](Self::tell) says later how far the file goes.
    pub(super) fn begin(file: &File) -> io::Result<Self> {
        let file = file.try_clone()?;
        let signal = Arc::new(WaitableProgress::default());
        let of_thread = Arc::clone(&signal);
        let work = move || digest(&of_thread, &file);
        let thread = thread::Builder::new().name("lokt-digest".into()).spawn(work)?;
        Ok(Self { signal, thread: Some(thread) })
    }

    /// Tells that the file has so many bytes now.
    pub(super) fn tell(&self, bytes: u64) {
        self.signal.tell(|progress| progress.bytes = bytes);
    }

    /// The digest of the bytes that were reported.
    pub(super) fn finish(mut self) -> io::Result<Digest> {
        self.signal.tell(|progress| progress.all = true);
        let digest = self.thread.take().and_then(|thread| thread.join().ok());
        digest.unwrap_or_else(|| Err(io::Error::other("digesting panicked")))
    }
}

impl Drop for DigestThread {
    /// Lets the thread end if it has not, and with it close the file: of one that was removed, the disk is full until
    /// then.
    fn drop(&mut self) {
        self.signal.tell(|progress| (progress.all, progress.given_up) = (true, true));
    }
}

/// The digest of the first bytes of a file.
pub(super) fn digest_of(file: &File, bytes: u64) -> io::Result<Digest> {
    let signal = WaitableProgress::default();
    signal.tell(|progress| *progress = DigestInputProgress { bytes, all: true, given_up: false });
    digest(&signal, file)
}

fn digest(signal: &WaitableProgress<DigestInputProgress>, file: &File) -> io::Result<Digest> {
    let (mut digesting, mut done) = (DigestBuilder::default(), 0);
    let mut buffer = vec![0; PORTION];
    let mut progress = DigestInputProgress::default();
    while !progress.all {
        progress = signal.wait(progress);
        while done < progress.bytes && !signal.now().given_up {
            let most = usize::try_from(progress.bytes - done).unwrap_or(PORTION).min(PORTION);
            let portion = buffer.get_mut(..most).unwrap_or_default();
            file.read_exact_at(portion, done)?;
            digesting.add(portion);
            done += most as u64;
        }
    }
    Ok(digesting.finish())
}
