use super::store::ProjectStore;
use lokt_lock::file::LockRootChangeWatch;
use std::os::fd::BorrowedFd;

/// Tells when anything in a store may have changed. A cluster is not watched as a whole, so there only looking helps.
pub(crate) struct ProjectChangeWatch(Option<LockRootChangeWatch>);

impl ProjectChangeWatch {
    /// Begins to watch.
    pub(crate) fn begin(store: &ProjectStore) -> Self {
        Self(store.files().map(LockRootChangeWatch::begin))
    }

    /// Whether changes may go unseen.
    pub(crate) fn is_blind(&self) -> bool {
        self.0.as_ref().is_none_or(LockRootChangeWatch::is_blind)
    }

    /// Descriptors that become readable at a change.
    pub(crate) fn sources(&self) -> Vec<BorrowedFd<'_>> {
        self.0.as_ref().map_or_else(Vec::new, |it| it.sources().into_iter().collect())
    }

    /// Forgets what was reported so far.
    pub(crate) fn rearm(&mut self) {
        if let Some(watch) = &mut self.0 {
            watch.rearm();
        }
    }
}
