use crate::lokt::{CallPlaces, Lokt};
use nix::unistd::AccessFlags;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A temporary folder with a root for one test.
#[derive(Debug)]
pub struct Sandbox {
    folder: TempDir,
    program: PathBuf,
}

impl Sandbox {
    /// A sandbox for the program at `built`, or for the one that `LOKT_TEST_BINARY` names: so the same tests
    /// run on the release build.
    pub fn new(built: &str) -> Self {
        Self::below(&std::env::temp_dir(), built)
    }

    /// A sandbox in memory, if the machine has a tmpfs(5): for tests that need thousands of sandboxes, and
    /// would be slow on a disk.
    pub fn in_memory(built: &str) -> Self {
        let memory = Path::new("/dev/shm");
        let usable = nix::unistd::access(memory, AccessFlags::W_OK | AccessFlags::X_OK).is_ok();
        Self::below(&if usable { memory.to_owned() } else { std::env::temp_dir() }, built)
    }

    fn below(place: &Path, built: &str) -> Self {
        let program =
            std::env::var_os("LOKT_TEST_BINARY").map_or_else(|| built.into(), PathBuf::from);
        let folder = tempfile::Builder::new().prefix("lokt-test-").tempdir_in(place);
        Self { folder: folder.expect("a temporary folder"), program }
    }

    /// Copies another sandbox's root to this one.
    pub fn copy_root_of(&self, other: &Self) {
        copy(&other.root(), &self.root());
    }

    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The sandbox's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The root of the locks.
    pub fn root(&self) -> PathBuf {
        self.folder().join("root")
    }

    pub(crate) fn places(&self) -> CallPlaces<'_> {
        CallPlaces { program: self.program(), folder: self.folder(), root: self.root() }
    }

    /// The path of a lock's record.
    pub fn record_path(&self, name: &str) -> PathBuf {
        self.root().join("locks").join(format!("{name}.json"))
    }

    /// The content of a lock's record.
    #[track_caller]
    pub fn record(&self, name: &str) -> Value {
        let text = fs::read_to_string(self.record_path(name)).expect("a record");
        serde_json::from_str(&text).expect("a record is JSON")
    }

    /// Writes a record's file, as another program would.
    pub fn write_record(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.root().join("locks")).expect("the folder of records");
        fs::write(self.record_path(name), content).expect("a record is written");
    }

    /// The path of a name's freeze.
    pub fn freeze_path(&self, name: &str) -> PathBuf {
        self.root().join("freezes").join(format!("{name}.json"))
    }

    /// Writes a freeze's file, as another program would.
    pub fn write_freeze(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.root().join("freezes")).expect("the folder of freezes");
        fs::write(self.freeze_path(name), content).expect("a freeze is written");
    }

    /// The audit log's events, oldest first.
    pub fn events(&self) -> Vec<Value> {
        let log = fs::read_to_string(self.root().join("audit.log")).unwrap_or_default();
        log.lines().map(|line| serde_json::from_str(line).expect("an event is JSON")).collect()
    }

    /// The kinds of the events about a lock, oldest first.
    pub fn event_kinds(&self, name: &str) -> Vec<String> {
        let events = self.events().into_iter().filter(|event| event["name"] == name);
        events.map(|event| event["event"].as_str().expect("a kind").to_owned()).collect()
    }

    /// The file names of the tickets in a lock's queue.
    pub fn tickets(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root().join("queue").join(name)).into_iter().flatten();
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// A call of the program by owner `tester`.
    pub fn lokt<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Lokt {
        Lokt::new(&self.places(), &[]).arguments(arguments).owner("tester")
    }

    /// A call without a given owner, in a new terminal session.
    pub fn in_new_session<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Lokt {
        Lokt::new(&self.places(), &["setsid", "--wait"]).arguments(arguments)
    }

    /// A shell line with the program on its path, in a new terminal session.
    pub fn shell(&self, line: &str) -> Lokt {
        Lokt::shell(&self.places(), &["setsid", "--wait", "bash", "-c"], line)
    }

    /// A shell line in a new terminal.
    pub fn terminal(&self, line: &str) -> Lokt {
        Lokt::shell(
            &self.places(),
            &["script", "--quiet", "--return", "--flush", "/dev/null", "--command"],
            line,
        )
    }
}

/// Copies a folder with its content. An absent folder is skipped.
fn copy(from: &Path, to: &Path) {
    let Ok(entries) = fs::read_dir(from) else { return };
    fs::create_dir_all(to).expect("a folder is made");
    for entry in entries {
        let path = entry.expect("an entry is listed").path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a file is copied");
        }
    }
}
