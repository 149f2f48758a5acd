//! The processes above this one.

use super::process::{ProcessStat, name_of, words_of};
use nix::unistd;

/// More generations than this are not looked at.
const MOST_GENERATIONS: usize = 64;

/// A process above this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AncestorProcess {
    /// Its pid.
    pub pid: i32,
    /// When it started, in clock ticks after boot.
    pub started: u64,
    /// Its command name, as the kernel keeps it (at most 15 bytes).
    pub name: String,
    /// The first words of its command line, as far as it shows them.
    pub words: Vec<String>,
}

/// The processes above this one, the parent first. Each is read when it is asked for. The list ends where the process
/// table of this pid namespace does.
pub fn ancestors() -> impl Iterator<Item = AncestorProcess> {
    let mut next = None;
    let read = move || {
        let pid = next.unwrap_or_else(|| unistd::getppid().as_raw());
        let stat = ProcessStat::of(pid).filter(|_| pid > 0)?;
        next = Some(stat.parent);
        let (name, words) = (name_of(pid).unwrap_or_default(), words_of(pid));
        Some(AncestorProcess { pid, started: stat.start, name, words })
    };
    std::iter::from_fn(read).take(MOST_GENERATIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ancestor_is_the_parent_and_the_last_has_no_parent() {
        let all: Vec<AncestorProcess> = ancestors().collect();
        let parent = all.first().expect("a test has a parent");
        assert_eq!(parent.pid, unistd::getppid().as_raw());
        assert_eq!(Some(parent.started), super::super::start_of(parent.pid));
        assert!(!parent.name.is_empty() && !parent.words.is_empty(), "{parent:?}");
        let mut pids: Vec<i32> = all.iter().map(|it| it.pid).collect();
        pids.dedup();
        assert_eq!(pids.len(), all.len(), "each process is there once: {all:?}");
    }
}
