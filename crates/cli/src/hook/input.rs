//! Reading what a harness writes to standard input: not longer than it may take, whatever comes.

use super::fields::PayloadFields;
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    unistd,
};
use std::{os::fd::AsFd, time::Instant};

/// No event has more.
const MOST_BYTES: usize = 64 << 20;

/// Says why an input could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InputError {
    /// It is larger than any event.
    #[error("its input is too large")]
    TooLarge,
    /// It did not come in time.
    #[error("its input did not come in time")]
    TooSlow,
    /// It cannot be read.
    #[error("its input cannot be read: {0}")]
    Io(Errno),
}

/// Reads an input to its end, or to the end of the JSON object in it: some harnesses leave the pipe open. Bytes that
/// are no UTF-8 become U+FFFD.
pub(super) fn read(input: impl AsFd, end: Instant) -> Result<String, InputError> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let has_all = is_quiet(&input) && is_complete(&bytes);
        if has_all {
            return Ok(text(bytes));
        }
        let left = end.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        match poll(&mut [PollFd::new(input.as_fd(), PollFlags::POLLIN)], left) {
            Ok(0) => return Err(InputError::TooSlow),
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(InputError::Io(errno)),
        }
        match unistd::read(input.as_fd(), &mut buffer) {
            Ok(0) => return Ok(text(bytes)),
            Ok(count) => bytes.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(errno) => return Err(InputError::Io(errno)),
        }
        if bytes.len() > MOST_BYTES {
            return Err(InputError::TooLarge);
        }
    }
}

/// Whether there is nothing to read at this moment.
fn is_quiet(input: impl AsFd) -> bool {
    let now = PollTimeout::ZERO;
    poll(&mut [PollFd::new(input.as_fd(), PollFlags::POLLIN)], now) == Ok(0)
}

/// Whether the bytes are a whole object. Only asked where nothing more has come, so rarely for a long one.
fn is_complete(bytes: &[u8]) -> bool {
    let ends = bytes.iter().rfind(|it| !it.is_ascii_whitespace()) == Some(&b'}');
    ends && std::str::from_utf8(bytes).is_ok_and(|text| PayloadFields::read(text).is_ok())
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
