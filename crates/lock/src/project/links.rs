use super::ProjectWorkingFolder;
use crate::pattern::ProjectPath;
use std::{
    collections::VecDeque,
    ffi::OsString,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Component, Path, PathBuf},
};

/// As many links as the kernel follows (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// Where a path leads, if a part of it is a symbolic link and it leads to another path of the project. What is not
/// there yet is taken by its name.
pub(super) fn target(project: &ProjectWorkingFolder, path: &ProjectPath) -> Option<ProjectPath> {
    let mut left: VecDeque<OsString> = names(path.as_path());
    let mut reached = project.root.clone();
    let mut links = 0;
    while let Some(name) = left.pop_front() {
        if name == ".." {
            reached.pop();
            continue;
        }
        let next = reached.join(&name);
        let Some(target) = fs::read_link(&next).ok() else {
            reached = next;
            continue;
        };
        links += 1;
        if links > MOST_LINKS {
            return None;
        }
        if target.is_absolute() {
            reached = PathBuf::from("/");
        }
        for name in names(&target).into_iter().rev() {
            left.push_front(name);
        }
    }
    let inside = reached.strip_prefix(&project.root).ok()?;
    let found = match inside.as_os_str().as_bytes() {
        b"" => ProjectPath::root(),
        bytes => ProjectPath::new(bytes).ok()?,
    };
    (links > 0 && found != *path).then_some(found)
}

fn names(path: &Path) -> VecDeque<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    names.collect()
}
