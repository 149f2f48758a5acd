use lokt_testkit::{Done, Lokt, Sandbox};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A project and a user with a key.
pub(crate) struct ToolProject {
    pub(crate) sandbox: Sandbox,
    project: PathBuf,
}

/// No files.
pub(crate) const NONE: [&Path; 0] = [];

/// A runtime of the user, which the tests can change.
pub(crate) const RUNTIME: &str = "version: \"1.0.0\"
tool_type: runtime
executor_id: rye/core/primitives/subprocess
config: {command: sh, args: [\"{tool_path}\"]}
";

/// A tool that leaves a trace in its working folder.
pub(crate) fn tool(executor: &str) -> String {
    format!(
        "# __version__ = \"1.0.0\"\n# __tool_type__ = \"shell\"\n# __executor_id__ = \"{executor}\"\necho ran >> ran\n"
    )
}

impl ToolProject {
    /// With a key, and the tool `demo/trace` on the user's runtime `demo/sh`, both signed.
    pub(crate) fn new() -> Self {
        let project = Self::empty();
        project.lokt(["key", "generate"]).run().ok();
        project.put_user("demo/sh.yaml", RUNTIME);
        project.put("demo/trace.sh", tool("demo/sh"));
        project.sign(&["demo/sh", "demo/trace"]);
        project
    }

    /// Without a key and a tool.
    pub(crate) fn empty() -> Self {
        Self::in_project("project")
    }

    /// The same, in a project folder with a given name.
    pub(crate) fn in_project(name: &str) -> Self {
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
        let project = sandbox.folder().join(name);
        fs::create_dir_all(project.join(".ai/tools")).unwrap();
        Self { sandbox, project }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.project
    }

    /// A shell line with the same environment.
    pub(crate) fn shell(&self, line: &str) -> Lokt {
        self.sandbox.shell(line).folder(&self.project)
    }

    pub(crate) fn user(&self) -> PathBuf {
        self.sandbox.folder().join("user")
    }

    pub(crate) fn lokt<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Lokt {
        self.sandbox.lokt(arguments).folder(&self.project)
    }

    pub(crate) fn tool<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Done {
        self.lokt(["tool"].into_iter().chain(arguments)).run()
    }

    pub(crate) fn run(&self) -> Done {
        self.tool(["run", "demo/trace"])
    }

    #[track_caller]
    pub(crate) fn sign(&self, ids: &[&str]) {
        self.tool(["sign"].iter().chain(ids).copied()).ok();
    }

    /// Writes a file to the project's space.
    pub(crate) fn put(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        write(&self.project.join(".ai/tools").join(path), content)
    }

    /// Writes a file to the user's space.
    pub(crate) fn put_user(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        write(&self.user().join("tools").join(path), content)
    }

    /// The number of the tool's runs.
    pub(crate) fn runs(&self) -> usize {
        fs::read_to_string(self.project.join("ran")).unwrap_or_default().lines().count()
    }

    /// The lockfile in the user's space.
    pub(crate) fn lockfile(&self) -> PathBuf {
        self.user().join("lockfiles/demo/trace@1.0.0.lock.json")
    }

    /// Changes the lockfile.
    pub(crate) fn change_lockfile(&self, change: impl FnOnce(&mut Value)) {
        let mut pinned: Value =
            serde_json::from_slice(&fs::read(self.lockfile()).unwrap()).unwrap();
        change(&mut pinned);
        fs::write(self.lockfile(), pinned.to_string()).unwrap();
    }

    /// All files below a space's lockfiles.
    pub(crate) fn lockfiles(space: &Path) -> Vec<PathBuf> {
        files(&space.join("lockfiles"))
    }

    /// Asserts that a run is refused with a message, and that nothing ran or was written.
    #[track_caller]
    pub(crate) fn refuses(&self, message: &str) -> Done {
        let (runs, locked) = (self.runs(), Self::lockfiles(&self.user()));
        let done = self.run().expect(5);
        assert!(done.err.contains(message), "the refusal says {message:?}: {done:#?}");
        assert!(done.err.starts_with("error: "), "an error comes first: {done:#?}");
        assert_eq!(self.runs(), runs, "nothing ran");
        assert_eq!(Self::lockfiles(&self.user()), locked, "nothing was pinned");
        let event = self.sandbox.events().pop().expect("an event");
        assert_eq!(event["extra"]["outcome"], "refused", "the refusal is on record: {event}");
        done
    }
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    path.to_owned()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .flat_map(
            |entry| if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.path()] },
        )
        .collect();
    found.sort();
    found
}
