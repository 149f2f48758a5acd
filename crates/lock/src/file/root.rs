use super::{
    earlier::PreRepositoryRoot,
    git::{GitRepository, PathOwner},
    ownership::{ForeignOwnedPath, ProcessUser, foreign},
    project_file::ProjectFile,
};
use crate::sys::nofollow;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What finding a root depends on: the working folder, some variables of the environment, and the user.
#[derive(Clone, Debug, Default)]
pub struct RootSearchInputs {
    /// The working folder, absolute and without links, as getcwd(3) gives it.
    pub folder: PathBuf,
    /// `LOKT_ROOT`.
    pub lokt_root: Option<PathBuf>,
    /// `GIT_DIR`.
    pub git_dir: Option<PathBuf>,
    /// `GIT_COMMON_DIR`.
    pub git_common_dir: Option<PathBuf>,
    /// The user, whose folders are trusted.
    pub account: ProcessUser,
}

/// Says how a root was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootMethod {
    /// By `LOKT_ROOT`.
    Env,
    /// By the project's `lokt.toml`.
    Project,
    /// In the git common directory.
    Git,
    /// In the working folder, because nothing else names one.
    Local,
}

impl RootMethod {
    /// The word that `doctor --json` has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::Project => "project",
            Self::Git => "git",
            Self::Local => "local",
        }
    }
}

/// The folder that holds the locks, and how it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockRoot {
    /// The folder, absolute and without links. It need not exist yet.
    pub path: PathBuf,
    /// How it was found.
    pub method: RootMethod,
    /// Folders that were the root before, the nearest first.
    pub earlier: Vec<PreRepositoryRoot>,
    /// For one of those: what is the root as soon as nothing is held in this one.
    pub successor: Option<RootSuccessor>,
    /// A `lokt.toml` whose folder does not count, because the repository has no main work tree.
    pub unused_file: Option<PathBuf>,
    /// Where a repository may appear that replaces this root.
    pub replaced_from: Option<PathBuf>,
}

/// The root that counts after an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootSuccessor {
    /// The folder.
    pub path: PathBuf,
    /// How it was found.
    pub method: RootMethod,
}

/// Says why no root could be found. No other folder is tried then: two roots are two locks.
#[derive(Debug, thiserror::Error)]
pub enum LockRootError {
    /// A `.git` file, or a `commondir`, does not lead to a repository.
    #[error("{} does not lead to a git directory: {why}", path.display())]
    BrokenGitFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The project's `lokt.toml` cannot be used.
    #[error("{}: {why}", path.display())]
    ProjectFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A git directory was named and is not there.
    #[error("cannot enter the git directory {}", path.display())]
    NoGitDir {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A variable names a folder that is no git directory.
    #[error("{} is not a git directory", path.display())]
    NotARepository {
        /// The folder.
        path: PathBuf,
    },
    /// The root, or what leads to it, belongs to another user.
    #[error("{} belongs to another user (uid {})", .0.path.display(), .0.uid)]
    Foreign(ForeignOwnedPath),
    /// A symbolic link stands in the root's place, where nothing but Lokt should have put anything.
    #[error("{} is a symbolic link", path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
}

impl LockRoot {
    /// Finds the root: `LOKT_ROOT`, else what the project's `lokt.toml` names, else `lokt` in the git common directory,
    /// else `.lokt` in the working folder. Makes nothing. Runs git only where a folder belongs to another user, to ask
    /// whether that one is trusted.
    ///
    /// # Errors
    /// [`LockRootError`] when a repository or a `lokt.toml` is there and broken, or anything belongs to another user.
    pub fn find(surroundings: &RootSearchInputs) -> Result<Self, LockRootError> {
        match Self::locate(surroundings)? {
            (root, None) => Ok(root),
            (_, Some(foreign)) => Err(LockRootError::Foreign(foreign)),
        }
    }

    /// Finds the root, and says what of another user is in it or on the way to it. Nothing may be read from that.
    ///
    /// # Errors
    /// [`LockRootError`] when a repository or a `lokt.toml` is there and broken.
    pub fn locate(
        surroundings: &RootSearchInputs,
    ) -> Result<(Self, Option<ForeignOwnedPath>), LockRootError> {
        let folder = &surroundings.folder;
        if let Some(path) = &surroundings.lokt_root {
            return Ok(named(surroundings, &folder.join(path)));
        }
        let repository = GitRepository::find(surroundings)?;
        let mut root = match &repository {
            Some(repository) => Self::new(repository.common.join("lokt"), RootMethod::Git),
            None => Self::new(folder.join(".lokt"), RootMethod::Local),
        };
        let file = root.take_from_file(folder, repository.as_ref())?;
        let there = fs::symlink_metadata(&root.path);
        if there.as_ref().is_ok_and(fs::Metadata::is_symlink) {
            return Err(LockRootError::Link { path: root.path });
        }
        root.earlier = root.earlier_ones(folder, repository.as_ref(), surroundings.account);
        let (mut owned, mut exceptions) = match repository {
            Some(it) => (it.owned, it.exceptions),
            None => (Vec::new(), vec![folder.clone()]),
        };
        owned.extend(file);
        owned.extend(there.ok().map(|meta| PathOwner::of(&root.path, &meta)));
        exceptions.push(root.path.clone());
        let foreign = foreign(surroundings.account, &owned, &exceptions, folder);
        root.replaced_from = (root.method == RootMethod::Local).then(|| folder.clone());
        Ok((root, foreign))
    }

    /// What was the root before, and may be in use.
    fn earlier_ones(
        &self,
        folder: &Path,
        repository: Option<&GitRepository>,
        account: ProcessUser,
    ) -> Vec<PreRepositoryRoot> {
        let mut all =
            repository.map_or_else(Vec::new, |it| PreRepositoryRoot::of(folder, it, account));
        if self.method == RootMethod::Project {
            let without_file = match repository {
                Some(it) => Self::new(it.common.join("lokt"), RootMethod::Git),
                None => Self::new(folder.join(".lokt"), RootMethod::Local),
            };
            all.extend(PreRepositoryRoot::before_file(&without_file, account));
            all.retain(|it| it.path != self.path);
        }
        all
    }

    fn new(path: PathBuf, method: RootMethod) -> Self {
        let earlier = Vec::new();
        Self { path, method, earlier, successor: None, unused_file: None, replaced_from: None }
    }

    /// Makes it the root that the project's file names, where there is one, and returns what must belong to the caller
    /// then.
    fn take_from_file(
        &mut self,
        folder: &Path,
        repository: Option<&GitRepository>,
    ) -> Result<Vec<PathOwner>, LockRootError> {
        let main = match repository {
            Some(repository) => repository.main_work_tree(),
            None => Some(folder),
        };
        let project = main.or(repository.map(|it| it.top.as_path())).unwrap_or(folder);
        let Some(file) = ProjectFile::read(project)? else { return Ok(Vec::new()) };
        let Some(named) = &file.root else { return Ok(Vec::new()) };
        if main.is_none() {
            self.unused_file = Some(file.path);
            return Ok(Vec::new());
        }
        self.path = project.join(named);
        self.method = RootMethod::Project;
        file.owned(project, named)
    }
}

/// The root that `LOKT_ROOT` names. Links on the way to it are followed: its user has named it.
fn named(surroundings: &RootSearchInputs, path: &Path) -> (LockRoot, Option<ForeignOwnedPath>) {
    let (real, owned) = match nofollow::metadata(path) {
        Ok(meta) if !meta.is_symlink() => (path.to_owned(), vec![PathOwner::of(path, &meta)]),
        _ => {
            let real = without_links(path);
            let owned = [path, &real].map(|it| PathOwner::all(it).unwrap_or_default()).concat();
            (real, owned)
        }
    };
    let exceptions = [real.clone(), path.to_owned()];
    let foreign = foreign(surroundings.account, &owned, &exceptions, &surroundings.folder);
    (LockRoot::new(real, RootMethod::Env), foreign)
}

/// A path without symbolic links, as far as there is anything.
fn without_links(path: &Path) -> PathBuf {
    let real = |above: &Path| {
        let rest = path.strip_prefix(above).ok()?;
        Some(fs::canonicalize(above).ok()?.join(rest))
    };
    path.ancestors().find_map(real).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
#[path = "root_tests.rs"]
mod tests;
