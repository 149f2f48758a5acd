use super::{
    TreeError,
    cache::{self, Cache},
    state::{Moment, State},
};
use crate::{
    digest::Digest,
    files::{self, FileError},
    manifest::{Kind, Part},
};
use lokt_lock::sys::in_portions;
use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

/// What is known of a path after a look at it.
enum Look {
    /// There is nothing: git still tracks a file that was deleted.
    Gone,
    /// Its content, and its state where a cache had it in just that.
    Known(Kind, Digest, Option<State>),
    /// It is to be read.
    Unread(Kind, State),
}

/// Reads all files, or takes from the cache what is known of them.
pub(super) fn read(
    project: &Path,
    paths: Vec<PathBuf>,
    cache_path: &Path,
) -> Result<Vec<Part>, TreeError> {
    let cache = Cache::load(cache_path);
    let look_at = |path: &PathBuf| look(project, path, &cache);
    let looks = in_portions(&paths, |part| part.iter().map(look_at).collect());
    let looks: Vec<Look> = looks.into_iter().collect::<Result<_, FileError>>()?;
    let unread: Vec<&Path> = unread(&paths, &looks).map(|(path, _)| path).collect();
    if unread.is_empty() {
        return Ok(parts(paths, &looks, &[]));
    }
    let now = moment(cache_path);
    let read_one = |path: &&Path| digest_of(&project.join(path));
    let read = in_portions(&unread, |part| part.iter().map(read_one).collect());
    let read: Vec<Option<Digest>> = read.into_iter().collect::<Result<_, FileError>>()?;
    if let Some(now) = now {
        store(cache_path, (&paths, &looks, &read), now);
    }
    Ok(parts(paths, &looks, &read))
}

fn unread<'a>(paths: &'a [PathBuf], looks: &'a [Look]) -> impl Iterator<Item = (&'a Path, State)> {
    paths.iter().zip(looks).filter_map(|(path, look)| match look {
        Look::Unread(_, state) => Some((path.as_path(), *state)),
        _ => None,
    })
}

fn look(project: &Path, path: &Path, cache: &Cache) -> Result<Look, FileError> {
    let whole = project.join(path);
    let metadata = match fs::symlink_metadata(&whole) {
        Ok(metadata) => metadata,
        Err(error) if is_gone(&error) => return Ok(Look::Gone),
        Err(error) => return Err(FileError::on("examine", &whole)(error)),
    };
    let name_alone = |kind| Ok(Look::Known(kind, Digest::of(b""), None));
    match kind_of(&metadata) {
        Kind::Link => match fs::read_link(&whole) {
            Ok(target) => {
                Ok(Look::Known(Kind::Link, Digest::of(target.as_os_str().as_bytes()), None))
            }
            Err(error) => Err(FileError::on("read the link", &whole)(error)),
        },
        kind @ (Kind::Repository | Kind::Special) => name_alone(kind),
        kind => {
            let state = State::of(&metadata);
            let known = cache.find(path.as_os_str().as_bytes(), &state);
            let unread = Look::Unread(kind, state);
            Ok(known.map_or(unread, |content| Look::Known(kind, content, Some(state))))
        }
    }
}

fn kind_of(metadata: &Metadata) -> Kind {
    let kind = metadata.file_type();
    if kind.is_symlink() {
        Kind::Link
    } else if kind.is_dir() {
        Kind::Repository
    } else if kind.is_fifo() || kind.is_socket() || kind.is_char_device() || kind.is_block_device()
    {
        Kind::Special
    } else if metadata.mode() & 0o100 == 0 {
        Kind::File
    } else {
        Kind::Executable
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The content of a file; `None` where it is gone by now.
fn digest_of(path: &Path) -> Result<Option<Digest>, FileError> {
    // Something else may have taken its place since it was looked at: a FIFO must not hold us up.
    let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY | nix::libc::O_NOFOLLOW;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    match opened.and_then(|file: File| Digest::of_reader(file)) {
        Ok(digest) => Ok(Some(digest)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(FileError::on("read", path)(error)),
    }
}

/// What time it is on the file system that has the cache, which may have another clock than this machine.
/// Files on yet another file system are off by as much as the two clocks are.
fn moment(cache_path: &Path) -> Option<Moment> {
    files::make_folder(cache_path.parent()?).ok()?;
    let (path, file) = files::draft(cache_path, 0o600).ok()?;
    let metadata = file.metadata();
    let _ = fs::remove_file(path);
    metadata.ok().map(|it| (it.mtime(), it.mtime_nsec()))
}

/// Keeps what is known now. What has not settled may change without a trace; what was only just looked at may
/// have changed before it was read, but then its state has too, and settled it was not.
fn store(cache_path: &Path, (paths, looks, read): Files<'_>, now: Moment) {
    let mut contents = read.iter();
    let entry = |(path, look): (&'_ PathBuf, &Look)| {
        let (state, content) = match look {
            Look::Known(_, content, Some(state)) => (*state, *content),
            Look::Unread(_, state) => {
                let content = contents.next().copied().flatten()?;
                (state.is_settled(now)).then_some((*state, content))?
            }
            _ => return None,
        };
        Some((path.clone(), state, content))
    };
    let entries: Vec<(PathBuf, State, Digest)> =
        paths.iter().zip(looks).filter_map(entry).collect();
    let entries = entries
        .iter()
        .map(|(path, state, content)| (path.as_os_str().as_bytes(), *state, *content));
    cache::store(cache_path, entries);
}

/// Paths, what a look at each gave, and the contents of those that were read.
type Files<'a> = (&'a [PathBuf], &'a [Look], &'a [Option<Digest>]);

fn parts(paths: Vec<PathBuf>, looks: &[Look], read: &[Option<Digest>]) -> Vec<Part> {
    let mut contents = read.iter();
    let part = |(path, look): (PathBuf, &Look)| {
        let (kind, content) = match look {
            Look::Gone => return None,
            Look::Known(kind, content, _) => (*kind, *content),
            Look::Unread(kind, _) => (*kind, contents.next().copied().flatten()?),
        };
        Some(Part::File { path: path.into_os_string().into_encoded_bytes(), kind, content })
    };
    paths.into_iter().zip(looks).filter_map(part).collect()
}
