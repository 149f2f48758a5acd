use super::world::World;
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// A path below the project's folder by which a command can read a file.
#[derive(Clone, Debug)]
pub(super) struct Readable {
    /// As the command names it.
    pub(super) path: PathBuf,
    /// Whether it is no part of what matters, as `.gitignore` says so, and git does not track it.
    pub(super) is_ignored: bool,
    /// Whether a link to a folder is on the way.
    pub(super) is_behind_link_to_folder: bool,
}

/// Everything that can be read, apart from what git keeps for itself.
pub(super) fn walk(world: &World) -> Vec<Readable> {
    let tracked: HashSet<PathBuf> =
        world.git(&["ls-files", "-z", "--full-name"]).split('\0').map(PathBuf::from).collect();
    let mut found = Vec::new();
    visit(world, Path::new(""), (&tracked, false), &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn visit(
    world: &World,
    folder: &Path,
    (tracked, behind_link): (&HashSet<PathBuf>, bool),
    found: &mut Vec<Readable>,
) {
    // Links may lead round and round.
    if folder.components().count() > 6 {
        return;
    }
    for entry in fs::read_dir(world.path(folder)).expect("a folder can be listed") {
        let name = entry.expect("a folder can be listed").file_name();
        let path = folder.join(&name);
        let Ok(metadata) = fs::metadata(world.path(&path)) else { continue };
        if name == ".git" {
            continue;
        }
        let is_link = fs::symlink_metadata(world.path(&path)).expect("it is there").is_symlink();
        if metadata.is_dir() {
            let behind_link = behind_link || is_link;
            visit(world, &path, (tracked, behind_link), found);
        } else if metadata.is_file() {
            let is_ignored = is_ignored(world, &path, tracked);
            let is_behind_link_to_folder = behind_link;
            found.push(Readable { path, is_ignored, is_behind_link_to_folder });
        }
    }
}

/// Whether a path is ignored by the one pattern of the one `.gitignore` that there is. A link to a folder is no way
/// around that; a link to a file is.
fn is_ignored(world: &World, path: &Path, tracked: &HashSet<PathBuf>) -> bool {
    let real = path.parent().and_then(|parent| fs::canonicalize(world.path(parent)).ok());
    let real = real.map(|real| real.join(path.file_name().unwrap_or_default()));
    let inside = real.as_ref().and_then(|real| real.strip_prefix(world.project()).ok());
    let begins =
        |path: &Path| path.iter().any(|name| name.as_encoded_bytes().starts_with(b"ignored"));
    let is_tracked = tracked.contains(path) || inside.is_some_and(|it| tracked.contains(it));
    let is_ignored = begins(path) || inside.is_some_and(begins);
    // What is in `.git` is no part of what matters, whatever leads there.
    let is_git = real.is_some_and(|real| real.iter().any(|name| name == ".git"));
    (is_ignored && !is_tracked) || is_git
}
