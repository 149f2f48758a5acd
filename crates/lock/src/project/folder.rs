use super::{ProjectError, tree};
use crate::{
    file::{WorktreeGitDirectories, work_tree, worktree_place},
    pattern::{ProjectPath, WorkingFolder},
    reservation::WorktreeId,
};
use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// What finding a project depends on.
#[derive(Clone, Debug, Default)]
pub struct ProjectSearchInputs {
    /// The working folder, absolute and without links, as getcwd(3) gives it.
    pub folder: PathBuf,
    /// `GIT_WORK_TREE`.
    pub git_work_tree: Option<PathBuf>,
    /// `GIT_DIR`.
    pub git_dir: Option<PathBuf>,
    /// The root of the locks.
    pub lock_root: PathBuf,
}

/// A project, and the folder of it where a command was started.
#[derive(Clone, Debug)]
pub struct ProjectWorkingFolder {
    /// The project's root, absolute and without links.
    pub root: PathBuf,
    /// The working folder, from the root.
    pub folder: ProjectPath,
    /// Its place in a git repository; nothing outside of one.
    place: Option<WorktreeGitDirectories>,
    lock_root: PathBuf,
}

impl ProjectWorkingFolder {
    /// Finds the project: the git work tree of the working folder; without git, the folder that has the root of the
    /// locks.
    ///
    /// As for git, `GIT_WORK_TREE` names the work tree, and with `GIT_DIR` alone it is the working folder.
    ///
    /// # Errors
    /// [`ProjectError`] where it is not clear: a path that two callers read in two ways would be two reservations.
    pub fn find(inputs: &ProjectSearchInputs) -> Result<Self, ProjectError> {
        let from = |path: &PathBuf| inputs.folder.join(path);
        let git_dir = inputs.git_dir.as_ref().map(from);
        let named = inputs.git_work_tree.as_ref().map(from).or_else(|| {
            let is_top = git_dir.as_ref()?.is_dir() && work_tree(&inputs.folder).is_none();
            is_top.then(|| inputs.folder.clone())
        });
        let work_tree = named.or_else(|| work_tree(&inputs.folder));
        let place = match &work_tree {
            Some(work_tree) => worktree_place(work_tree, git_dir.as_deref())?,
            None => None,
        };
        let above = inputs.lock_root.parent().unwrap_or(&inputs.lock_root);
        let root = work_tree.unwrap_or_else(|| above.to_owned());
        let root = fs::canonicalize(&root)
            .map_err(|source| ProjectError::Enter { path: root.clone(), source })?;
        let folder = inputs.folder.strip_prefix(&root).map_err(|_| ProjectError::Outside {
            folder: inputs.folder.clone(),
            root: root.clone(),
        })?;
        let folder = match folder.as_os_str().as_bytes() {
            b"" => ProjectPath::root(),
            bytes => ProjectPath::new(bytes).map_err(ProjectError::Folder)?,
        };
        Ok(Self { root, folder, place, lock_root: inputs.lock_root.clone() })
    }

    /// Whether the project is a git work tree.
    pub fn is_in_git(&self) -> bool {
        self.place.is_some()
    }

    /// The working folder, as patterns are read from it.
    pub fn working_folder(&self) -> WorkingFolder<'_> {
        WorkingFolder { project: &self.root, folder: &self.folder }
    }

    /// The id of this worktree, if there is one by now. What no process has asked for yet is in no record.
    ///
    /// # Errors
    /// [`ProjectError`] where the repository's id cannot be read.
    pub fn worktree_id(&self) -> Result<Option<WorktreeId>, ProjectError> {
        let id = tree::read(&self.id_file())?;
        Ok(id.map(|id| WorktreeId::new(&id, &self.place_name())))
    }

    /// The id of this worktree; the repository gets its id if it has none.
    ///
    /// # Errors
    /// [`ProjectError`] where the repository's id cannot be read or written.
    pub fn make_worktree_id(&self) -> Result<WorktreeId, ProjectError> {
        let id = tree::read_or_make(&self.id_file())?;
        Ok(WorktreeId::new(&id, &self.place_name()))
    }

    /// The file with the id: in the git common directory; without git, in the root of the locks.
    fn id_file(&self) -> PathBuf {
        let folder = self.place.as_ref().map_or(&*self.lock_root, |place| &place.common);
        folder.join("lokt-repository-id")
    }

    fn place_name(&self) -> String {
        let place = self.place.as_ref().map_or(Path::new("."), |place| &place.place);
        place.display().to_string()
    }
}
