use super::{keys::KeySpace, session::Session};
use crate::{
    boot_time::BootTime,
    client::EtcdClient,
    values::{Change, KeyRange, Revision, Transaction},
};
use lokt_lock::{
    rules::QueuePlace,
    store::{LockStoreError, Ticket},
    words::LockName,
};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::{
    fs::File,
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// A ticket at the cluster, and a locked file on this machine that a guard's command inherits: as long as any process
/// has it open, the lock of the file says that the command lives.
#[derive(Debug)]
pub struct EtcdTicket {
    pub(super) state: Arc<TicketState>,
    file: File,
    key: String,
    client: EtcdClient,
    pub(super) session: Arc<Session>,
}

/// What becomes of a ticket when its section is committed.
#[derive(Debug)]
pub(super) struct TicketState {
    drawn: QueuePlace,
    waiting: OnceLock<QueuePlace>,
    entered: OnceLock<QueuePlace>,
    is_withdrawn: AtomicBool,
}

impl TicketState {
    /// The ticket stands in the queue since a revision, which is its number.
    pub(super) fn is_drawn(&self, revision: Revision) {
        let number = u64::try_from(revision.get()).unwrap_or(u64::MAX);
        let _ = self.waiting.set(QueuePlace { number, ..self.drawn.clone() });
    }

    pub(super) fn is_entered(&self) {
        let _ = self.entered.set(QueuePlace { entered: true, ..self.place().clone() });
    }

    pub(super) fn is_withdrawn(&self) {
        self.is_withdrawn.store(true, Ordering::Release);
    }

    fn place(&self) -> &QueuePlace {
        self.entered.get().or(self.waiting.get()).unwrap_or(&self.drawn)
    }
}

impl EtcdTicket {
    /// A ticket that is put when its section is committed.
    pub(super) fn draw(
        (client, session): (&EtcdClient, &Arc<Session>),
        keys: &KeySpace,
        name: &LockName,
        place: QueuePlace,
    ) -> Result<Self, LockStoreError> {
        let broken = |source| LockStoreError::io("make", "the file of a ticket")(source);
        let file = memfd_create(c"lokt-ticket", MFdFlags::MFD_CLOEXEC);
        let file = File::from(file.map_err(|errno| broken(errno.into()))?);
        file.lock().map_err(broken)?;
        let key = keys.ticket(name, &place.lock_id);
        let state = TicketState {
            drawn: place,
            waiting: OnceLock::new(),
            entered: OnceLock::new(),
            is_withdrawn: AtomicBool::new(false),
        };
        let (client, session) = (client.clone(), Arc::clone(session));
        Ok(Self { state: Arc::new(state), file, key, client, session })
    }
}

impl AsFd for EtcdTicket {
    /// The descriptor whose inheritance keeps the lock of the file.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Ticket for EtcdTicket {
    fn place(&self) -> &QueuePlace {
        self.state.place()
    }

    fn leave(self) {
        let is_there = !self.state.is_withdrawn.load(Ordering::Acquire)
            && self.state.waiting.get().is_some()
            && !self.session.is_lost();
        if is_there {
            let changes = vec![Change::delete(self.key)];
            // If it cannot be deleted, it ends with its session.
            let _ = self.client.commit(&Transaction { changes, ..Transaction::default() });
        }
        let _ = self.file.unlock();
    }

    fn has_ended(&self) -> bool {
        self.session.is_lost()
    }

    fn deadline(&self) -> Option<Instant> {
        let margin = self.session.ttl() / 12;
        let left = self.session.ends_at().since(BootTime::now()).saturating_sub(margin);
        Some(Instant::now() + left)
    }

    fn stands(&self) -> bool {
        if self.session.is_lost() || self.state.is_withdrawn.load(Ordering::Acquire) {
            return false;
        }
        // What cannot be found out is no reason to stop any work before the time of the session is over.
        let client = self.session.limited(&self.client);
        match client.read(&[KeyRange::key(self.key.as_str())]) {
            Ok(read) => read.ranges.iter().any(|keys| !keys.is_empty()),
            Err(_) => !self.session.is_lost(),
        }
    }
}
