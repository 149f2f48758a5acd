use super::Stream;
use std::{fs::File, io, os::unix::fs::FileExt};

/// The end of what came on a stream, and how much came in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputTail {
    bytes: Vec<u8>,
    whole: u64,
}

/// The ends of both streams of a command; `None` for one that is not known any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputTails {
    /// That of the standard output.
    pub out: Option<OutputTail>,
    /// That of the standard error output.
    pub err: Option<OutputTail>,
}

impl OutputTail {
    /// So many bytes are kept, at most.
    pub const MOST: usize = 64 * 1024;

    /// The end of what stands in a file.
    ///
    /// # Errors
    /// What reading said.
    pub fn of(file: &File) -> io::Result<Self> {
        Self::of_first(file, file.metadata()?.len())
    }

    /// The end of the first bytes of a file.
    pub(super) fn of_first(file: &File, whole: u64) -> io::Result<Self> {
        let length = usize::try_from(whole).unwrap_or(Self::MOST).min(Self::MOST);
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, whole - length as u64)?;
        Ok(Self { bytes, whole })
    }

    /// A stream of which only the length is known.
    pub fn unread(whole: u64) -> Self {
        Self { bytes: Vec::new(), whole }
    }

    /// Takes in what comes next.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.whole += bytes.len() as u64;
        let end = bytes.get(bytes.len().saturating_sub(Self::MOST)..).unwrap_or(bytes);
        self.bytes.extend_from_slice(end);
        // What is too much is moved out now and then, not for every few bytes.
        if self.bytes.len() > 2 * Self::MOST {
            self.bytes.drain(..self.bytes.len() - Self::MOST);
        }
    }

    /// The last bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(self.bytes.len().saturating_sub(Self::MOST)..).unwrap_or_default()
    }

    /// How many came in all.
    pub fn whole(&self) -> u64 {
        self.whole
    }
}

impl OutputTails {
    /// That of a stream, to be added to.
    pub(super) fn of(&mut self, stream: Stream) -> Option<&mut OutputTail> {
        match stream {
            Stream::Out => self.out.as_mut(),
            Stream::Err => self.err.as_mut(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_is_added_and_what_is_read_have_the_same_end() {
        let mut file = tempfile::tempfile().unwrap();
        let mut added = OutputTail::default();
        for length in [0, 1, 7, 70_000, 3, 64_000, 64_000, 200_000, 1] {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            file.write_all(&bytes).unwrap();
            added.add(&bytes);
            let read = OutputTail::of(&file).unwrap();
            assert!(added.bytes() == read.bytes(), "after {} bytes", read.whole());
            assert_eq!(added.whole(), read.whole());
            assert!(added.bytes().len() <= OutputTail::MOST);
        }
    }
}
