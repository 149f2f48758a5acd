//! The faults to inject: each call of a run, and the errors that it can return.

use lokt_testkit::{Fault, Injection};
use std::collections::BTreeMap;

/// A system call of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SystemCall {
    pub(crate) name: String,
    /// Its number among the calls with its name, from the start of the process.
    pub(crate) number: usize,
    /// The line of the trace.
    pub(crate) line: String,
}

/// Parses a whole trace.
pub(crate) fn parse_trace(trace: &[String]) -> Vec<SystemCall> {
    let mut numbers = BTreeMap::new();
    let named = trace.iter().filter_map(|line| Some((line.split_once('(')?.0, line)));
    let named = named.filter(|(name, _)| name.chars().all(|c| c.is_alphanumeric() || c == '_'));
    let call = |(name, line): (&str, &String)| {
        let number = numbers.entry(name.to_owned()).or_insert(0);
        *number += 1;
        SystemCall { name: name.to_owned(), number: *number, line: line.clone() }
    };
    named.map(call).collect()
}

/// The program's own first call: it opens `/dev/null` in place of closed standard streams. Earlier calls
/// belong to the loader and the C library.
pub(crate) const FIRST_OWN_CALL: &str = "\"/dev/null\", O_RDWR";

/// The calls from the first one with a text on.
pub(crate) fn calls_from<'a>(calls: &'a [SystemCall], text: &str) -> &'a [SystemCall] {
    let first = calls.iter().position(|call| call.line.contains(text));
    assert!(first.is_some(), "a run without {text:?}");
    &calls[first.unwrap_or(0)..]
}

/// The faults of some calls: each call is killed once, and fails once with each error that it can return.
pub(crate) fn points_of(calls: &[SystemCall]) -> Vec<Injection> {
    let point = |call: &SystemCall, fault| Injection {
        call: call.name.clone(),
        number: call.number,
        fault,
    };
    let of = |call: &SystemCall| -> Vec<Injection> {
        let errors = errors(call).iter().map(|error| Fault::Error(error));
        [Fault::Kill].into_iter().chain(errors).map(|fault| point(call, fault)).collect()
    };
    calls.iter().flat_map(of).collect()
}

/// For each kind of call, the first number that the calls do not have.
pub(crate) fn points_beyond(calls: &[SystemCall]) -> Vec<Injection> {
    let last: BTreeMap<&str, usize> =
        calls.iter().map(|call| (call.name.as_str(), call.number)).collect();
    let next = |(name, last): (&str, usize)| Injection {
        call: name.to_owned(),
        number: last + 1,
        fault: Fault::Kill,
    };
    last.into_iter().map(next).collect()
}

/// The calls that are only killed.
const KILL_ONLY: [&str; 33] = [
    // They cannot fail, or only for a wrong argument.
    "getpid",
    "gettid",
    "getppid",
    "geteuid",
    "uname",
    "kill",
    "ioctl",
    "prlimit64",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "timer_settime",
    "timer_delete",
    "inotify_rm_watch",
    "set_robust_list",
    "rseq",
    "sched_getaffinity",
    "futex",
    "restart_syscall",
    "sigaltstack",
    "clock_gettime",
    // They are only called with WNOHANG, so nothing can interrupt them.
    "wait4",
    "waitid",
    // Without memory, a Rust program ends.
    "brk",
    "mmap",
    "munmap",
    "mprotect",
    "madvise",
    "mremap",
    // Linux closes the file even if it returns an error, which strace cannot imitate: the file would stay
    // open.
    "close",
    "exit_group",
    "exit",
    "execve",
];

/// The errors that a call can return because of disks, networks and signals. Unknown calls get all of them.
pub(crate) fn errors(call: &SystemCall) -> &'static [&'static str] {
    match call.name.as_str() {
        "open" | "openat" | "openat2" if is_for_writing(&call.line) => {
            &["EIO", "ENOSPC", "EROFS", "EINTR"]
        }
        "open" | "openat" | "openat2" | "read" | "pread64" | "getdents64" | "statfs" => {
            &["EIO", "EINTR"]
        }
        "write" | "pwrite64" => &["EIO", "ENOSPC", "EINTR"],
        "fsync" | "fdatasync" => &["EIO", "ENOSPC", "EROFS", "EINTR"],
        "mkdir" | "mkdirat" | "rename" | "renameat" | "renameat2" | "link" | "linkat"
        | "unlink" | "unlinkat" | "rmdir" => &["EIO", "ENOSPC", "EROFS"],
        "fchmod" | "chmod" => &["EIO", "EROFS"],
        "flock" => &["ENOLCK", "EINTR", "EIO"],
        "stat" | "lstat" | "fstat" | "newfstatat" | "statx" | "readlink" | "access"
        | "faccessat2" | "getcwd" | "lseek" => &["EIO"],
        "poll" | "ppoll" => &["EINTR", "ENOMEM"],
        "getrandom" => &["EINTR"],
        "inotify_add_watch" => &["ENOSPC"],
        // These fail when the kernel has reached a limit.
        "fcntl" | "signalfd4" | "eventfd2" | "inotify_init1" | "pidfd_open" => &["EMFILE"],
        "clone" | "clone3" | "vfork" | "timer_create" => &["EAGAIN"],
        name if KILL_ONLY.contains(&name) => &[],
        _ => &["EIO", "ENOSPC", "EROFS", "EINTR", "ENOLCK"],
    }
}

fn is_for_writing(line: &str) -> bool {
    ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| line.contains(flag))
}
