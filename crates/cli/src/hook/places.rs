//! The projects that a file is in: those of every enclosing work tree, under every name that the file has.

use crate::{context, failure::CliFailure, project_store::RootVariable};
use lokt_lock::{
    file::{LockRoot, LockRootError, PROJECT_FILE, work_tree},
    ops::EditTarget,
    pattern::ProjectPath,
    project::{ProjectSearchInputs, ProjectWorkingFolder, literals},
    reservation::{EditTargetKind, ReservationScope},
};
use std::{
    fs::{self, Metadata},
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Component, Path, PathBuf},
};

/// A file in one project.
#[derive(Debug)]
pub(super) struct FilePlace {
    /// The project's folder.
    pub(super) project: PathBuf,
    /// The root of the project's locks.
    pub(super) root: LockRoot,
    /// What is to be reserved there.
    pub(super) target: EditTarget,
}

/// Finds the projects of a file that a harness names, the innermost one first; none where it is in no project. `folder`
/// is where relative paths are from.
///
/// # Errors
/// [`CliFailure`] where a project cannot be used: its locks could not be found by others either.
pub(super) fn of(file: &str, folder: &Path) -> Result<Vec<FilePlace>, CliFailure> {
    let file = folder.join(file);
    let mut found: Vec<FilePlace> = Vec::new();
    for name in names(&file) {
        for project in projects(&name)? {
            let Ok(path) = name.strip_prefix(&project.top) else { continue };
            let Ok(path) = ProjectPath::new(path.as_os_str().as_bytes()) else { continue };
            add(&mut found, &file, &project, &path)?;
        }
    }
    Ok(found)
}

/// The roots of the projects that a folder is in; none where it is in no project, or where they cannot be used.
pub(super) fn roots_of(folder: &Path) -> Vec<LockRoot> {
    // Whatever is in the folder is in its projects.
    let inside = real(folder).map(|it| it.join("x"));
    let projects = inside.and_then(|it| projects(&it).ok()).unwrap_or_default();
    projects.into_iter().map(|it| it.root).collect()
}

/// Adds a file's place in a project. A second name of the file in the same worktree belongs to the place that is there.
fn add(
    found: &mut Vec<FilePlace>,
    file: &Path,
    project: &EnclosingProject,
    path: &ProjectPath,
) -> Result<(), CliFailure> {
    let scope = ReservationScope::Tree(project.folder.make_worktree_id()?);
    let patterns = literals(&project.folder, path);
    let is_there =
        |it: &&mut FilePlace| it.root.path == project.root.path && it.target.scope == scope;
    if let Some(there) = found.iter_mut().find(is_there) {
        for pattern in patterns {
            if !there.target.patterns.contains(&pattern) {
                there.target.patterns.push(pattern);
            }
        }
        return Ok(());
    }
    let text = file.to_string_lossy().into_owned();
    let meta = fs::metadata(file).ok();
    let kind = match &meta {
        Some(meta) if meta.is_dir() => EditTargetKind::Folder,
        _ => EditTargetKind::File,
    };
    let target =
        EditTarget { patterns, scope, file: text, kind, file_state: Some(state_of(meta.as_ref())) };
    let (project, root) = (project.folder.root.clone(), project.root.clone());
    found.push(FilePlace { project, root, target });
    Ok(())
}

/// What a file is like: two equal states are one content, as far as the file system can tell.
pub(super) fn file_state(file: &str) -> String {
    state_of(fs::metadata(file).ok().as_ref())
}

fn state_of(meta: Option<&Metadata>) -> String {
    match meta {
        None => "absent".to_owned(),
        Some(it) => {
            format!("{}:{}.{:09}:{}", it.size(), it.mtime(), it.mtime_nsec(), it.ino())
        }
    }
}

/// The names of a file: as it was given, and without links.
fn names(file: &Path) -> Vec<PathBuf> {
    // What `..` leads to behind a link is known only where links are followed.
    let is_plain = !file.components().any(|it| it == Component::ParentDir);
    let typed = is_plain.then(|| file.components().collect::<PathBuf>());
    let mut names: Vec<PathBuf> = typed.into_iter().collect();
    names.extend(real(file).filter(|it| !names.contains(it)));
    names
}

/// A path without links, as far as there is anything.
fn real(file: &Path) -> Option<PathBuf> {
    let of =
        |above: &Path| Some(fs::canonicalize(above).ok()?.join(file.strip_prefix(above).ok()?));
    let real = file.ancestors().find_map(of)?;
    // What is not there yet has no links in it, and its `..` are names.
    let mut plain = PathBuf::new();
    for component in real.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    Some(plain)
}

/// A project that encloses a file.
struct EnclosingProject {
    /// Its folder, as the file's name has it.
    top: PathBuf,
    folder: ProjectWorkingFolder,
    root: LockRoot,
}

fn projects(file: &Path) -> Result<Vec<EnclosingProject>, CliFailure> {
    let mut found = Vec::new();
    let mut folder = file.parent().map(Path::to_owned);
    while let Some(top) = folder.as_deref().and_then(work_tree) {
        let is_outer = !found.is_empty();
        match enclosing(&top)? {
            Ok(project) => found.push(project),
            // Git does not use it either, and a repository within it is separate.
            Err(LockRootError::Foreign(_)) if is_outer => {}
            Err(error) => return Err(error.into()),
        }
        folder = top.parent().map(Path::to_owned);
    }
    if found.is_empty() {
        found.extend(without_git(file)?);
    }
    Ok(found)
}

/// The project of a folder that has a `.git`.
fn enclosing(top: &Path) -> Result<Result<EnclosingProject, LockRootError>, CliFailure> {
    let folder = fs::canonicalize(top)?;
    let root = match context::root_of(&folder)? {
        Ok(root) => root,
        Err(error) => return Ok(Err(error)),
    };
    project(top, folder, root).map(Ok)
}

fn project(top: &Path, folder: PathBuf, root: LockRoot) -> Result<EnclosingProject, CliFailure> {
    let lock_root = root.path.clone();
    let inputs = ProjectSearchInputs { folder, git_work_tree: None, git_dir: None, lock_root };
    Ok(EnclosingProject { top: top.to_owned(), folder: ProjectWorkingFolder::find(&inputs)?, root })
}

/// The project of a file without git: the folder that has the root of the locks, if there is one. None is made for an
/// edit.
fn without_git(file: &Path) -> Result<Option<EnclosingProject>, CliFailure> {
    let is_project = |it: &&Path| it.join(".lokt").is_dir() || it.join(PROJECT_FILE).is_file();
    let named = match RootVariable::read()? {
        RootVariable::Folder(root) => root.parent().map(Path::to_owned),
        // A cluster says nothing of where a project is.
        RootVariable::Cluster(_) => None,
        RootVariable::Absent => file.ancestors().skip(1).find(is_project).map(Path::to_owned),
    };
    let Some(top) = named.filter(|it| it.is_absolute() && file.starts_with(it)) else {
        return Ok(None);
    };
    let Ok(folder) = fs::canonicalize(&top) else { return Ok(None) };
    let root = context::root_of(&folder)??;
    // The project is the folder of the root, and not where the file was found that names it.
    let above = root.path.parent().unwrap_or(&root.path).to_owned();
    if !file.starts_with(&above) || !root.path.is_dir() {
        return Ok(None);
    }
    project(&above, above.clone(), root).map(Some)
}
