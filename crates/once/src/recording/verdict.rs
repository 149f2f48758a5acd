use serde::{Deserialize, Serialize};

/// What became of a run, as its last frame tells all who follow it. Additive: a field that is not known is
/// passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Verdict {
    /// The command ended by itself.
    Exited {
        /// Its exit code.
        code: u8,
        /// Whether its result is kept: what is found under its key is of this run then, and else of another.
        #[serde(default)]
        kept: bool,
        /// Why nothing is kept of it, though it would have been.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        not_kept: Option<String>,
    },
    /// A signal ended it that nobody sent to the one who ran it.
    Signaled {
        /// 128 and the signal's number.
        code: u8,
        /// The signal's name.
        signal: String,
    },
    /// It ran for longer than it may.
    TimedOut {
        /// What is to be said.
        message: String,
    },
    /// It did not start.
    NotStarted {
        /// 126 or 127.
        code: u8,
        /// What is to be said.
        message: String,
    },
    /// There is no verdict: whoever needs one has to run it.
    Abandoned {
        /// Why.
        why: String,
    },
}

impl Verdict {
    /// The same, with why nothing is kept of it.
    #[must_use]
    pub fn not_kept(self, why: &str) -> Self {
        match self {
            Self::Exited { code, .. } => {
                Self::Exited { code, kept: false, not_kept: Some(why.to_owned()) }
            }
            other => other,
        }
    }

    /// The same of a run whose result is kept.
    #[must_use]
    pub fn kept(self) -> Self {
        match self {
            Self::Exited { code, .. } => Self::Exited { code, kept: true, not_kept: None },
            other => other,
        }
    }

    /// Whether its result is kept.
    pub fn is_kept(&self) -> bool {
        matches!(self, Self::Exited { kept: true, .. })
    }

    /// The verdict as the text of a frame.
    pub fn encode(&self) -> Vec<u8> {
        // A value of texts and numbers is always JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a frame's text. What cannot be read is no verdict.
    pub fn parse(text: &[u8]) -> Self {
        let unreadable = |_| Self::Abandoned { why: "its verdict cannot be read".to_owned() };
        serde_json::from_slice(text).unwrap_or_else(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_back() {
        for verdict in [
            Verdict::Exited { code: 3, kept: true, not_kept: None },
            Verdict::Exited { code: 0, kept: false, not_kept: Some("full".into()) },
            Verdict::Signaled { code: 137, signal: "SIGKILL".into() },
            Verdict::TimedOut { message: "too long".into() },
            Verdict::NotStarted { code: 127, message: "not found".into() },
            Verdict::Abandoned { why: "interrupted".into() },
        ] {
            assert_eq!(Verdict::parse(&verdict.encode()), verdict);
        }
        assert!(matches!(Verdict::parse(b"{"), Verdict::Abandoned { .. }));
    }
}
