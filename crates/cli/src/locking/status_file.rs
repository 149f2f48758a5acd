//! A guard's own account of how it ended, so that no exit code is ambiguous.
//!
//! A caller of `lokt guard` sees one exit code, which may be the guard's own or the command's: a
//! command can exit with 2 as well. With `--status-file PATH` the guard also writes one JSON object
//! there, from which a program reads what happened.
//!
//! The file is written twice: before the guard requests a lock, with the outcome `unfinished`, and
//! at the end. A file that still says `unfinished` when the guard's process is gone means that it
//! was killed. A regular file is replaced by rename(2), so a reader finds one of the two and never
//! a part. A pipe or device gets the last status only.

use crate::locking::{nesting::InheritedLock, stream};
use crate::{
    exit::ExitCode,
    failure::{CliFailure, chain},
};
use lokt_lock::{
    guard::CommandEnd,
    sys,
    words::{Fence, LockId, LockName},
};
use serde::Serialize;
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Instant,
};

/// How a guard ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GuardOutcome {
    /// Not yet, or it was killed.
    Unfinished,
    /// The command ran to its end.
    Completed,
    /// A lock is held by another, or frozen.
    Denied,
    /// The wait for a lock took too long.
    TimedOut,
    /// The wait was interrupted by a signal.
    Interrupted,
    /// A lock was taken away while the command ran.
    Lost,
    /// The command ran for longer than it may.
    MaxHold,
    /// Waiting would be a deadlock.
    Deadlock,
    /// The command could not be started.
    NotStarted,
    /// Something else failed.
    Error,
}

/// The content of the file, version 1. New versions only add fields.
///
/// `docs/commands.md` describes the fields for callers. All durations are in milliseconds.
#[derive(Debug, Serialize)]
struct GuardStatusFileContent {
    /// The version of the format, 1.
    version: u8,
    outcome: GuardOutcome,
    /// The names of the locks, in the order of the command line.
    names: Vec<String>,
    /// The ids of the acquisitions, in the order of the names; empty if the guard did not get all
    /// locks.
    lock_ids: Vec<Option<String>>,
    /// The fences, in the order of `lock_ids`; `null` for a lock without a fence.
    fences: Vec<Option<u64>>,
    /// The process id of the guard.
    pid: u32,
    /// The guard's own exit code.
    exit_code: Option<u8>,
    /// The command's exit code, if it exited.
    command_exit_code: Option<i32>,
    /// The number of the signal that ended the command, if one did.
    command_signal: Option<i32>,
    /// From the start until the command could start, or until that was given up.
    waited_ms: Option<u128>,
    /// From then until the command's end.
    held_ms: Option<u128>,
    /// The message of the failure, as stderr has it, without its hints.
    error: Option<String>,
}

/// The file that `--status-file` names, or none.
///
/// Without `--status-file` there is a value too, and nothing is written: callers make no
/// difference.
pub(crate) struct GuardStatusFile {
    /// Where to write; `None` without the option.
    path: Option<PathBuf>,
    /// When the guard began, the start of `waited_ms`.
    began: Instant,
    /// When the command could start, the start of `held_ms`; `None` while the guard still waits.
    entered: Option<Instant>,
    /// What is known so far.
    content: GuardStatusFileContent,
}

impl GuardStatusFile {
    /// Writes that nothing has ended yet, so that a file of an earlier run is not taken for this one's.
    ///
    /// # Errors
    /// A failure if that cannot be written. No lock was requested at that time, so the command
    /// fails early and without effect.
    pub(crate) fn begin(path: Option<PathBuf>, names: &[LockName]) -> Result<Self, CliFailure> {
        let content = GuardStatusFileContent {
            version: 1,
            outcome: GuardOutcome::Unfinished,
            names: names.iter().map(ToString::to_string).collect(),
            lock_ids: Vec::new(),
            fences: Vec::new(),
            pid: std::process::id(),
            exit_code: None,
            command_exit_code: None,
            command_signal: None,
            waited_ms: None,
            held_ms: None,
            error: None,
        };
        let file = Self { path, began: Instant::now(), entered: None, content };
        file.write().map_err(|(path, error)| {
            let shown = path.display();
            CliFailure::new(
                ExitCode::Error,
                format!("cannot write the status file {shown}: {error}"),
            )
            .hint("its folder must exist and be writable; nothing was locked")
        })?;
        Ok(file)
    }

    /// Whether there is a status file.
    pub(crate) fn is_wanted(&self) -> bool {
        self.path.is_some()
    }

    /// Notes that the command may start now, and the variables about its locks.
    pub(crate) fn entered(&mut self, told: &[InheritedLock]) {
        let now = Instant::now();
        self.entered = Some(now);
        self.content.waited_ms = Some((now - self.began).as_millis());
        let id = |it: &InheritedLock| it.id.as_ref().map(LockId::to_string);
        self.content.lock_ids = told.iter().map(id).collect();
        self.content.fences = told.iter().map(|it| it.fence.map(Fence::get)).collect();
    }

    /// Notes the outcome of the guard.
    ///
    /// Sets `held_ms` if the command could start, else `waited_ms`. A failure whose outcome was
    /// never noted becomes [`GuardOutcome::Error`] in [`close`](Self::close).
    pub(crate) fn ended(&mut self, outcome: GuardOutcome) {
        self.content.outcome = outcome;
        match self.entered {
            Some(entered) => self.content.held_ms = Some(entered.elapsed().as_millis()),
            None => self.content.waited_ms = Some(self.began.elapsed().as_millis()),
        }
    }

    /// Notes the end of the command.
    pub(crate) fn command_ended(&mut self, ending: CommandEnd) {
        match ending {
            CommandEnd::Exited(code) => self.content.command_exit_code = Some(code),
            CommandEnd::Signaled(signal) => self.content.command_signal = Some(signal.get()),
        }
    }

    /// Writes the notes; returns a warning if that is no longer possible.
    ///
    /// A warning, and no failure, because the command has run already: its exit code counts.
    pub(crate) fn close(mut self, result: &Result<ExitCode, CliFailure>) -> Option<String> {
        self.content.exit_code = Some(match result {
            Ok(code) => code.number(),
            Err(failure) => failure.code.number(),
        });
        if let Err(failure) = result {
            self.content.error = Some(failure.message.clone());
            if self.content.outcome == GuardOutcome::Unfinished {
                self.ended(GuardOutcome::Error);
            }
        }
        let (path, error) = self.write().err()?;
        Some(format!("cannot write the status file {}: {}", path.display(), chain(&error)))
    }

    /// Does nothing without a path. An error carries the path.
    fn write(&self) -> Result<(), (PathBuf, io::Error)> {
        let Some(path) = &self.path else { return Ok(()) };
        self.write_to(path).map_err(|error| (path.clone(), error))
    }

    /// Replaces the whole file; a stream gets only the last status, appended.
    fn write_to(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_string(&self.content).map_err(io::Error::from)?;
        text.push('\n');
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            // A link stays one: the file that it leads to is replaced.
            Ok(meta) if meta.is_file() && !stream::is_descriptor(path) => {
                replace(&fs::canonicalize(path)?, &text)
            }
            Ok(_) if self.content.outcome == GuardOutcome::Unfinished => stream::try_access(path),
            Ok(_) => stream::append(path, text.as_bytes()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                replace(&end_of_links(path)?, &text)
            }
            Err(error) => Err(error),
        }
    }
}

/// How many links a path may lead over, as for the kernel (`path_resolution(7)`).
const LINKS: usize = 40;

/// The target of a link whose target may not exist yet; the path itself if it is not a link.
///
/// # Errors
/// `ELOOP` if the path leads over more than [`LINKS`] links.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut end = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&end) else { return Ok(end) };
        end = end.parent().unwrap_or(Path::new("/")).join(target);
    }
    Err(nix::errno::Errno::ELOOP.into())
}

/// Replaces a file, or creates it, readable and writable for its owner: a draft beside it, then
/// rename(2). A crash leaves either the old or the new content, and perhaps the draft, whose name
/// ends in `.PID.new`.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", std::process::id()));
    // The rest of a crash of a process that had the same number.
    let _ = fs::remove_file(&draft);
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&draft)?;
        sys::keep_owner_bits(&file, 0o600)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&draft, path)
    };
    let written = write();
    if written.is_err() {
        // Nothing half-written stays.
        let _ = fs::remove_file(&draft);
    }
    written
}
