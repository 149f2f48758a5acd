use super::fixture::ProjectFixture;
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// A path below the project's folder through which a command can read a file.
#[derive(Clone, Debug)]
pub(super) struct ReadablePath {
    /// The path that the command uses.
    pub(super) path: PathBuf,
    /// Whether it does not count, because `.gitignore` says so and git does not track it.
    pub(super) is_ignored: bool,
    /// Whether the path contains a link to a folder.
    pub(super) is_behind_link_to_folder: bool,
}

/// All readable files, except those that git keeps for itself.
pub(super) fn walk(fixture: &ProjectFixture) -> Vec<ReadablePath> {
    let tracked: HashSet<PathBuf> =
        fixture.git(&["ls-files", "-z", "--full-name"]).split('\0').map(PathBuf::from).collect();
    let mut found = Vec::new();
    visit(fixture, Path::new(""), (&tracked, false), &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn visit(
    fixture: &ProjectFixture,
    folder: &Path,
    (tracked, behind_link): (&HashSet<PathBuf>, bool),
    found: &mut Vec<ReadablePath>,
) {
    // Links may be circular.
    if folder.components().count() > 6 {
        return;
    }
    for entry in fs::read_dir(fixture.path(folder)).expect("a folder can be listed") {
        let name = entry.expect("a folder can be listed").file_name();
        let path = folder.join(&name);
        let Ok(metadata) = fs::metadata(fixture.path(&path)) else { continue };
        if name == ".git" {
            continue;
        }
        let is_link = fs::symlink_metadata(fixture.path(&path)).expect("it is there").is_symlink();
        if metadata.is_dir() {
            let behind_link = behind_link || is_link;
            visit(fixture, &path, (tracked, behind_link), found);
        } else if metadata.is_file() {
            let is_ignored = is_ignored(fixture, &path, tracked);
            let is_behind_link_to_folder = behind_link;
            found.push(ReadablePath { path, is_ignored, is_behind_link_to_folder });
        }
    }
}

/// Whether the one pattern of the one `.gitignore` ignores a path. A link to a folder does not avoid that; a
/// link to a file does.
fn is_ignored(fixture: &ProjectFixture, path: &Path, tracked: &HashSet<PathBuf>) -> bool {
    let real = path.parent().and_then(|parent| fs::canonicalize(fixture.path(parent)).ok());
    let real = real.map(|real| real.join(path.file_name().unwrap_or_default()));
    let inside = real.as_ref().and_then(|real| real.strip_prefix(fixture.project()).ok());
    let begins =
        |path: &Path| path.iter().any(|name| name.as_encoded_bytes().starts_with(b"ignored"));
    let is_tracked = tracked.contains(path) || inside.is_some_and(|it| tracked.contains(it));
    let is_ignored = begins(path) || inside.is_some_and(begins);
    // Files in `.git` do not count, whichever path leads there.
    let is_git = real.is_some_and(|real| real.iter().any(|name| name == ".git"));
    (is_ignored && !is_tracked) || is_git
}
