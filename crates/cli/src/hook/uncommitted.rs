//! Asking git whether a file has changes that are in no commit.
//!
//! Git runs only where another's reservation could be given up for an edit, and not longer than a moment.

use lokt_lock::reservation::{EditState, Reservation};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::{
    io::Read,
    os::{fd::AsFd, unix::ffi::OsStrExt},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// How long git may take for one answer.
const PATIENCE: Duration = Duration::from_millis(400);
/// An answer about one file has less.
const MOST_BYTES: usize = 1 << 16;

/// Settings that keep git from running programs of the repository or the user.
const SETTINGS: [&str; 3] =
    ["core.fsmonitor=", "core.untrackedCache=false", "core.quotePath=false"];

/// Whether git tracks the file of a reservation, and has nothing to say of changes in it. What git does not answer in time, or
/// does not know, counts as changed. So does a file that git was told not to look at.
pub(crate) fn has_none(record: &Reservation) -> bool {
    record.edit.as_ref().is_some_and(|edit| is_committed(edit).unwrap_or(false))
}

fn is_committed(edit: &EditState) -> Option<bool> {
    // An edit through a link changes what the link leads to.
    let file = std::fs::canonicalize(&edit.file).unwrap_or_else(|_| Path::new(&edit.file).into());
    let (folder, name) = (file.parent()?, file.file_name()?);
    let listed = ask(folder, &["ls-files", "-v", "-z", "--"], name.as_bytes())?;
    // `H` and no other letter: neither unmerged, nor hidden from comparisons.
    let has_one = listed.iter().position(|it| *it == 0) == listed.len().checked_sub(1);
    let is_tracked = listed.starts_with(b"H ") && has_one;
    if !is_tracked {
        return Some(false);
    }
    let options = ["status", "--porcelain", "-z", "--ignore-submodules=none", "--"];
    Some(ask(folder, &options, name.as_bytes())?.is_empty())
}

/// The output of a question about one name in a folder; `None` where git fails or takes too long.
fn ask(folder: &Path, arguments: &[&str], name: &[u8]) -> Option<Vec<u8>> {
    let mut git = Command::new("git");
    for (key, _) in std::env::vars_os().filter(|(key, _)| key.as_bytes().starts_with(b"GIT_")) {
        git.env_remove(key);
    }
    git.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C").env("GIT_LITERAL_PATHSPECS", "1");
    git.args(SETTINGS.into_iter().flat_map(|setting| ["-c", setting]));
    git.args(arguments).arg(std::ffi::OsStr::from_bytes(name)).current_dir(folder);
    git.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = git.spawn().ok()?;
    let output = child.stdout.take().and_then(|it| read(it, Instant::now() + PATIENCE));
    if output.is_none() {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    output.filter(|_| status.success())
}

fn read(mut output: impl Read + AsFd, end: Instant) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
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
