//! Git's `safe.directory`: which folders of other users are trusted (git-config(1)).
//!
//! git itself reads its configuration, with all that it may include. That costs a process, and is asked only where a
//! folder belongs to another user.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Variables that would have git look elsewhere than in the configuration of the system, the user and the command.
const MISLEADING: [&str; 5] =
    ["GIT_CONFIG", "GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY"];

/// Whether git's configuration calls a folder safe; `folder` is the working folder.
///
/// What cannot be read says nothing: without git, nothing of another user is safe.
pub(super) fn has(path: &Path, folder: &Path) -> bool {
    let Ok(real) = fs::canonicalize(path) else { return false };
    values().is_some_and(|values| is_listed(&real, &values, folder))
}

fn values() -> Option<Vec<Vec<u8>>> {
    let mut git = Command::new("git");
    for variable in MISLEADING {
        git.env_remove(variable);
    }
    // Away from any repository: its own configuration has no say in whether it is trusted.
    git.current_dir("/").stdin(Stdio::null()).stderr(Stdio::null());
    git.args(["config", "-z", "--show-scope", "--type=path", "--get-all", "safe.directory"]);
    let output = git.output().ok().filter(|output| output.status.success())?;
    Some(protected(&output.stdout))
}

/// The values of the scopes that a repository cannot change, of `scope NUL value NUL …`.
fn protected(output: &[u8]) -> Vec<Vec<u8>> {
    let mut fields = output.split(|byte| *byte == 0);
    let mut values = Vec::new();
    while let (Some(scope), Some(value)) = (fields.next(), fields.next()) {
        if matches!(scope, b"system" | b"global" | b"command") {
            values.push(value.to_vec());
        }
    }
    values
}

/// Whether a folder, without links, is listed as git reads the list: an empty value forgets those before it, `*` is
/// every folder, `.` the working folder, and `/*` at the end stands for all that is below.
fn is_listed(real: &Path, values: &[Vec<u8>], folder: &Path) -> bool {
    let last = values.iter().rposition(Vec::is_empty).map_or(0, |it| it + 1);
    let counting = values.get(last..).unwrap_or_default();
    counting.iter().any(|value| match value.as_slice() {
        b"*" => true,
        b"." => real == folder,
        value => names(real, Path::new(OsStr::from_bytes(value))),
    })
}

fn names(real: &Path, value: &Path) -> bool {
    if !value.is_absolute() {
        return false;
    }
    let resolved = |path: &Path| -> Option<PathBuf> { fs::canonicalize(path).ok() };
    if value.file_name() == Some(OsStr::new("*")) {
        let above = value.parent().and_then(resolved);
        return above.is_some_and(|above| real != above && real.starts_with(above));
    }
    resolved(value).is_some_and(|value| value == real)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_git_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(folder.path()).unwrap();
        let (real, sub) = (top.join("a"), top.join("a/sub"));
        fs::create_dir_all(&sub).unwrap();
        std::os::unix::fs::symlink(&top, top.join("link")).unwrap();
        let top = top.to_str().unwrap();
        let cases: [(&[&str], bool); 15] = [
            (&[], false),
            (&["*"], true),
            (&["*", ""], false),
            (&["", "*"], true),
            (&["."], true),
            (&["a"], false),
            (&["{}/a"], true),
            (&["{}/a/"], true),
            (&["{}/link/a"], true),
            (&["{}/*"], true),
            (&["/*"], true),
            (&["{}"], false),
            (&["{}/a/*"], false),
            (&["{}/b"], false),
            (&["{}*"], false),
        ];
        for (values, expected) in cases {
            let values: Vec<Vec<u8>> =
                values.iter().map(|it| it.replace("{}", top).into_bytes()).collect();
            assert_eq!(is_listed(&real, &values, &real), expected, "{values:?}");
        }
        assert!(!is_listed(&real, &[b".".to_vec()], &sub), "only the folder itself is \".\"");
    }

    #[test]
    fn what_a_repository_can_change_has_no_say() {
        let output = b"global\0/a\0local\0/b\0worktree\0/c\0command\0/d\0system\0\0";
        assert_eq!(protected(output), [b"/a".to_vec(), b"/d".to_vec(), Vec::new()]);
    }
}
