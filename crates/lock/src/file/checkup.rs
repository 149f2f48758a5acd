//! Examining a root: does what the locks rest on really work here?

use super::{
    exposure,
    file_store::FileLockStore,
    file_system::{FileSystemKind, file_system_of},
    layout::LEGACY_FREEZE,
    ticket,
};
use crate::{
    record::RecordSlot,
    store::{LockListing, LockRecordKind, LockStore, NameReader},
    sys::{ProcessTableVisibility, nofollow, process_table},
    words::{LockName, Timestamp},
};
use nix::{
    fcntl::OFlag,
    unistd::{AccessFlags, access},
};
use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// How a check came out, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckStatus {
    /// As it should be.
    Ok,
    /// It works, but needs attention.
    Warn,
    /// Locks don't work here.
    Fail,
}

impl CheckStatus {
    /// The word that `doctor --json` has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was examined.
#[derive(Clone, Debug)]
pub struct RootCheckOutcome {
    /// What, in one word.
    pub name: &'static str,
    /// How it came out.
    pub status: CheckStatus,
    /// What was found.
    pub message: String,
}

/// Examines a root. One that does not exist yet is not made: its nearest existing parent is examined.
pub fn checkup(store: &FileLockStore) -> Vec<RootCheckOutcome> {
    let root = store.layout().root();
    let place = nearest_existing(root);
    let [writable, locks, links] = trials(&place);
    vec![
        writable,
        locks,
        links,
        file_system(&place),
        clock(store),
        processes(),
        versions(store),
        freezes(store),
        exposure::permissions(store),
        exposure::parents(store),
        exposure::links(store),
        leftovers(store),
        folders(store),
        audit_log(store),
    ]
}

impl FileLockStore {
    /// Tries whether the root can be written, and changes nothing.
    ///
    /// # Errors
    /// What the kernel says where it cannot.
    pub fn try_writing(&self) -> io::Result<()> {
        let flags = OFlag::O_WRONLY | OFlag::O_APPEND;
        match nofollow::open(&self.layout().audit_log(), flags, 0) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            opened => return opened.map(drop),
        }
        let place = nearest_existing(self.layout().root());
        access(&place, AccessFlags::W_OK | AccessFlags::X_OK).map_err(io::Error::from)
    }
}

pub(super) fn check(
    name: &'static str,
    status: CheckStatus,
    message: impl Into<String>,
) -> RootCheckOutcome {
    RootCheckOutcome { name, status, message: message.into() }
}

fn nearest_existing(path: &Path) -> PathBuf {
    path.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

/// Tries writing, locking and linking in a temporary folder, and removes that folder.
fn trials(place: &Path) -> [RootCheckOutcome; 3] {
    let folder = place.join(format!(".lokt-doctor-{}", std::process::id()));
    // A full disk may have room for a folder, and none for what is written in it.
    let made = fs::create_dir(&folder).and_then(|()| fs::write(folder.join("text"), [0; 4096]));
    let writable = match &made {
        Ok(()) => check("writable", CheckStatus::Ok, format!("{} can be written", place.display())),
        Err(error) => {
            let advice = advice(error, "all participants must use one folder that all can write");
            let text = format!("cannot write in {}: {error}; {advice}", place.display());
            check("writable", CheckStatus::Fail, text)
        }
    };
    let trial =
        |name, what, run: fn(&Path) -> io::Result<bool>| match made.as_ref().map(|()| run(&folder))
        {
            Ok(Ok(true)) => check(name, CheckStatus::Ok, what),
            Ok(Ok(false)) => {
                check(name, CheckStatus::Fail, format!("not so here: {what}; {LOCAL_DISK}"))
            }
            Ok(Err(error)) => {
                let advice = advice(&error, LOCAL_DISK);
                check(name, CheckStatus::Fail, format!("{error}; {advice}"))
            }
            Err(_) => check(name, CheckStatus::Fail, "not tried: nothing can be written"),
        };
    let checks = [
        trial("kernel_locks", "a kernel lock excludes a second one", locks_exclude),
        trial("link_rename", "link never replaces, rename does", links_and_renames),
    ];
    // Left behind only where removing fails; then the next trial says so.
    let _ = fs::remove_dir_all(&folder);
    let [locks, links] = checks;
    [writable, locks, links]
}

const LOCAL_DISK: &str = "the root must be on a local disk, and the same for all participants";

/// What to do about an error; `usual` where it may lie in the place.
fn advice(error: &io::Error, usual: &'static str) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on the disk",
        ErrorKind::FileTooLarge => "let files grow larger (ulimit -f)",
        _ => usual,
    }
}

fn locks_exclude(folder: &Path) -> io::Result<bool> {
    let path = folder.join("lock");
    let first = File::create(&path)?;
    first.lock()?;
    let second = File::open(&path)?;
    let excluded = second.try_lock_shared().is_err();
    first.unlock()?;
    Ok(excluded && second.try_lock_shared().is_ok())
}

fn links_and_renames(folder: &Path) -> io::Result<bool> {
    let (one, two) = (folder.join("one"), folder.join("two"));
    fs::write(&one, "1")?;
    fs::write(&two, "2")?;
    let kept =
        fs::hard_link(&one, &two).is_err_and(|error| error.kind() == ErrorKind::AlreadyExists);
    fs::hard_link(&one, folder.join("three"))?;
    fs::rename(&one, &two)?;
    Ok(kept && (fs::read(&two)? == b"1" || fs::read(folder.join("three"))? == b"1"))
}

fn file_system(place: &Path) -> RootCheckOutcome {
    match file_system_of(place) {
        FileSystemKind::Local => check("file_system", CheckStatus::Ok, "local"),
        FileSystemKind::UserSpace(kind) => {
            let text =
                format!("{kind}: if other machines share it, their locks may not be seen here");
            check("file_system", CheckStatus::Warn, text)
        }
        FileSystemKind::Network(kind) => {
            let text = format!(
                "{kind}, a network file system: locks of other machines may not be seen here; {LOCAL_DISK}"
            );
            check("file_system", CheckStatus::Fail, text)
        }
    }
}

/// Every folder of the root that is there must be usable; those that are not are made when needed.
fn folders(store: &FileLockStore) -> RootCheckOutcome {
    let unusable = |folder: &&PathBuf| {
        let there = fs::symlink_metadata(folder).is_ok();
        there
            && (nofollow::require_folder(folder).is_err()
                || access(*folder, AccessFlags::W_OK | AccessFlags::X_OK).is_err())
    };
    let folders = store.layout().folders();
    let unusable: Vec<String> =
        folders.iter().filter(unusable).map(|it| it.display().to_string()).collect();
    if unusable.is_empty() {
        return check("folders", CheckStatus::Ok, "usable");
    }
    let text = format!("not a folder that can be written: {}", unusable.join(", "));
    check("folders", CheckStatus::Fail, text)
}

/// Without the log nothing can be taken: every change of a lock is one line in it.
fn audit_log(store: &FileLockStore) -> RootCheckOutcome {
    let path = store.layout().audit_log();
    if fs::symlink_metadata(&path).is_err() {
        return check("audit_log", CheckStatus::Ok, "made at the first use, mode 600");
    }
    let flags = OFlag::O_WRONLY | OFlag::O_APPEND;
    match nofollow::open(&path, flags, 0) {
        Ok(_) => check("audit_log", CheckStatus::Ok, "can be written"),
        Err(error) => {
            let text = format!("cannot write to {}: {error}", path.display());
            check("audit_log", CheckStatus::Fail, text)
        }
    }
}

/// A clock that stands before what was written last makes leases live longer than they should.
fn clock(store: &FileLockStore) -> RootCheckOutcome {
    let now = Timestamp::now();
    if now.is_limit() {
        let text = "it stands outside of the years 0 to 9999: no lifetime can be reckoned, set it";
        return check("clock", CheckStatus::Warn, text);
    }
    let written = fs::metadata(store.layout().audit_log()).and_then(|meta| meta.modified());
    let ahead =
        written.ok().and_then(|time| time.duration_since(std::time::SystemTime::now()).ok());
    match ahead {
        Some(ahead) if ahead.as_secs() > 1 => {
            let text = format!(
                "the clock says {now}, but the audit log was written {} s later",
                ahead.as_secs()
            );
            check("clock", CheckStatus::Warn, text)
        }
        _ => check("clock", CheckStatus::Ok, now.to_string()),
    }
}

/// What hangs on other processes needs to see them.
fn processes() -> RootCheckOutcome {
    let missing = match process_table() {
        ProcessTableVisibility::Whole => {
            return check("processes", CheckStatus::Ok, "/proc shows them");
        }
        ProcessTableVisibility::Own => {
            let text =
                "/proc shows those of this user alone (hidepid): who else keeps a lock is not told";
            return check("processes", CheckStatus::Ok, text);
        }
        ProcessTableVisibility::Foreign => "/proc is that of another pid namespace",
        ProcessTableVisibility::WithoutBoot => {
            let text = "/proc has no sys/kernel/random/boot_id: a lock with --pid does not end with its process";
            return check("processes", CheckStatus::Warn, text);
        }
        ProcessTableVisibility::Missing => "/proc is missing",
    };
    let text = format!(
        "{missing}: locks exclude as ever, but the processes that keep one are not named, a lock with --pid does not \
         end with its process, and what a stopped command started may be left; mount it (mount -t proc proc /proc)"
    );
    check("processes", CheckStatus::Warn, text)
}

fn versions(store: &FileLockStore) -> RootCheckOutcome {
    let names = match store.listing().names(LockRecordKind::Lock) {
        Ok(names) => names,
        Err(error) => return check("records", CheckStatus::Fail, error.to_string()),
    };
    let (problems, old) = problems(store, &names, LockRecordKind::Lock);
    if problems.is_empty() {
        return check(
            "records",
            CheckStatus::Ok,
            format!("{} records, {old} of version 0", names.len()),
        );
    }
    check("records", CheckStatus::Warn, format!("{}; {LEAVE}", problems.join("; ")))
}

/// What is done about a record or a freeze that cannot be read. An agent reads this too, so it names no command.
const LEAVE: &str = "each may be a lock or a freeze of another: leave it to a person, who finds out whose it is and \
    what wrote it, before it is removed";

/// What is wrong with records, one text for each, and how many have version 0.
fn problems(
    store: &FileLockStore,
    names: &[LockName],
    kind: LockRecordKind,
) -> (Vec<String>, usize) {
    let mut problems = Vec::new();
    let mut old = 0;
    for name in names {
        match store.reader(name).slot(kind) {
            RecordSlot::Record(record) => old += usize::from(record.version == 0),
            RecordSlot::Absent => {}
            RecordSlot::Newer(version) => problems.push(format!("{name}: {version}")),
            RecordSlot::Corrupted(corruption) => {
                problems.push(format!("{name}: {}", corruption.flaw));
            }
            RecordSlot::Unreadable(error) => problems.push(format!("{name}: {error}")),
        }
    }
    (problems, old)
}

fn freezes(store: &FileLockStore) -> RootCheckOutcome {
    let names = match store.listing().names(LockRecordKind::Freeze) {
        Ok(names) => names,
        Err(error) => return check("freezes", CheckStatus::Fail, error.to_string()),
    };
    match problems(store, &names, LockRecordKind::Freeze) {
        (problems, _) if problems.is_empty() => legacy_freezes(store, &names),
        (problems, _) => {
            let text = format!("{}; {LEAVE}", problems.join("; "));
            check("freezes", CheckStatus::Warn, text)
        }
    }
}

fn legacy_freezes(store: &FileLockStore, freezes: &[LockName]) -> RootCheckOutcome {
    let is_legacy = |name: &&LockName| {
        let old = store.layout().legacy_freeze(name);
        old.exists() && !store.layout().record(LockRecordKind::Freeze, name).exists()
    };
    let old: Vec<String> = freezes.iter().filter(is_legacy).map(ToString::to_string).collect();
    if old.is_empty() {
        return check("freezes", CheckStatus::Ok, "none in the place of older versions");
    }
    let text =
        format!("in the place of older versions (locks/{LEGACY_FREEZE}*.json): {}", old.join(", "));
    check("freezes", CheckStatus::Warn, text)
}

/// What crashes left behind: harmless, and removed by the next command that uses the name.
fn leftovers(store: &FileLockStore) -> RootCheckOutcome {
    let queues = nofollow::names(&store.layout().queues()).unwrap_or_default();
    let dead = |folder: &Path| -> usize {
        let places = ticket::list(folder).unwrap_or_default();
        places.iter().filter(|place| !ticket::lives(&folder.join(ticket::file_name(place)))).count()
    };
    let dead: usize = queues.iter().map(|name| dead(&store.layout().queues().join(name))).sum();
    let text = format!("{dead} dead tickets, which the next to use their locks removes");
    check("leftovers", CheckStatus::Ok, text)
}
