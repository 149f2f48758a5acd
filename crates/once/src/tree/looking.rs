use super::{
    FileSelection, ProjectTreeError, excluded::ExcludedPaths, file_state::FileStamp,
    file_state_cache::FileStateCache, links::LinkFollower, listing,
};
use crate::{digest::Digest, files::FileError, manifest::ResultInputFileKind};
use lokt_lock::sys::in_portions;
use nix::{
    errno::Errno,
    fcntl::AtFlags,
    sys::stat::{SFlag, fstatat},
};
use std::{
    fs::{self, File},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// What is known of a path after a look at it.
pub(super) enum PathFinding {
    /// There is nothing: git still tracks a file that was deleted.
    Gone,
    /// A link, and its text.
    Link(PathBuf),
    /// A folder: a repository in itself.
    Repository,
    /// A file whose content a cache has, in just this state.
    Known(ResultInputFileKind, Digest, FileStamp),
    /// A file that is to be read.
    Unread(ResultInputFileKind),
}

/// A relative path, and what a look at it gave.
pub(super) type PathObservation = (PathBuf, PathFinding);

/// Looks at all files, at those in submodules, and at those that links lead to; they come back in the order of their
/// paths.
pub(super) fn look_at_all(
    tree: &FileSelection,
    mut new: Vec<PathBuf>,
    cache: &FileStateCache,
) -> Result<Vec<PathObservation>, ProjectTreeError> {
    let project = &tree.project;
    let folder = File::open(project).map_err(FileError::on("open", project))?;
    let looking = InputFileScanner { project, folder: &folder, cache };
    let excluded = ExcludedPaths::of(tree);
    excluded.require_own_root()?;
    let mut links = LinkFollower::new(tree);
    let mut all: Vec<PathObservation> = Vec::new();
    loop {
        excluded.retain(&mut new)?;
        sort(&mut new, |path| path);
        let looks = in_portions(&new, |part| looking.look_at(part));
        let looks: Vec<PathFinding> = looks.into_iter().collect::<Result<_, ProjectTreeError>>()?;
        let seen: Vec<PathObservation> = new.into_iter().zip(looks).collect();
        new = found_by(tree, &seen, &mut links)?;
        all.extend(seen);
        sort(&mut all, |(path, _)| path);
        let is_known = |path: &PathBuf| {
            all.binary_search_by(|(known, _)| known.as_os_str().cmp(path.as_os_str())).is_ok()
        };
        new.retain(|path| !is_known(path));
        if new.is_empty() {
            return Ok(all);
        }
    }
}

/// Sorts by path, each path once.
fn sort<T>(items: &mut Vec<T>, path: impl Fn(&T) -> &PathBuf) {
    if !items.is_sorted_by(|one, other| path(one).as_os_str() < path(other).as_os_str()) {
        items.sort_by(|one, other| path(one).as_os_str().cmp(path(other).as_os_str()));
        items.dedup_by(|one, other| path(one) == path(other));
    }
}

/// More files that matter, because of those that were seen.
fn found_by(
    tree: &FileSelection,
    seen: &[PathObservation],
    links: &mut LinkFollower<'_>,
) -> Result<Vec<PathBuf>, ProjectTreeError> {
    let mut found = Vec::new();
    for (path, look) in seen {
        match look {
            PathFinding::Repository => found.extend(listing::inside(tree, path)?),
            PathFinding::Link(text) => found.extend(links.follow(path, text)?),
            _ => {}
        }
    }
    Ok(found)
}

/// Looks at files of one folder.
struct InputFileScanner<'a> {
    project: &'a Path,
    /// The project's folder, open: paths from there are shorter ways.
    folder: &'a File,
    cache: &'a FileStateCache,
}

impl InputFileScanner<'_> {
    /// Looks at some files in the order of their paths.
    fn look_at(&self, paths: &[PathBuf]) -> Vec<Result<PathFinding, ProjectTreeError>> {
        let mut next = 0;
        paths.iter().map(|path| self.look(path, &mut next)).collect()
    }

    /// Looks at a file, which the cache has at `next`, most likely.
    fn look(&self, path: &Path, next: &mut usize) -> Result<PathFinding, ProjectTreeError> {
        let stat = match fstatat(self.folder, path, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(PathFinding::Gone),
            Err(errno) => return Err(FileError::on("examine", path)(errno.into()).into()),
        };
        let kind = match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
            SFlag::S_IFDIR => return Ok(PathFinding::Repository),
            SFlag::S_IFLNK => {
                let whole = self.project.join(path);
                let text = fs::read_link(&whole).map_err(FileError::on("read the link", &whole))?;
                return Ok(PathFinding::Link(text));
            }
            SFlag::S_IFREG if stat.st_mode & 0o100 == 0 => ResultInputFileKind::File,
            SFlag::S_IFREG => ResultInputFileKind::Executable,
            _ => return Err(ProjectTreeError::Special(path.to_owned())),
        };
        let state = FileStamp::of(&stat);
        let known = self.cache.find(path.as_os_str().as_bytes(), &state, next);
        Ok(known
            .map_or(PathFinding::Unread(kind), |content| PathFinding::Known(kind, content, state)))
    }
}
