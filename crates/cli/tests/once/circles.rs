//! Runs that wait for each other: one is refused, and all end.

use super::Repository;
use lokt_testkit::{Done, Running};
use std::fs::{self, File};

/// A repository with scripts that wait, before they start the call that closes a circle, until the test
/// continues them.
struct WaitCycleFixture {
    it: Repository,
    gate: File,
}

impl WaitCycleFixture {
    /// Each script is a name and its call.
    fn of(scripts: &[(&str, &str)]) -> Self {
        let it = Repository::new();
        let gate = File::create(it.path("ignored-lock")).unwrap();
        gate.lock().unwrap();
        for (name, asks) in scripts {
            let text =
                format!("echo {name} in\nflock -s ignored-lock true\n{asks}\necho code $?\n");
            fs::write(it.path(name), text).unwrap();
        }
        Self { it, gate }
    }

    /// Starts a call, and waits until its script runs.
    fn start(&self, words: &str, script: &str) -> Running {
        let mut running = self.it.lokt(words.split(' ')).start();
        running.prints(&format!("{script} in"));
        running
    }

    /// Continues all scripts, and waits until all have ended.
    fn end(self, all: Vec<Running>) -> Vec<Done> {
        self.gate.unlock().unwrap();
        let done = all.into_iter().map(|running| running.ends().ok()).collect();
        let nested = fs::read_dir(self.it.it.root().join("nested")).unwrap();
        assert_eq!(nested.count(), 0, "no process waits any more");
        done
    }
}

/// How many lines have a text.
fn count(done: &Done, line: &str) -> usize {
    done.out.lines().filter(|it| *it == line).count()
}

#[test]
fn two_runs_that_request_each_other_end() {
    let circle =
        WaitCycleFixture::of(&[("one", "lokt once b -- sh two"), ("two", "lokt once a -- sh one")]);
    let both = [("once a -- sh one", "one"), ("once b -- sh two", "two")];
    let both = both.map(|(words, script)| circle.start(words, script));
    let done = circle.end(both.into());
    for one in &done {
        assert_eq!(count(one, "code 7"), 1, "one was refused, and the other saw it: {one:#?}");
    }
    let others = done.iter().map(|it| count(it, "code 0")).sum::<usize>();
    assert_eq!(others, 1, "who was not refused has the other's result: {done:#?}");
    let told = done.iter().filter(|it| it.err.contains("would be a deadlock"));
    assert_eq!(told.count(), 2, "the error has the circle: {done:#?}");
}

#[test]
fn a_result_and_a_lock_that_wait_for_each_other_end() {
    let asks = [("one", "lokt guard x --wait -- echo through"), ("two", "lokt once a -- sh one")];
    let circle = WaitCycleFixture::of(&asks);
    let both = [("once a -- sh one", "one"), ("guard x -- sh two", "two")];
    let both = both.map(|(words, script)| circle.start(words, script));
    let done = circle.end(both.into());
    let refused = done.iter().map(|it| count(it, "code 7")).sum::<usize>();
    assert!(refused >= 1, "{done:#?}");
    let through = count(&done[0], "through");
    assert_eq!(count(&done[0], "code 7") + through, 1, "in the run, or it got through: {done:#?}");
}

#[test]
fn a_chain_is_no_circle() {
    let circle = WaitCycleFixture::of(&[("two", "true")]);
    fs::write(circle.it.path("one"), "echo one in\nlokt once b -- sh two\necho code $?\n").unwrap();
    let two = circle.start("once b -- sh two", "two");
    let mut one = circle.start("once a -- sh one", "one");
    one.prints("two in");
    let done = circle.end(vec![one, two]);
    let codes = done.iter().map(|it| count(it, "code 0"));
    assert_eq!(codes.collect::<Vec<_>>(), [2, 1], "{done:#?}");
}
