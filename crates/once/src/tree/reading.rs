use super::{
    TreeError,
    cache::{self, Cache},
    listing,
    state::{Moment, State},
};
use crate::{
    digest::Digest,
    files::{self, FileError},
    manifest::{Kind, Part},
};
use lokt_lock::sys::in_portions;
use nix::{
    errno::Errno,
    fcntl::AtFlags,
    sys::stat::{SFlag, fstatat},
};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, OpenOptionsExt},
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
    (cache, cache_path): (&Cache, &Path),
) -> Result<Vec<Part>, TreeError> {
    let (paths, looks) = look_at_all(project, paths, cache)?;
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

/// Looks at all files, those of submodules too; they come back in the order of their paths.
fn look_at_all(
    project: &Path,
    mut paths: Vec<PathBuf>,
    cache: &Cache,
) -> Result<(Vec<PathBuf>, Vec<Look>), TreeError> {
    let folder = File::open(project).map_err(FileError::on("open", project))?;
    let looking = Looking { project, folder: &folder, cache };
    let looks = in_portions(&paths, |part| looking.look_at(part));
    let mut looks: Vec<Look> = looks.into_iter().collect::<Result<_, FileError>>()?;
    let mut seen = 0;
    while seen < paths.len() {
        let new = paths.iter().zip(&looks).skip(seen);
        let folders = new.filter(|(_, look)| matches!(look, Look::Known(Kind::Repository, ..)));
        let found: Vec<Vec<PathBuf>> = folders
            .map(|(path, _)| listing::inside(project, path))
            .collect::<Result<_, TreeError>>()?;
        seen = paths.len();
        for path in found.into_iter().flatten() {
            looks.push(looking.look(&path, &mut 0)?);
            paths.push(path);
        }
    }
    if paths.is_sorted_by(|one, other| one.as_os_str() <= other.as_os_str()) {
        return Ok((paths, looks));
    }
    let mut both: Vec<(PathBuf, Look)> = paths.into_iter().zip(looks).collect();
    both.sort_by(|(one, _), (other, _)| one.as_os_str().cmp(other.as_os_str()));
    Ok(both.into_iter().unzip())
}

fn unread<'a>(paths: &'a [PathBuf], looks: &'a [Look]) -> impl Iterator<Item = (&'a Path, State)> {
    paths.iter().zip(looks).filter_map(|(path, look)| match look {
        Look::Unread(_, state) => Some((path.as_path(), *state)),
        _ => None,
    })
}

/// Looks at files of one folder.
struct Looking<'a> {
    project: &'a Path,
    /// The project's folder, open: paths from there are shorter ways.
    folder: &'a File,
    cache: &'a Cache,
}

impl Looking<'_> {
    /// Looks at some files in the order of their paths.
    fn look_at(&self, paths: &[PathBuf]) -> Vec<Result<Look, FileError>> {
        let mut next = 0;
        paths.iter().map(|path| self.look(path, &mut next)).collect()
    }

    /// Looks at a file, which the cache has at `next`, most likely.
    fn look(&self, path: &Path, next: &mut usize) -> Result<Look, FileError> {
        let stat = match fstatat(self.folder, path, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(Look::Gone),
            Err(errno) => return Err(FileError::on("examine", path)(errno.into())),
        };
        match kind_of(stat.st_mode) {
            Kind::Link => {
                let whole = self.project.join(path);
                let target =
                    fs::read_link(&whole).map_err(FileError::on("read the link", &whole))?;
                let target = Digest::of(target.as_os_str().as_bytes());
                Ok(Look::Known(Kind::Link, target, None))
            }
            // Known by their names alone.
            kind @ (Kind::Repository | Kind::Special) => {
                Ok(Look::Known(kind, Digest::of(b""), None))
            }
            kind => {
                let state = State::of(&stat);
                let known = self.cache.find(path.as_os_str().as_bytes(), &state, next);
                let unread = Look::Unread(kind, state);
                Ok(known.map_or(unread, |content| Look::Known(kind, content, Some(state))))
            }
        }
    }
}

fn kind_of(mode: u32) -> Kind {
    match SFlag::from_bits_truncate(mode) & SFlag::S_IFMT {
        SFlag::S_IFLNK => Kind::Link,
        SFlag::S_IFDIR => Kind::Repository,
        SFlag::S_IFREG if mode & 0o100 == 0 => Kind::File,
        SFlag::S_IFREG => Kind::Executable,
        _ => Kind::Special,
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
