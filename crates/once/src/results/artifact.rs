use super::{
    ArtifactClaimConflict, ArtifactPathClaimError,
    blob_store::{BlobStore, DraftBlob},
};
use crate::{
    digest::Digest,
    files::{self, FileError},
    recording::BlobReference,
};
use lokt_lock::sys;
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsStr,
    fs::{self, File, Permissions},
    io::{self, Seek},
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, OpenOptionsExt, PermissionsExt, lchown, symlink},
    },
    path::{Component, Path, PathBuf},
};

/// A file that a command made, below the project's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultArtifact {
    /// Where it is.
    path: String,
    /// What it is.
    #[serde(flatten)]
    kind: ResultArtifactFileKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum ResultArtifactFileKind {
    File { content: BlobReference, mode: u32 },
    Link { target: String },
    Folder,
}

/// Says why an artifact cannot be kept or restored.
#[derive(Debug, thiserror::Error)]
pub enum ResultArtifactError {
    /// The command did not make it.
    #[error("the command made no {}", .0.display())]
    Missing(PathBuf),
    /// It is neither a file, nor a folder, nor a link.
    #[error("{} is no file, folder or link", .0.display())]
    Special(PathBuf),
    /// Its path, or where a link leads, is no text.
    #[error("the path {} is not UTF-8", .0.display())]
    NotText(PathBuf),
    /// It would be outside of the project.
    #[error("the artifact {} leads out of the project", .0.display())]
    Outside(PathBuf),
    /// A folder above it is a symbolic link, which may lead anywhere.
    #[error("the artifact {} is behind a symbolic link", .0.display())]
    BehindLink(PathBuf),
    /// It has a repository in it, of which nothing is put back.
    #[error("the artifact {} is part of another repository", .0.display())]
    Repository(PathBuf),
    /// Something of it is missing or damaged.
    #[error("what was kept of the artifact {} is missing or damaged", .0.display())]
    Damaged(PathBuf),
    /// Another wrote there while it was restored.
    #[error("the artifact {} was changed by another while it was restored", .0.display())]
    Changed(PathBuf),
    /// Its place cannot be claimed.
    #[error(transparent)]
    Claim(#[from] ArtifactPathClaimError),
    /// The kernel says no.
    #[error(transparent)]
    File(#[from] FileError),
}

/// How many artifacts were restored, and how many were there already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArtifactRestoreOutcome {
    /// Written.
    pub written: usize,
    /// Left as they were.
    pub same: usize,
    /// The other claim of one of their places meanwhile.
    pub meeting: Option<ArtifactClaimConflict>,
}

impl ResultArtifact {
    pub(super) fn digest(&self) -> Option<Digest> {
        match &self.kind {
            ResultArtifactFileKind::File { content, .. } => Some(content.digest),
            _ => None,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        match &self.kind {
            ResultArtifactFileKind::File { content, .. } => content.bytes,
            _ => 0,
        }
    }

    /// Where it is, below the project's folder.
    pub fn path(&self) -> &Path {
        Path::new(&self.path)
    }
}

/// What a folder has in it that is a repository, or a project with its own root.
const OTHER_ROOTS: [&str; 2] = [".git", ".lokt"];

/// How the name of a file begins that is to become an artifact.
const DRAFT: &str = ".lokt-draft-";

/// Copies what a command made.
pub(super) fn collect(
    project: &Path,
    paths: &[PathBuf],
    blobs: &BlobStore,
) -> Result<Vec<(ResultArtifact, Option<DraftBlob>)>, ResultArtifactError> {
    let mut found = Vec::new();
    for path in paths {
        require_own_place(project, path)?;
        collect_one(project, path, blobs, &mut found)?;
    }
    Ok(found)
}

fn collect_one(
    project: &Path,
    path: &Path,
    blobs: &BlobStore,
    found: &mut Vec<(ResultArtifact, Option<DraftBlob>)>,
) -> Result<(), ResultArtifactError> {
    let whole = project.join(path);
    let metadata = match fs::symlink_metadata(&whole) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(ResultArtifactError::Missing(path.to_owned()));
        }
        Err(error) => return Err(FileError::on("examine", &whole)(error).into()),
    };
    let name = text(path.as_os_str(), path)?;
    let kind = metadata.file_type();
    if kind.is_symlink() {
        let target = fs::read_link(&whole).map_err(FileError::on("read the link", &whole))?;
        let target = text(target.as_os_str(), path)?;
        found.push((
            ResultArtifact { path: name, kind: ResultArtifactFileKind::Link { target } },
            None,
        ));
    } else if kind.is_dir() {
        found.push((ResultArtifact { path: name, kind: ResultArtifactFileKind::Folder }, None));
        for inside in entries(&whole)? {
            if OTHER_ROOTS.iter().any(|name| inside.as_os_str() == *name) {
                return Err(ResultArtifactError::Repository(path.join(inside)));
            }
            // The rest of a call that was killed.
            if !inside.as_os_str().as_bytes().starts_with(DRAFT.as_bytes()) {
                collect_one(project, &path.join(inside), blobs, found)?;
            }
        }
    } else if kind.is_file() {
        let file = sys::open_regular(&whole).map_err(FileError::on("read", &whole))?;
        let loose = blobs.copy(file, &whole)?;
        let kind =
            ResultArtifactFileKind::File { content: loose.stored, mode: metadata.mode() & 0o777 };
        found.push((ResultArtifact { path: name, kind }, Some(loose)));
    } else {
        return Err(ResultArtifactError::Special(path.to_owned()));
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let listed = fs::read_dir(folder)
        .and_then(|entries| entries.map(|it| it.map(|it| it.file_name().into())).collect());
    let mut names: Vec<PathBuf> = listed.map_err(FileError::on("list", folder))?;
    names.sort();
    Ok(names)
}

fn text(text: &OsStr, path: &Path) -> Result<String, ResultArtifactError> {
    text.to_str().map(str::to_owned).ok_or_else(|| ResultArtifactError::NotText(path.to_owned()))
}

/// Refuses a path that could lead out of the project by its text.
fn require_inside(path: &Path) -> Result<(), ResultArtifactError> {
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    if inside && path.components().next().is_some() {
        return Ok(());
    }
    Err(ResultArtifactError::Outside(path.to_owned()))
}

/// Puts an artifact where it was, unless it is there already. A folder's other files stay.
pub(super) fn restore(
    project: &Path,
    artifact: &ResultArtifact,
    blobs: &BlobStore,
    restored: &mut ArtifactRestoreOutcome,
) -> Result<(), ResultArtifactError> {
    let path = artifact.path();
    let whole = project.join(path);
    if is_restored(project, artifact)? {
        restored.same += 1;
        return Ok(());
    }
    if let Some(above) = whole.parent() {
        sys::make_folder(above, 0o777).map_err(FileError::on("make the folder", above))?;
    }
    match &artifact.kind {
        ResultArtifactFileKind::Folder => {
            sys::make_folder(&whole, 0o777).map_err(FileError::on("make the folder", &whole))?;
        }
        ResultArtifactFileKind::Link { target } => put_link(&whole, target, blobs)?,
        ResultArtifactFileKind::File { content, mode } => {
            let file = blobs.open(*content).map_err(FileError::on("read", &whole))?;
            let file = file.ok_or_else(|| ResultArtifactError::Damaged(path.to_owned()))?;
            put_file(&whole, &file, (*mode, blobs))?;
        }
    }
    restored.written += 1;
    Ok(())
}

/// Whether an artifact stands where it was, as it was.
pub(super) fn is_restored(
    project: &Path,
    artifact: &ResultArtifact,
) -> Result<bool, ResultArtifactError> {
    require_own_place(project, artifact.path())?;
    Ok(is_there(&project.join(artifact.path()), &artifact.kind))
}

/// Refuses a path that is not the project's own. A link in place of a folder could lead out of the project. In
/// another repository, or a folder with its own root, callers that make the same know nothing of a claim.
fn require_own_place(project: &Path, path: &Path) -> Result<(), ResultArtifactError> {
    require_inside(path)?;
    let above = path.ancestors().skip(1).filter(|it| !it.as_os_str().is_empty());
    for folder in above.map(|it| project.join(it)) {
        if folder.is_symlink() {
            return Err(ResultArtifactError::BehindLink(path.to_owned()));
        }
        if OTHER_ROOTS.iter().any(|name| fs::symlink_metadata(folder.join(name)).is_ok()) {
            return Err(ResultArtifactError::Repository(path.to_owned()));
        }
    }
    Ok(())
}

fn is_there(path: &Path, kind: &ResultArtifactFileKind) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else { return false };
    match kind {
        ResultArtifactFileKind::Folder => metadata.is_dir(),
        ResultArtifactFileKind::Link { target } => {
            fs::read_link(path).is_ok_and(|it| it.as_os_str().as_bytes() == target.as_bytes())
        }
        ResultArtifactFileKind::File { content, mode } => {
            let alike = metadata.is_file()
                && metadata.len() == content.bytes
                && metadata.mode() & 0o777 == *mode;
            alike
                && sys::open_regular(path)
                    .and_then(Digest::of_reader)
                    .is_ok_and(|it| it == content.digest)
        }
    }
}

/// In one step: a reader finds the old file or the new one.
fn put_file(
    path: &Path,
    content: &File,
    (mode, blobs): (u32, &BlobStore),
) -> Result<(), FileError> {
    put(path, blobs, |draft| {
        let mut options = File::options();
        let mut file = options.write(true).create_new(true).mode(0o600).open(draft)?;
        // It may be the second attempt.
        (&*content).rewind()?;
        io::copy(&mut &*content, &mut file)?;
        file.set_permissions(Permissions::from_mode(mode))
    })
}

fn put_link(path: &Path, target: &str, blobs: &BlobStore) -> Result<(), FileError> {
    put(path, blobs, |draft| symlink(target, draft))
}

/// Makes something as a draft and moves it into its place. The draft is among the contents, where only the rest of a
/// crash is found by it, or beside its place where that is on another file system.
fn put(
    path: &Path,
    blobs: &BlobStore,
    make: impl Fn(&Path) -> io::Result<()>,
) -> Result<(), FileError> {
    let place = path.parent().and_then(|it| fs::symlink_metadata(it).ok());
    let is_near = |folder: &Path| {
        let place = place.as_ref().map(MetadataExt::dev);
        place.is_some() && fs::metadata(folder).ok().map(|it| it.dev()) == place
    };
    let attempt = |draft: PathBuf| {
        let written = make(&draft).and_then(|()| {
            // As if it had been made there (inode(7), "set-group-ID bit").
            if let Some(folder) = place.as_ref().filter(|it| it.mode() & 0o2000 != 0) {
                let _ = lchown(&draft, None, Some(folder.gid()));
            }
            fs::rename(&draft, path)
        });
        written.inspect_err(|_| drop(fs::remove_file(&draft)))
    };
    let mut written = Err(io::ErrorKind::CrossesDevices.into());
    if is_near(blobs.folder()) {
        written = attempt(blobs.draft());
    }
    if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::CrossesDevices) {
        written = attempt(path.with_file_name(files::unused_name(DRAFT)));
    }
    written.map_err(FileError::on("write", path))
}
