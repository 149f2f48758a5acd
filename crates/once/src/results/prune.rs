use super::{ResultRecord, ResultStore, ResultStoreError};
use crate::{
    digest::Digest,
    files::{self, FileError},
    recording,
};
use lokt_lock::{sys::nofollow, words::Timestamp};
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// What may stay.
#[derive(Clone, Copy, Debug)]
pub struct RetentionLimits {
    /// Results that were not used for longer go.
    pub older: Option<Duration>,
    /// All together have at most so many bytes; those that were not used for the longest time go first.
    pub most: u64,
}

/// What went.
#[derive(Clone, Debug, Default)]
pub struct PruneOutcome {
    /// Results.
    pub results: Vec<ResultRecord>,
    /// Bytes that were freed.
    pub bytes: u64,
    /// Bytes that stay.
    pub left: u64,
}

/// How old something without a name must be to be the rest of a crash.
const ABANDONED: Duration = Duration::from_hours(24);

/// The file whose age says when was last pruned.
const PRUNED: &str = ".pruned";

/// How often to prune where there is no need.
const INTERVAL: Duration = Duration::from_hours(1);

/// After how long without a change what is known of files is forgotten: the project may be gone.
const FORGOTTEN: Duration = Duration::from_hours(30 * 24);

/// Whether a file is older; one that cannot be examined is not.
fn is_older(path: &Path, age: Duration) -> bool {
    let modified = nofollow::metadata(path).and_then(|it| it.modified());
    let elapsed = modified.map(|it| SystemTime::now().duration_since(it).unwrap_or_default());
    elapsed.is_ok_and(|elapsed| elapsed > age)
}

impl ResultStore {
    /// How many bytes all contents have.
    pub fn size(&self) -> u64 {
        sizes(self.blobs.folder()).values().sum()
    }

    /// Whether it is time to look for what is over and for what crashes left behind; a caller that gets `true`
    /// should prune.
    pub fn is_due_for_pruning(&self) -> bool {
        let mark = self.folder.join(PRUNED);
        if !is_older(&mark, INTERVAL) && mark.exists() {
            return false;
        }
        // Where it cannot be marked, it is done more often.
        files::write(&mark, b"").is_ok()
    }

    /// Removes what is over, older or too much, and contents that no record names any more.
    ///
    /// # Errors
    /// [`ResultStoreError`] where that cannot be done.
    pub fn prune(
        &self,
        limits: RetentionLimits,
        now: Timestamp,
    ) -> Result<PruneOutcome, ResultStoreError> {
        self.remove_where(|used, record, total| {
            let old = limits.older.is_some_and(|older| now.since(used) > older);
            old || record.is_expired(now) || total > limits.most
        })
    }

    /// Removes results by what they say.
    ///
    /// # Errors
    /// [`ResultStoreError`] where that cannot be done.
    pub fn remove(
        &self,
        is_meant: impl Fn(&ResultRecord) -> bool,
    ) -> Result<PruneOutcome, ResultStoreError> {
        self.remove_where(|_, record, _| is_meant(record))
    }

    /// Removes the result of a key, if there is one.
    ///
    /// # Errors
    /// [`ResultStoreError`] where that cannot be done.
    pub fn forget(&self, key: Digest) -> Result<PruneOutcome, ResultStoreError> {
        if !self.record_path(key).exists() {
            return Ok(PruneOutcome::default());
        }
        self.remove(|record| record.key == key)
    }

    /// Asks of each result whether it goes, the one used last first, with the size of all those that stay and of
    /// this one.
    fn remove_where(
        &self,
        goes: impl Fn(Timestamp, &ResultRecord, u64) -> bool,
    ) -> Result<PruneOutcome, ResultStoreError> {
        if !self.folder.exists() {
            return Ok(PruneOutcome::default());
        }
        let _latch = self.latch()?;
        let sizes = sizes(self.blobs.folder());
        let mut stays: HashSet<Digest> = HashSet::new();
        let (mut pruned, mut total) = (PruneOutcome::default(), 0);
        for (record, used) in self.list()? {
            let new: HashSet<Digest> = record.digests().filter(|it| !stays.contains(it)).collect();
            let size: u64 = new.iter().filter_map(|it| sizes.get(it)).sum();
            if goes(used, &record, total + size) {
                let path = self.record_path(record.key);
                nofollow::remove_file(&path).map_err(FileError::on("remove", &path))?;
                pruned.results.push(record);
            } else {
                total += size;
                stays.extend(new);
            }
        }
        for (digest, size) in sizes.iter().filter(|(digest, _)| !stays.contains(digest)) {
            if nofollow::remove_file(&self.content(*digest)).is_ok() {
                pruned.bytes += size;
            }
        }
        pruned.left = total;
        self.sweep();
        Ok(pruned)
    }

    /// Removes what crashes left behind.
    fn sweep(&self) {
        let is_old = |path: &Path| is_older(path, ABANDONED);
        for path in inside(&self.trees()).filter(|path| is_older(path, FORGOTTEN)) {
            let _ = nofollow::remove_file(&path);
        }
        let is_draft = |path: &PathBuf| {
            path.file_name()
                .is_some_and(|it| it.as_encoded_bytes().starts_with(files::DRAFT.as_bytes()))
        };
        let folders = [self.blobs.folder().to_owned(), self.folder.join("results")];
        let drafts = folders.iter().flat_map(|folder| inside(folder)).filter(is_draft);
        for path in drafts.filter(|path| is_old(path)) {
            let _ = nofollow::remove_file(&path);
        }
        for path in inside(&self.folder.join("recordings")).filter(|path| is_old(path)) {
            recording::remove_abandoned(&path);
        }
    }
}

/// The sizes of all contents.
fn sizes(folder: &Path) -> HashMap<Digest, u64> {
    let size = |path: PathBuf| {
        let digest = path.file_name()?.to_str()?.parse().ok()?;
        Some((digest, nofollow::metadata(&path).ok()?.len()))
    };
    inside(folder).filter_map(size).collect()
}

/// What is in a folder; nothing where it cannot be listed.
fn inside(folder: &Path) -> impl Iterator<Item = PathBuf> {
    nofollow::names(folder).unwrap_or_default().into_iter().map(|name| folder.join(name))
}
