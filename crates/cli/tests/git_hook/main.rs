//! The check before a commit: real repositories, the hooks that `init` installs, and git itself.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

mod closed;
mod commits;
mod layouts;
mod merges;

use lokt_testkit::{Done, Lokt, Sandbox};
use std::{fs, path::PathBuf};

/// A repository with the hooks, in a sandbox whose root is in the repository.
struct Repository {
    it: Sandbox,
}

impl Repository {
    /// A repository with a commit of the files `a`, `b` and `src/c`.
    fn new() -> Self {
        let repository = Self::empty();
        let line =
            "mkdir src; echo 1 >a; echo 1 >b; echo 1 >src/c; git add .; git commit -qm first";
        repository.shell(line).in_time().ok();
        repository
    }

    /// A repository without a commit.
    fn empty() -> Self {
        let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
        fs::create_dir(it.folder().join("repo")).unwrap();
        let config = "[user]\nname = Ada\nemail = ada@example.org\n[init]\ndefaultBranch = main\n\
            [protocol \"file\"]\nallow = always\n[advice]\ndetachedHead = false\n";
        fs::write(it.folder().join(".gitconfig"), config).unwrap();
        let repository = Self { it };
        repository.shell("git init -q . && lokt init --git-hook --yes").in_time().ok();
        repository
    }

    fn folder(&self) -> PathBuf {
        self.it.folder().join("repo")
    }

    /// A shell line in the repository, by bob, a person.
    fn shell(&self, line: &str) -> Lokt {
        let line = format!("set -e; {line}");
        let call = self.it.shell(&line).folder(self.folder()).owner("bob");
        call.without("LOKT_ROOT")
            .without("GIT_INDEX_FILE")
            .env("HOME", self.it.folder())
            .env("GIT_CONFIG_NOSYSTEM", "1")
    }

    /// The same, where each command must succeed.
    #[track_caller]
    fn ok(&self, line: &str) -> Done {
        self.shell(line).in_time().ok()
    }

    /// A line whose last command, a commit, is refused.
    #[track_caller]
    fn refused(&self, line: &str) -> Done {
        let before = self.head();
        let done = self.shell(line).in_time();
        assert_ne!(done.code, Some(0), "{line} is refused: {done:#?}");
        assert!(done.err.contains("nothing is committed"), "the check refused it: {done:#?}");
        assert_eq!(self.head(), before, "{line}: nothing was committed");
        done
    }

    /// Reserves for ada.
    #[track_caller]
    fn reserve(&self, words: &str) {
        self.shell(&format!("lokt reserve {words}")).owner("ada").in_time().ok();
    }

    #[track_caller]
    fn give_back(&self) {
        self.shell("lokt unreserve --all").owner("ada").in_time().ok();
    }

    /// The last commit, if there is one.
    fn head(&self) -> String {
        self.shell("git rev-parse -q --verify HEAD || true").in_time().ok().out
    }

    /// Puts a record of a reservation into the root.
    fn write_record(&self, id: &str, content: &str) {
        let folder = self.folder().join(".git/lokt/reservations");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{id}.json")), content).unwrap();
    }
}
