use super::{
    OnceRunOutcome, OutputTail, OutputTails, RecordingDisplayStreams, RecordingOrderEntry, Stream,
    number, path,
};
use crate::files::open_own;
use lokt_lock::sys::nofollow;
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// How far a recording has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordingProgress {
    /// There may be more.
    Open,
    /// The run is over.
    Ended(OnceRunOutcome),
    /// Its writer said that there will be no more, or it is damaged.
    BrokenOff,
}

/// Reads a recording from its start, while it is written or afterwards.
pub struct RecordingReader {
    fence: u64,
    order: File,
    out: File,
    err: File,
    /// What was read of the order and is no whole frame yet.
    pending: Vec<u8>,
    /// Where a recording that was broken off has its name.
    broken: Option<PathBuf>,
}

impl RecordingReader {
    /// The number of the newest recording of a folder.
    pub fn newest(folder: &Path) -> Option<u64> {
        let names = nofollow::names(folder).ok()?.into_iter();
        let names = names.filter_map(|name| name.into_string().ok());
        names.filter(|name| is_order(name)).filter_map(|name| number(&name)).max()
    }

    /// Opens a recording; `None` where it is gone, or not all there yet.
    pub fn open(folder: &Path, fence: u64) -> Option<Self> {
        let open = |part| open_own(&path(folder, fence, part)).ok().flatten();
        let broken = path(folder, fence, "broken");
        let order = open("order").or_else(|| open("broken"))?;
        let (out, err) = (open("out")?, open("err")?);
        Some(Self { fence, order, out, err, pending: Vec::new(), broken: Some(broken) })
    }

    /// Reads what is kept of a run that has ended.
    pub fn of_files(order: File, out: File, err: File) -> Self {
        Self { fence: 0, order, out, err, pending: Vec::new(), broken: None }
    }

    /// The number of the recording.
    pub fn fence(&self) -> u64 {
        self.fence
    }

    /// Shows all that has come since.
    ///
    /// # Errors
    /// What reading said.
    pub fn pump(&mut self, streams: &mut RecordingDisplayStreams) -> io::Result<RecordingProgress> {
        // Looked for first: what was written before it got that name is still to be shown.
        let is_broken = self.broken.as_ref().is_some_and(|path| path.exists());
        self.order.read_to_end(&mut self.pending)?;
        let pending = std::mem::take(&mut self.pending);
        let mut rest = pending.as_slice();
        loop {
            match RecordingOrderEntry::take(&mut rest) {
                Ok(Some(RecordingOrderEntry::Bytes(stream, length))) => {
                    self.show(streams, stream, length)?;
                }
                Ok(Some(RecordingOrderEntry::End(text))) => {
                    return Ok(RecordingProgress::Ended(OnceRunOutcome::parse(&text)));
                }
                Ok(None) => break,
                Err(_) => return Ok(RecordingProgress::BrokenOff),
            }
        }
        self.pending = rest.to_vec();
        Ok(if is_broken { RecordingProgress::BrokenOff } else { RecordingProgress::Open })
    }

    fn show(
        &mut self,
        streams: &mut RecordingDisplayStreams,
        stream: Stream,
        length: u64,
    ) -> io::Result<()> {
        let mut from = match stream {
            Stream::Out => &self.out,
            Stream::Err => &self.err,
        };
        let start = from.stream_position()?;
        streams.copy(stream, from.take(length));
        // Whether all of it was shown or not, that is where the next bytes begin.
        from.seek(SeekFrom::Start(start.saturating_add(length))).map(|_| ())
    }

    /// The ends of what is recorded.
    pub fn tails(&self) -> OutputTails {
        OutputTails { out: OutputTail::of(&self.out).ok(), err: OutputTail::of(&self.err).ok() }
    }
}

fn is_order(name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(|it| it.to_str());
    matches!(ending, Some("order" | "broken"))
}
