use super::AuditEventKind;
use crate::{pattern::Pattern, sys::nofollow, words::Timestamp};
use serde_json::{Map, Value};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// How far before the point that a search found to begin reading. Writers take a time and then append,
/// so neighbouring lines may be out of order by as much as they compete; this covers thousands of lines.
const SLACK: u64 = 64 * 1024;

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub enum AuditLogLine {
    /// An event, with its fields as they stand in the log.
    Event(Map<String, Value>),
    /// Something that is no event, for instance what a full disk left of one.
    Broken(String),
}

impl AuditLogLine {
    /// A text field of an event.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self {
            Self::Event(fields) => fields.get(key)?.as_str(),
            Self::Broken(_) => None,
        }
    }

    /// When the event happened.
    pub fn time(&self) -> Option<Timestamp> {
        self.text("ts")?.parse().ok()
    }

    /// What happened; `None` for kinds that a later version writes.
    pub fn kind(&self) -> Option<AuditEventKind> {
        self.text("event")?.parse().ok()
    }

    /// The patterns of an event about a reservation; what is no pattern is left out.
    pub fn patterns(&self) -> Vec<Pattern> {
        let Self::Event(fields) = self else { return Vec::new() };
        let patterns = fields.get("extra").and_then(|extra| extra.get("patterns"));
        let patterns = patterns.and_then(Value::as_array).into_iter().flatten();
        patterns.filter_map(|it| serde_json::from_value(it.clone()).ok()).collect()
    }
}

/// Says that the log could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the audit log {}", path.display())]
pub struct AuditLogReadError {
    path: PathBuf,
    source: io::Error,
}

/// Reads the log from a point in time on.
///
/// The point is found by halving the file, so a log of a million lines costs a few reads. That rests on
/// the lines being in order of time: after a clock was set back, events of the repeated span may be
/// missed by a `since` inside it.
pub struct LogReader {
    path: PathBuf,
    file: BufReader<File>,
}

impl LogReader {
    /// Opens a log; `None` if it does not exist yet.
    ///
    /// # Errors
    /// [`AuditLogReadError`] when it exists and cannot be opened.
    pub fn open(path: &Path) -> Result<Option<Self>, AuditLogReadError> {
        match nofollow::open_to_read(path) {
            Ok(file) => Ok(Some(Self { path: path.to_owned(), file: BufReader::new(file) })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(AuditLogReadError { path: path.to_owned(), source }),
        }
    }

    /// Goes to where events from `since` on may begin; some earlier ones may still follow.
    ///
    /// # Errors
    /// [`AuditLogReadError`] when the log cannot be read.
    pub fn seek_to(&mut self, since: Timestamp) -> Result<(), AuditLogReadError> {
        self.bisect(since).map_err(|source| self.error(source))
    }

    /// Goes back from the end by about `bytes`, to the beginning of a line.
    ///
    /// # Errors
    /// [`AuditLogReadError`] when the log cannot be read.
    pub fn seek_near_end(&mut self, bytes: u64) -> Result<(), AuditLogReadError> {
        let from = self.length().map(|length| length.saturating_sub(bytes));
        from.and_then(|from| self.seek_to_line(from)).map_err(|source| self.error(source))
    }

    /// Reads the next whole line; `None` at the end, where a later call finds what was appended since.
    ///
    /// # Errors
    /// [`AuditLogReadError`] when the log cannot be read.
    pub fn next_event(&mut self) -> Result<Option<AuditLogLine>, AuditLogReadError> {
        let mut line = Vec::new();
        match self.file.read_until(b'\n', &mut line) {
            Err(source) => Err(self.error(source)),
            Ok(0) => Ok(None),
            Ok(read) if line.last() != Some(&b'\n') => self.unread(read).map(|()| None),
            Ok(_) => Ok(Some(parse(&line))),
        }
    }

    /// Whether the log was cut shorter than what has been read of it.
    ///
    /// # Errors
    /// [`AuditLogReadError`] when the log cannot be read.
    pub fn was_truncated(&mut self) -> Result<bool, AuditLogReadError> {
        let position = self.file.stream_position();
        let truncated = position.and_then(|position| Ok(self.length()? < position));
        truncated.map_err(|source| self.error(source))
    }

    fn unread(&mut self, bytes: usize) -> Result<(), AuditLogReadError> {
        let back = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.file.seek_relative(-back).map_err(|source| self.error(source))
    }

    fn bisect(&mut self, since: Timestamp) -> io::Result<()> {
        let (mut low, mut high) = (0, self.length()?);
        while high - low > SLACK {
            let middle = low + (high - low) / 2;
            match self.time_after(middle, high)? {
                Some(time) if time < since => low = middle,
                _ => high = middle,
            }
        }
        self.seek_to_line(low.saturating_sub(SLACK))
    }

    /// The time of the first readable event that begins in `from..to`.
    fn time_after(&mut self, from: u64, to: u64) -> io::Result<Option<Timestamp>> {
        self.seek_to_line(from)?;
        let mut line = Vec::new();
        while self.file.stream_position()? < to {
            line.clear();
            if self.file.read_until(b'\n', &mut line)? == 0 {
                // Another process cut the log meanwhile: it ends before `to`.
                break;
            }
            if let Some(time) = parse(&line).time() {
                return Ok(Some(time));
            }
        }
        Ok(None)
    }

    /// Goes to the first line that begins at `offset` or behind it.
    fn seek_to_line(&mut self, offset: u64) -> io::Result<()> {
        let Some(before) = offset.checked_sub(1) else {
            return self.file.rewind();
        };
        self.file.seek(SeekFrom::Start(before))?;
        // From one byte before: an offset at which a line begins stays where it is.
        let mut rest = Vec::new();
        self.file.read_until(b'\n', &mut rest).map(|_| ())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.get_ref().metadata()?.len())
    }

    fn error(&self, source: io::Error) -> AuditLogReadError {
        AuditLogReadError { path: self.path.clone(), source }
    }
}

impl Iterator for LogReader {
    type Item = Result<AuditLogLine, AuditLogReadError>;
    fn next(&mut self) -> Option<Self::Item> {
        self.next_event().transpose()
    }
}

/// Reads a line. What a full disk left of an earlier event may stand before the event: that is cut off.
fn parse(line: &[u8]) -> AuditLogLine {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    let whole = serde_json::from_str(text).ok();
    let behind_torn = || {
        let start = text.rfind("{\"ts\":\"")?;
        serde_json::from_str(text.get(start..)?).ok()
    };
    whole
        .or_else(behind_torn)
        .map_or_else(|| AuditLogLine::Broken(text.to_owned()), AuditLogLine::Event)
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
