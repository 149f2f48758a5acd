//! Streams and exit codes of every kind: the same for the runner and for later callers.

use super::Repository;
use lokt_testkit::Sandbox;
use serde_json::Value;
use std::{
    fs,
    process::{Command, Stdio},
};

/// The content of two files: first from the run, then from the record.
#[track_caller]
fn twice(line: &str, code: i32) -> [(Vec<u8>, Vec<u8>); 2] {
    let it = Repository::new();
    [0, 1].map(|_| {
        let call =
            "lokt once t --quiet --keep-failures -- sh -c \"$LINE\" >ignored-out 2>ignored-err";
        it.it.shell(call).env("LINE", line).folder(it.folder()).run().expect(code);
        (fs::read(it.path("ignored-out")).unwrap(), fs::read(it.path("ignored-err")).unwrap())
    })
}

#[test]
fn output_is_the_same_byte_for_byte() {
    for (line, code) in [
        ("printf 'a\\0b\\377c'", 0),
        ("printf 'no newline'", 0),
        ("echo only >&2", 0),
        ("exec 1>&-; echo late >&2", 0),
        ("exec 2>&-; echo quiet", 0),
        ("cat; echo nothing", 0),
        ("true", 0),
        ("echo failed; exit 7", 7),
        ("seq 1 200000; seq 1 1000 >&2", 0),
        ("head -c 30000000 /dev/zero", 0),
    ] {
        let [first, second] = twice(line, code);
        let plain = Command::new("sh").args(["-c", line]).stdin(Stdio::null()).output().unwrap();
        assert!(first == (plain.stdout, plain.stderr), "{line}: as without lokt");
        assert!(first == second, "{line}: the record");
    }
}

#[test]
fn the_order_of_both_streams_is_kept() {
    let it = Repository::new();
    // Each line is read before the next is written: a FIFO signals it.
    let line = "for i in 1 2 3 4 5; do echo $i; sleep 0.05; echo $i! >&2; sleep 0.05; done";
    let call = "lokt once t --quiet -- sh -c \"$LINE\" 2>&1";
    for _ in 0..2 {
        let done = it.it.shell(call).env("LINE", line).folder(it.folder()).run().ok();
        assert_eq!(done.out, "1\n1!\n2\n2!\n3\n3!\n4\n4!\n5\n5!\n");
    }
}

#[test]
fn a_left_behind_daemon_blocks_no_caller() {
    let it = Repository::new();
    let mut one = it.once(&[], "sleep 1000 & echo $!").start();
    let pid = one.prints("").trim().to_owned();
    let done = one.ends().ok();
    assert_eq!(done.out, format!("{pid}\n"));
    it.shell(&format!("kill {pid}"));
}

#[test]
fn a_command_that_cannot_start_is_reported_to_all() {
    let it = Repository::new();
    it.lokt(["once", "t", "--", "no-such-command"]).run().fails_with(127, "command not found");
    it.lokt(["once", "t", "--", "./a"]).run().fails_with(126, "cannot run ./a");
    let lists = it.lokt(["results", "list", "--json"]).run().ok().json();
    assert_eq!(lists.as_array().unwrap().len(), 0, "neither is kept");
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let it = Repository::new();
    for _ in 0..2 {
        let call = "lokt once t --quiet -- echo out >/dev/full";
        let done = it.it.shell(call).folder(it.folder()).run();
        done.fails_with(1, "cannot write output: No space left");
    }
}

#[test]
fn an_answer_as_json_is_complete() {
    let it = Repository::new();
    let line = "echo out; echo err >&2";
    let ran = it.once(&["--json"], line).run().ok();
    assert_eq!(ran.err, "", "the output is in the answer");
    let (ran, hit) = (ran.json(), it.once(&["--json"], line).run().ok().json());
    assert_eq!((&ran["status"], &hit["status"]), (&"ran".into(), &"hit".into()));
    for answer in [&ran, &hit] {
        assert_eq!((&answer["exit_code"], &answer["kept"]), (&0.into(), &true.into()));
        assert_eq!(answer["stdout"]["text"], "out\n");
        assert_eq!(answer["stderr"]["bytes"], 4);
        let path = answer["stdout"]["path"].as_str().unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "out\n");
    }
    let failed = it.once(&["--json"], "echo no; exit 3").run().expect(3).json();
    assert_eq!((&failed["kept"], &failed["exit_code"]), (&false.into(), &3.into()));
    assert_eq!(failed["stdout"]["text"], "no\n");
    let long = it.once(&["--json"], "seq 1 100000").run().ok().json();
    assert_eq!(long["stdout"]["truncated"], true);
    assert!(long["stdout"]["text"].as_str().unwrap().ends_with("99999\n100000\n"), "its end");
}

/// A disk of two megabytes for the root.
const SMALL: &str = "mount -t tmpfs -o size=2m none root &&";

#[test]
fn on_a_full_disk_the_command_runs_on_and_nothing_is_stored() {
    let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
    let call = "cd repo && git init -q . && echo 1 >a &&
        lokt once t -- sh -c 'seq 1 600000; echo the end >&2' | md5sum; seq 1 600000 | md5sum";
    let line = format!("mkdir root repo && {SMALL} {call}; lokt results list; lokt status");
    let done = it.with_own_mounts(&line).in_time().ok();
    let sums: Vec<&str> = done.out.lines().collect();
    assert!(sums.len() >= 2 && sums.first() == sums.get(1), "all of it was shown: {done:#?}");
    let told = "warning: the command was not recorded, so its result is not kept";
    assert!(done.err.contains(told) && done.err.contains("No space left"), "{done:#?}");
    assert!(done.err.contains("the end"), "and the other stream: {done:#?}");
    assert!(done.err.contains("no results"), "{done:#?}");
}

#[test]
fn on_a_full_disk_json_still_has_the_end_of_the_output() {
    let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
    let call = "cd repo && git init -q . && echo 1 >a &&
        lokt once t --json -- sh -c 'seq 1 600000; echo the end >&2; exit 3'";
    let line = format!("mkdir root repo && {SMALL} {call}");
    let answer = it.with_own_mounts(&line).in_time().expect(3).json();
    let why = answer["why"].as_str().unwrap();
    assert!(why.contains("No space left") && answer["kept"] == false, "{answer}");
    let (out, err) = (&answer["stdout"], &answer["stderr"]);
    assert!(out["text"].as_str().unwrap().ends_with("\n599999\n600000\n"), "{answer}");
    let bytes: usize = (1..=600_000).map(|it: u32| it.to_string().len() + 1).sum();
    assert_eq!((&out["bytes"], &out["truncated"]), (&bytes.into(), &true.into()));
    assert_eq!((&err["text"], &err["path"]), (&"the end\n".into(), &Value::Null));
}

/// A repository in which no recording is possible.
fn without_recordings() -> Repository {
    let it = Repository::new();
    let once = it.it.root().join("once");
    fs::create_dir_all(&once).unwrap();
    fs::write(once.join("recordings"), "in the way").unwrap();
    it
}

#[test]
fn output_that_cannot_be_recorded_is_still_shown() {
    let it = without_recordings();
    let plain = it.once(&[], "echo out; echo err >&2").run().ok().says("was not recorded");
    assert!(plain.out == "out\n" && plain.err.contains("err\n"), "{plain:#?}");
    let told = it.once(&["--json"], "echo out; echo err >&2").run().ok().says("was not recorded");
    let answer = told.json();
    assert_eq!(answer["kept"], false);
    assert_eq!(
        (&answer["stdout"]["text"], &answer["stderr"]["bytes"]),
        (&"out\n".into(), &4.into())
    );
}

#[test]
fn a_caller_that_cannot_follow_runs_it_afterwards() {
    let it = without_recordings();
    let mut lead = it.once(&[], super::GATED).start();
    lead.prints("begin");
    let next = it.once(&["--json"], super::GATED).start();
    it.open_gate();
    assert_eq!(lead.ends().ok().out, "begin\nend now\n");
    it.open_gate();
    let answer = next.ends().ok().json();
    assert_eq!(answer["stdout"]["text"], "begin\nend now\n");
    assert_eq!((it.runs(), it.violations()), (2, 0));
}
