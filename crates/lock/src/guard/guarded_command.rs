use super::{SignalReader, SpawnSettings, fork::PreExecSetup};
use crate::sys;
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, fcntl},
    spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawnp},
    sys::prctl,
    unistd::{AccessFlags, Pid, access},
};
use std::{
    ffi::{CStr, CString, OsStr, OsString},
    io,
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::PathBuf,
};

/// The lowest number that an inherited ticket gets in a command: scripts use small ones for themselves
/// (`exec 3>log`), and would close it by that.
const LOWEST_TICKET: i32 = 100;

/// A command to run under a lock.
#[derive(Debug, Default)]
pub struct GuardedCommand {
    /// The program and its arguments.
    pub words: Vec<OsString>,
    /// All of its environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Its folder and streams.
    pub setting: SpawnSettings,
}

/// Says why a command did not start.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// There is no such program.
    #[error("command not found: {0}")]
    NotFound(String),
    /// The program is there and cannot be run.
    #[error("cannot run {program}: {source}")]
    NotExecutable {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// A word or a variable contains a NUL byte.
    #[error("the command contains a NUL byte")]
    Nul,
}

impl GuardedCommand {
    /// Starts the command in its setting, and with `tickets` inherited: in the process group of this process, and
    /// with its signals as they were given to this process.
    ///
    /// `posix_spawn(3)` clears the tickets' close-on-exec flags in the child alone, so no other process that
    /// this one may start gets them.
    pub(super) fn start(
        &self,
        signals: &SignalReader,
        tickets: &[&impl AsFd],
    ) -> Result<Pid, SpawnError> {
        let (words, variables) = (self.words()?, self.variables()?);
        let program = words.first().ok_or_else(|| SpawnError::NotFound(String::new()))?;
        let more = self.setting.mark.iter().chain(&self.setting.inherited).map(high_copy);
        let inherited: io::Result<Vec<OwnedFd>> =
            tickets.iter().map(|ticket| high_copy(*ticket)).chain(more).collect();
        let started = inherited.and_then(|inherited| {
            let at_death = prctl::get_pdeathsig().ok().flatten();
            if at_death.is_some() || sys::ignores_children() {
                let preparation = PreExecSetup::new(&inherited, signals.before(), at_death);
                return self.start_by_fork(preparation);
            }
            let mut actions = file_actions(&inherited)?;
            self.setting.add_to(&mut actions)?;
            let attributes = attributes(signals)?;
            let spawn = |program: &CStr, words: &[CString]| {
                posix_spawnp(program, &actions, &attributes, words, &variables)
            };
            match spawn(program, &words) {
                Err(Errno::ENOEXEC) => self.start_as_script(&words, spawn),
                started => started,
            }
            .map_err(io::Error::from)
        });
        started.map_err(|source| self.failed(source))
    }

    /// Gives a file that is executable and no program to the shell, as execvp(3) does: a script without
    /// its first line.
    fn start_as_script(
        &self,
        words: &[CString],
        spawn: impl Fn(&CStr, &[CString]) -> nix::Result<Pid>,
    ) -> nix::Result<Pid> {
        let script = self.words.first().and_then(|name| found(name, &self.environment));
        let script = script.and_then(|path| CString::new(path.into_os_string().into_vec()).ok());
        let script = script.ok_or(Errno::ENOEXEC)?;
        let arguments = words.iter().skip(1).cloned();
        let words: Vec<CString> = [c"sh".to_owned(), script].into_iter().chain(arguments).collect();
        spawn(c"/bin/sh", &words)
    }

    pub(super) fn words(&self) -> Result<Vec<CString>, SpawnError> {
        self.words.iter().map(|word| nul_free(word.clone())).collect()
    }

    pub(super) fn variables(&self) -> Result<Vec<CString>, SpawnError> {
        let join = |(key, value): &(OsString, OsString)| {
            let mut pair = key.clone();
            pair.push("=");
            pair.push(value);
            nul_free(pair)
        };
        self.environment.iter().map(join).collect()
    }

    pub(super) fn failed(&self, source: io::Error) -> SpawnError {
        let program = self.words.first().map(|word| word.to_string_lossy().into_owned());
        let program = program.unwrap_or_default();
        match source.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOENT | Errno::ENOTDIR) => SpawnError::NotFound(program),
            _ => SpawnError::NotExecutable { program, source },
        }
    }
}

/// Where a command is, as it is looked for in `PATH`.
fn found(name: &OsStr, environment: &[(OsString, OsString)]) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Some(name.into());
    }
    let path = environment.iter().find(|(key, _)| key == "PATH").map(|(_, path)| path)?;
    let mut places = std::env::split_paths(path).map(|folder| folder.join(name));
    places.find(|path| access(path, AccessFlags::X_OK).is_ok())
}

fn nul_free(text: OsString) -> Result<CString, SpawnError> {
    CString::new(text.into_vec()).map_err(|_| SpawnError::Nul)
}

/// A second descriptor of the ticket with a high number, or where the limit is lower than that, with any.
#[expect(unsafe_code, reason = "nix gives a duplicated descriptor as a bare number")]
fn high_copy(ticket: &impl AsFd) -> io::Result<OwnedFd> {
    let lowest = FcntlArg::F_DUPFD_CLOEXEC(LOWEST_TICKET);
    let copy = fcntl(ticket, lowest).or_else(|_| fcntl(ticket, FcntlArg::F_DUPFD_CLOEXEC(3)))?;
    // SAFETY: fcntl(2) just gave this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Duplicating a descriptor onto itself clears its close-on-exec flag (`posix_spawn(3)`, POSIX.1-2024).
fn file_actions(inherited: &[OwnedFd]) -> io::Result<PosixSpawnFileActions> {
    let mut actions = PosixSpawnFileActions::init()?;
    for fd in inherited {
        actions.add_dup2(fd.as_raw_fd(), fd.as_raw_fd())?;
    }
    Ok(actions)
}

/// The command starts with the signal mask and the dispositions that the guard was started with.
fn attributes(signals: &SignalReader) -> io::Result<PosixSpawnAttr> {
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_sigmask(&signals.before())?;
    attributes.set_sigdefault(&sys::prepare_for_spawn())?;
    attributes.set_flags(
        PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF,
    )?;
    Ok(attributes)
}
