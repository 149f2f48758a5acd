//! Which faults there are to inject: every call of a run, and what can become of it.

use lokt_testkit::{Fault, Injection};
use std::collections::BTreeMap;

/// A system call of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// The how-manieth of its name, from the start of the process.
    pub(crate) number: usize,
    /// As strace shows it.
    pub(crate) line: String,
}

/// Reads a whole trace.
pub(crate) fn calls(trace: &[String]) -> Vec<Call> {
    let mut numbers = BTreeMap::new();
    let named = trace.iter().filter_map(|line| Some((line.split_once('(')?.0, line)));
    let named = named.filter(|(name, _)| name.chars().all(|c| c.is_alphanumeric() || c == '_'));
    let call = |(name, line): (&str, &String)| {
        let number = numbers.entry(name.to_owned()).or_insert(0);
        *number += 1;
        Call { name: name.to_owned(), number: *number, line: line.clone() }
    };
    named.map(call).collect()
}

/// The program's first own call: it opens `/dev/null` in place of standard streams that are closed. Those
/// before it are the loader's and the C library's, which know no locks.
pub(crate) const FIRST: &str = "\"/dev/null\", O_RDWR";

/// The calls from the first on that has a text.
pub(crate) fn from<'a>(calls: &'a [Call], text: &str) -> &'a [Call] {
    let first = calls.iter().position(|call| call.line.contains(text));
    assert!(first.is_some(), "a run without {text:?}");
    &calls[first.unwrap_or(0)..]
}

/// The points of some calls: each is killed once, and fails once with each error that it can give.
pub(crate) fn points(calls: &[Call]) -> Vec<Injection> {
    let point =
        |call: &Call, fault| Injection { call: call.name.clone(), number: call.number, fault };
    let of = |call: &Call| -> Vec<Injection> {
        let errors = errors(call).iter().map(|error| Fault::Error(error));
        [Fault::Kill].into_iter().chain(errors).map(|fault| point(call, fault)).collect()
    };
    calls.iter().flat_map(of).collect()
}

/// For each kind of call, the first that the calls don't have: where the end of the range is sought.
pub(crate) fn beyond(calls: &[Call]) -> Vec<Injection> {
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
const LEFT_OUT: [&str; 33] = [
    // They cannot fail, or not but for a wrong argument.
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
    // They are only asked with WNOHANG, so there is nothing to be interrupted.
    "wait4",
    "waitid",
    // Without memory, a Rust program ends.
    "brk",
    "mmap",
    "munmap",
    "mprotect",
    "madvise",
    "mremap",
    // Linux closes the file whatever it says then, and strace cannot: it would stay open.
    "close",
    "exit_group",
    "exit",
    "execve",
];

/// The errors that a call can give, of those that disks, networks and signals cause. A call that is not
/// known here gets them all.
pub(crate) fn errors(call: &Call) -> &'static [&'static str] {
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
        // What these give where the kernel has no more to give.
        "fcntl" | "signalfd4" | "eventfd2" | "inotify_init1" | "pidfd_open" => &["EMFILE"],
        "clone" | "clone3" | "vfork" | "timer_create" => &["EAGAIN"],
        name if LEFT_OUT.contains(&name) => &[],
        _ => &["EIO", "ENOSPC", "EROFS", "EINTR", "ENOLCK"],
    }
}

fn is_for_writing(line: &str) -> bool {
    ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| line.contains(flag))
}
