use super::{
    FileSelection, ProjectTreeError,
    file_state::FileStamp,
    file_state_cache::{self, FileStateCache},
    is_gone,
    looking::{PathFinding, PathObservation, look_at_all},
};
use crate::{
    digest::Digest,
    files::FileError,
    manifest::{ResultInput, ResultInputFileKind},
};
use lokt_lock::sys::in_portions;
use nix::sys::stat::{SFlag, fstat};
use std::{
    fs::OpenOptions,
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The content of a file, and the state in which it was before it was read.
type FileDigestWithStamp = (Digest, FileStamp);

/// Reads all files, or takes from the cache what is known of them.
pub(super) fn read(
    tree: &FileSelection,
    paths: Vec<PathBuf>,
    (cache, cache_path): (&FileStateCache, &Path),
) -> Result<Vec<ResultInput>, ProjectTreeError> {
    let seen = look_at_all(tree, paths, cache)?;
    let is_unread = |(path, look): &'_ PathObservation| {
        matches!(look, PathFinding::Unread(_)).then(|| tree.project.join(path))
    };
    let unread: Vec<PathBuf> = seen.iter().filter_map(is_unread).collect();
    if unread.is_empty() {
        return Ok(parts(seen, &[]));
    }
    let stamp = file_state_cache::stamp(tree, cache_path);
    let read = in_portions(&unread, |part| part.iter().map(|path| content_of(path)).collect());
    let read: Vec<Option<FileDigestWithStamp>> =
        read.into_iter().collect::<Result<_, ProjectTreeError>>()?;
    if let Some(stamp) = stamp {
        file_state_cache::store(cache_path, &stamp, entries(&seen, &read));
    }
    Ok(parts(seen, &read))
}

/// The content of a file; `None` where it is gone by now.
fn content_of(path: &Path) -> Result<Option<FileDigestWithStamp>, ProjectTreeError> {
    // Something else may have taken its place since it was looked at: a FIFO must not hold us up.
    let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY | nix::libc::O_NOFOLLOW;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if is_gone(&error) => return Ok(None),
        Err(error) => return Err(FileError::on("read", path)(error).into()),
    };
    let stat = fstat(&file).map_err(|errno| FileError::on("examine", path)(errno.into()))?;
    if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
        return Err(ProjectTreeError::Special(path.to_owned()));
    }
    let digest = Digest::of_reader(file).map_err(FileError::on("read", path))?;
    Ok(Some((digest, FileStamp::of(&stat))))
}

/// What is known of each file by now.
fn entries<'a>(
    seen: &'a [PathObservation],
    read: &'a [Option<FileDigestWithStamp>],
) -> impl Iterator<Item = file_state_cache::CacheEntry<'a>> {
    let mut contents = read.iter();
    seen.iter().filter_map(move |(path, look)| {
        let (content, state) = match look {
            PathFinding::Known(_, content, state) => (*content, *state),
            PathFinding::Unread(_) => contents.next().copied().flatten()?,
            _ => return None,
        };
        Some((path.as_os_str().as_bytes(), state, content))
    })
}

fn parts(seen: Vec<PathObservation>, read: &[Option<FileDigestWithStamp>]) -> Vec<ResultInput> {
    let mut contents = read.iter();
    let part = |(path, look): PathObservation| {
        let (kind, content) = match look {
            PathFinding::Gone => return None,
            PathFinding::Link(text) => {
                (ResultInputFileKind::Link, Digest::of(text.as_os_str().as_bytes()))
            }
            // Known by its name alone; its files are listed.
            PathFinding::Repository => (ResultInputFileKind::Repository, Digest::of(b"")),
            PathFinding::Known(kind, content, _) => (kind, content),
            PathFinding::Unread(kind) => (kind, contents.next().copied().flatten()?.0),
        };
        Some(ResultInput::File { path: path.into_os_string().into_encoded_bytes(), kind, content })
    };
    seen.into_iter().filter_map(part).collect()
}
