use super::{feature::Feature, place::RepositoryLayout, setting::GitConfigSetting};
use lokt_once::tree::{FileSelection, ProjectRepositoryLocation};
use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// A project in a temporary folder, with other files beside it.
pub(super) struct ProjectFixture {
    folder: TempDir,
    /// The same, without links.
    real: PathBuf,
    repository: ProjectRepositoryLocation,
    /// Ignored files that are targets of links.
    linked: Vec<PathBuf>,
}

impl ProjectFixture {
    pub(super) fn new(
        place: RepositoryLayout,
        features: &[Feature],
        settings: &[GitConfigSetting],
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let real = fs::canonicalize(folder.path()).expect("the folder is there");
        let (repository, linked) = (ProjectRepositoryLocation::Here, Vec::new());
        let mut fixture = Self { folder, real, repository, linked };
        fixture.repository = place.make(&fixture);
        fixture.write("a", "one\n");
        fixture.write("src/b.c", "one\n");
        fixture.write("src/deep/c.c", "one\n");
        fixture.write(".gitignore", "ignored*\n");
        fixture.git(&["add", "."]);
        fixture.git(&["commit", "-q", "-m", "first"]);
        for (path, text) in [
            ("new", "new\n"),
            ("src/new.c", "new\n"),
            ("IGNORED-not", "one\n"),
            ("ignored", "one\n"),
            ("src/ignored.c", "one\n"),
            ("ignored-folder/x", "one\n"),
            ("../outside/file", "one\n"),
            ("../outside/folder/x", "one\n"),
            ("../outside/folder/deep/y", "one\n"),
        ] {
            fixture.write(path, text);
        }
        fixture.link("link-out", "../outside/file");
        fixture.link("src-link", "src");
        for feature in features {
            feature.make(&mut fixture);
        }
        for setting in settings {
            setting.make(&fixture);
        }
        fixture
    }

    pub(super) fn project(&self) -> PathBuf {
        self.real.join("project")
    }

    pub(super) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        match path.as_ref().strip_prefix("..") {
            Ok(beside) => self.real.join(beside),
            Err(_) => self.project().join(path),
        }
    }

    /// The tree that `once` computes.
    pub(super) fn tree(&self, inputs: &[&str]) -> FileSelection {
        FileSelection {
            project: self.project(),
            repository: self.repository.clone(),
            folder: self.project(),
            inputs: inputs.iter().map(Into::into).collect(),
            excluded: Vec::new(),
            roots: vec![self.path("../root")],
            caches: self.path("../root/once/trees"),
            boot: "boot".to_owned(),
        }
    }

    pub(super) fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        fs::write(path, text).expect("the file is written");
    }

    pub(super) fn link(&self, path: &str, text: impl AsRef<Path>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        std::os::unix::fs::symlink(text, path).expect("the link is made");
    }

    /// Records that a link leads to an ignored file.
    pub(super) fn mark_ignored_target(&mut self, path: &str) {
        self.linked.push(path.into());
    }

    pub(super) fn leads_to(&self, path: &Path) -> bool {
        self.linked.iter().any(|it| it == path)
    }

    /// The folder of the repository that has its index, and the one that has its configuration.
    pub(super) fn git_dirs(&self) -> [PathBuf; 2] {
        ["--absolute-git-dir", "--git-common-dir"].map(|which| {
            let found = self.git(&["rev-parse", which]);
            self.path(found.trim_end())
        })
    }

    /// Runs git for the project's files.
    pub(super) fn git(&self, words: &[&str]) -> String {
        run(self.own_git().args(words), b"")
    }

    fn own_git(&self) -> Command {
        let project = self.project();
        let folder = match &self.repository {
            ProjectRepositoryLocation::At(folder) => folder,
            _ => &project,
        };
        let mut git = self.plain_git();
        git.env("GIT_DIR", folder.join(".git")).env("GIT_WORK_TREE", &project);
        git.current_dir(&project);
        git
    }

    /// Runs git in another folder.
    pub(super) fn git_in(&self, folder: impl AsRef<Path>, words: &[&str]) -> String {
        run(self.plain_git().current_dir(self.path(folder)).args(words), b"")
    }

    /// Adds entries to the index, as `git update-index --index-info` reads them.
    pub(super) fn index(&self, entries: &str) {
        run(self.own_git().args(["update-index", "--index-info"]), entries.as_bytes());
    }

    fn plain_git(&self) -> Command {
        let mut git = Command::new("git");
        for (key, _) in std::env::vars_os() {
            if key.as_bytes().starts_with(b"GIT_") {
                git.env_remove(key);
            }
        }
        git.env("HOME", self.folder.path()).env("GIT_CONFIG_NOSYSTEM", "1");
        git.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]);
        git
    }
}

fn run(git: &mut Command, input: &[u8]) -> String {
    use std::io::Write;
    git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = git.spawn().expect("git starts");
    child.stdin.take().expect("a pipe").write_all(input).expect("git reads");
    let output = child.wait_with_output().expect("git ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{git:?}: {said}");
    OsStr::from_bytes(&output.stdout).to_string_lossy().into_owned()
}
