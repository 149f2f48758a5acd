//! `lokt once`: a command runs once, and its result is shared.
//!
//! * [`artifacts`]: files that several runs make or restore in one place.
//! * [`keys`]: what makes it run again.
//! * [`followers`]: callers that come while it runs.
//! * [`interruptions`]: the runner is killed, interrupted, or loses its lock; followers are stopped or end.
//! * [`circles`]: runs that wait for each other.
//! * [`output`]: streams and exit codes of every kind.
//! * [`provenance`]: messages about where the output comes from.
//! * [`stored_results`]: results that are stored, restored, damaged and removed.
//! * [`refusals`]: commands that are refused, results that are not stored, and their messages.
//! * [`tools`]: tools whose results are shared.
//! * [`trees`]: which files count.
//! * [`worktrees`]: several work trees, with changes in one of them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

mod artifacts;
mod circles;
mod followers;
mod interruptions;
mod keys;
mod output;
mod provenance;
mod refusals;
mod stored_results;
mod tools;
mod trees;
mod worktrees;

use lokt_testkit::{Lokt, Running, Sandbox};
use nix::{sys::stat::Mode, unistd::mkfifo};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

/// A repository with some files; git ignores all files with a name that starts with `ignored`.
struct Repository {
    it: Sandbox,
}

/// Prints that it runs, and ends with success when the FIFO gets a line. A kernel lock shows whether another
/// one runs. A process that is being killed drops that lock a moment after lokt's.
const GATED: &str = r#"trap '' PIPE; exec 9>>ignored-inside; flock --wait 5 9 || echo VIOLATION >>ignored-violations
echo run >>ignored-runs; echo begin; echo trouble >&2; read line <ignored-gate; echo "end $line""#;

impl Repository {
    fn new() -> Self {
        let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
        fs::create_dir(it.folder().join("repo")).unwrap();
        let this = Self { it };
        this.shell(
            "git init -q . && git config user.name Ada && git config user.email ada@example.org &&
            echo 1 >a && mkdir sub && echo 2 >sub/b && ln -s a link && echo 'ignored*' >.gitignore &&
            git add . && git commit -qm first",
        );
        mkfifo(&this.path("ignored-gate"), Mode::S_IRWXU).unwrap();
        this
    }

    fn folder(&self) -> PathBuf {
        self.it.folder().join("repo")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Runs a shell line in the folder.
    #[track_caller]
    fn shell(&self, line: &str) -> String {
        self.it.shell(line).folder(self.folder()).run().ok().out
    }

    fn lokt<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Lokt {
        self.it.lokt(words).folder(self.folder())
    }

    /// `lokt once t` with some flags and a shell line.
    fn once(&self, flags: &[&str], line: &str) -> Lokt {
        let words = [&["once", "t"], flags, &["--", "sh", "-c", line]].concat();
        self.lokt(words)
    }

    /// A call that runs [`GATED`], and has begun or follows one that has.
    fn gated(&self, flags: &[&str]) -> Running {
        self.begun(flags, GATED)
    }

    /// A call whose command prints that it has begun, or that follows one that has.
    fn begun(&self, flags: &[&str], line: &str) -> Running {
        let mut running = self.once(flags, line).start();
        running.prints("begin");
        running
    }

    /// Ends the running command.
    fn open_gate(&self) {
        let mut gate = OpenOptions::new().write(true).open(self.path("ignored-gate")).unwrap();
        gate.write_all(b"now\n").unwrap();
    }

    /// The number of runs that a command has recorded.
    fn runs(&self) -> usize {
        lines(&self.path("ignored-runs"))
    }

    /// The number of violations: two commands ran at the same time.
    fn violations(&self) -> usize {
        lines(&self.path("ignored-violations"))
    }

    /// The lock of the only run.
    fn lock(&self) -> String {
        let status = self.lokt(["status", "--json"]).run().ok().json();
        let names = status.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap());
        let mut names = names.filter(|name| name.starts_with("t."));
        let name = names.next().unwrap().to_owned();
        assert_eq!(names.next(), None, "one lock");
        name
    }
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}
