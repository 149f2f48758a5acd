//! Large audit logs from few bytes, so that a search has something to search in.
//!
//! Every byte is a line:
//!
//! | byte | line |
//! | --- | --- |
//! | `0` to `9` | an event, so many seconds after the one before |
//! | `a` to `j` | the same for 0 to 9 seconds, with 10,000 bytes more |
//! | `<` | an event a minute before the one before |
//! | `>` | an event a minute after it |
//! | `#`, `@` | 5,000 or 100,000 bytes that are no event |
//! | `~` | half an event, and no newline |
//! | `?` | an event without a time |
//! | newline | nothing |
//! | any other | an event a second later, with as many times 100 bytes more as the byte says |
//!
//! Bytes that would make a log larger than [`LARGEST`] are left out.

use super::audit;
use lokt_lock::words::Timestamp;
use std::time::Duration;

/// The size limit of a log: a search halves it three times before it reads the rest.
const LARGEST: usize = 400 * 1024;

/// Checks searches in the log of a shorthand.
pub fn check(shorthand: &[u8]) {
    audit::check_search(&expand(shorthand));
}

/// The log of a shorthand.
pub fn expand(shorthand: &[u8]) -> Vec<u8> {
    let mut log = AuditLogShorthandExpander { log: Vec::new(), time: start() };
    for byte in shorthand {
        log.line(*byte);
        if log.log.len() > LARGEST {
            break;
        }
    }
    log.log
}

fn start() -> Timestamp {
    "2026-02-01T10:00:00.25Z".parse().expect("it is a time")
}

struct AuditLogShorthandExpander {
    log: Vec<u8>,
    time: Timestamp,
}

impl AuditLogShorthandExpander {
    fn line(&mut self, byte: u8) {
        match byte {
            b'\n' => {}
            b'0'..=b'9' => self.later(byte - b'0', 0),
            b'a'..=b'j' => self.later(byte - b'a', 10_000),
            b'<' => {
                self.time = self.time.saturating_sub(Duration::from_mins(1));
                self.event(0);
            }
            b'>' => self.later(60, 0),
            b'#' => self.put(&"#".repeat(5_000), "\n"),
            b'@' => self.put(&"@".repeat(100_000), "\n"),
            b'~' => self.put(r#"{"ts":"2026-02-01T10:00:0"#, ""),
            b'?' => self.put(r#"{"event":"release","name":"x"}"#, "\n"),
            other => self.later(1, usize::from(other) * 100),
        }
    }

    fn later(&mut self, seconds: u8, more: usize) {
        self.time = self.time.saturating_add(Duration::from_secs(seconds.into()));
        self.event(more);
    }

    fn event(&mut self, more: usize) {
        let (time, more) = (self.time, "-".repeat(more));
        self.put(
            &format!(r#"{{"ts":"{time}","event":"acquire","name":"x","owner":"{more}"}}"#),
            "\n",
        );
    }

    fn put(&mut self, text: &str, end: &str) {
        self.log.extend_from_slice(text.as_bytes());
        self.log.extend_from_slice(end.as_bytes());
    }
}
