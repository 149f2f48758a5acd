//! A project for `init`, and all its files.

use lokt_testkit::{Lokt, Sandbox};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// The program of this build.
pub(crate) fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// A repository in a sandbox.
pub(crate) struct Project<'a> {
    pub(crate) it: &'a Sandbox,
    pub(crate) folder: PathBuf,
}

impl<'a> Project<'a> {
    /// A repository with these files.
    pub(crate) fn new(it: &'a Sandbox, name: &str, files: &[(&str, &str)]) -> Self {
        let folder = it.folder().join(name);
        // These files make a repository (gitrepository-layout(5)), without a start of git for each.
        fs::create_dir_all(folder.join(".git/objects")).unwrap();
        fs::create_dir_all(folder.join(".git/refs")).unwrap();
        fs::write(folder.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        let project = Self { it, folder };
        for (path, content) in files {
            project.write(path, content);
        }
        project
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// A call that needs no confirmation.
    pub(crate) fn init<'b>(&self, arguments: impl IntoIterator<Item = &'b str>) -> Lokt {
        self.unconfirmed(["--yes"]).arguments(arguments)
    }

    /// A call without a terminal to ask on.
    pub(crate) fn unconfirmed<'b>(&self, arguments: impl IntoIterator<Item = &'b str>) -> Lokt {
        self.it.lokt(["init"]).arguments(arguments).folder(&self.folder)
    }

    /// Every file and link with its mode and its bytes, except those of the repository.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut files = BTreeMap::new();
        collect(&self.folder, &self.folder, &mut files);
        files
    }
}

fn collect(top: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let metadata = path.symlink_metadata().unwrap();
        if name == ".git" {
            continue;
        }
        if metadata.is_dir() {
            collect(top, &path, files);
            continue;
        }
        let content = if metadata.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else {
            fs::read(&path).unwrap()
        };
        let mode = metadata.permissions().mode();
        files.insert(path.strip_prefix(top).unwrap().to_owned(), (mode, content));
    }
}
