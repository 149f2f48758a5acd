//! Which files are meant: all of a project, or those that inputs name.

use super::{
    FileSelection, ProjectTreeError,
    git::{GitClient, GitListEntry, ListingDetail},
    pattern::InputPattern,
    walk::{WalkFileCountLimit, walk},
};
use crate::files::FileError;
use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Component, Path, PathBuf},
};

/// The paths of all files that are meant, as they are given elsewhere. Of a whole project, a folder in the list
/// is a repository in itself, whose files are listed by [`inside`].
pub(super) fn list(tree: &FileSelection) -> Result<Vec<PathBuf>, ProjectTreeError> {
    if !tree.inputs.is_empty() {
        return named(tree);
    }
    let git =
        GitClient::of(tree).ok_or_else(|| ProjectTreeError::NoRepository(tree.folder.clone()))?;
    let entries = git.list(&tree.project, ListingDetail::Path)?;
    Ok(entries.into_iter().map(|entry| entry.path).collect())
}

/// What an input names.
enum ResolvedInputArgument {
    /// A file that is named counts, whether git ignores it or not.
    File(PathBuf),
    /// What git lists in a folder.
    Folder(PathBuf),
    /// What git lists in a folder, where its path from there on matches.
    Pattern(PathBuf, InputPattern),
}

fn named(tree: &FileSelection) -> Result<Vec<PathBuf>, ProjectTreeError> {
    let mut paths = Vec::new();
    for text in &tree.inputs {
        let found = match input(tree, text)? {
            ResolvedInputArgument::File(path) => file(tree, path)?,
            ResolvedInputArgument::Folder(folder) => below(tree, &folder)?,
            ResolvedInputArgument::Pattern(folder, pattern) => {
                matching(tree, &folder, &pattern, text)?
            }
        };
        if found.is_empty() {
            return Err(ProjectTreeError::NoMatch(text.to_string_lossy().into_owned()));
        }
        paths.extend(found);
    }
    Ok(paths)
}

fn input(tree: &FileSelection, text: &OsStr) -> Result<ResolvedInputArgument, ProjectTreeError> {
    let path = place(&tree.folder, Path::new(text));
    match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_dir() => return Ok(ResolvedInputArgument::Folder(path)),
        Ok(metadata) if metadata.is_file() || metadata.is_symlink() => {
            return Ok(ResolvedInputArgument::File(path));
        }
        Ok(_) => return Err(ProjectTreeError::Special(path)),
        Err(error) if super::is_gone(&error) => {}
        Err(error) => return Err(FileError::on("examine", &path)(error).into()),
    }
    let is_plain =
        |part: &Component<'_>| !part.as_os_str().as_bytes().iter().any(|c| b"*?[\\".contains(c));
    let folder: PathBuf = path.components().take_while(is_plain).collect();
    match path.strip_prefix(&folder) {
        Ok(rest) if !rest.as_os_str().is_empty() && folder.is_dir() => Ok(
            ResolvedInputArgument::Pattern(folder, InputPattern::new(rest.as_os_str().as_bytes())),
        ),
        _ => Err(ProjectTreeError::NoMatch(text.to_string_lossy().into_owned())),
    }
}

/// Where a path leads from a folder, `..` as the kernel reads it: behind a link, that is above where the link leads.
fn place(folder: &Path, path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::ParentDir => {
                whole = fs::canonicalize(&whole).unwrap_or(whole);
                whole.pop();
            }
            Component::CurDir => {}
            part => whole.push(part),
        }
    }
    whole
}

/// A file that is named. Where that is a link to a folder, all files in there are meant as well.
fn file(tree: &FileSelection, path: PathBuf) -> Result<Vec<PathBuf>, ProjectTreeError> {
    let mut found = Vec::new();
    if path.is_symlink() {
        let target = fs::canonicalize(&path).map_err(FileError::on("follow the link", &path))?;
        if target.is_dir() {
            found = walk(&target, WalkFileCountLimit::All)?;
        } else {
            found.push(target);
        }
    }
    found.push(path);
    Ok(found.into_iter().map(|path| tree.relative(path)).collect())
}

/// The files in a folder that match.
fn matching(
    tree: &FileSelection,
    folder: &Path,
    pattern: &InputPattern,
    text: &OsStr,
) -> Result<Vec<PathBuf>, ProjectTreeError> {
    let real = tree.relative(real(folder)?);
    let matches = |path: &PathBuf| {
        path.strip_prefix(&real).is_ok_and(|rest| pattern.matches(rest.as_os_str().as_bytes()))
    };
    let mut found = below(tree, folder)?;
    found.retain(matches);
    if found.is_empty() {
        let mut all = walk(folder, WalkFileCountLimit::All)?;
        all.retain(|path| {
            path.strip_prefix(folder).is_ok_and(|rest| pattern.matches(rest.as_os_str().as_bytes()))
        });
        if !all.is_empty() {
            return Err(ProjectTreeError::OnlyIgnored(text.to_string_lossy().into_owned()));
        }
    }
    Ok(found)
}

/// The files below a folder, links on the way to it followed: those that git lists; where it lists none, all.
///
/// # Errors
/// [`ProjectTreeError`] where any of them cannot be known.
pub(super) fn below(tree: &FileSelection, folder: &Path) -> Result<Vec<PathBuf>, ProjectTreeError> {
    let folder = real(folder)?;
    let mut found = Vec::new();
    if let Some(git) = GitClient::of(tree).filter(|_| folder.starts_with(&tree.project)) {
        add(&tree.project, git.list(&folder, ListingDetail::Kind)?, &mut found)?;
        if found.is_empty() {
            let between = folder.ancestors().take_while(|it| *it != tree.project);
            // The outermost one has those in it.
            if let Some(top) = between.filter(|it| has_repository(it)).last() {
                add(top, GitClient::nested(top).list(&folder, ListingDetail::Kind)?, &mut found)?;
            }
        }
        found.retain(|path| path.starts_with(&folder));
    }
    if found.is_empty() {
        found = walk(&folder, WalkFileCountLimit::All)?;
    }
    Ok(found.into_iter().map(|path| tree.relative(path)).collect())
}

fn real(folder: &Path) -> Result<PathBuf, ProjectTreeError> {
    Ok(fs::canonicalize(folder).map_err(FileError::on("enter", folder))?)
}

fn has_repository(folder: &Path) -> bool {
    // In doubt, there is one: then git says why it cannot list it.
    fs::symlink_metadata(folder.join(".git")).map_or_else(|error| !super::is_gone(&error), |_| true)
}

/// Adds what git listed in a work tree, as whole paths: of repositories in it, their files.
fn add(
    top: &Path,
    entries: Vec<GitListEntry>,
    found: &mut Vec<PathBuf>,
) -> Result<(), ProjectTreeError> {
    for GitListEntry { path, is_repository } in entries {
        let path = top.join(path);
        let is_folder = || path.symlink_metadata().is_ok_and(|it| it.is_dir());
        if !is_repository || !is_folder() {
            found.push(path);
        } else if has_repository(&path) {
            add(&path, GitClient::nested(&path).list(&path, ListingDetail::Kind)?, found)?;
        } else {
            found.extend(walk(&path, WalkFileCountLimit::All)?);
        }
    }
    Ok(())
}

/// The files of a folder that git lists as a file: of a repository in itself. A submodule may have files and no
/// repository, if they were put there by other means: then all of them are meant, as nothing says which are ignored.
///
/// # Errors
/// [`ProjectTreeError`] where git cannot list it: what is in there might matter.
pub(super) fn inside(tree: &FileSelection, path: &Path) -> Result<Vec<PathBuf>, ProjectTreeError> {
    let folder = tree.project.join(path);
    if !has_repository(&folder) {
        return Ok(walk(&folder, WalkFileCountLimit::All)?
            .into_iter()
            .map(|it| tree.relative(it))
            .collect());
    }
    let entries = GitClient::nested(&folder).list(&folder, ListingDetail::Path)?;
    Ok(entries.into_iter().map(|entry| path.join(entry.path)).collect())
}
