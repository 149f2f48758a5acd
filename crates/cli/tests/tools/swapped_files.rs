//! The tool's file is replaced all the time while it is verified and run: unverified content never runs.

use crate::tool_project::{ToolProject, tool};
use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

const RUNS: usize = 300;

#[test]
fn unverified_content_never_runs() {
    let project = ToolProject::new();
    project.run().ok();
    let ended = AtomicBool::new(false);
    let ran = thread::scope(|scope| {
        scope.spawn(|| swap(&project, &ended));
        let run = || (0..RUNS / 2).filter(|_| project.run().code == Some(0)).count();
        let workers = [scope.spawn(run), scope.spawn(run)];
        let ran: usize = workers.into_iter().map(|it| it.join().unwrap()).sum();
        ended.store(true, Ordering::Relaxed);
        ran
    });
    let traces = fs::read_to_string(project.folder().join("ran")).unwrap();
    assert!(traces.lines().all(|line| line == "ran"), "only what was verified ran: {traces}");
    assert_eq!(traces.lines().count(), ran + 1, "each success is one run");
    assert!(ran > 0 && ran < RUNS, "some were verified and some refused: {ran} of {RUNS}");
}

/// Replaces the tool's content, in turns as an editor does and as a copy does.
fn swap(project: &ToolProject, ended: &AtomicBool) {
    let path = project.folder().join(".ai/tools/demo/trace.sh");
    let good = fs::read_to_string(&path).unwrap();
    let unsigned = tool("demo/sh").replace("echo ran", "echo EVIL");
    // Still with the signature of the old content.
    let patched = good.replace("echo ran", "echo BAD");
    let draft = path.with_extension("draft");
    while !ended.load(Ordering::Relaxed) {
        for content in [&good, &unsigned, &good, &patched] {
            fs::write(&draft, content).and_then(|()| fs::rename(&draft, &path)).unwrap();
            thread::yield_now();
        }
        for content in [&good, &patched, &good, &unsigned] {
            fs::write(&path, content).unwrap();
            thread::yield_now();
        }
    }
}
