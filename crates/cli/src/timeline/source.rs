use lokt_lock::file::{LockRoot, RootMethod};
use std::path::Path;

/// Where a timeline comes from: what a page calls it when it is read elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimelineRepository {
    /// The repository's name, else that of the folder.
    pub(crate) repository: String,
    /// The folder of the locks.
    pub(crate) root: String,
}

impl TimelineRepository {
    /// The source whose locks are in a root.
    pub(crate) fn of(root: &LockRoot) -> Self {
        let path = root.path.as_path();
        let named = match root.method {
            RootMethod::Env => Some(path),
            RootMethod::Local | RootMethod::Project => path.parent(),
            RootMethod::Git => path.parent().and_then(work_tree),
        };
        let name = named.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let root = path.display().to_string();
        Self { repository: name.unwrap_or_else(|| root.clone()), root }
    }
}

/// The folder that a git directory is named after: the work tree around `.git`, else the directory itself.
fn work_tree(git_directory: &Path) -> Option<&Path> {
    let is_inside = git_directory.file_name().is_some_and(|name| name == ".git");
    if is_inside { git_directory.parent() } else { Some(git_directory) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_named_after_its_repository() {
        for (path, method, expected) in [
            ("/home/ada/site/.git/lokt", RootMethod::Git, "site"),
            ("/srv/git/site.git/lokt", RootMethod::Git, "site.git"),
            ("/home/ada/site/.git/modules/theme/lokt", RootMethod::Git, "theme"),
            ("/home/ada/plain/.lokt", RootMethod::Local, "plain"),
            ("/var/locks/site", RootMethod::Env, "site"),
            ("/.git/lokt", RootMethod::Git, "/.git/lokt"),
            ("/", RootMethod::Env, "/"),
        ] {
            let root = LockRoot {
                path: path.into(),
                method,
                earlier: vec![],
                successor: None,
                unused_file: None,
                replaced_from: None,
            };
            let source = TimelineRepository::of(&root);
            assert_eq!((source.repository.as_str(), source.root.as_str()), (expected, path));
        }
    }
}
