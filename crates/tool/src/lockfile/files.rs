use super::{Lockfile, LockfileFlaw, encode};
use crate::{
    bounded::{self, BoundedReadError, is_absent},
    item::ToolSpaceLocations,
    words::{Space, ToolItemId, ToolVersion},
};
use lokt_lock::{file::FolderLatch, store::LockStoreError, sys, words::Timestamp};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

/// The largest lockfile, in bytes.
const MOST_BYTES: u64 = 1024 * 1024;
const ENDING: &str = ".lock.json";
/// How deep folders are looked into: links may lead back to a folder above them.
const MOST_FOLDERS: usize = 32;
/// A lockfile that is being written.
const DRAFT: &str = ".lokt-draft";

/// Where lockfiles are: one folder for each space.
#[derive(Clone, Debug)]
pub struct LockfileFolders {
    folders: Vec<(Space, PathBuf)>,
}

/// A lockfile that was found.
#[derive(Clone, Debug)]
pub struct StoredLockfile {
    /// The space of its folder.
    pub scope: Space,
    /// The file.
    pub path: PathBuf,
    /// What it pins.
    pub lockfile: Lockfile,
}

/// Whether a lockfile that is there may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockfileReplacePolicy {
    /// No.
    Never,
    /// Yes: the user asked for that.
    Asked,
}

/// Says why a lockfile cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LockfileError {
    /// It is there and says nothing that could be relied upon.
    #[error("lockfile {} is not valid", path.display())]
    Flawed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: LockfileFlaw,
    },
    /// It is there already.
    #[error("there is a lockfile already: {}", .0.display())]
    Exists(PathBuf),
    /// Its folder is not in the project.
    #[error("{} leads out of the project, to {}", path.display(), leads_to.display())]
    Outside {
        /// The folder.
        path: PathBuf,
        /// Where it really is.
        leads_to: PathBuf,
    },
    /// The system space is not written to.
    #[error("lockfiles are never written to the system space")]
    System,
    /// Others are writing lockfiles.
    #[error(transparent)]
    Latch(#[from] LockStoreError),
    /// A file or folder cannot be read or written.
    #[error("cannot {attempt} {}", path.display())]
    Io {
        /// What was attempted.
        attempt: &'static str,
        /// On what.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

impl LockfileError {
    fn io(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { attempt, path: path.to_owned(), source }
    }
}

impl LockfileFolders {
    /// The lockfiles of these spaces.
    pub fn of(spaces: &ToolSpaceLocations) -> Self {
        let near = [(Space::Project, &spaces.project), (Space::User, &spaces.user)];
        let far = spaces.system.iter().map(|space| (Space::System, space));
        let folders = near.into_iter().chain(far);
        Self { folders: folders.map(|(scope, space)| (scope, space.join("lockfiles"))).collect() }
    }

    /// The lockfile of a tool: the first file of that name, the nearest space first. It decides even where
    /// it is broken.
    ///
    /// # Errors
    /// [`LockfileError`] where that file is not valid or cannot be read.
    pub fn find(
        &self,
        tool_id: &ToolItemId,
        version: &ToolVersion,
    ) -> Result<Option<StoredLockfile>, LockfileError> {
        let name = Lockfile::path_of(tool_id, version);
        for (scope, folder) in &self.folders {
            if let Some(stored) = read(*scope, folder, &name)? {
                return Ok(Some(stored));
            }
        }
        Ok(None)
    }

    /// Reads a lockfile by its path below the folder of a space.
    ///
    /// # Errors
    /// [`LockfileError`] where it is not valid or cannot be read.
    pub fn read(&self, scope: Space, name: &str) -> Result<Option<StoredLockfile>, LockfileError> {
        for (_, folder) in self.folders.iter().filter(|(of, _)| *of == scope) {
            if let Some(stored) = read(scope, folder, name)? {
                return Ok(Some(stored));
            }
        }
        Ok(None)
    }

    /// The paths of all lockfiles of a space, below its folders, in order.
    ///
    /// # Errors
    /// [`LockfileError`] where a folder cannot be listed.
    pub fn names(&self, scope: Space) -> Result<Vec<String>, LockfileError> {
        let mut names = Vec::new();
        for (_, folder) in self.folders.iter().filter(|(of, _)| *of == scope) {
            list(folder, &mut Vec::new(), &mut names)?;
        }
        names.sort();
        Ok(names)
    }

    /// The lockfiles of a tool, whatever its version, the nearest space first, below their folders.
    ///
    /// # Errors
    /// [`LockfileError`] where a folder cannot be listed.
    pub fn of_tool(&self, tool_id: &ToolItemId) -> Result<Vec<(Space, PathBuf)>, LockfileError> {
        let (below, start) = match tool_id.as_str().rsplit_once('/') {
            Some((below, name)) => (below, format!("{name}@")),
            None => ("", format!("{tool_id}@")),
        };
        let mut found = Vec::new();
        for (scope, folder) in &self.folders {
            let is_of_tool = |name: &str| name.starts_with(&start) && name.ends_with(ENDING);
            let near = if below.is_empty() { folder.clone() } else { folder.join(below) };
            let entries = entries(&near)?.into_iter();
            let names = entries.filter(|(name, is_folder)| !is_folder && is_of_tool(name));
            found.extend(names.map(|(name, _)| (*scope, Path::new(below).join(name))));
        }
        Ok(found)
    }

    /// Where a lockfile of a space is or would be.
    pub fn path(&self, scope: Space, name: &str) -> Option<PathBuf> {
        let folder = self.folders.iter().find(|(of, _)| *of == scope);
        folder.map(|(_, folder)| folder.join(name))
    }

    /// Writes a lockfile, whole or not at all.
    ///
    /// # Errors
    /// [`LockfileError::Exists`] where there is one that may not be replaced; else what went wrong.
    pub fn write(
        &self,
        scope: Space,
        lockfile: &Lockfile,
        replace: LockfileReplacePolicy,
        now: Timestamp,
    ) -> Result<PathBuf, LockfileError> {
        let writable = self.folders.iter().find(|(of, _)| *of == scope && scope != Space::System);
        let (_, folder) = writable.ok_or(LockfileError::System)?;
        let path = folder.join(Lockfile::path_of(&lockfile.tool_id, &lockfile.version));
        let below = path.parent().unwrap_or(folder);
        if scope == Space::Project {
            // Before anything is made: a link may lead it elsewhere.
            let there = below.ancestors().find(|it| it.symlink_metadata().is_ok());
            require_inside(folder, there.filter(|it| it.starts_with(folder)).unwrap_or(below))?;
        }
        sys::make_folder(below, 0o777).map_err(LockfileError::io("make the folder", below))?;
        if scope == Space::Project {
            require_inside(folder, below)?;
        }
        let _latch = FolderLatch::take(folder)?;
        if replace == LockfileReplacePolicy::Never && path.symlink_metadata().is_ok() {
            return Err(LockfileError::Exists(path));
        }
        // Only the holder of the latch writes drafts; one that is there was left by a crash.
        let draft = folder.join(DRAFT);
        let written = write_draft(&draft, encode(lockfile, now).as_bytes())
            .map_err(LockfileError::io("write", &draft))
            .and_then(|()| fs::rename(&draft, &path).map_err(LockfileError::io("write", &path)));
        if let Err(error) = written {
            let _ = fs::remove_file(&draft);
            return Err(error);
        }
        // The name is on disk when its folder is.
        let synced = File::open(below).and_then(|folder| folder.sync_all());
        synced.map_err(LockfileError::io("sync", below))?;
        Ok(path)
    }

    /// Removes a lockfile.
    ///
    /// # Errors
    /// [`LockfileError`] where it cannot be removed.
    pub fn remove(&self, scope: Space, name: &str) -> Result<Option<PathBuf>, LockfileError> {
        let writable = self.folders.iter().find(|(of, _)| *of == scope && scope != Space::System);
        let (_, folder) = writable.ok_or(LockfileError::System)?;
        let path = folder.join(name);
        if scope == Space::Project {
            require_inside(folder, path.parent().unwrap_or(folder))?;
        }
        let _latch = FolderLatch::take(folder)?;
        match fs::remove_file(&path) {
            Ok(()) => Ok(Some(path)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LockfileError::io("remove", &path)(error)),
        }
    }
}

/// Refuses to follow a symbolic link out of a project: it may have come with it.
fn require_inside(folder: &Path, below: &Path) -> Result<(), LockfileError> {
    if below.symlink_metadata().is_err() {
        return Ok(());
    }
    let real = |path: &Path| fs::canonicalize(path).map_err(LockfileError::io("find", path));
    let project = folder.parent().unwrap_or(folder);
    let leads_to = real(below)?;
    if leads_to.starts_with(real(project)?) {
        return Ok(());
    }
    Err(LockfileError::Outside { path: below.to_owned(), leads_to })
}

fn write_draft(draft: &Path, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(draft)?;
    sys::keep_owner_bits(&file, 0o600)?;
    file.write_all(content)?;
    file.sync_all()
}

fn read(scope: Space, folder: &Path, name: &str) -> Result<Option<StoredLockfile>, LockfileError> {
    let path = folder.join(name);
    let Some(bytes) = bytes_of(&path)? else { return Ok(None) };
    match bytes.and_then(|bytes| Lockfile::parse(&bytes, name)) {
        Ok(lockfile) => Ok(Some(StoredLockfile { scope, path, lockfile })),
        Err(source) => Err(LockfileError::Flawed { path, source }),
    }
}

/// A file's bytes; `None` if it does not exist. What cannot be opened is not absent.
fn bytes_of(path: &Path) -> Result<Option<Result<Vec<u8>, LockfileFlaw>>, LockfileError> {
    let Some(file) = bounded::open(path).map_err(LockfileError::io("read", path))? else {
        return Ok(None);
    };
    match bounded::read(&file, MOST_BYTES) {
        Ok(bytes) => Ok(Some(Ok(bytes))),
        Err(BoundedReadError::NotFile) => Ok(Some(Err(LockfileFlaw::NotFile))),
        Err(BoundedReadError::TooLarge(_)) => Ok(Some(Err(LockfileFlaw::TooLarge(MOST_BYTES)))),
        Err(BoundedReadError::Io(source)) => Err(LockfileError::io("read", path)(source)),
    }
}

/// Lists all that a tool could be pinned by, whatever links lead to it; `below` is the way from the folder.
fn list(
    folder: &Path,
    below: &mut Vec<String>,
    names: &mut Vec<String>,
) -> Result<(), LockfileError> {
    let here: PathBuf = [folder].into_iter().chain(below.iter().map(Path::new)).collect();
    if below.len() > MOST_FOLDERS {
        let source =
            io::Error::other("its folders are too deep, or a link leads back to one above");
        return Err(LockfileError::io("list", &here)(source));
    }
    for (name, is_folder) in entries(&here)? {
        below.push(name);
        // A folder of that name stands where a pin is looked for.
        let path = below.join("/");
        if path.ends_with(ENDING) {
            names.push(path);
        }
        if is_folder {
            list(folder, below, names)?;
        }
        below.pop();
    }
    Ok(())
}

/// The names in a folder, and whether each is a folder; none where the folder is not there.
fn entries(folder: &Path) -> Result<Vec<(String, bool)>, LockfileError> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if is_absent(&error) => {
            let absent = bounded::require_absent(folder, error);
            return absent.map(|()| Vec::new()).map_err(LockfileError::io("list", folder));
        }
        Err(error) => return Err(LockfileError::io("list", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in listed {
        let entry = entry.map_err(LockfileError::io("list", folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(LockfileError::io("examine", &path))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = if kind.is_symlink() { leads_to_folder(&path)? } else { kind.is_dir() };
        names.push((name, is_folder));
    }
    Ok(names)
}

/// Whether a link leads to a folder. One that leads nowhere may lead to one at other times.
fn leads_to_folder(path: &Path) -> Result<bool, LockfileError> {
    match path.metadata() {
        Ok(metadata) => Ok(metadata.is_dir()),
        // A reader that takes it for a lockfile reports that.
        Err(_) if path.to_string_lossy().ends_with(ENDING) => Ok(false),
        Err(error) => Err(LockfileError::io("follow", path)(error)),
    }
}
