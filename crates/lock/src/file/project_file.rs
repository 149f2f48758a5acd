//! The project's file `lokt.toml`: which folder has the locks of everybody who works in the project, and which commands
//! run under which locks.
//!
//! The file is committed, so it names no place of one machine: `root` is a folder below the main work tree. All
//! worktrees of a repository use the one file and the one folder of the main work tree, whatever their own branch has.
//! What is not understood is an error: a participant that passes it over would lock elsewhere. The rules of the file,
//! `[[guard]]`, are not read here, and no fault in them keeps a command from its locks.

use super::{
    git::{GitRepository, PathOwner},
    ownership::foreign,
    root::{LockRootError, RootSearchInputs},
};
use crate::sys;
use nix::libc::{ELOOP, O_NOFOLLOW};
use serde::Deserialize;
use std::{
    fs::{self, File},
    io::{ErrorKind, Read},
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

/// The file's name.
pub const PROJECT_FILE: &str = "lokt.toml";
/// The file's key that names the folder of the locks.
pub const ROOT_KEY: &str = "root";
/// The file's key that has rules about commands.
pub const GUARD_KEY: &str = "guard";

/// Larger than any such file.
const LARGEST: u64 = 1 << 20;

/// What the file says of the locks.
#[derive(Debug)]
pub(super) struct ProjectFile {
    /// The file.
    pub(super) path: PathBuf,
    /// The owner of the file.
    owner: u32,
    /// The folder that it names, relative to the project.
    pub(super) root: Option<PathBuf>,
}

/// The file as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFileText {
    /// The file.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

impl ProjectFileText {
    /// Finds the file that counts in a folder: that of the main work tree. Where a repository has none, it is that of
    /// the work tree, and without a repository that of the folder. In a repository of another user, none does.
    ///
    /// # Errors
    /// [`LockRootError`] where it cannot be read, or a repository is broken, or the file alone belongs to another user.
    pub fn find(surroundings: &RootSearchInputs) -> Result<Option<Self>, LockRootError> {
        let folder = &surroundings.folder;
        let repository = GitRepository::find(surroundings)?;
        let project = repository
            .as_ref()
            .map_or(folder.as_path(), |it| it.main_work_tree().unwrap_or(&it.top));
        let (owned, mut exceptions) = repository
            .as_ref()
            .map_or((&[][..], Vec::new()), |it| (&it.owned, it.exceptions.clone()));
        exceptions.push(project.to_owned());
        let foreign =
            |owned: &[PathOwner]| foreign(surroundings.account, owned, &exceptions, folder);
        if foreign(owned).is_some() {
            return Ok(None);
        }
        let Some((file, uid)) = Self::read(project)? else { return Ok(None) };
        match foreign(&[PathOwner { path: file.path.clone(), uid }]) {
            Some(foreign) => Err(LockRootError::Foreign(foreign)),
            None => Ok(Some(file)),
        }
    }

    /// Reads the file in a project's folder, where there is one, and says who owns it.
    fn read(project: &Path) -> Result<Option<(Self, u32)>, LockRootError> {
        let path = project.join(PROJECT_FILE);
        let broken = |why: String| LockRootError::ProjectFile { path: path.clone(), why };
        let file = match sys::open_regular_with(File::options().read(true), O_NOFOLLOW, &path) {
            Ok(file) => file,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) if error.raw_os_error() == Some(ELOOP) => {
                return Err(LockRootError::Link { path });
            }
            Err(error) => return Err(broken(error.to_string())),
        };
        let owner = file.metadata().map_err(|error| broken(error.to_string()))?.uid();
        let mut text = String::new();
        let read = file.take(LARGEST + 1).read_to_string(&mut text);
        let length = read.map_err(|error| broken(error.to_string()))?;
        if length as u64 > LARGEST {
            return Err(broken("it is too large".to_owned()));
        }
        Ok(Some((Self { path, text }, owner)))
    }
}

#[derive(Deserialize)]
struct ProjectFileFields {
    root: Option<toml::Spanned<toml::Value>>,
    #[serde(flatten)]
    others: toml::Table,
}

impl ProjectFile {
    /// Reads the file in a project's folder, where there is one.
    pub(super) fn read(project: &Path) -> Result<Option<Self>, LockRootError> {
        let Some((file, owner)) = ProjectFileText::read(project)? else { return Ok(None) };
        let ProjectFileText { path, text } = file;
        match named_root(&text) {
            Ok(root) => Ok(Some(Self { path, owner, root })),
            Err(why) => Err(LockRootError::ProjectFile { path, why }),
        }
    }

    /// What must belong to the caller where the file counts: the file, the project's folder, and what there is of the
    /// folder that it names.
    ///
    /// # Errors
    /// [`LockRootError::Link`] where a part of the folder's path is a symbolic link.
    pub(super) fn owned(
        &self,
        project: &Path,
        folder: &Path,
    ) -> Result<Vec<PathOwner>, LockRootError> {
        let mut owned = vec![PathOwner { path: self.path.clone(), uid: self.owner }];
        owned.extend(fs::symlink_metadata(project).ok().map(|meta| PathOwner::of(project, &meta)));
        let mut path = project.to_owned();
        for part in folder {
            path.push(part);
            let Ok(meta) = fs::symlink_metadata(&path) else { break };
            if meta.is_symlink() {
                return Err(LockRootError::Link { path });
            }
            owned.push(PathOwner::of(&path, &meta));
        }
        Ok(owned)
    }
}

/// The folder that a text names.
fn named_root(text: &str) -> Result<Option<PathBuf>, String> {
    let keys: ProjectFileFields = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| line_of(text, span.start));
        let line = line.map_or_else(String::new, |line| format!("line {line}: "));
        format!("{line}{}", error.message().trim().replace('\n', ", "))
    })?;
    if let Some(key) = keys.others.keys().find(|key| *key != GUARD_KEY) {
        return Err(format!(
            "the key {key:?} is not known to this version of lokt; it knows {ROOT_KEY:?} and {GUARD_KEY:?}"
        ));
    }
    let Some(value) = keys.root else { return Ok(None) };
    let line = line_of(text, value.span().start);
    let root = value.get_ref().as_str();
    let root = root.ok_or_else(|| format!("line {line}: \"root\" is not a string"))?;
    folder(root).map(Some).map_err(|why| format!("line {line}: root = {root:?} {why}"))
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// A root as a folder below the project.
fn folder(root: &str) -> Result<PathBuf, &'static str> {
    if root.contains("://") {
        return Err(
            "is the address of a server, and this version of lokt keeps locks in a folder only",
        );
    }
    if root.chars().any(char::is_control) {
        return Err("has a control character");
    }
    let mut folder = PathBuf::new();
    for part in Path::new(root).components() {
        match part {
            Component::Normal(part) => folder.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(OUTSIDE);
            }
        }
    }
    match folder.components().next() {
        None => Err("is not a folder below the project"),
        Some(first) if first.as_os_str().eq_ignore_ascii_case(".git") => {
            Err("is in .git, which belongs to git; without the key, the locks are in .git/lokt")
        }
        Some(first) if first.as_os_str() == "~" => Err(OUTSIDE),
        Some(_) => Ok(folder),
    }
}

const OUTSIDE: &str =
    "leads out of the project; name a folder below it, because the file is for every machine";

#[cfg(test)]
#[path = "project_file_tests.rs"]
mod tests;
