use super::{
    ArtifactClaimConflict, ArtifactClaimRequest, ArtifactPathClaim, ArtifactPathClaimError,
    ResultArtifact, ResultArtifactError, ResultFreshnessCriteria, ResultRecord, VerifiedResult,
    artifact::collect,
    blob_store::{BlobStore, DraftBlob},
};
use crate::{
    digest::Digest,
    files::{self, FileError},
    manifest::ResultInputs,
    recording::{BlobReference, OutputRecordingSnapshot},
};
use lokt_lock::sys::nofollow;
use lokt_lock::{
    file::FolderLatch,
    store::LockStoreError,
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
pub enum ResultStoreError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// An artifact could not be kept.
    #[error(transparent)]
    Artifact(#[from] ResultArtifactError),
    /// The latch was not to be had.
    #[error(transparent)]
    Latch(#[from] LockStoreError),
    /// An artifact may be another's.
    #[error("{0}")]
    Met(ArtifactClaimConflict),
    /// It is larger than all results together may be.
    #[error("it has {0} bytes, and all results together may have {1}")]
    TooLarge(u64, u64),
}

/// What is wrong with a result that counts as absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DamagedResultPart {
    /// The record itself.
    Record,
    /// Something that it names.
    Content(Digest),
}

/// What was found of a result; a damaged one counts as absent.
pub type ResultLookupOutcome = Result<Option<VerifiedResult>, DamagedResultPart>;

/// A result that is to be kept.
pub struct NewResult<'a> {
    /// What it says; its artifacts are collected here.
    pub record: ResultRecord,
    /// What it depends on.
    pub manifest: &'a ResultInputs,
    /// Where its streams are.
    pub recorded: &'a OutputRecordingSnapshot,
    /// The project's folder.
    pub project: &'a Path,
    /// The artifacts, below that folder.
    pub artifacts: &'a [PathBuf],
    /// The claim on them, since before the command began.
    pub claim: Option<&'a ArtifactPathClaim>,
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
    /// [`ArtifactPathClaimError`] where that cannot be noted, so that others would not know.
    pub fn claim(
        &self,
        claimant: &ArtifactClaimRequest<'_>,
    ) -> Result<ArtifactPathClaim, ArtifactPathClaimError> {
        ArtifactPathClaim::begin(&self.folder.join("claims"), claimant)
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
    pub fn find(
        &self,
        key: Digest,
        limit: &ResultFreshnessCriteria,
    ) -> Result<ResultLookupOutcome, FileError> {
        let Some(bytes) = files::read(&self.record_path(key))? else { return Ok(Ok(None)) };
        let Some(record) = ResultRecord::parse(&bytes).filter(|it| it.key == key) else {
            return Ok(Err(DamagedResultPart::Record));
        };
        if !record.is_within(limit) {
            return Ok(Ok(None));
        }
        let mut damage = None;
        let mut open = |stored: BlobReference| self.open(stored, &mut damage);
        let order = open(record.order)?;
        let (out, err) = (open(record.stdout)?, open(record.stderr)?);
        for artifact in record.artifacts.iter().filter_map(ResultArtifact::digest) {
            if !self.blobs.path(artifact).exists() {
                damage = Some(DamagedResultPart::Content(artifact));
            }
        }
        match (damage, order, out, err) {
            (None, Some(order), Some(out), Some(err)) => {
                Ok(Ok(Some(VerifiedResult { record, blobs: self.blobs.clone(), order, out, err })))
            }
            (damage, ..) => Ok(Err(damage.unwrap_or(DamagedResultPart::Record))),
        }
    }

    fn open(
        &self,
        stored: BlobReference,
        damage: &mut Option<DamagedResultPart>,
    ) -> Result<Option<File>, FileError> {
        let path = self.blobs.path(stored.digest);
        let file = self.blobs.open(stored).map_err(FileError::on("read", &path))?;
        if file.is_none() {
            *damage = Some(DamagedResultPart::Content(stored.digest));
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
    /// [`ResultStoreError`]; then nothing is kept.
    pub fn keep(&self, new: NewResult<'_>, most: u64) -> Result<ResultRecord, ResultStoreError> {
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
            return Err(ResultStoreError::TooLarge(size, most));
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
    pub(super) fn latch(&self) -> Result<FolderLatch, ResultStoreError> {
        let folder = nofollow::open_folder(&self.folder);
        let folder = folder.map_err(FileError::on("open", &self.folder))?;
        Ok(FolderLatch::of(folder, &self.folder)?)
    }

    fn streams(&self, recorded: &OutputRecordingSnapshot) -> Result<Vec<DraftBlob>, FileError> {
        let OutputRecordingSnapshot { out, err, order } = recorded;
        let mut loose = vec![self.blobs.link(&out.1, out.0)?, self.blobs.link(&err.1, err.0)?];
        // Its file goes on with the verdict.
        let file = nofollow::open_to_read(&order.1).map_err(FileError::on("read", &order.1))?;
        loose.push(self.blobs.copy(file.take(order.0.bytes), &order.1)?);
        Ok(loose)
    }

    /// What the last result of a name depends on; `None` where there was none, or it is gone.
    pub fn last_manifest(&self, name: &LockName) -> Option<(Digest, ResultInputs)> {
        let text = String::from_utf8(files::read(&self.last_path(name)).ok()??).ok()?;
        let key: Digest = text.trim().parse().ok()?;
        let bytes = files::read(&self.blobs.path(key)).ok()??;
        let manifest = ResultInputs::parse(&bytes)?;
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

fn require_alone(claim: Option<&ArtifactPathClaim>) -> Result<(), ResultStoreError> {
    claim
        .and_then(ArtifactPathClaim::meeting)
        .map_or(Ok(()), |meeting| Err(ResultStoreError::Met(meeting)))
}
