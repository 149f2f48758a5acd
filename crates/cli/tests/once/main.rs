//! `lokt once`: a command runs once, and its result is shared.
//!
//! * [`artifacts`]: what several make or restore in one place.
//! * [`keys`]: when it runs again, and when not.
//! * [`following`]: those who come while it runs.
//! * [`breaking`]: the one who runs it is killed, interrupted, loses the lock; followers are stopped or go away.
//! * [`circles`]: runs that wait for each other.
//! * [`output`]: streams of every kind, codes of every kind.
//! * [`provenance`]: what is said of where the output comes from.
//! * [`keeping`]: what is kept, restored, damaged, removed.
//! * [`refusals`]: what is not run, and not kept, and what is said of it.
//! * [`tools`]: tools whose results are shared.
//! * [`trees`]: which files count.
//! * [`worktrees`]: several work trees, and changes in one of them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

mod artifacts;
mod breaking;
mod circles;
mod following;
mod keeping;
mod keys;
mod output;
mod provenance;
mod refusals;
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

/// A repository with some files; whatever is called `ignored…` is ignored by git.
struct Repository {
    it: Sandbox,
}

/// Says that it is in, and when it is told so by the FIFO, ends with success. It finds out by a kernel lock
/// whether another one is in; a process that is being killed drops it a moment after its lock of lokt's.
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

    /// Changes something.
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

    /// One that runs [`GATED`], and has begun or follows one that has.
    fn gated(&self, flags: &[&str]) -> Running {
        self.begun(flags, GATED)
    }

    /// One whose command says that it has begun, or follows one that has.
    fn begun(&self, flags: &[&str], line: &str) -> Running {
        let mut running = self.once(flags, line).start();
        running.prints("begin");
        running
    }

    /// Lets one that is in end.
    fn open_gate(&self) {
        let mut gate = OpenOptions::new().write(true).open(self.path("ignored-gate")).unwrap();
        gate.write_all(b"now\n").unwrap();
    }

    /// How often a command ran that says so.
    fn runs(&self) -> usize {
        lines(&self.path("ignored-runs"))
    }

    /// How often two were in at the same time.
    fn violations(&self) -> usize {
        lines(&self.path("ignored-violations"))
    }

    /// The lock that the only run goes on under.
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
