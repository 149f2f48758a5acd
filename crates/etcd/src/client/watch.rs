use super::{
    EtcdClient,
    api::broken,
    background::{BackgroundTask, BackgroundThread},
    mailbox::Mailbox,
    watch_task::{WATCH_KEYS, WatchTask},
};
use crate::{
    error::ClusterError,
    values::{Revision, WatchEvent, WatchedRange},
};
use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
};

/// A watch on some ranges, which ends when it is dropped.
///
/// Events of one range come in the order of their revisions, each exactly once. Of two ranges, the events of one may
/// come before older ones of the other. If two ranges have a key in common, its events come twice.
///
/// A broken stream is resumed with the next member after the last event that came, so nothing is missed; only if that
/// is not possible within the limits of the client, or the past has been compacted, the last event is
/// [`WatchEvent::Lost`]. A member that falls silent is left after one and a half times the limit of a member: it is
/// asked for a sign of life twice in that limit, which etcd answers since version 3.4.
#[derive(Debug)]
pub struct Watch {
    mailbox: Arc<Mailbox<WatchEvent>>,
    /// Dropped before the thread that runs it.
    _task: BackgroundTask,
    _background: Arc<BackgroundThread>,
}

impl Watch {
    /// Takes the events that have come since the last call, without waiting. Poll [`as_fd`](AsFd::as_fd) to wait: it is
    /// readable while there are events to take.
    pub fn take_events(&self) -> Vec<WatchEvent> {
        self.mailbox.take()
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.mailbox.as_fd()
    }
}

impl EtcdClient {
    /// Begins to watch some ranges, and does not wait for the cluster: events from `from` on are told also if they come
    /// before the watch is set up. Begin at [`Revision::next`] of a read, so that nothing is missed.
    ///
    /// # Errors
    /// This process cannot get a descriptor. All other failures are events: [`WatchEvent::Lost`].
    pub fn watch(&self, ranges: &[WatchedRange], from: Revision) -> Result<Watch, ClusterError> {
        let mailbox = Mailbox::new().map_err(|errno| broken(WATCH_KEYS, errno.to_string()))?;
        let mailbox = Arc::new(mailbox);
        let task = WatchTask::new(
            Arc::clone(&self.session),
            self.limits,
            (ranges, from),
            Arc::clone(&mailbox),
        );
        let task = self.background.spawn(task.run());
        Ok(Watch { mailbox, _task: task, _background: Arc::clone(&self.background) })
    }
}
