/// Where this process runs, as far as pids and host names have a meaning there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessLocation {
    /// The host name.
    pub host: String,
    /// The kernel's boot (`/proc/sys/kernel/random/boot_id`); empty where it cannot be read.
    pub boot_id: String,
    /// The pid namespace (inode of `/proc/self/ns/pid`); 0 where it cannot be read.
    pub pid_ns: u64,
}

/// What the process table says of a pid in this namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessPresence {
    /// No process has it, or what has it has ended and waits to be collected.
    Absent,
    /// A process has it; with its start time where that could be read.
    Present(Option<u64>),
}
