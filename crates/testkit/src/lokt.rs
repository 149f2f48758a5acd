use crate::{Done, Running};
use lokt_lock::harness;
use std::{
    ffi::OsStr,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A call of the program that has not started yet.
#[derive(Debug)]
pub struct Lokt {
    command: Command,
}

/// The places that a call of the program uses.
pub(crate) struct CallPlaces<'a> {
    /// The program.
    pub(crate) program: &'a Path,
    /// The working folder.
    pub(crate) folder: &'a Path,
    /// The root of the locks.
    pub(crate) root: PathBuf,
}

/// Variables that may be set in the environment of the tests, and that would change the program's behaviour.
const FOREIGN: [&str; 18] = [
    "LOKT_OWNER",
    "LOKT_OWNER_DERIVED",
    "LOKT_AGENT_ID",
    "LOKT_HELD",
    "LOKT_NAME",
    "LOKT_LOCK_ID",
    "LOKT_FENCE",
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_WORK_TREE",
    "LOKT_SYSTEM_SPACE",
    "RYE_PYTHON",
    "RYE_BASH",
    "NO_COLOR",
    "COMPLETE",
    "SUDO_UID",
    "CLAUDE_ENV_FILE",
    "CODEX_ENV_FILE",
];

impl Lokt {
    pub(crate) fn new(places: &CallPlaces<'_>, before: &[&str]) -> Self {
        let program = places.program.as_os_str();
        let mut words = before.iter().map(OsStr::new).chain([program]);
        let mut command = Command::new(words.next().unwrap_or(program));
        command.args(words);
        Self::prepared(places, command)
    }

    pub(crate) fn shell(places: &CallPlaces<'_>, before: &[&str], line: &str) -> Self {
        let mut words = before.iter();
        let mut command = Command::new(words.next().unwrap_or(&"sh"));
        command.args(words).arg(line);
        Self::prepared(places, command)
    }

    fn prepared(places: &CallPlaces<'_>, mut command: Command) -> Self {
        for key in FOREIGN.into_iter().chain(harness::variables()) {
            command.env_remove(key);
        }
        let folder = places.program.parent().unwrap_or(Path::new("/"));
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", folder.display()));
        command.env("USER_SPACE", places.folder.join("user"));
        command.env("CODEX_HOME", places.folder.join("codex-home"));
        command.env("LOKT_ROOT", &places.root).current_dir(places.folder);
        Self { command }.silent()
    }

    fn silent(mut self) -> Self {
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self
    }

    /// Adds arguments.
    pub fn arguments<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets the owner.
    pub fn owner(self, owner: &str) -> Self {
        self.env("LOKT_OWNER", owner)
    }

    /// Sets a variable.
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Removes a variable.
    pub fn without(mut self, key: &str) -> Self {
        self.command.env_remove(key);
        self
    }

    /// Sets the working folder.
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it to its end, without standard input.
    #[track_caller]
    pub fn run(mut self) -> Done {
        Done::new(&self.command.output().expect("the program starts"))
    }

    /// Runs it to its end. Fails if that takes longer than [`PATIENCE`](crate::PATIENCE).
    #[track_caller]
    pub fn in_time(self) -> Done {
        self.start().release()
    }

    /// Starts it, with a file as standard input.
    #[track_caller]
    pub fn start_with(mut self, file: File) -> Running {
        self.command.stdin(file);
        Running::new(self.command.spawn().expect("the program starts"))
    }

    /// Starts it, with standard input open until the test closes it.
    #[track_caller]
    pub fn start(mut self) -> Running {
        self.command.stdin(Stdio::piped());
        Running::new(self.command.spawn().expect("the program starts"))
    }
}
