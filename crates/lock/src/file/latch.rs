use super::io::is_missing;
use crate::{
    store::LockStoreError,
    sys::{self, BlockedSignals, nofollow},
    words::{Fence, Timestamp},
};
use nix::fcntl::OFlag;
use std::{
    fs::{File, TryLockError},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
    time::{Duration, Instant},
};

/// How long to wait for the holder of a latch. A holder needs microseconds; one that needs seconds is stopped
/// or hangs.
pub const LATCH_TIMEOUT: Duration = Duration::from_secs(5);

/// The kernel lock around a state change, held until it is dropped; signals are held back meanwhile.
///
/// The file also keeps the fence counter of its names, since a process that draws a fence has the latch anyway.
/// This needs no second lock, and no single file that all names of a root depend on.
#[must_use = "the latch is released as soon as this is dropped"]
pub struct Latch {
    // Dropped in this order: others may go on before our signals arrive.
    file: File,
    _signals: BlockedSignals,
    /// The file has more than one name: what it is under the others is not known.
    is_linked: bool,
}

impl Latch {
    /// Takes the latch at `path`, making the file where it is missing.
    ///
    /// # Errors
    /// [`LockStoreError::LatchBusy`] when another process has it for longer than `timeout`;
    /// [`LockStoreError::NoKernelLocks`] where the file system has none; [`LockStoreError::Io`] with a missing path
    /// when the folder is not there.
    pub fn acquire(path: &Path, timeout: Duration) -> Result<Self, LockStoreError> {
        let signals = BlockedSignals::all();
        loop {
            let file = locked(path, timeout)?;
            // A root that was deleted meanwhile leaves us a latch that no other process will ever find.
            let meta = file.metadata().map_err(LockStoreError::io("look at", path))?;
            if meta.nlink() > 0 {
                return Ok(Self { file, _signals: signals, is_linked: meta.nlink() > 1 });
            }
        }
    }

    /// Draws the next fence, above `floor` too.
    ///
    /// # Errors
    /// An I/O error from reading or writing the counter. A counter that cannot be read counts as
    /// none: the clock then gives the fence.
    pub fn next_fence(&self, floor: Fence, now: Timestamp) -> io::Result<Fence> {
        if self.is_linked && !has_counter(&self.file)? {
            return Err(io::Error::other(
                "it has a second name elsewhere, and would be overwritten there",
            ));
        }
        let before = read_counter(&self.file)?.max(floor);
        let next = before.next(now);
        if next <= before {
            return Err(io::Error::other("the counter is at its end; it must be set back by hand"));
        }
        // Always the same width, so that a write never leaves a rest of the one before.
        self.file.write_all_at(format!("{next:0DIGITS$}\n", next = next.get()).as_bytes(), 0)?;
        Ok(next)
    }

    /// Writes the fence counter to disk.
    ///
    /// # Errors
    /// An I/O error from fdatasync(2).
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn read_counter(file: &File) -> io::Result<Fence> {
    let mut digits = [0; DIGITS];
    let read = file.read_at(&mut digits, 0)?;
    let text = digits.get(..read).and_then(|digits| std::str::from_utf8(digits).ok());
    Ok(text.and_then(|text| text.trim().parse().ok()).unwrap_or_default())
}

/// Whether a file has what [`Latch::next_fence`] writes, and nothing else.
fn has_counter(file: &File) -> io::Result<bool> {
    let mut bytes = [0; DIGITS + 2];
    let read = file.read_at(&mut bytes, 0)?;
    let counter = bytes.get(..read).and_then(|bytes| bytes.strip_suffix(b"\n"));
    Ok(counter.is_some_and(|it| it.len() == DIGITS && it.iter().all(u8::is_ascii_digit)))
}

/// Decimal digits of the largest fence.
const DIGITS: usize = 20;

fn locked(path: &Path, timeout: Duration) -> Result<File, LockStoreError> {
    let file = nofollow::open(path, OFlag::O_RDWR | OFlag::O_CREAT, 0o666);
    let file = file.map_err(LockStoreError::io("open the latch", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => wait_for(file, path, timeout),
        Err(TryLockError::Error(source)) => Err(no_locks(path, source)),
    }
}

/// Waits for a latch that another process has. The timeout is for a holder that does not leave it: as long as
/// the latch goes from process to process, which may take a while where many want it, every waiter gets its
/// turn.
fn wait_for(file: File, path: &Path, timeout: Duration) -> Result<File, LockStoreError> {
    let mut slice = timeout / 50;
    let mut seen: Option<(LatchHandoverSnapshot, Instant)> = None;
    loop {
        if sys::lock_within(&file, File::lock, slice).map_err(|error| no_locks(path, error))? {
            return Ok(file);
        }
        let sign =
            LatchHandoverSnapshot { holder: holder_of(path), counter: read_counter(&file).ok() };
        match seen {
            Some((before, since)) if before == sign => {
                if since.elapsed() >= timeout {
                    return Err(LockStoreError::LatchBusy {
                        path: path.to_owned(),
                        holder: sign.holder,
                    });
                }
            }
            _ => seen = Some((sign, Instant::now())),
        }
        slice = timeout / 5;
    }
}

/// What shows that a latch went from process to process: its holder, if the kernel names it, and its fence
/// counter.
#[derive(Clone, Copy, PartialEq)]
struct LatchHandoverSnapshot {
    holder: Option<i32>,
    counter: Option<Fence>,
}

fn no_locks(path: &Path, source: io::Error) -> LockStoreError {
    match source.raw_os_error() {
        Some(nix::libc::ENOLCK | nix::libc::ENOSYS | nix::libc::EOPNOTSUPP) => {
            LockStoreError::NoKernelLocks { path: path.to_owned(), source }
        }
        _ => LockStoreError::io("lock", path)(source),
    }
}

/// The pid of the process that has a file's flock(2), as `/proc/locks` says (`proc_locks(5)`).
pub(super) fn holder_of(path: &Path) -> Option<i32> {
    let inode = std::fs::metadata(path).ok()?.ino();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| holder_in(line, inode))
}

/// The pid of a granted lock: `1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF`.
fn holder_in(line: &str, inode: u64) -> Option<i32> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (kind, pid) = (fields.next()?, fields.nth(2)?);
    let file = fields.next()?.rsplit(':').next()?;
    (kind == "FLOCK" && file == inode.to_string()).then(|| pid.parse().ok()).flatten()
}

/// Whether an error says that the latch's folder is missing.
pub(super) fn is_without_folder(error: &LockStoreError) -> bool {
    matches!(error, LockStoreError::Io { source, .. } if is_missing(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latch_excludes_and_names_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("00");
        let held = Latch::acquire(&path, LATCH_TIMEOUT).unwrap();
        let other = path.clone();
        let busy =
            std::thread::spawn(move || Latch::acquire(&other, Duration::from_millis(1)).err());
        match busy.join().unwrap() {
            Some(LockStoreError::LatchBusy { holder, .. }) => {
                assert_eq!(holder, i32::try_from(std::process::id()).ok(), "the holder is named");
            }
            other => panic!("two in one latch: {other:?}"),
        }
        drop(held);
        assert!(
            Latch::acquire(&path, LATCH_TIMEOUT).is_ok(),
            "a given-up waiter must not keep the latch"
        );
    }

    #[test]
    fn a_latch_that_others_use_is_waited_for_beyond_the_patience() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("00");
        let timeout = Duration::from_millis(50);
        let now = Timestamp::from_microseconds(1000).unwrap();
        let held = Latch::acquire(&path, LATCH_TIMEOUT).unwrap();
        let other = path.clone();
        let waiter = std::thread::spawn(move || Latch::acquire(&other, timeout).is_ok());
        let began = Instant::now();
        while began.elapsed() < timeout * 4 {
            // Every fence is a sign that another has had the latch.
            held.next_fence(Fence::default(), now).unwrap();
        }
        drop(held);
        assert!(waiter.join().unwrap(), "only one who does not leave the latch is an error");
    }

    #[test]
    fn fences_rise_over_restarts_garbage_and_floors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("00");
        let now = Timestamp::from_microseconds(1000).unwrap();
        let draw =
            |floor| Latch::acquire(&path, LATCH_TIMEOUT).unwrap().next_fence(floor, now).unwrap();
        assert_eq!(draw(Fence::default()).get(), 1000);
        assert_eq!(draw(Fence::default()).get(), 1001);
        assert_eq!(draw(Fence::new(5000)).get(), 5001, "above the floor");
        assert_eq!(draw(Fence::default()).get(), 5002);
        std::fs::write(&path, "no number at all, and longer").unwrap();
        assert_eq!(draw(Fence::default()).get(), 1000, "the clock steps in");
        assert_eq!(draw(Fence::default()).get(), 1001, "and the garbage is overwritten");
        std::fs::write(&path, u64::MAX.to_string()).unwrap();
        let latch = Latch::acquire(&path, LATCH_TIMEOUT).unwrap();
        assert!(latch.next_fence(Fence::default(), now).is_err(), "no fence is given twice");
    }

    #[test]
    fn a_file_that_has_another_name_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("00"), folder.path().join("other"));
        let now = Timestamp::from_microseconds(1000).unwrap();
        let draw =
            || Latch::acquire(&path, LATCH_TIMEOUT).unwrap().next_fence(Fence::default(), now);
        for content in ["", "precious", "00000000000000001000\nmore", "1000\n"] {
            std::fs::write(&other, content).unwrap();
            std::fs::hard_link(&other, &path).unwrap();
            assert!(draw().is_err(), "{content:?} is no counter");
            assert_eq!(std::fs::read_to_string(&other).unwrap(), content, "and is left alone");
            std::fs::remove_file(&path).unwrap();
        }
        draw().unwrap();
        std::fs::remove_file(&other).unwrap();
        std::fs::hard_link(&path, &other).unwrap();
        assert_eq!(draw().unwrap().get(), 1001, "a copy by links of a whole root goes on");
        std::os::unix::fs::symlink(&other, folder.path().join("01")).unwrap();
        assert!(
            Latch::acquire(&folder.path().join("01"), LATCH_TIMEOUT).is_err(),
            "no link is followed"
        );
        nix::unistd::mkfifo(&folder.path().join("02"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(
            Latch::acquire(&folder.path().join("02"), LATCH_TIMEOUT).is_err(),
            "a pipe is no latch"
        );
    }

    #[test]
    fn only_a_granted_flock_on_the_file_names_a_holder() {
        let granted = "12: FLOCK  ADVISORY  WRITE 4711 fe:00:99 0 EOF";
        let waiting = "12: -> FLOCK  ADVISORY  WRITE 4712 fe:00:99 0 EOF";
        assert_eq!(holder_in(granted, 99), Some(4711));
        assert_eq!(holder_in(granted, 98), None);
        assert_eq!(holder_in(waiting, 99), None);
        assert_eq!(holder_in("12: POSIX  ADVISORY  WRITE 4711 fe:00:99 0 EOF", 99), None);
    }
}
