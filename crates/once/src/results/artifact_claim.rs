//! Claims on the places of artifacts.
//!
//! Two runs that make one file at the same time, or a run and a call that restores it, leave content that may
//! be either's. A claim keeps no command from running, for such waits could close a circle. Both callers are
//! warned, and the result of a run that was not alone is not kept.
//!
//! A claim is a file with an exclusive flock(2), which its command and all that this starts inherit: it lives as long
//! as any of them. Its first line is a [`ClaimCollisionLine`]. A claimant lists all other claims under a latch, and
//! marks those that overlap, **before** it writes anything. So a claim that is not marked after its artifacts were
//! collected was alone all the time.
//!
//! Calls that restore something wait for each other, so that what is there afterwards is one result and no
//! mixture. That wait ends: restoring asks for nothing else.

use super::{
    meeting::{ArtifactClaimConflict, ClaimCollisionLine, RivalKind},
    place::ArtifactPathIdentity,
};
use crate::{
    digest::Digest,
    files::{self, FileError},
};
use lokt_lock::{
    file::{FolderLatch, LATCH_TIMEOUT},
    store::LockStoreError,
    sys::{lock_within, nofollow},
    words::LockId,
};
use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{Read, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Instant,
};

/// The version that every claim written gets. A claim of another version overlaps everything.
const FORMAT_VERSION: u64 = 1;

/// Which artifacts are claimed, and for what.
#[derive(Clone, Debug)]
pub struct ArtifactClaimRequest<'a> {
    /// The project's folder, an absolute path.
    pub project: &'a Path,
    /// The artifacts, below that folder.
    pub artifacts: &'a [PathBuf],
    /// What is to be done with them.
    pub purpose: ArtifactClaimPurpose,
    /// The acquisitions of the locks around this process.
    pub inside: Vec<LockId>,
}

/// What artifacts are claimed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArtifactClaimPurpose {
    /// A command makes them, under the lock of this acquisition.
    Run(Option<LockId>),
    /// They are restored from the result of a key.
    Restore(Digest),
}

/// Says why artifacts cannot be claimed.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactPathClaimError {
    /// The claim cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The latch was not to be had.
    #[error(transparent)]
    Latch(#[from] LockStoreError),
    /// Another call restores them, and does not come to an end.
    #[error("another call has been restoring {} for a while", .0.display())]
    Busy(PathBuf),
}

/// A claim on the places of artifacts; dropping it ends it.
#[derive(Debug)]
pub struct ArtifactPathClaim {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    entry: ArtifactPathClaimContent,
    artifacts: Vec<PathBuf>,
    met: Option<ClaimCollisionLine>,
    /// Whether the file stays, because the command may be running still.
    stays: bool,
}

/// What a claim's file says below its first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct ArtifactPathClaimContent {
    version: u64,
    purpose: ArtifactClaimPurpose,
    inside: Vec<LockId>,
    places: Vec<ArtifactPathIdentity>,
}

/// A claim that was found in the folder.
struct ExistingClaim {
    file: File,
    path: PathBuf,
    /// None where it cannot be read.
    entry: Option<ArtifactPathClaimContent>,
}

impl ArtifactPathClaim {
    /// Claims artifacts. A call that restores them waits for others that do, and so does a run, for a moment.
    pub(super) fn begin(
        folder: &Path,
        claimant: &ArtifactClaimRequest<'_>,
    ) -> Result<Self, ArtifactPathClaimError> {
        let places = claimant
            .artifacts
            .iter()
            .map(|it| ArtifactPathIdentity::of(&claimant.project.join(it)));
        let entry = ArtifactPathClaimContent {
            version: FORMAT_VERSION,
            purpose: claimant.purpose.clone(),
            inside: claimant.inside.clone(),
            places: places.collect(),
        };
        files::make_folder(folder)?;
        let latch = FolderLatch::take(folder)?;
        let others = living(folder)?;
        let (mut met, mut restoring, mut apart) = (None, Vec::new(), Vec::new());
        for other in others {
            match entry.meets(&other)? {
                None => apart.push(other),
                Some(on_me) if on_me.by == RivalKind::Restore => restoring.push((other, on_me)),
                Some(on_me) => met = met.or(Some(on_me)),
            }
        }
        let mut claim = Self::write(folder, entry, claimant.artifacts)?;
        drop(latch);
        claim.met = met;
        claim.find_hard_links(&apart)?;
        claim.wait_for(restoring)?;
        Ok(claim)
    }

    fn write(
        folder: &Path,
        entry: ArtifactPathClaimContent,
        artifacts: &[PathBuf],
    ) -> Result<Self, ArtifactPathClaimError> {
        let numbers = names(folder)?.into_iter().filter_map(|it| it.to_str()?.parse::<u64>().ok());
        let path = folder.join((numbers.max().unwrap_or_default() + 1).to_string());
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL;
        let opened = nofollow::open(&path, flags, 0o600);
        let mut file = opened.map_err(FileError::on("write", &path))?;
        // Numbers and texts are always JSON.
        let text = serde_json::to_string(&entry).unwrap_or_default();
        let written = file.lock().and_then(|()| {
            file.write_all(&[&ClaimCollisionLine::NONE[..], text.as_bytes(), b"\n"].concat())
        });
        if let Err(source) = written {
            let _ = nofollow::remove_file(&path);
            return Err(FileError { what: "write", path, source }.into());
        }
        let (folder, artifacts) = (folder.to_owned(), artifacts.to_vec());
        Ok(Self { folder, path, file, entry, artifacts, met: None, stays: false })
    }

    /// Waits for those that were restoring in the same place before. A run that waited long enough goes on beside them.
    fn wait_for(
        &mut self,
        restoring: Vec<(ExistingClaim, ClaimCollisionLine)>,
    ) -> Result<(), ArtifactPathClaimError> {
        let end = Instant::now() + LATCH_TIMEOUT;
        for (other, on_me) in restoring {
            let left = end.saturating_duration_since(Instant::now());
            let ended = lock_within(&other.file, File::lock_shared, left);
            if ended.map_err(FileError::on("wait for", &other.path))? {
                continue;
            }
            match &self.entry.purpose {
                ArtifactClaimPurpose::Restore(_) => {
                    return Err(ArtifactPathClaimError::Busy(self.artifact(on_me)));
                }
                ArtifactClaimPurpose::Run(_) => self.met = self.met.or(Some(on_me)),
            }
        }
        Ok(())
    }

    /// Finds runs that make other files which are the same by a hard link, and marks them. Looking through folders
    /// takes a while, so it is done without the latch; the command has not begun yet.
    fn find_hard_links(&mut self, others: &[ExistingClaim]) -> Result<(), ArtifactPathClaimError> {
        let runs = || others.iter().filter_map(|it| Some((it, it.entry.as_ref()?)));
        let runs = || runs().filter(|(_, entry)| entry.is_run());
        if !self.entry.is_run() || runs().next().is_none() {
            return Ok(());
        }
        let mine: Vec<BTreeSet<_>> =
            self.entry.places.iter().map(ArtifactPathIdentity::hard_links).collect();
        for (other, entry) in runs() {
            let pairs = entry.places.iter().map(ArtifactPathIdentity::hard_links).enumerate();
            let mut pairs = pairs.filter_map(|(theirs, links)| {
                Some((mine.iter().position(|it| !it.is_disjoint(&links))?, theirs))
            });
            if let Some(pair) = pairs.next() {
                let (on_me, on_them) = self.entry.marks(entry, pair);
                other.mark(on_them)?;
                self.met = self.met.or(on_me);
            }
        }
        Ok(())
    }

    /// The other claim of one of these places since this one began, if there was one. In doubt, there was.
    pub fn meeting(&self) -> Option<ArtifactClaimConflict> {
        let doubt = ClaimCollisionLine { artifact: 0, by: RivalKind::Unknown };
        let mark = self.met.or_else(|| self.look().unwrap_or(Some(doubt)))?;
        Some(ArtifactClaimConflict { artifact: self.artifact(mark), by: mark.by })
    }

    /// A second descriptor of its file, for the command to inherit.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn inheritance(&self) -> std::io::Result<std::os::fd::OwnedFd> {
        Ok(self.file.try_clone()?.into())
    }

    /// Leaves the claim to the command, which may be running still.
    pub fn leave(mut self) {
        self.stays = true;
    }

    fn artifact(&self, mark: ClaimCollisionLine) -> PathBuf {
        self.artifacts.get(mark.artifact).cloned().unwrap_or_default()
    }

    /// Compares with all other claims once more: what exists by now shows which names lead to the same place.
    fn look(&self) -> Result<Option<ClaimCollisionLine>, ArtifactPathClaimError> {
        let _latch = FolderLatch::take(&self.folder)?;
        let mut met = None;
        for other in all(&self.folder)?.into_iter().filter(|it| it.path != self.path) {
            met = met.or(self.entry.meets(&other)?);
        }
        let mut line = [0; ClaimCollisionLine::LENGTH];
        let read = self.file.read_exact_at(&mut line, 0);
        read.map_err(FileError::on("read", &self.path))?;
        Ok(ClaimCollisionLine::parse(&line).or(met))
    }
}

impl Drop for ArtifactPathClaim {
    fn drop(&mut self) {
        // Tells the others what is known only now.
        let _ = self.look();
        if !self.stays {
            // One that stays is removed when it is found to be dead.
            let _ = nofollow::remove_file(&self.path);
        }
    }
}

impl ArtifactPathClaimContent {
    const fn is_run(&self) -> bool {
        matches!(self.purpose, ArtifactClaimPurpose::Run(_))
    }

    /// Whether the other one was asked for by the command of this one.
    fn is_around(&self, other: &Self) -> bool {
        matches!(&self.purpose, ArtifactClaimPurpose::Run(Some(id)) if other.inside.contains(id))
    }

    /// What this claim notes of another claim; `None` where both are compatible. The other one is marked as it
    /// has to be.
    fn meets(&self, other: &ExistingClaim) -> Result<Option<ClaimCollisionLine>, FileError> {
        let Some(theirs) = &other.entry else {
            return Ok(Some(ClaimCollisionLine { artifact: 0, by: RivalKind::Unknown }));
        };
        let Some(at) = self.overlap(theirs) else { return Ok(None) };
        let (on_me, on_them) = self.marks(theirs, at);
        other.mark(on_them)?;
        Ok(on_me)
    }

    /// The first pair of places that overlap.
    fn overlap(&self, other: &Self) -> Option<(usize, usize)> {
        let mine = || self.places.iter().enumerate();
        other.places.iter().enumerate().find_map(|(theirs, place)| {
            let now = place.now();
            let same = |it: &ArtifactPathIdentity| {
                it.overlaps(place) || it.overlaps(&now) || it.now().overlaps(&now)
            };
            mine().find(|(_, it)| same(it)).map(|(mine, _)| (mine, theirs))
        })
    }

    /// What two claims of one place note: this one, and the other.
    fn marks(
        &self,
        other: &Self,
        (mine, theirs): (usize, usize),
    ) -> (Option<ClaimCollisionLine>, Option<ClaimCollisionLine>) {
        use RivalKind::{OuterRun, Restore, Run};
        let (on_me, on_them) = match (&self.purpose, &other.purpose) {
            // The command of a run may ask for others, which are part of it.
            (ArtifactClaimPurpose::Run(_), _) if self.is_around(other) => {
                (None, other.is_run().then_some(OuterRun))
            }
            (_, ArtifactClaimPurpose::Run(_)) if other.is_around(self) => {
                (self.is_run().then_some(OuterRun), None)
            }
            (ArtifactClaimPurpose::Restore(one), ArtifactClaimPurpose::Restore(another))
                if one == another =>
            {
                (None, None)
            }
            // They wait for each other.
            (ArtifactClaimPurpose::Restore(_), ArtifactClaimPurpose::Restore(_)) => {
                (Some(Restore), None)
            }
            (ArtifactClaimPurpose::Run(_), ArtifactClaimPurpose::Run(_)) => (Some(Run), Some(Run)),
            (ArtifactClaimPurpose::Run(_), ArtifactClaimPurpose::Restore(_)) => {
                (Some(Restore), Some(Run))
            }
            (ArtifactClaimPurpose::Restore(_), ArtifactClaimPurpose::Run(_)) => {
                (Some(Run), Some(Restore))
            }
        };
        let mark = |artifact| move |by| ClaimCollisionLine { artifact, by };
        (on_me.map(mark(mine)), on_them.map(mark(theirs)))
    }
}

impl ExistingClaim {
    fn open(path: PathBuf) -> Result<Option<Self>, FileError> {
        let flags = OFlag::O_RDWR;
        let mut file = match nofollow::open(&path, flags, 0) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::on("open", &path)(error)),
        };
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(FileError::on("read", &path))?;
        let entry =
            text.get(ClaimCollisionLine::LENGTH..).and_then(|it| serde_json::from_slice(it).ok());
        let entry = entry.filter(|it: &ArtifactPathClaimContent| it.version == FORMAT_VERSION);
        Ok(Some(Self { file, path, entry }))
    }

    fn mark(&self, mark: Option<ClaimCollisionLine>) -> Result<(), FileError> {
        let Some(mark) = mark else { return Ok(()) };
        let written = self.file.write_all_at(&mark.encode(), 0);
        written.map_err(FileError::on("write", &self.path))
    }

    /// Whether any process of it lives. In doubt, one does.
    fn lives(&self) -> bool {
        self.file.try_lock().is_err()
    }
}

fn names(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let names = nofollow::names(folder).map_err(FileError::on("list", folder))?;
    Ok(names.into_iter().map(PathBuf::from).collect())
}

fn all(folder: &Path) -> Result<Vec<ExistingClaim>, FileError> {
    let opened = names(folder)?.into_iter().map(|name| ExistingClaim::open(folder.join(name)));
    opened.filter_map(Result::transpose).collect()
}

/// The claims that live; those that do not are removed.
fn living(folder: &Path) -> Result<Vec<ExistingClaim>, FileError> {
    let (living, dead): (Vec<_>, Vec<_>) = all(folder)?.into_iter().partition(ExistingClaim::lives);
    for other in dead {
        files::remove(&other.path).map_err(FileError::on("remove", &other.path))?;
    }
    Ok(living)
}
