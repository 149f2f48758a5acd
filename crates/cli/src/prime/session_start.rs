//! The start of a session of Claude Code, where its hook runs `lokt prime`.
//!
//! The hook's input has the session's id. Older versions have no variable for it in shell commands, so the hook passes
//! it on: lines that it writes to the file `CLAUDE_ENV_FILE` run before each shell command of the session
//! (<https://code.claude.com/docs/en/hooks>, "Persist environment variables"). The hook runs again when the session is
//! resumed or compacted, and may find its own line there.
//!
//! The user may set `CLAUDE_ENV_FILE` to a file that all sessions run
//! (<https://github.com/anthropics/claude-code/issues/19357>). A session's id in there would make one agent of all
//! later sessions. So a line is written only where the path names the session, as Claude Code's own files do
//! (`session-env/<session>/…`), or where the file has nothing but exports.

use crate::env;
use lokt_lock::{harness::CLAUDE_SESSION, sys};
use nix::{
    libc::O_NOFOLLOW,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    unistd::geteuid,
};
use serde_json::Value;
use std::{
    fs::File,
    io::{self, IsTerminal, Read, Write},
    os::{
        fd::AsFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long the hook's input may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// The input has less, and so has the file.
const MOST_BYTES: usize = 64 << 10;
/// An id has no more.
const MOST_ID_BYTES: usize = 100;

/// What a hook knows of its session.
pub(crate) struct SessionStart {
    /// The session's id.
    pub(crate) session: String,
    file: PathBuf,
}

/// Says why a session's id is not passed on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionIdExportError {
    /// The file is not one of the session's own.
    #[error("{0} has more than exports, so the session's id is not added to it")]
    Foreign(PathBuf),
    /// The file cannot be read or written.
    #[error("cannot add the session's id to {file}: {source}")]
    Io {
        /// The file.
        file: PathBuf,
        /// What failed.
        source: io::Error,
    },
}

impl SessionStart {
    /// Reads the hook's input, where this is a hook of Claude Code.
    pub(crate) fn read() -> Option<Self> {
        // Codex sets both, and names its session in a variable.
        let file = env::literal_path(env::CLAUDE_ENV_FILE).filter(|it| it.is_absolute())?;
        if env::value(env::CODEX_ENV_FILE).is_some() || io::stdin().is_terminal() {
            return None;
        }
        let input = read_briefly(&mut io::stdin().lock())?;
        let input: Value = serde_json::from_slice(&input).ok()?;
        let session = input.get("session_id")?.as_str()?.to_owned();
        is_plain(&session).then_some(Self { session, file })
    }

    /// The start of a session whose id another hook has read.
    pub(crate) fn of(session: &str) -> Option<Self> {
        let file = env::literal_path(env::CLAUDE_ENV_FILE).filter(|it| it.is_absolute())?;
        let session = session.to_owned();
        is_plain(&session).then_some(Self { session, file })
    }

    /// Adds the session's id to the file, where its shell commands do not have it.
    pub(crate) fn hand_on(&self) -> Result<(), SessionIdExportError> {
        if env::value(CLAUDE_SESSION).is_some_and(|it| it == *self.session) {
            return Ok(());
        }
        let io_error = |source| SessionIdExportError::Io { file: self.file.clone(), source };
        let mut file = self.open().map_err(io_error)?;
        let text = read_all(&mut file).map_err(io_error)?;
        match addition(&text, &self.session, &self.file) {
            Some(addition) => file.write_all(addition.as_bytes()).map_err(io_error),
            None => Err(SessionIdExportError::Foreign(self.file.clone())),
        }
    }

    /// Opens the file, or makes it: a regular one of this user's, without following a link.
    fn open(&self) -> io::Result<File> {
        let mut options = File::options();
        options.read(true).append(true).create(true).mode(0o600);
        let file = sys::open_regular_with(&mut options, O_NOFOLLOW, &self.file)?;
        if file.metadata()?.uid() != geteuid().as_raw() {
            return Err(io::Error::other("it belongs to another user"));
        }
        Ok(file)
    }
}

/// Whether a session's id needs no quotation in a shell.
fn is_plain(session: &str) -> bool {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
    !session.is_empty() && session.len() <= MOST_ID_BYTES && session.bytes().all(is_plain)
}

/// What is to be added to the file; `None` where it may be the user's.
fn addition(text: &str, session: &str, path: &Path) -> Option<String> {
    let export = format!("export {CLAUDE_SESSION}=");
    let line = format!("{export}{session}");
    let last = text.lines().rfind(|it| it.starts_with(&export));
    if last == Some(&line) {
        return Some(String::new());
    }
    let names_session = path.components().any(|it| it.as_os_str() == session);
    let mut lines = text.lines().map(str::trim).filter(|it| !it.is_empty());
    if !names_session && !lines.all(|it| it.starts_with("export ") || it.starts_with('#')) {
        return None;
    }
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    Some(format!("{end}{line}\n"))
}

fn read_all(file: &mut File) -> io::Result<String> {
    let mut text = String::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    let read = file.take(most).read_to_string(&mut text)?;
    if read == MOST_BYTES {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok(text)
}

/// Reads to the end of an input, or what has come of it when the time is up; `None` where it is too long.
fn read_briefly(input: &mut (impl Read + AsFd)) -> Option<Vec<u8>> {
    let end = Instant::now() + PATIENCE;
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 << 10];
    while bytes.len() < MOST_BYTES {
        let left = end.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        if poll(&mut [PollFd::new(input.as_fd(), PollFlags::POLLIN)], left).ok()? == 0 {
            return Some(bytes);
        }
        match input.read(&mut buffer).ok()? {
            0 => return Some(bytes),
            count => bytes.extend_from_slice(buffer.get(..count)?),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: &str = "export CLAUDE_CODE_SESSION_ID=s1\n";

    fn added(text: &str) -> Option<String> {
        addition(text, "s1", Path::new("/x/env"))
    }

    #[test]
    fn the_session_is_added_once_and_the_last_one_counts() {
        assert_eq!(added("").unwrap(), MINE);
        assert_eq!(added(MINE).unwrap(), "");
        assert_eq!(added("export A='b c'\n# c\n\n").unwrap(), MINE);
        assert_eq!(added("export A=b").unwrap(), format!("\n{MINE}"));
        let other = "export CLAUDE_CODE_SESSION_ID=s2\n";
        assert_eq!(added(&format!("{MINE}{other}")).unwrap(), MINE);
        assert_eq!(added(&format!("{other}{MINE}")).unwrap(), "");
    }

    #[test]
    fn a_file_of_the_users_is_left_alone_and_one_of_the_session_is_not() {
        for text in [". venv/bin/activate\n", "PATH=/x:$PATH\n", "export A=b\nconda activate x\n"] {
            assert_eq!(added(text), None, "{text}");
            let path = Path::new("/h/.claude/session-env/s1/sessionstart-hook-0.sh");
            assert_eq!(addition(text, "s1", path).unwrap(), MINE, "{text}");
        }
    }

    #[test]
    fn an_id_that_a_shell_would_read_is_none() {
        for hostile in ["", "a b", "$(x)", "a'b", "a\nb", &"x".repeat(101)] {
            assert!(!is_plain(hostile), "{hostile:?}");
        }
        assert!(is_plain("1f0c4be0-2bfa-4d04-b1dd-46d56eaa2b13"));
    }
}
