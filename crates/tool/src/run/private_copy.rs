use lokt_lock::sys;
use nix::{
    fcntl::OFlag,
    sys::memfd::{MFdFlags, memfd_create},
    unistd::geteuid,
};
use std::{
    fs::{File, OpenOptions, Permissions},
    io::{self, Write},
    os::{
        fd::OwnedFd,
        unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// How the names of the private folders begin.
const PREFIX: &str = "lokt-run-";

/// How often a folder may be taken for a leftover, in the moment between its making and its lock. On a busy machine
/// that moment can be long, ten times in a row.
const ATTEMPTS: usize = 1000;

/// What lies beside a private copy.
#[derive(Clone, Copy, Debug)]
pub enum PrivateCopyExtraFiles<'a> {
    /// Nothing.
    Nothing,
    /// What an interpreter of JavaScript looks for there: a `package.json` without settings, which keeps those of
    /// folders above from being used, and the packages of the tool's project, if it has any.
    Packages(Option<&'a Path>),
}

/// The private copy of a tool: the bytes that were verified, alone in a folder that is this user's.
///
/// A process that replaces the item now cannot get other bytes executed, and what lies beside the item (a
/// `json.py`) is not where an interpreter looks for modules. The folder is removed when this is dropped. As
/// long as this process or the tool lives, its lock is held, so [`sweep`] can tell it from what a killed
/// process left.
#[derive(Debug)]
pub struct ToolPrivateCopy {
    path: PathBuf,
    lock: File,
    folder: TempDir,
}

/// Says why there is no private copy.
#[derive(Debug, thiserror::Error)]
pub enum PrivateCopyError {
    /// Something about its files.
    #[error("cannot write the private copy of the tool at {}: {source}", path.display())]
    Files {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The tool's name cannot be a file's.
    #[error("{0:?} cannot be the name of a file")]
    Name(String),
}

impl ToolPrivateCopy {
    /// Writes `bytes` to a file called `name` in a new private folder below `temporary`.
    ///
    /// # Errors
    /// [`PrivateCopyError`] with the path that could not be written.
    pub fn new(
        temporary: &Path,
        name: &str,
        bytes: &[u8],
        beside: PrivateCopyExtraFiles<'_>,
    ) -> Result<Self, PrivateCopyError> {
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
            return Err(PrivateCopyError::Name(name.to_owned()));
        }
        let (folder, lock) = private_folder(temporary)?;
        let path = folder.path().join(name);
        let write = || {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(0o500);
            let mut file = options.open(&path)?;
            sys::keep_owner_bits(&file, 0o500)?;
            file.write_all(bytes)
        };
        write().map_err(|source| PrivateCopyError::Files { path: path.clone(), source })?;
        if let PrivateCopyExtraFiles::Packages(modules) = beside {
            put_packages(folder.path(), modules)?;
        }
        Ok(Self { path, lock, folder })
    }

    /// Where the copy is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that the copy is alone in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A second descriptor of the folder's lock, for the tool to inherit.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub(super) fn mark(&self) -> io::Result<OwnedFd> {
        self.lock.try_clone().map(OwnedFd::from)
    }
}

fn put_packages(folder: &Path, modules: Option<&Path>) -> Result<(), PrivateCopyError> {
    let failed = |path: PathBuf| move |source| PrivateCopyError::Files { path, source };
    let package = folder.join("package.json");
    std::fs::write(&package, "{}\n").map_err(failed(package))?;
    let link = folder.join("node_modules");
    match modules {
        Some(modules) => symlink(modules, &link).map_err(failed(link)),
        None => Ok(()),
    }
}

/// A file that only this process and what it starts have open.
pub(super) fn anonymous_mark() -> io::Result<OwnedFd> {
    Ok(memfd_create(c"lokt-run", MFdFlags::MFD_CLOEXEC)?)
}

/// The nearest `node_modules` at or above a file, not above the project's folder.
pub(super) fn modules_of(original: &Path, project: &Path) -> Option<PathBuf> {
    let folders = original.ancestors().skip(1).take_while(|folder| folder.starts_with(project));
    folders.map(|folder| folder.join("node_modules")).find(|modules| modules.is_dir())
}

fn private_folder(temporary: &Path) -> Result<(TempDir, File), PrivateCopyError> {
    let failed = |path: &Path, source| PrivateCopyError::Files { path: path.to_owned(), source };
    for _ in 0..ATTEMPTS {
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(temporary)
            .map_err(|source| failed(temporary, source))?;
        let usable = sys::keep_owner_bits_of(folder.path(), 0o700);
        let lock = match usable.and_then(|()| File::open(folder.path())) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(folder.path(), error)),
        };
        lock.lock().map_err(|source| failed(folder.path(), source))?;
        // A sweep has the lock when it removes a folder: one that is still there now stays.
        if folder.path().exists() {
            return Ok((folder, lock));
        }
    }
    Err(failed(temporary, io::Error::other("its folder vanishes again and again")))
}

/// Removes the private folders that killed processes of this user left below `temporary`.
///
/// No caller depends on it: what cannot be removed stays for the next.
pub fn sweep(temporary: &Path) {
    for entry in temporary.read_dir().into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            let _ = remove_left(&entry.path());
        }
    }
}

fn remove_left(path: &Path) -> io::Result<()> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    let folder = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
    if folder.metadata()?.uid() == geteuid().as_raw() && folder.try_lock().is_ok() {
        std::fs::remove_dir_all(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs,
        sync::atomic::{AtomicBool, Ordering},
    };

    #[test]
    fn the_copy_is_this_users_alone_and_goes_away() {
        let temporary = tempfile::tempdir().unwrap();
        let copy = ToolPrivateCopy::new(
            temporary.path(),
            "x.py",
            b"bytes",
            PrivateCopyExtraFiles::Nothing,
        )
        .unwrap();
        let path = copy.path().to_owned();
        let folder = copy.folder().to_owned();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o500));
        assert_eq!(fs::read(&path).unwrap(), b"bytes");
        let names: Vec<_> = folder.read_dir().unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(names, ["x.py"], "nothing lies beside the tool");
        drop(copy);
        assert!(!folder.exists(), "the folder does not outlive the run");
    }

    #[test]
    fn only_what_nobody_uses_is_swept() {
        let temporary = tempfile::tempdir().unwrap();
        let used =
            ToolPrivateCopy::new(temporary.path(), "x.py", b"", PrivateCopyExtraFiles::Nothing)
                .unwrap();
        let inherited =
            ToolPrivateCopy::new(temporary.path(), "x.py", b"", PrivateCopyExtraFiles::Nothing)
                .unwrap();
        let (mark, survivor) = (inherited.mark().unwrap(), inherited.path().to_owned());
        // Its process was killed: the lock lives on in the tool alone.
        let _ = inherited.folder.keep();
        drop(inherited.lock);
        let left = temporary.path().join("lokt-run-left");
        fs::create_dir_all(left.join("deep")).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        symlink(elsewhere.path(), temporary.path().join("lokt-run-link")).unwrap();
        fs::create_dir(temporary.path().join("other")).unwrap();
        sweep(temporary.path());
        assert!(used.path().exists(), "a folder in use stays");
        assert!(survivor.exists(), "a folder that a tool still uses stays");
        assert!(!left.exists(), "a folder that no process locks is removed");
        assert!(elsewhere.path().exists(), "a symbolic link is not followed");
        assert!(temporary.path().join("other").exists(), "other names are not touched");
        drop(mark);
        sweep(temporary.path());
        assert!(!survivor.exists(), "when the tool has ended, its folder is removed");
    }

    #[test]
    fn no_sweep_takes_a_folder_from_its_user_at_any_moment() {
        let temporary = tempfile::tempdir().unwrap();
        let ended = AtomicBool::new(false);
        let used = || {
            let copy = ToolPrivateCopy::new(
                temporary.path(),
                "x.py",
                b"bytes",
                PrivateCopyExtraFiles::Nothing,
            )
            .ok()?;
            fs::read(copy.path()).ok()
        };
        let sweeping = || {
            while !ended.load(Ordering::Relaxed) {
                sweep(temporary.path());
            }
        };
        let good = std::thread::scope(|scope| {
            scope.spawn(sweeping);
            scope.spawn(sweeping);
            let good = (0..200).take_while(|_| used().as_deref() == Some(b"bytes")).count();
            ended.store(true, Ordering::Relaxed);
            good
        });
        assert_eq!(good, 200, "a folder in use stays, from its first moment on");
    }

    #[test]
    fn modules_are_found_up_to_the_project() {
        let top = tempfile::tempdir().unwrap();
        let project = top.path().join("p");
        let file = project.join(".ai/tools/x.js");
        fs::create_dir_all(top.path().join("node_modules")).unwrap();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        assert_eq!(modules_of(&file, &project), None, "above the project is not the project's");
        fs::create_dir(project.join("node_modules")).unwrap();
        assert_eq!(modules_of(&file, &project), Some(project.join("node_modules")));
        assert_eq!(modules_of(Path::new("/elsewhere/x.js"), &project), None);
    }
}
