//! Asking git about files of a worktree: within a time limit, without the variables of a git that runs around this
//! program, and without programs of the repository or the user.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::{
    ffi::OsStr,
    io::Read,
    os::{fd::AsFd, unix::ffi::OsStrExt},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

/// The most of git's answer that is read, in bytes.
const MOST_BYTES: usize = 1 << 24;
/// Settings that keep git from running programs of the repository or the user, and that make its answers lists of
/// paths.
const SETTINGS: [&str; 4] = [
    "core.fsmonitor=",
    "core.untrackedCache=false",
    "core.quotePath=false",
    "status.renames=false",
];

/// How git is to read the paths of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathspecKind {
    /// As they are.
    Literal,
    /// As git reads them on a command line, with wildcards.
    Pattern,
}

/// A question to git. It changes nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GitQuestion<'a> {
    /// Where git runs.
    pub(crate) folder: &'a Path,
    /// The command and its options.
    pub(crate) arguments: &'a [&'a str],
    /// What it is about.
    pub(crate) paths: &'a [&'a OsStr],
    /// How these are read.
    pub(crate) pathspec: PathspecKind,
}

impl GitQuestion<'_> {
    /// Gives git's output; `None` where git cannot be run, fails, says too much, or has not answered at `end`. Then git
    /// is killed.
    pub(crate) fn answer(self, end: Instant) -> Option<Vec<u8>> {
        let mut git = Command::new("git");
        for (key, _) in std::env::vars_os().filter(|(key, _)| key.as_bytes().starts_with(b"GIT_")) {
            git.env_remove(key);
        }
        git.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
        if self.pathspec == PathspecKind::Literal {
            git.env("GIT_LITERAL_PATHSPECS", "1");
        }
        git.args(SETTINGS.into_iter().flat_map(|setting| ["-c", setting])).args(self.arguments);
        git.args(self.paths).current_dir(self.folder);
        git.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = git.spawn().ok()?;
        let output = child.stdout.take().and_then(|it| read(it, end));
        if output.is_none() {
            let _ = child.kill();
        }
        let status = child.wait().ok()?;
        output.filter(|_| status.success())
    }
}

fn read(mut output: impl Read + AsFd, end: Instant) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    while bytes.len() < MOST_BYTES {
        let left = end.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        if poll(&mut [PollFd::new(output.as_fd(), PollFlags::POLLIN)], left).ok()? == 0 {
            return None;
        }
        match output.read(&mut buffer).ok()? {
            0 => return Some(bytes),
            count => bytes.extend_from_slice(buffer.get(..count)?),
        }
    }
    None
}
