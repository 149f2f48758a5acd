use serde::{Deserialize, Serialize};
use std::path::Path;

/// What became of a run, as its last frame tells all followers. Additive: a field that is not known is passed
/// over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OnceRunOutcome {
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
        /// The project's folder, where what the result depends on changed in there while the command ran: in another
        /// work tree, it is no result of what is there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only_in: Option<String>,
    },
    /// A signal ended it, and no process sent that signal to the caller that ran it.
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
    /// There is no verdict: a caller that needs one has to run it.
    Abandoned {
        /// Why.
        why: String,
    },
}

impl OnceRunOutcome {
    /// Of a command that ended by itself.
    pub fn exited(code: u8) -> Self {
        Self::Exited { code, kept: false, not_kept: None, only_in: None }
    }

    /// The same, with why nothing is kept of it.
    #[must_use]
    pub fn not_kept(mut self, why: &str) -> Self {
        if let Self::Exited { kept, not_kept, .. } = &mut self {
            (*kept, *not_kept) = (false, Some(why.to_owned()));
        }
        self
    }

    /// The same of a run whose result is kept.
    #[must_use]
    pub fn kept(mut self) -> Self {
        if let Self::Exited { kept, not_kept, .. } = &mut self {
            (*kept, *not_kept) = (true, None);
        }
        self
    }

    /// The same of a run in a project where what it depends on has changed meanwhile.
    #[must_use]
    pub fn only_in(mut self, project: &Path) -> Self {
        if let Self::Exited { only_in, .. } = &mut self {
            *only_in = Some(project.to_string_lossy().into_owned());
        }
        self
    }

    /// Whether it says something of what was there when a run was asked for in a project.
    pub fn counts_in(&self, project: &Path) -> bool {
        match self {
            Self::Exited { only_in: Some(only_in), .. } => *only_in == project.to_string_lossy(),
            _ => true,
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
            OnceRunOutcome::exited(3).kept(),
            OnceRunOutcome::exited(0).not_kept("full").only_in(Path::new("/a")),
            OnceRunOutcome::Signaled { code: 137, signal: "SIGKILL".into() },
            OnceRunOutcome::TimedOut { message: "too long".into() },
            OnceRunOutcome::NotStarted { code: 127, message: "not found".into() },
            OnceRunOutcome::Abandoned { why: "interrupted".into() },
        ] {
            assert_eq!(OnceRunOutcome::parse(&verdict.encode()), verdict);
        }
        assert!(matches!(OnceRunOutcome::parse(b"{"), OnceRunOutcome::Abandoned { .. }));
    }
}
