//! Commands that are refused, results that are not stored, and their messages.

use super::Repository;

const LINE: &str = "echo out; echo run >>ignored-runs";

#[test]
fn a_result_of_changing_files_is_not_stored() {
    let it = Repository::new();
    let done = it.once(&[], "echo made >made; echo out").run().ok();
    assert!(
        done.err.contains("the result is not kept: while the command ran, made was added"),
        "{done:#?}"
    );
    let done = it.once(&[], "echo made >made; echo out").run().ok();
    assert_eq!(done.err, "", "now it is there before");
    let done = it.once(&[], "echo 2 >>a; rm sub/b").run().ok();
    assert!(done.err.contains("a changed and 1 more"), "{done:#?}");
}

#[test]
fn a_frozen_name_is_not_run_and_its_results_are_shared() {
    let it = Repository::new();
    it.once(&[], LINE).run().ok();
    it.lokt(["freeze", "t", "--ttl", "1h"]).run().ok();
    it.once(&[], LINE).run().ok();
    it.shell("echo 2 >a");
    it.once(&[], LINE).run().fails_with(2, "\"t\" is frozen by");
    assert_eq!(it.runs(), 1);
}

#[test]
fn a_run_that_requests_its_own_result_is_refused() {
    let it = Repository::new();
    std::fs::write(it.path("self"), "lokt once t -- sh self\n").unwrap();
    let done = it.lokt(["once", "t", "--", "sh", "self"]).run().expect(7);
    assert!(done.err.contains("asks for its own result"), "{done:#?}");
    std::fs::write(it.path("other"), "lokt once u -- echo inner\n").unwrap();
    assert_eq!(it.lokt(["once", "t", "--", "sh", "other"]).run().ok().out, "inner\n");
}

#[test]
fn a_run_without_known_inputs_is_refused() {
    let it = Repository::new();
    let outside = it.it.folder().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let done = it.once(&[], LINE).folder(&outside).run();
    done.fails_with(64, "is in no git repository").says("--input names the files that matter");
    std::fs::write(outside.join("x.c"), "1").unwrap();
    it.once(&["--input", "*.c"], LINE).folder(&outside).run().ok();
    for (flags, why) in [
        (["--input", "no*"], "--input no* matches no file"),
        (["--input", "nothing"], "--input nothing matches no file"),
        (["--input", ""], "must name something"),
        (["--env", "A=B"], "--env \"A=B\""),
        (["--ttl", "0"], "more than 0"),
        (["--explain", "--check"], "cannot be used with"),
        (["--refresh", "--check"], "cannot be used with"),
    ] {
        it.once(&flags, LINE).run().fails_with(64, why);
    }
    let long = "n".repeat(190);
    it.lokt(["once", &long, "--", "true"]).run().fails_with(64, "too long");
    it.lokt(["once", "t"]).run().fails_with(64, "<COMMAND>");
    let elsewhere = it.once(&[], LINE).env("GIT_WORK_TREE", &outside).run();
    elsewhere.fails_with(64, "is not in the work tree");
    assert_eq!(it.runs(), 0);
    let unreadable = it.it.as_nobody(["once", "t", "--", "true"]);
    it.shell("chmod 000 a");
    let done = unreadable.folder(it.folder()).run();
    assert_ne!(done.code, Some(0), "doubt is no result: {done:#?}");
}
