//! Room on the stack for parsers that call themselves.
//!
//! The parsers of languages descend once more for every bracket, operator or block that stands in another.
//! A tool's file is not trusted, and a stack that overflows ends the process. No parser descends more often
//! than its text has tokens: so their number decides how large a stack is reserved, and a text with more
//! than [`MAX_TOKENS`] is refused. A reserved stack takes memory only where it is used.
//!
//! Time is not bounded so: that of some parsers grows with the square of the depth and more (TypeScript's
//! `a<a<a<…`, Python's f-strings in f-strings), so that a file made for it can keep its reader busy for long.

use super::{TextPosition, ToolMetadataFlaw};
use std::thread;

/// The most tokens that a file may have: a megabyte or two of a program.
const MAX_TOKENS: usize = 250_000;

/// What the deepest descent takes for one token, in bytes. The functions of a build that is not optimized
/// have far larger frames.
const PER_TOKEN: usize = if cfg!(debug_assertions) { 24 * 1024 } else { 8 * 1024 };

/// What is needed for the shortest text.
const LEAST: usize = 2 * 1024 * 1024;

/// Runs a reader of a text on a stack that it cannot overflow.
pub(super) fn with_room<T: Send>(
    text: &str,
    read: impl FnOnce() -> Result<T, ToolMetadataFlaw> + Send,
) -> Result<T, ToolMetadataFlaw> {
    let refuse = |what: &str| {
        let what = what.to_owned();
        Err(ToolMetadataFlaw::Syntax { place: TextPosition::START, what })
    };
    let tokens = tokens(text);
    if tokens > MAX_TOKENS {
        return refuse("the file has too many words and signs to be read");
    }
    let stack = LEAST + tokens * PER_TOKEN;
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("metadata".to_owned()).stack_size(stack);
        match builder.spawn_scoped(scope, read) {
            Ok(reader) => {
                reader.join().unwrap_or_else(|_| refuse("the parser of its language has failed"))
            }
            Err(error) => refuse(&format!("there is no room to read the file: {error}")),
        }
    })
}

/// At least as many as the tokens that any of the languages sees: words, and every other sign.
fn tokens(text: &str) -> usize {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let mut last = b' ';
    let mut count = 0;
    for byte in text.bytes() {
        let goes_on = is_word(byte) && is_word(last);
        if !byte.is_ascii_whitespace() && !goes_on {
            count += 1;
        }
        last = byte;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_signs_are_counted() {
        for (text, count) in [("", 0), ("not not  x", 3), ("[[-é]]", 6), ("a.b\n+c1", 5)] {
            assert_eq!(tokens(text), count, "{text:?} has {count} tokens");
        }
    }

    #[test]
    fn a_reader_that_panics_is_an_error() {
        let read = || -> Result<(), ToolMetadataFlaw> { std::panic::resume_unwind(Box::new(())) };
        assert!(with_room("", read).is_err(), "a parser's fault does not end the process");
    }
}
