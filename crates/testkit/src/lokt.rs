use crate::{Done, Running};
use std::{
    ffi::OsStr,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// One call of the program, being prepared.
#[derive(Debug)]
pub struct Lokt {
    command: Command,
}

/// Where a call of the program takes place.
pub(crate) struct CallPlaces<'a> {
    /// The program.
    pub(crate) program: &'a Path,
    /// The folder to work in.
    pub(crate) folder: &'a Path,
    /// The root of the locks.
    pub(crate) root: PathBuf,
}

/// What may be set where the tests run, and would change what the program does.
const FOREIGN: [&str; 16] = [
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
        for key in FOREIGN {
            command.env_remove(key);
        }
        let folder = places.program.parent().unwrap_or(Path::new("/"));
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", folder.display()));
        command.env("USER_SPACE", places.folder.join("user"));
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

    /// Acts as an owner.
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

    /// Works in a folder.
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs to the end, with nothing on its standard input.
    #[track_caller]
    pub fn run(mut self) -> Done {
        Done::new(&self.command.output().expect("the program starts"))
    }

    /// Runs to the end, which must come within [`PATIENCE`](crate::PATIENCE).
    #[track_caller]
    pub fn in_time(self) -> Done {
        self.start().release()
    }

    /// Starts, with a file as standard input.
    #[track_caller]
    pub fn start_with(mut self, file: File) -> Running {
        self.command.stdin(file);
        Running::new(self.command.spawn().expect("the program starts"))
    }

    /// Starts, with standard input held open until the test lets it go on.
    #[track_caller]
    pub fn start(mut self) -> Running {
        self.command.stdin(Stdio::piped());
        Running::new(self.command.spawn().expect("the program starts"))
    }
}
