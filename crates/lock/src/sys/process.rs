use super::group_observer::OBSERVER;
use crate::words::{ProcessLocation, ProcessPresence};
use nix::{
    errno::Errno,
    sys::signal,
    unistd::{self, Pid},
};
use std::{
    fs::{self, File},
    io::Read,
    os::{fd::AsFd, unix::fs::MetadataExt},
    path::Path,
    sync::OnceLock,
};

/// So many words of another process's command line are read.
const MOST_WORDS: usize = 16;

/// Reads where this process runs. What cannot be read stays empty, and proves nothing later.
pub(crate) fn here() -> ProcessLocation {
    let host = nix::unistd::gethostname().unwrap_or_default();
    let boot_id = boot_id();
    let pid_ns = fs::metadata("/proc/self/ns/pid").map_or(0, |meta| meta.ino());
    ProcessLocation { host: host.to_string_lossy().into_owned(), boot_id, pid_ns }
}

fn boot_id() -> String {
    let id = read_small("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// What this process can see of processes (`proc(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessTableVisibility {
    /// All of them.
    Whole,
    /// Those of this user alone (`hidepid`).
    Own,
    /// Another pid namespace's, whose numbers mean nothing here.
    Foreign,
    /// All of them, but not which boot this is (`subset=pid`).
    WithoutBoot,
    /// None.
    Missing,
}

/// Says what can be seen of processes here.
pub fn process_table() -> ProcessTableVisibility {
    if fs::metadata("/proc/self/stat").is_err() {
        ProcessTableVisibility::Missing
    } else if !is_ours() {
        ProcessTableVisibility::Foreign
    } else if boot_id().is_empty() {
        ProcessTableVisibility::WithoutBoot
    } else if unistd::getpid() != Pid::from_raw(1) && !Path::new("/proc/1").exists() {
        ProcessTableVisibility::Own
    } else {
        ProcessTableVisibility::Whole
    }
}

/// Whether there is a `/proc` and its numbers are those of this pid namespace. In a container that was given another
/// one's, a pid names another process there, and what is read of that one would be taken for a proof.
fn is_ours() -> bool {
    this_process().is_some_and(|(is_ours, _)| is_ours)
}

/// What `/proc` says of this process, and whether it has the same pid there. It holds for a child between fork(2) and
/// exec(3) too.
fn this_process() -> Option<(bool, ProcessStat)> {
    static THIS: OnceLock<Option<(bool, ProcessStat)>> = OnceLock::new();
    let read = || {
        let text = read_small("/proc/self/stat")?;
        let pid: i32 = text.split(' ').next()?.parse().ok()?;
        Some((pid == unistd::getpid().as_raw(), ProcessStat::parse(&text)?))
    };
    *THIS.get_or_init(read)
}

/// When a process was started that has this number in `/proc`, whosever numbers those are.
pub(crate) fn start_in_table(pid: i32) -> Option<u64> {
    match probe(pid) {
        ProcessPresence::Absent if is_ours() => None,
        ProcessPresence::Present(Some(start)) => Some(start),
        _ => ProcessStat::parse(&read_small(&format!("/proc/{pid}/stat"))?).map(|stat| stat.start),
    }
}

/// Asks the process table about a pid of this namespace.
///
/// `kill(pid, 0)` comes first, because `/proc` may hide other users' processes (`hidepid`, proc(5)). A
/// zombie counts as absent: it runs nothing any more.
pub fn probe(pid: i32) -> ProcessPresence {
    match signal::kill(Pid::from_raw(pid), None) {
        Err(Errno::ESRCH) => ProcessPresence::Absent,
        _ => match ProcessStat::of(pid) {
            Some(stat) if !stat.runs() => ProcessPresence::Absent,
            stat => ProcessPresence::Present(stat.map(|stat| stat.start)),
        },
    }
}

/// Reads a small file of the kernel's with one read(2): such files give all they have to a large buffer.
fn read_small(path: &str) -> Option<String> {
    let mut buffer = [0; 4096];
    let read = File::open(path).ok()?.read(&mut buffer).ok()?;
    Some(String::from_utf8_lossy(buffer.get(..read)?).into_owned())
}

/// The start time of a process, field 22 of `/proc/<pid>/stat`, in clock ticks after boot.
pub fn start_of(pid: i32) -> Option<u64> {
    ProcessStat::of(pid).map(|stat| stat.start)
}

/// The command name of a process, as the kernel keeps it (at most 15 bytes).
pub fn name_of(pid: i32) -> Option<String> {
    let name = read_small(&place_of(pid, "comm")?)?;
    Some(name.trim_end().to_owned())
}

/// The first words of a process's command line (`/proc/<pid>/cmdline`, `proc_pid_cmdline(5)`); none where it shows
/// none.
pub(super) fn words_of(pid: i32) -> Vec<String> {
    let line = place_of(pid, "cmdline").and_then(|it| read_small(&it)).unwrap_or_default();
    line.split('\0').take(MOST_WORDS).map(str::to_owned).collect()
}

/// The processes that have the file at `path` open for writing, as far as this user may see them, lowest pid first.
pub fn holders_of(path: &Path) -> Vec<i32> {
    let mut holders: Vec<i32> = pids().filter(|pid| has_open(*pid, path)).collect();
    holders.sort_unstable();
    holders
}

/// All descendants of `pid` that have not ended, whatever their groups and sessions. With a subreaper
/// (prctl(2), `PR_SET_CHILD_SUBREAPER`) these are also those whose parent has ended.
pub fn descendants(pid: i32) -> Vec<i32> {
    let mut tree = followed(vec![pid], |stat, started_by| stat.parent == started_by);
    tree.retain(|it| *it != pid);
    tree
}

/// Some processes and all that they started, of those that have not ended: their descendants, whatever their
/// groups and sessions, and the members of a group that one of them leads. The oldest come first, so parents
/// before their children.
pub(crate) fn started_by(seeds: Vec<i32>) -> Vec<Process> {
    let found = followed(seeds, |stat, leader| stat.parent == leader || stat.group == leader);
    let mut found: Vec<Process> = found.into_iter().filter_map(Process::of).collect();
    found.sort_unstable_by_key(|it| (it.start, it.pid));
    found
}

fn followed(mut found: Vec<i32>, belongs: impl Fn(&ProcessStat, i32) -> bool) -> Vec<i32> {
    let table: Vec<(i32, ProcessStat)> =
        pids().filter_map(|p| Some((p, ProcessStat::of(p)?))).collect();
    let mut next = 0;
    while let Some(one) = found.get(next).copied() {
        let more = table.iter().filter(|(pid, stat)| belongs(stat, one) && !found.contains(pid));
        let more: Vec<i32> = more.map(|(pid, _)| *pid).collect();
        found.extend(more);
        next += 1;
    }
    found.retain(|pid| table.iter().any(|(p, stat)| p == pid && stat.runs()));
    found
}

/// A process, distinguished from others that have the same pid later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    /// Whether it goes by the name of an [observer](super::GroupSignalObserver).
    pub(crate) observes: bool,
    /// Clock ticks after boot at its start.
    start: u64,
}

impl Process {
    /// The process that has this pid now.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let ProcessStat { group, session, observes, start, .. } = ProcessStat::of(pid)?;
        Some(Self { pid, group, session, observes, start })
    }

    /// Whether it has not ended.
    pub(crate) fn runs(&self) -> bool {
        ProcessStat::of(self.pid).is_some_and(|stat| stat.start == self.start && stat.runs())
    }
}

/// The signals that have come to a process and wait until it takes them, as a set of bits; none where it has ended.
pub(crate) fn pending_signals(pid: i32) -> Option<u64> {
    let status = fs::read_to_string(place_of(pid, "status")?).ok()?;
    let field = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)?.split_ascii_whitespace().next())
    };
    let set = |name| u64::from_str_radix(field(name)?, 16).ok();
    let runs = !field("State:")?.starts_with(['Z', 'X']);
    let pending = set("SigPnd:")? | set("ShdPnd:")?;
    runs.then_some(pending)
}

/// Where the words of this program are in its memory (`proc_pid_stat(5)`, `arg_start` and `arg_end`).
pub(crate) fn place_of_words() -> Option<(usize, usize)> {
    let text = read_small("/proc/self/stat")?;
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(45);
    let (start, end) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    (start != 0).then_some((start, end))
}

/// Whether a process is stopped by a signal or a debugger.
pub fn is_stopped(pid: i32) -> bool {
    ProcessStat::of(pid).is_some_and(|stat| matches!(stat.state, 'T' | 't'))
}

/// Whether this process may send signals to a process.
pub fn may_signal(pid: i32) -> bool {
    pid > 0 && signal::kill(Pid::from_raw(pid), None).is_ok()
}

/// Tells files apart, whatever their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Of an open file.
    pub fn of(file: &impl AsFd) -> Option<Self> {
        let stat = nix::sys::stat::fstat(file).ok()?;
        Some(Self { device: stat.st_dev, inode: stat.st_ino })
    }
}

/// The processes that have a file open, as far as this user may see them.
pub(crate) fn openers_of(file: FileId) -> Vec<i32> {
    pids().filter(|pid| open_files(*pid).any(|(_, id)| id == file)).collect()
}

/// Whether a process has any of some files open for writing.
fn writes_any(pid: i32, files: &[FileId]) -> bool {
    let mut open = open_files(pid).filter(|(_, id)| files.contains(id));
    open.any(|(fd, _)| is_for_writing(pid, &fd))
}

/// The processes that have any of some files open for writing, as far as this user may see them.
pub fn writers_of(files: &[FileId]) -> Vec<i32> {
    if files.is_empty() {
        return Vec::new();
    }
    pids().filter(|pid| writes_any(*pid, files)).collect()
}

/// What a process has open, by its descriptors' names.
fn open_files(pid: i32) -> impl Iterator<Item = (String, FileId)> {
    descriptors(pid).filter_map(|fd| {
        let meta = fs::metadata(fd.path()).ok()?;
        let id = FileId { device: meta.dev(), inode: meta.ino() };
        Some((fd.file_name().to_string_lossy().into_owned(), id))
    })
}

/// What of `/proc/<pid>/stat` matters here (`proc_pid_stat(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProcessStat {
    /// Whether it goes by the name of an observer.
    observes: bool,
    state: char,
    /// The parent's pid; 0 where that is outside this pid namespace.
    pub(super) parent: i32,
    group: i32,
    /// The session leader's pid; 0 where that is outside this pid namespace.
    pub(crate) session: i32,
    /// The controlling terminal; 0 means no terminal.
    pub(crate) terminal: i32,
    /// Clock ticks after boot at its start.
    pub(crate) start: u64,
}

impl ProcessStat {
    fn runs(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }

    /// Reads that of a process.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        Self::parse(&read_small(&place_of(pid, "stat")?)?)
    }

    /// Reads that of this process.
    pub(crate) fn of_this_process() -> Option<Self> {
        this_process().map(|(_, stat)| stat)
    }

    /// The command name is in parentheses and may hold anything, so fields are counted behind the last
    /// closing one.
    fn parse(text: &str) -> Option<Self> {
        let (name, fields) = text.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        Some(Self {
            observes: name.split_once('(')?.1 == OBSERVER,
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
            session: fields.next()?.parse().ok()?,
            terminal: fields.next()?.parse().ok()?,
            start: fields.nth(14)?.parse().ok()?,
        })
    }
}

fn pids() -> impl Iterator<Item = i32> {
    let entries =
        is_ours().then(|| fs::read_dir("/proc")).into_iter().flatten().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The descriptors of a process, as far as this user may see them.
fn descriptors(pid: i32) -> impl Iterator<Item = fs::DirEntry> {
    place_of(pid, "fd").map(fs::read_dir).into_iter().flatten().flatten().flatten()
}

/// Where something about a process is told, if anywhere.
fn place_of(pid: i32, what: &str) -> Option<String> {
    is_ours().then(|| format!("/proc/{pid}/{what}"))
}

/// Whether a process has a file open for writing, as those have a ticket that keep it; those who wait for
/// it open it for reading.
fn has_open(pid: i32, path: &Path) -> bool {
    let mut same =
        descriptors(pid).filter(|fd| fs::read_link(fd.path()).is_ok_and(|target| target == path));
    same.any(|fd| is_for_writing(pid, &fd.file_name().to_string_lossy()))
}

/// The access mode of a descriptor: the last octal digit of `flags` in `fdinfo` (proc(5)).
fn is_for_writing(pid: i32, fd: &str) -> bool {
    let details = place_of(pid, "fdinfo").and_then(|it| read_small(&format!("{it}/{fd}")));
    let details = details.unwrap_or_default();
    let flags = details.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.is_some_and(|flags| !flags.trim().ends_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_behind_the_last_parenthesis() {
        let line = "7 (a) b) S 1 5 4 34816 6 4194304 0 0 0 0 0 0 0 0 20 0 1 0 4811 9 9";
        let stat = ProcessStat::parse(line).unwrap();
        assert_eq!((stat.state, stat.parent, stat.group), ('S', 1, 5));
        assert_eq!((stat.session, stat.terminal, stat.start), (4, 34816, 4811));
        assert!(
            !stat.observes && ProcessStat::parse(&line.replace("a) b", OBSERVER)).unwrap().observes
        );
    }

    #[test]
    fn this_process_is_present_and_pid_zero_below_is_not() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert_eq!(probe(me), ProcessPresence::Present(start_of(me)));
        assert_eq!(probe(i32::MAX), ProcessPresence::Absent);
    }

    #[test]
    fn the_process_table_is_seen() {
        assert_ne!(process_table(), ProcessTableVisibility::Missing, "the tests run with a /proc");
    }

    #[test]
    fn a_zombie_is_absent() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        // Wait for its end without collecting it.
        let flags = nix::sys::wait::WaitPidFlag::WEXITED | nix::sys::wait::WaitPidFlag::WNOWAIT;
        nix::sys::wait::waitid(nix::sys::wait::Id::Pid(Pid::from_raw(pid)), flags).unwrap();
        assert_eq!(probe(pid), ProcessPresence::Absent, "what has ended holds nothing");
        child.wait().unwrap();
    }
}
