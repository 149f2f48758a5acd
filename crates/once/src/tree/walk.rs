use super::ProjectTreeError;
use crate::files::FileError;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// How many files to take from a folder.
#[derive(Clone, Copy, Debug)]
pub(super) enum WalkFileCountLimit {
    /// All of them.
    All,
    /// This many; more are an error.
    Of(usize),
}

/// All files below a folder, but for what git keeps for itself. Links are listed and not followed; what is neither a
/// file nor a link has no content, and is left out, as git does.
///
/// # Errors
/// [`ProjectTreeError`] where a folder cannot be listed, or there are too many files.
pub(super) fn walk(
    folder: &Path,
    most: WalkFileCountLimit,
) -> Result<Vec<PathBuf>, ProjectTreeError> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).map_err(FileError::on("list", &next))? {
            let entry = entry.map_err(FileError::on("list", &next))?;
            let path = entry.path();
            if entry.file_name() == ".git" {
                continue;
            }
            let kind = entry.file_type().map_err(FileError::on("examine", &path))?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() || kind.is_symlink() {
                found.push(path);
            }
        }
        if let WalkFileCountLimit::Of(most) = most
            && found.len() + folders.len() > most
        {
            return Err(ProjectTreeError::TooManyFiles { folder: folder.to_owned(), most });
        }
    }
    Ok(found)
}
