//! Output of any length, read to its end and kept within bounds.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much of an output is kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum ExcerptLimit {
    /// At most so many bytes: half of them from its beginning, half from its end.
    Ends(usize),
    /// At most so many bytes from its end.
    Tail(usize),
}

/// What was kept of an output, however long it was.
#[derive(Debug)]
pub(super) struct OutputExcerpt {
    /// The beginning, up to `most_head` bytes.
    head: Vec<u8>,
    /// The end, up to `most_tail` bytes.
    tail: VecDeque<u8>,
    /// How much of the beginning is kept.
    most_head: usize,
    /// How much of the end is kept.
    most_tail: usize,
    /// How long it was, in bytes.
    pub(super) total: usize,
}

impl OutputExcerpt {
    pub(super) fn new(keep: ExcerptLimit) -> Self {
        let (most_head, most_tail) = match keep {
            ExcerptLimit::Ends(most) => (most / 2, most - most / 2),
            ExcerptLimit::Tail(most) => (0, most),
        };
        Self { head: Vec::new(), tail: VecDeque::new(), most_head, most_tail, total: 0 }
    }

    /// Adds bytes: first to the beginning, then to the end, which forgets its oldest bytes.
    fn take(&mut self, bytes: &[u8]) {
        self.total += bytes.len();
        let room = self.most_head - self.head.len();
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(self.most_tail);
        self.tail.drain(..excess);
    }

    /// How many bytes in the middle are not there.
    pub(super) fn left_out(&self) -> usize {
        self.total - self.head.len() - self.tail.len()
    }

    /// The text, with a note where bytes are left out. Bytes that are not UTF-8 are replaced.
    pub(super) fn text(&self) -> String {
        let (front, back) = self.tail.as_slices();
        let tail = [front, back].concat();
        match self.left_out() {
            0 => String::from_utf8_lossy(&[self.head.as_slice(), &tail].concat()).into_owned(),
            left_out => format!(
                "{}\n[{left_out} bytes are left out here]\n{}",
                String::from_utf8_lossy(&self.head),
                String::from_utf8_lossy(&tail)
            ),
        }
    }
}

/// What is kept of a stream while it is being read.
pub(super) type SharedOutputExcerpt = Arc<Mutex<OutputExcerpt>>;

/// Reads a stream to its end, however much of it is kept, so that its writer never waits.
pub(super) async fn keep(mut stream: impl AsyncRead + Unpin, kept: SharedOutputExcerpt) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        let bytes = buffer.get(..read).unwrap_or_default();
        kept.lock().unwrap_or_else(PoisonError::into_inner).take(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(keep: ExcerptLimit, parts: &[&str]) -> OutputExcerpt {
        let mut kept = OutputExcerpt::new(keep);
        for part in parts {
            kept.take(part.as_bytes());
        }
        kept
    }

    #[test]
    fn what_fits_is_kept_whole() {
        for parts in [&["abcdef"][..], &["a", "bcde", "f"], &["abc", "def"]] {
            let it = kept(ExcerptLimit::Ends(6), parts);
            assert_eq!((it.text().as_str(), it.left_out(), it.total), ("abcdef", 0, 6));
        }
    }

    #[test]
    fn of_more_both_ends_are_kept() {
        for parts in [&["abcdefghij"][..], &["a", "bcdefgh", "ij"]] {
            let it = kept(ExcerptLimit::Ends(5), parts);
            assert_eq!(it.text(), "ab\n[5 bytes are left out here]\nhij");
            assert_eq!((it.left_out(), it.total), (5, 10));
        }
    }

    #[test]
    fn of_a_tail_only_the_end_is_kept() {
        let it = kept(ExcerptLimit::Tail(3), &["abcdefg", "h"]);
        assert!(it.text().ends_with("\nfgh"), "{}", it.text());
    }
}
