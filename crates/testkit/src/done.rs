use serde_json::Value;
use std::{os::unix::process::ExitStatusExt, process::Output};

/// The outcome of a call.
#[derive(Debug)]
pub struct Done {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its whole stdout.
    pub out: String,
    /// Its whole stderr.
    pub err: String,
}

impl Done {
    pub(crate) fn new(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            signal: output.status.signal(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Asserts an exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code of {self:#?}");
        self
    }

    /// Asserts success.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.expect(0)
    }

    /// Asserts that stderr contains a text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "no {text:?} on stderr of {self:#?}");
        self
    }

    /// Asserts an error in the project's form: one error line, and hints.
    #[track_caller]
    pub fn fails_with(self, code: i32, text: &str) -> Self {
        let done = self.expect(code);
        let first = done.err.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("error: ") && first.contains(text),
            "no error {text:?}: {done:#?}"
        );
        let rest = done.err.lines().skip(1);
        for line in rest {
            assert!(line.starts_with("hint: "), "neither error nor hint: {line:?} of {done:#?}");
        }
        done
    }

    /// Parses stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}
