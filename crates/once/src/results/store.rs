use super::{
    AgeLimit, Artifact, ArtifactClaim, ArtifactError, ClaimError, Claimant, Meeting, ResultRecord,
    VerifiedResult,
    artifact::collect,
    blob_store::{BlobStore, UnnamedBlob},
};
use crate::{
    digest::Digest,
    files::{self, FileError},
    manifest::Manifest,
    recording::{RecordingSummary, StoredBytes},
};
use lokt_lock::sys::nofollow;
use lokt_lock::{
    file::FolderLatch,
    store::StoreError,
    words::{LockName, Timestamp},
};
use nix::fcntl::OFlag;
use std::{
    ffi::OsString,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// The results of one root.
#[derive(Clone, Debug)]
pub struct ResultStore {
    pub(super) folder: PathBuf,
    pub(super) blobs: BlobStore,
}

/// Says why a result was not kept.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// An artifact could not be kept.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The latch was not to be had.
    #[error(transparent)]
    Latch(#[from] StoreError),
    /// An artifact may be another's.
    #[error("{0}")]
    Met(Meeting),
    /// It is larger than all results together may be.
    #[error("it has {0} bytes, and all results together may have {1}")]
    TooLarge(u64, u64),
}

/// What is wrong with a result that counts as absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultDamage {
    /// The record itself.
    Record,
    /// Something that it names.
    Content(Digest),
}

/// What was found of a result; a damaged one counts as absent.
pub type Found = Result<Option<VerifiedResult>, ResultDamage>;

/// A result that is to be kept.
pub struct NewResult<'a> {
    /// What it says; its artifacts are collected here.
    pub record: ResultRecord,
    /// What it depends on.
    pub manifest: &'a Manifest,
    /// Where its streams are.
    pub recorded: &'a RecordingSummary,
    /// The project's folder.
    pub project: &'a Path,
    /// The artifacts, below that folder.
    pub artifacts: &'a [PathBuf],
    /// The claim on them, since before the command began.
    pub claim: Option<&'a ArtifactClaim>,
}

impl ResultStore {
    /// The results in a folder, which need not be there yet.
    pub fn new(folder: PathBuf) -> Self {
        let blobs = BlobStore::new(folder.join("blobs"));
        Self { folder, blobs }
    }

    /// The folder of the recordings of a key.
    pub fn recordings(&self, key: Digest) -> PathBuf {
        self.folder.join("recordings").join(key.to_string())
    }

    /// The folder in which is kept what is known of files.
    pub fn trees(&self) -> PathBuf {
        self.folder.join("trees")
    }

    /// Claims the places of artifacts.
    ///
    /// # Errors
    /// [`ClaimError`] where that cannot be noted, so that others would not know.
    pub fn claim(&self, claimant: &Claimant<'_>) -> Result<ArtifactClaim, ClaimError> {
        ArtifactClaim::begin(&self.folder.join("claims"), claimant)
    }

    /// Where a content is.
    pub fn content(&self, digest: Digest) -> PathBuf {
        self.blobs.path(digest)
    }

    pub(super) fn record_path(&self, key: Digest) -> PathBuf {
        self.folder.join("results").join(format!("{key}.json"))
    }

    fn last_path(&self, name: &LockName) -> PathBuf {
        self.folder.join("last").join(name.as_str())
    }

    /// The result of a key, if there is one, it is [within](ResultRecord::is_within) the limit, and everything of it is
    /// right; nothing is read of one that is not within the limit.
    ///
    /// # Errors
    /// [`FileError`] where that cannot be found out.
    pub fn find(&self, key: Digest, limit: &AgeLimit) -> Result<Found, FileError> {
        let Some(bytes) = files::read(&self.record_path(key))? else { return Ok(Ok(None)) };
        let Some(record) = ResultRecord::parse(&bytes).filter(|it| it.key == key) else {
            return Ok(Err(ResultDamage::Record));
        };
        if !record.is_within(limit) {
            return Ok(Ok(None));
        }
        let mut damage = None;
        let mut open = |stored: StoredBytes| self.open(stored, &mut damage);
        let order = open(record.order)?;
        let (out, err) = (open(record.stdout)?, open(record.stderr)?);
        for artifact in record.artifacts.iter().filter_map(Artifact::digest) {
            if !self.blobs.path(artifact).exists() {
                damage = Some(ResultDamage::Content(artifact));
            }
        }
        match (damage, order, out, err) {
            (None, Some(order), Some(out), Some(err)) => {
                Ok(Ok(Some(VerifiedResult { record, blobs: self.blobs.clone(), order, out, err })))
            }
            (damage, ..) => Ok(Err(damage.unwrap_or(ResultDamage::Record))),
        }
    }

    fn open(
        &self,
        stored: StoredBytes,
        damage: &mut Option<ResultDamage>,
    ) -> Result<Option<File>, FileError> {
        let path = self.blobs.path(stored.digest);
        let file = self.blobs.open(stored).map_err(FileError::on("read", &path))?;
        if file.is_none() {
            *damage = Some(ResultDamage::Content(stored.digest));
        }
        Ok(file)
    }

    /// Notes that a result was used just now: those that were not, for the longest time, go first.
    pub fn touch(&self, key: Digest) {
        let flags = OFlag::O_WRONLY | OFlag::O_APPEND;
        let opened = nofollow::open(&self.record_path(key), flags, 0);
        // Where it cannot be noted, it may go earlier.
        let _ = opened.and_then(|file| file.set_modified(std::time::SystemTime::now()));
    }

    /// Keeps a result; a process that looks for it finds all of it, or nothing.
    ///
    /// # Errors
    /// [`ResultError`]; then nothing is kept.
    pub fn keep(&self, new: NewResult<'_>, most: u64) -> Result<ResultRecord, ResultError> {
        let NewResult { mut record, manifest, recorded, project, artifacts, claim } = new;
        require_alone(claim)?;
        let mut loose = self.streams(recorded)?;
        loose.push(self.blobs.copy(manifest.encode().as_slice(), &self.folder)?);
        for (artifact, content) in collect(project, artifacts, &self.blobs)? {
            record.artifacts.push(artifact);
            loose.extend(content);
        }
        // What was copied is what was there, and no other process changed it until now.
        require_alone(claim)?;
        let size = loose.iter().map(|it| it.stored.bytes).sum();
        if size > most {
            return Err(ResultError::TooLarge(size, most));
        }
        for folder in ["results", "last"] {
            files::make_folder(&self.folder.join(folder))?;
        }
        let latch = self.latch()?;
        loose.iter().try_for_each(|it| self.blobs.name(it))?;
        files::write(&self.record_path(record.key), &record.encode())?;
        files::write(&self.last_path(&record.name), record.key.to_string().as_bytes())?;
        drop(latch);
        Ok(record)
    }

    /// The latch under which results change.
    pub(super) fn latch(&self) -> Result<FolderLatch, ResultError> {
        let folder = nofollow::open_folder(&self.folder);
        let folder = folder.map_err(FileError::on("open", &self.folder))?;
        Ok(FolderLatch::of(folder, &self.folder)?)
    }

    fn streams(&self, recorded: &RecordingSummary) -> Result<Vec<UnnamedBlob>, FileError> {
        let RecordingSummary { out, err, order } = recorded;
        let mut loose = vec![self.blobs.link(&out.1, out.0)?, self.blobs.link(&err.1, err.0)?];
        // Its file goes on with the verdict.
        let file = nofollow::open_to_read(&order.1).map_err(FileError::on("read", &order.1))?;
        loose.push(self.blobs.copy(file.take(order.0.bytes), &order.1)?);
        Ok(loose)
    }

    /// What the last result of a name depends on; `None` where there was none, or it is gone.
    pub fn last_manifest(&self, name: &LockName) -> Option<(Digest, Manifest)> {
        let text = String::from_utf8(files::read(&self.last_path(name)).ok()??).ok()?;
        let key: Digest = text.trim().parse().ok()?;
        let bytes = files::read(&self.blobs.path(key)).ok()??;
        let manifest = Manifest::parse(&bytes)?;
        (manifest.key() == key).then_some((key, manifest))
    }

    /// All results that can be read, the one used last first, each with when that was.
    ///
    /// # Errors
    /// [`FileError`] where they cannot be listed.
    pub fn list(&self) -> Result<Vec<(ResultRecord, Timestamp)>, FileError> {
        let folder = self.folder.join("results");
        let names = match nofollow::names(&folder) {
            Ok(names) => names,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(FileError::on("list", &folder)(error)),
        };
        let read = |name: OsString| {
            let path = folder.join(name);
            let record = ResultRecord::parse(&files::read(&path).ok()??)?;
            let used = nofollow::metadata(&path).ok()?.modified().ok()?;
            let used = used.duration_since(std::time::UNIX_EPOCH).ok()?.as_micros();
            Some((record, Timestamp::from_microseconds(i64::try_from(used).ok()?)?))
        };
        let mut found: Vec<_> = names.into_iter().filter_map(read).collect();
        found.sort_by_key(|(record, used)| (std::cmp::Reverse(*used), record.key));
        Ok(found)
    }
}

fn require_alone(claim: Option<&ArtifactClaim>) -> Result<(), ResultError> {
    claim.and_then(ArtifactClaim::meeting).map_or(Ok(()), |meeting| Err(ResultError::Met(meeting)))
}
