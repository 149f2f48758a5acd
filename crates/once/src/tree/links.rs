//! What links lead to. A command that reads a link reads what is there, so that counts as well.

use super::{
    FileSelection, ProjectTreeError, listing,
    walk::{WalkFileCountLimit, walk},
};
use crate::files::FileError;
use nix::errno::Errno;
use std::{
    collections::HashSet,
    fs, io,
    path::{Component, Path, PathBuf},
};

/// How many files may be in a folder outside the project that a link leads to.
const MOST: usize = 10_000;

/// Follows links, each only once.
pub(super) struct LinkFollower<'a> {
    tree: &'a FileSelection,
    followed: HashSet<PathBuf>,
}

impl<'a> LinkFollower<'a> {
    pub(super) fn new(tree: &'a FileSelection) -> Self {
        Self { tree, followed: HashSet::new() }
    }

    /// The files that a link leads to, by their [relative](FileSelection::relative) paths; those that are known
    /// as well.
    ///
    /// # Errors
    /// [`ProjectTreeError`] where that cannot be found out.
    pub(super) fn follow(
        &mut self,
        link: &Path,
        text: &Path,
    ) -> Result<Vec<PathBuf>, ProjectTreeError> {
        let (place, inside) = match place_inside(&self.tree.project, link, text) {
            Some(place) => (self.tree.project.join(place), true),
            None => match self.real(link)? {
                Some(real) => {
                    let rest = real.strip_prefix(&self.tree.project);
                    let inside = rest.is_ok_and(is_counted);
                    (real, inside)
                }
                None => return Ok(Vec::new()),
            },
        };
        if !self.followed.insert(place.clone()) {
            return Ok(Vec::new());
        }
        let metadata = match fs::symlink_metadata(&place) {
            Ok(metadata) => metadata,
            Err(error) if leads_nowhere(&error) => return Ok(Vec::new()),
            Err(error) => return Err(FileError::on("examine", &place)(error).into()),
        };
        let found = match metadata.file_type() {
            kind if kind.is_file() || kind.is_symlink() => vec![place],
            kind if !kind.is_dir() => Vec::new(),
            _ if !inside => walk(&place, WalkFileCountLimit::Of(MOST))?,
            // All files of the project are listed already, but for those that are ignored.
            _ if self.tree.inputs.is_empty() => Vec::new(),
            _ => return listing::below(self.tree, &place),
        };
        Ok(found.into_iter().map(|path| self.tree.relative(path)).collect())
    }

    /// Where a link leads in the end; `None` where that is nothing.
    fn real(&self, link: &Path) -> Result<Option<PathBuf>, ProjectTreeError> {
        let link = self.tree.project.join(link);
        match fs::canonicalize(&link) {
            Ok(real) => Ok(Some(real)),
            Err(error) if leads_nowhere(&error) => Ok(None),
            Err(error) => Err(FileError::on("follow the link", &link)(error).into()),
        }
    }
}

fn leads_nowhere(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::ENAMETOOLONG))
}

/// Whether a path below the project's folder can be among those that are listed.
fn is_counted(path: &Path) -> bool {
    path.iter().all(|name| name != ".git")
}

/// Where a link leads, below the project's folder, where its text alone says that. Links on that way are files of the
/// project themselves, and followed when it is their turn; but what is above a folder that may be a link is anywhere.
fn place_inside(project: &Path, link: &Path, text: &Path) -> Option<PathBuf> {
    let place = if text.is_absolute() {
        text.strip_prefix(project).ok()?.to_owned()
    } else if link.is_absolute() {
        return None;
    } else {
        link.parent()?.join(text)
    };
    let is_inside = !place.components().any(|part| part == Component::ParentDir);
    (is_inside && is_counted(&place)).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_believed_only_where_it_never_leads_up() {
        let place = |link: &str, text: &str| {
            place_inside(Path::new("/p"), Path::new(link), Path::new(text))
        };
        for (link, text, expected) in [
            ("a", "b", Some("b")),
            ("d/a", "./e/b", Some("d/e/b")),
            ("d/a", "../b", None),
            ("a", "/p/b", Some("b")),
            ("a", "..", None),
            ("d/a", "e/../b", None),
            ("a", "/q", None),
            ("a", "/p/d/../b", None),
            ("a", ".git/HEAD", None),
            ("/q/a", "b", None),
        ] {
            assert_eq!(place(link, text), expected.map(PathBuf::from), "{link} -> {text}");
        }
    }
}
