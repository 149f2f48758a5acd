//! Several work trees of one repository: results are shared only where their content is the same.

use super::Repository;
use lokt_testkit::Running;
use nix::{sys::stat::Mode, unistd::mkfifo};
use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
};

/// Prints the content of `data` when its gate opens, and fails unless that is good.
const SCRIPT: &str =
    "echo begin\nread line <\"$GATE\"\necho \"tested $(cat data)\"\ngrep -q good data\n";

/// Work trees with a script and the file that it tests, which is broken.
struct WorktreesFixture {
    it: Repository,
}

impl WorktreesFixture {
    fn new(others: &[&str]) -> Self {
        let it = Repository::new();
        fs::write(it.path("test"), SCRIPT).unwrap();
        it.shell("echo broken >data && git add . && git commit -qm data");
        for other in others {
            it.shell(&format!("git worktree add -q ../{other}"));
        }
        Self { it }
    }

    fn folder(&self, tree: &str) -> PathBuf {
        self.it.it.folder().join(tree)
    }

    /// Starts a call in a work tree, and waits until the script has begun there or elsewhere. Returns the
    /// gate, too.
    fn ask(&self, tree: &str) -> (Running, Gate) {
        let gate = self.folder(&format!("gate-{tree}"));
        mkfifo(&gate, Mode::S_IRWXU).unwrap();
        let call = self.it.lokt(["once", "t", "--", "sh", "test"]).env("GATE", &gate);
        let mut running = call.folder(self.folder(tree)).start();
        running.prints("begin");
        // Opened for both directions, so that no process waits for the other end.
        (running, Gate(File::options().read(true).write(true).open(gate).unwrap()))
    }

    fn repair(&self, tree: &str) {
        fs::write(self.folder(tree).join("data"), "good\n").unwrap();
    }
}

/// Continues a script, now or when it reaches the gate.
struct Gate(File);

impl Gate {
    fn open(&mut self) {
        self.0.write_all(b"now\n").unwrap();
    }
}

#[test]
fn a_follower_in_another_tree_gets_no_result_of_files_that_changed_meanwhile() {
    let trees = WorktreesFixture::new(&["other"]);
    let ((lead, mut gate), (mut follower, mut other)) = (trees.ask("repo"), trees.ask("other"));
    trees.repair("repo");
    gate.open();
    let done = lead.ends().ok().says("is not kept: while the command ran, data changed");
    assert!(done.out.contains("tested good"), "{done:#?}");
    follower.prints("begin");
    other.open();
    let done = follower.ends().expect(1).says("what it depends on changed while it ran");
    assert!(done.out.contains("tested broken"), "what is there fails: {done:#?}");
}

#[test]
fn a_follower_that_starts_again_checks_the_present_files() {
    let trees = WorktreesFixture::new(&["one", "two"]);
    let [(lead, _gate), (one, mut one_gate), (two, mut two_gate)] =
        ["repo", "one", "two"].map(|tree| trees.ask(tree));
    trees.repair("one");
    lead.signal(nix::sys::signal::Signal::SIGTERM);
    lead.ends().expect(143);
    one_gate.open();
    two_gate.open();
    let (one, two) = (one.ends(), two.ends().expect(1));
    assert!(two.out.contains("tested broken") && !two.out.contains("good"), "{two:#?}");
    // The other one may have followed the first run, or have run with the present files.
    assert_eq!(one.code == Some(0), one.out.contains("tested good"), "{one:#?}");
}

#[test]
fn in_a_hook_of_a_work_tree_files_still_matter() {
    let it = Repository::new();
    it.shell("git worktree add -q ../other");
    let git_dir = it.shell("git -C ../other rev-parse --absolute-git-dir");
    let folder = it.it.folder().join("other/sub");
    for text in ["1", "2"] {
        fs::write(folder.join("b"), text).unwrap();
        // As git starts hooks, which then go to another folder.
        let call = it.lokt(["once", "t", "--input", "*", "--", "cat", "b"]);
        let done = call.env("GIT_DIR", git_dir.trim()).folder(&folder).run().ok();
        assert_eq!(done.out, text);
    }
}
