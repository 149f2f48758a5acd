use super::{io, layout::LockRootLayout};
use crate::{
    rules::{QueuePlace, TicketContent},
    store::{LockStoreError, NestedWaitEntry, Ticket},
    sys::nofollow,
    words::{LockId, LockMode, LockName},
};
use std::{
    fs::{File, TryLockError},
    io::ErrorKind,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::MetadataExt,
    },
    path::{Path, PathBuf},
};

/// A ticket file, locked by this process and by whatever inherits its descriptor.
///
/// Its name says all that admission asks: `<number>-<lock id>-w` waits, `-h` holds; behind that comes `s` where
/// it is shared, or the number of slots. Its content is for people, and for the search for deadlocks.
#[derive(Debug)]
pub struct FileTicket {
    file: File,
    place: QueuePlace,
    folder: PathBuf,
    /// Its second name, while it waits and runs under other locks: so those few are found without looking
    /// through all lines.
    nested: Option<PathBuf>,
    /// It is out of the line, and only has to wake its waiters.
    withdrawn: bool,
}

impl FileTicket {
    /// Draws the ticket of a place. Needs the latch.
    ///
    /// It is locked before it has the name that others look for. Under that name, a process that only looks
    /// could have a shared lock on it for a moment (see [`lives`]), and be stopped in that moment.
    pub(super) fn draw(
        folder: PathBuf,
        place: QueuePlace,
        text: &TicketContent,
    ) -> Result<Self, LockStoreError> {
        let content = serde_json::to_vec(text).unwrap_or_default();
        let path = folder.join(file_name(&place));
        let file = publish(&folder.join(DRAFT), &path, &content)?;
        Ok(Self { file, place, folder, nested: None, withdrawn: false })
    }

    /// Gives the ticket a second name in `folder`, where it is found as one that waits and runs under other
    /// locks. Where the file system has no second names, deadlocks are not found out, and end with the
    /// time limit of a wait.
    pub(super) fn list_as_nested(&mut self, folder: &Path) {
        let second = folder.join(self.place.lock_id.as_str());
        let link = || nofollow::link(&self.path(), &second);
        let linked = match link() {
            Err(error) if io::is_missing(&error) => {
                let _ = io::make_folder(folder);
                link()
            }
            linked => linked,
        };
        self.nested = linked.is_ok().then_some(second);
    }

    fn unlist(&mut self) {
        if let Some(second) = self.nested.take() {
            // One that stays is found to be dead by the next who looks there, and is removed then.
            let _ = nofollow::remove_file(&second);
        }
    }

    /// Makes the ticket that of a holder. Needs the latch.
    ///
    /// Waiters for a slot behind this one must be woken now, when it enters, and not when it leaves: so it gets
    /// a new file, with a separate lock, and gives the old one up. For other modes nothing changes for the
    /// waiters behind, and it only gets a new name.
    pub(super) fn mark_entered(&mut self) -> Result<(), LockStoreError> {
        let waiting = self.path();
        let entered = QueuePlace { entered: true, ..self.place.clone() };
        let path = self.folder.join(file_name(&entered));
        if let LockMode::Slots(_) = self.place.mode {
            let content = nofollow::read(&waiting).map_err(LockStoreError::io("read", &waiting))?;
            let before = std::mem::replace(
                &mut self.file,
                publish(&self.folder.join(DRAFT), &path, &content)?,
            );
            // As in leaving: the name goes first.
            let _ = nofollow::remove_file(&waiting);
            unlock(&before);
        } else {
            nofollow::rename(&waiting, &path).map_err(LockStoreError::io("rename", waiting))?;
        }
        self.place = entered;
        self.unlist();
        Ok(())
    }

    /// Takes the ticket out of the line. Its waiters are woken when it is left.
    pub(super) fn withdraw(&mut self) {
        self.unlist();
        let _ = nofollow::remove_file(&self.path());
        self.withdrawn = true;
    }

    fn path(&self) -> PathBuf {
        self.folder.join(file_name(&self.place))
    }
}

impl AsFd for FileTicket {
    /// The descriptor whose inheritance keeps the ticket alive.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Ticket for FileTicket {
    fn place(&self) -> &QueuePlace {
        &self.place
    }

    fn leave(mut self) {
        // The name goes first: a process that still finds it must find it locked.
        if !self.withdrawn {
            self.withdraw();
        }
        unlock(&self.file);
    }

    fn stands(&self) -> bool {
        // What cannot be found out is no reason to stop any work.
        self.file.metadata().map_or(true, |meta| meta.nlink() > 0)
    }
}

/// The text in a file's name between the id of a process that waits for an acquisition's end without a place in
/// a line, and the id of the acquisition.
const FOLLOWS: &str = "-f-";

/// Lists a process in `folder` that waits for an acquisition's end. It has its own draft, so that a process
/// that is stopped keeps no other from being listed.
pub(super) fn enlist(
    (drafts, folder): (&Path, &Path),
    (id, followed): (&LockId, &LockId),
    text: &TicketContent,
) -> Result<NestedWaitEntry, LockStoreError> {
    io::make_folder(folder)?;
    let path = folder.join(format!("{id}{FOLLOWS}{followed}"));
    let draft = drafts.join(format!("{id}{FOLLOWS}"));
    let file = publish(&draft, &path, &serde_json::to_vec(text).unwrap_or_default())?;
    Ok(NestedWaitEntry::new(path, file.into()))
}

/// The place of a waiter that is listed under a file name as [`enlist`] makes them, behind all others, and the
/// acquisition whose end it waits for.
pub(super) fn place_of_follower(file_name: &str) -> Option<(QueuePlace, LockId)> {
    let (id, followed) = file_name.split_once(FOLLOWS)?;
    let lock_id = LockId::from_record(id)?;
    let place = QueuePlace { number: u64::MAX, lock_id, entered: false, mode: LockMode::Exclusive };
    Some((place, LockId::from_record(followed)?))
}

/// Ends a ticket's life, also for the processes that inherited the descriptor, which closing it would not. It cannot
/// fail in a way that matters: a dead ticket is passed over whether its name is there or not.
fn unlock(file: &File) {
    let _ = file.unlock();
}

/// Makes a ticket's file: locked and whole before it has its name.
pub(super) fn publish(draft: &Path, path: &Path, content: &[u8]) -> Result<File, LockStoreError> {
    let file = match io::create_empty(draft) {
        Err(LockStoreError::Io { source, .. }) if io::is_missing(&source) => {
            draft.parent().map_or(Ok(()), |folder| io::make_folder(folder).map(drop))?;
            io::create_empty(draft)?
        }
        created => created?,
    };
    let published = lock(&file, draft)
        .and_then(|()| io::fill(&file, content).map_err(LockStoreError::io("write", draft)))
        .and_then(|()| nofollow::rename(draft, path).map_err(LockStoreError::io("rename", draft)));
    match published {
        Ok(()) => Ok(file),
        Err(error) => {
            // Nothing half-written stays, least of all on a full disk.
            let _ = nofollow::remove_file(draft);
            Err(error)
        }
    }
}

fn lock(file: &File, path: &Path) -> Result<(), LockStoreError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::Error(source) => {
            LockStoreError::NoKernelLocks { path: path.to_owned(), source }
        }
        TryLockError::WouldBlock => LockStoreError::io("lock", path)(ErrorKind::WouldBlock.into()),
    })
}

/// The name of a ticket that is being written. Only the holder of the latch writes one.
const DRAFT: &str = ".draft";

/// The file name of a place's ticket.
pub(super) fn file_name(place: &QueuePlace) -> String {
    let state = if place.entered { 'h' } else { 'w' };
    format!("{:010}-{}-{state}{}", place.number, place.lock_id, place.mode.suffix())
}

fn parse_file_name(name: &str) -> Option<QueuePlace> {
    let mut parts = name.splitn(3, '-');
    let number = parse_number(parts.next()?)?;
    let lock_id = LockId::from_record(parts.next()?)?;
    let state = parts.next()?;
    let (entered, mode) = match state.strip_prefix('h') {
        Some(mode) => (true, mode),
        None => (false, state.strip_prefix('w')?),
    };
    Some(QueuePlace { number, lock_id, entered, mode: LockMode::from_suffix(mode)? })
}

/// Reads a number as [`file_name`] writes it, and in no other way: otherwise the ticket would be looked for
/// under another name than it has, and so be a dead ticket that no process can remove.
fn parse_number(text: &str) -> Option<u64> {
    let is_padded = text.len() == 10 || (text.len() > 10 && !text.starts_with('0'));
    let is_written_so = is_padded && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_written_so { text.parse().ok() } else { None }
}

/// Lists the tickets in a line's folder; none where there is no folder.
pub(super) fn list(folder: &Path) -> Result<Vec<QueuePlace>, LockStoreError> {
    let names = io::names(folder)?;
    Ok(names.iter().filter_map(|name| name.to_str().and_then(parse_file_name)).collect())
}

/// Whether a ticket is locked by anything. Asking takes a shared lock for a moment, so that processes that ask
/// at the same time don't take each other for the holder.
pub(super) fn lives(path: &Path) -> bool {
    match open(path) {
        // A link is no ticket, wherever it leads.
        Err(error) => !io::is_missing(&error) && !io::is_link(path),
        Ok(file) => !matches!(file.try_lock_shared(), Ok(())),
    }
}

/// Opens a ticket to ask for its lock. A pipe in its place must not make the caller wait.
pub(super) fn open(path: &Path) -> std::io::Result<File> {
    nofollow::open_any_kind(path)
}

/// Where a name's ticket for an acquisition is, waiting or entered.
pub(super) fn path_of(layout: &LockRootLayout, name: &LockName, place: &QueuePlace) -> PathBuf {
    layout.queue(name).join(file_name(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn place(number: u64) -> QueuePlace {
        let lock_id = LockId::from_record("00ff").unwrap();
        QueuePlace { number, lock_id, entered: false, mode: LockMode::Exclusive }
    }

    fn text() -> TicketContent {
        TicketContent {
            name: "x".into(),
            owner: "a".into(),
            owner_given: true,
            agent_id: "b".into(),
            pid: 1,
            command: vec!["make".into()],
            since: "2026-02-01T10:00:00Z".into(),
            held: Vec::new(),
        }
    }

    fn draw(folder: &Path, number: u64) -> FileTicket {
        FileTicket::draw(folder.join("x"), place(number), &text()).unwrap()
    }

    #[test]
    fn a_file_name_is_read_back() {
        for (number, entered, suffix) in
            [(12, false, ""), (12, true, "s"), (12_345_678_901, true, "3"), (u64::MAX, false, "")]
        {
            let mode = LockMode::from_suffix(suffix).unwrap();
            let place = QueuePlace { entered, mode, ..place(number) };
            assert_eq!(parse_file_name(&file_name(&place)), Some(place));
        }
        let number = "0000000012";
        assert!(parse_file_name(&format!("{number}-00-w")).is_some(), "this one is a ticket");
        for other in ["-", "-00-z", "--w", "-00-w-w", "-00-w0", "-00-hx"] {
            let name = format!("{number}{other}");
            assert_eq!(parse_file_name(&name), None, "{name} is no ticket");
        }
        for other in ["12", "+000000012", "00000000012", "000000001x", "18446744073709551616"] {
            let name = format!("{other}-00-w");
            assert_eq!(parse_file_name(&name), None, "{name} is no ticket's name");
        }
        assert_eq!(parse_file_name(DRAFT), None, "a draft is no ticket yet");
    }

    #[test]
    fn a_ticket_lives_until_it_is_left_or_its_last_holder_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let left = draw(folder.path(), 1);
        let dropped = draw(folder.path(), 2);
        let paths = [left.path(), dropped.path()];
        assert!(paths.iter().all(|path| lives(path)), "both live");
        left.leave();
        assert!(!paths[0].exists() && !lives(&paths[0]), "a left ticket is gone");
        drop(dropped);
        assert!(paths[1].exists() && !lives(&paths[1]), "a dropped one is dead, but still listed");
        assert_eq!(list(&folder.path().join("x")).unwrap(), [place(2)]);
    }

    #[test]
    fn leaving_reaches_those_who_inherited_the_ticket() {
        let folder = tempfile::tempdir().unwrap();
        let ticket = draw(folder.path(), 1);
        let inherited = ticket.file.try_clone().unwrap();
        let path = ticket.path();
        let watcher = File::open(&path).unwrap();
        ticket.leave();
        assert!(
            watcher.try_lock_shared().is_ok(),
            "a daemon that was left behind must not hold the lock"
        );
        drop(inherited);
    }

    #[test]
    fn the_rest_of_a_crash_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("x")).unwrap();
        fs::write(folder.path().join("x").join(DRAFT), "half a ti").unwrap();
        let ticket = draw(folder.path(), 1);
        assert_eq!(
            serde_json::from_slice::<TicketContent>(&fs::read(ticket.path()).unwrap()).unwrap(),
            text()
        );
    }

    #[test]
    fn entering_a_slot_wakes_those_behind_and_keeps_the_life() {
        let folder = tempfile::tempdir().unwrap();
        let place = QueuePlace { mode: LockMode::from_suffix("3").unwrap(), ..place(7) };
        let mut ticket = FileTicket::draw(folder.path().join("x"), place, &text()).unwrap();
        let behind = File::open(ticket.path()).unwrap();
        assert!(behind.try_lock_shared().is_err(), "it waits, and others behind it");
        ticket.mark_entered().unwrap();
        assert!(behind.try_lock_shared().is_ok(), "who waits behind it is woken when it enters");
        assert!(lives(&ticket.path()) && ticket.stands());
        let listed = list(&folder.path().join("x")).unwrap();
        assert_eq!(listed, [ticket.place().clone()], "one ticket, not two");
        fs::remove_file(ticket.path()).unwrap();
        assert!(!ticket.stands(), "a ticket that others cannot find protects nothing");
    }

    #[test]
    fn a_second_name_lives_and_goes_with_the_ticket() {
        let folder = tempfile::tempdir().unwrap();
        let nested = folder.path().join("nested");
        for enters in [true, false] {
            let mut ticket = draw(folder.path(), 7);
            ticket.list_as_nested(&nested);
            let second = nested.join("00ff");
            assert!(lives(&second), "the second name is the same file, with the same lock");
            if enters {
                ticket.mark_entered().unwrap();
            }
            ticket.leave();
            assert!(!second.exists(), "who is in, or gone, waits no more");
        }
    }

    #[test]
    fn entering_keeps_the_place_and_the_life() {
        let folder = tempfile::tempdir().unwrap();
        let mut ticket = draw(folder.path(), 7);
        ticket.mark_entered().unwrap();
        let listed = list(&folder.path().join("x")).unwrap();
        assert_eq!(listed, [QueuePlace { entered: true, ..place(7) }]);
        assert!(lives(&ticket.path()));
    }
}
