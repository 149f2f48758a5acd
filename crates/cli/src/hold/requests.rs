//! Standard input, line by line.
//!
//! It is read without a buffer of the standard library: whether the program has closed it, or asks for something, must
//! be visible to poll(2).

use nix::{errno::Errno, unistd::read};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

/// The longest line: a name has 255 bytes at most, and a command line some thousand.
const LONGEST: usize = 1 << 20;

/// How much to read at once.
const PORTION: usize = 1 << 14;

/// The lines of standard input.
pub(super) struct RequestLines {
    input: io::Stdin,
    /// What was read and not returned yet.
    rest: Vec<u8>,
}

impl RequestLines {
    /// The lines from here on.
    pub(super) fn new() -> Self {
        Self { input: io::stdin(), rest: Vec::new() }
    }

    /// The next line without its end, after a wait for it; `None` at the end of the input. A line without an end
    /// counts as none: the program died while it wrote.
    ///
    /// # Errors
    /// When the input cannot be read, or a line is longer than [`LONGEST`].
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let behind = self.rest.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.rest, behind);
                line.truncate(end);
                return Ok(Some(line));
            }
            if self.rest.len() > LONGEST {
                return Err(io::Error::other("a request is too long"));
            }
            let mut portion = vec![0; PORTION];
            match read(&self.input, &mut portion) {
                Ok(0) => return Ok(None),
                Ok(count) => {
                    portion.truncate(count);
                    self.rest.append(&mut portion);
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

impl AsFd for RequestLines {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.input.as_fd()
    }
}
