//! The lines of a stream, of bounded length.

use super::request_id::{McpRequestId, RequestIdScanner};
use std::io;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// How long a line may be, in bytes. Arguments of a command are at most 128 KiB each; what is longer is a
/// mistake, and would be kept in memory several times.
pub(super) const LONGEST: usize = 4 << 20;

/// A line of a stream, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InputLine {
    /// A line that fits.
    Whole(Vec<u8>),
    /// It is longer than [`LONGEST`]. It was read to its end, and nothing of it is kept but the id in it.
    TooLong(Option<McpRequestId>),
}

/// The lines of a stream. The last one need not have an end.
pub(super) struct LineReader<R> {
    stream: BufReader<R>,
    /// How long a line may be. Smaller only in tests.
    longest: usize,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    pub(super) fn new(stream: R) -> Self {
        Self { stream: BufReader::new(stream), longest: LONGEST }
    }

    /// Reads the next line; `None` at the stream's end. A line is lost if this is cancelled.
    pub(super) async fn next(&mut self) -> io::Result<Option<InputLine>> {
        let mut line = Vec::new();
        let mut scan = None;
        loop {
            let read = match self.stream.fill_buf().await {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read.is_empty() {
                let is_over = line.is_empty() && scan.is_none();
                return Ok((!is_over).then(|| end(line, scan)));
            }
            let newline = read.iter().position(|byte| *byte == b'\n');
            let part = read.get(..newline.unwrap_or(read.len())).unwrap_or(read);
            if scan.is_none() && line.len() + part.len() > self.longest {
                scan.get_or_insert_with(RequestIdScanner::default).read(&line);
                line = Vec::new();
            }
            match &mut scan {
                Some(scan) => scan.read(part),
                None => line.extend_from_slice(part),
            }
            let used = part.len() + usize::from(newline.is_some());
            self.stream.consume(used);
            if newline.is_some() {
                return Ok(Some(end(line, scan)));
            }
        }
    }
}

/// The line that was read; with a scan, it was too long.
fn end(line: Vec<u8>, scan: Option<RequestIdScanner>) -> InputLine {
    match scan {
        Some(scan) => InputLine::TooLong(scan.id()),
        None => InputLine::Whole(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8], longest: usize) -> Vec<InputLine> {
        let mut lines = LineReader { longest, ..LineReader::new(bytes) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut all = Vec::new();
            while let Some(line) = lines.next().await.unwrap() {
                all.push(line);
            }
            all
        })
    }

    fn whole(line: &str) -> InputLine {
        InputLine::Whole(line.into())
    }

    #[test]
    fn the_last_line_needs_no_end() {
        assert_eq!(lines(b"a\n\nb\r\nc", 10), ["a", "", "b\r", "c"].map(whole));
        assert_eq!(lines(b"a\n", 10), [whole("a")]);
        assert_eq!(lines(b"", 10), []);
    }

    #[test]
    fn of_a_line_that_is_too_long_the_id_is_kept_wherever_it_stands() {
        let id = McpRequestId::new(&7.into());
        let long = "x".repeat(20_000);
        let first = format!(r#"{{"id":7,"x":"{long}"}}"#);
        let last = format!(r#"{{"x":"{long}","id":7}}"#);
        let both = format!("{first}\nab\n{last}\ncd");
        let expected =
            [InputLine::TooLong(id.clone()), whole("ab"), InputLine::TooLong(id), whole("cd")];
        assert_eq!(lines(both.as_bytes(), 10_000), expected);
        assert_eq!(
            lines(long.as_bytes(), 10_000),
            [InputLine::TooLong(None)],
            "also without an end"
        );
        assert_eq!(lines(b"123456\n1234567\n", 6), [whole("123456"), InputLine::TooLong(None)]);
    }
}
