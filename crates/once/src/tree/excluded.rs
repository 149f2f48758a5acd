use super::{FileSelection, ProjectTreeError};
use std::path::{Path, PathBuf};

/// What a root consists of (see [`lokt_lock::file`]). Whatever else is in its folder is not Lokt's.
const OWN: [&str; 8] =
    ["locks", "freezes", "queue", "tmp", "latches", "nested", "audit.log", "once"];

/// A file that may be in a root and is no file of the project: the root's `.gitignore`, which hides it from git.
const UNCOUNTED: &str = ".gitignore";

/// Which files are left out.
pub(super) struct ExcludedPaths<'a> {
    project: &'a Path,
    /// The roots' folders, as paths of files in them are given.
    roots: Vec<&'a Path>,
    /// Files and folders, as their paths are given.
    others: Vec<&'a Path>,
}

impl<'a> ExcludedPaths<'a> {
    pub(super) fn of(tree: &'a FileSelection) -> Self {
        let relative = |path: &'a PathBuf| path.strip_prefix(&tree.project).unwrap_or(path);
        let list = |paths: &'a [PathBuf]| {
            let mut list: Vec<&Path> = paths.iter().map(relative).collect();
            list.sort_unstable();
            list.dedup();
            list
        };
        Self { project: &tree.project, roots: list(&tree.roots), others: list(&tree.excluded) }
    }

    /// Takes out what is left out.
    ///
    /// # Errors
    /// [`ProjectTreeError::SharedRoot`] where files of the project are in a root: then it is not known which of them
    /// are Lokt's.
    pub(super) fn retain(&self, paths: &mut Vec<PathBuf>) -> Result<(), ProjectTreeError> {
        let mut foreign = None;
        paths.retain(|path| {
            let is_left_out = match self.roots.iter().find_map(|root| path.strip_prefix(root).ok())
            {
                Some(rest) if is_own(rest) => true,
                Some(rest) if rest != Path::new(UNCOUNTED) => {
                    foreign.get_or_insert_with(|| path.clone());
                    false
                }
                _ => false,
            };
            !is_left_out && !self.others.iter().any(|excluded| path.starts_with(excluded))
        });
        foreign.map_or(Ok(()), |file| Err(ProjectTreeError::SharedRoot { file }))
    }

    /// Refuses a root that is the project's folder.
    ///
    /// # Errors
    /// [`ProjectTreeError::SharedRoot`], as [`retain`](Self::retain) does.
    pub(super) fn require_own_root(&self) -> Result<(), ProjectTreeError> {
        let is_project = |root: &&Path| root.as_os_str().is_empty();
        if self.roots.iter().any(is_project) {
            return Err(ProjectTreeError::SharedRoot { file: self.project.to_owned() });
        }
        Ok(())
    }
}

fn is_own(path: &Path) -> bool {
    let first = path.iter().next().unwrap_or_default();
    OWN.iter().any(|own| first == *own) || first.as_encoded_bytes().starts_with(b".lokt-doctor-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lokt_lock::file::LockRootLayout;

    #[test]
    fn all_of_a_root_is_known() {
        let layout = LockRootLayout::new("/root");
        let places = layout.folders().into_iter().chain([layout.nested(), layout.audit_log()]);
        for place in places.filter(|place| place != layout.root()) {
            assert!(is_own(place.strip_prefix("/root").unwrap()), "{}", place.display());
        }
    }
}
