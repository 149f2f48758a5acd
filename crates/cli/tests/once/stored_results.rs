//! Results that are stored, restored, damaged and removed.

use super::Repository;
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt};

const LINE: &str = "echo out; echo err >&2; echo run >>ignored-runs";

fn results(it: &Repository) -> Vec<Value> {
    it.lokt(["results", "list", "--json"]).run().ok().json().as_array().unwrap().clone()
}

#[test]
fn the_last_result_is_the_lease_of_the_name() {
    let it = Repository::new();
    it.once(&["--ttl", "1h"], LINE).run().ok();
    let meta = |key: &str| it.lokt(["get-meta", "t", key]).run().ok().out.trim().to_owned();
    assert_eq!(meta("exit_code"), "0");
    assert_eq!(fs::read_to_string(meta("stdout")).unwrap(), "out\n");
    assert_eq!(fs::read_to_string(meta("stderr")).unwrap(), "err\n");
    meta("duration_ms").parse::<u64>().unwrap();
    let status = it.lokt(["status", "t", "--json"]).run().ok().json();
    assert_eq!((&status["state"], &status["ttl_sec"]), (&"held".into(), &3600.into()), "{status}");
    let digest = meta("digest");
    it.shell("echo 2 >a");
    it.once(&[], LINE).owner("bob").run().ok();
    assert_ne!(meta("digest"), digest, "the result of the next run");
    let listed = it.lokt(["status"]).run().ok().out;
    assert!(listed.contains("result of sh -c") && listed.contains(", exit code 0"), "{listed}");
    let text = "t is the name of a kept result of lokt once; use another name for guards";
    let refused = it.lokt(["guard", "t", "--", "true"]).owner("carl").run().fails_with(2, "held");
    assert!(refused.err.contains(text), "{}", refused.err);
    assert!(!refused.err.contains("results rm"), "only the owner may remove it: {}", refused.err);
    it.lokt(["exists", "t"]).run().ok();
}

#[test]
fn a_lock_with_that_name_is_no_result() {
    let it = Repository::new();
    it.lokt(["lock", "t", "--meta", "mine=1"]).owner("bob").run().ok();
    let done = it.once(&[], LINE).owner("bob").run().ok();
    assert!(done.err.contains("is locked or frozen"), "{done:#?}");
    assert_eq!(it.lokt(["get-meta", "t", "mine"]).run().ok().out, "1\n", "it stays");
    it.once(&[], LINE).run().ok();
    assert_eq!(it.runs(), 1, "the result is kept and shared all the same");
}

#[test]
fn a_result_ends_at_its_time() {
    let it = Repository::new();
    for _ in 0..2 {
        it.once(&["--ttl", "1ms"], LINE).run().ok();
    }
    assert_eq!(it.runs(), 2);
    it.lokt(["exists", "t"]).run().expect(3);
    it.lokt(["results", "prune"]).run().ok();
    assert_eq!(results(&it).len(), 0);
}

#[test]
fn failures_are_stored_with_a_flag() {
    let it = Repository::new();
    let line = format!("{LINE}; exit 4");
    for _ in 0..2 {
        it.once(&["--keep-failures"], &line).run().expect(4);
    }
    assert_eq!(it.runs(), 1);
    assert_eq!(it.lokt(["get-meta", "t", "exit_code"]).run().ok().out, "4\n");
}

#[test]
fn artifacts_are_restored_only_where_they_differ() {
    let it = Repository::new();
    let line =
        "mkdir -p out/deep && echo 1 >out/deep/file && echo 2 >out/tool && chmod 755 out/tool &&
        ln -sf tool out/link && echo 3 >single";
    let flags = ["--artifact", "out", "--artifact", "single"];
    it.once(&flags, line).run().ok();
    let before = fs::metadata(it.path("out/tool")).unwrap().modified().unwrap();
    it.shell("rm -r out/deep out/link && echo changed >single && echo stays >out/other");
    it.once(&flags, line).run().ok();
    assert_eq!(fs::read_to_string(it.path("out/deep/file")).unwrap(), "1\n");
    assert_eq!(fs::read_to_string(it.path("single")).unwrap(), "3\n");
    assert_eq!(fs::read_link(it.path("out/link")).unwrap().to_str(), Some("tool"));
    let tool = fs::metadata(it.path("out/tool")).unwrap();
    assert_eq!(tool.modified().unwrap(), before, "what was there was not written again");
    assert_eq!(tool.permissions().mode() & 0o777, 0o755);
    assert!(it.path("out/other").exists(), "what is not of the artifact stays");
    assert_eq!(
        it.once(&[&["--json"], &flags[..]].concat(), line).run().ok().json()["artifacts"][0],
        "out"
    );
}

#[test]
fn an_artifact_outside_the_project_is_refused() {
    let it = Repository::new();
    for path in
        ["../x", "/tmp/x", ".", "sub/../..", ".git", ".git/hooks/x", "sub/.git", "sub/.git/x"]
    {
        it.once(&["--artifact", path], LINE).run().fails_with(64, "inside the project");
    }
    it.once(&["--artifact", "missing"], LINE).run().ok().says("the command made no missing");
    assert_eq!(results(&it).len(), 0, "without its artifact it is not kept");
    let line = "mkdir -p out && echo 1 >out/file";
    it.shell("echo out >>.gitignore");
    it.once(&["--artifact", "out/file"], line).run().ok();
    it.shell("rm -r out && mkdir ../elsewhere && ln -s ../elsewhere out");
    let done = it.once(&["--artifact", "out/file"], "true").run().ok();
    done.says("is not kept: the artifact out/file is behind a symbolic link");
    let done = it.once(&["--artifact", "out/file"], line).run().ok();
    done.says("is not used: the artifact out/file is behind a symbolic link");
}

#[test]
fn a_damaged_result_counts_as_absent() {
    let it = Repository::new();
    it.once(&[], LINE).run().ok();
    let path = it.lokt(["get-meta", "t", "stdout"]).run().ok().out;
    fs::write(path.trim(), "oux\n").unwrap();
    it.once(&[], LINE).run().ok().says("is damaged (content");
    assert_eq!(it.runs(), 2);
    assert_eq!(it.once(&["--quiet"], LINE).run().ok().err, "err\n", "the next result is complete");
    let record = it.shell("ls \"$LOKT_ROOT\"/once/results/*.json");
    fs::write(record.trim(), "{}").unwrap();
    it.once(&[], LINE).run().ok().says("is damaged (its record)");
    fs::write(record.trim(), "").unwrap();
    it.once(&[], LINE).run().ok().says("is damaged");
    assert_eq!(it.runs(), 4);
    let damaged = ["--artifact", "out"];
    it.once(&damaged, "echo made >out").run().ok();
    let blob = it.shell("grep -l made \"$LOKT_ROOT\"/once/blobs/* | xargs -n1 sh -c '[ $(wc -c <$0) = 5 ] && echo $0' ; true");
    fs::write(blob.trim(), "mabe\n").unwrap();
    it.shell("rm out");
    it.once(&damaged, "echo made >out").run().ok().says("is missing or damaged");
    assert_eq!(fs::read_to_string(it.path("out")).unwrap(), "made\n", "it was made again");
}

#[test]
fn results_are_listed_shown_and_removed() {
    let it = Repository::new();
    it.once(&[], LINE).run().ok();
    it.lokt(["once", "u", "--", "echo", "other"]).run().ok();
    let all = results(&it);
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["name"], "u", "the one used last first");
    let digest = all[1]["digest"].as_str().unwrap();
    let table = it.lokt(["results", "list"]).run().ok().out;
    assert!(table.contains("NAME") && table.contains("echo other"), "{table}");
    let shown = it.lokt(["results", "show", "t"]).run().ok().out;
    assert!(shown.contains(digest) && shown.contains("exit code:  0"), "{shown}");
    let by_digest = it.lokt(["results", "show", &digest[..12], "--json"]).run().ok().json();
    assert_eq!(by_digest["name"], "t");
    it.lokt(["results", "show", "nothing"]).run().fails_with(3, "no result has the name");
    it.lokt(["results", "rm", "nothing"]).run().fails_with(3, "no result has the name");
    let removed = it.lokt(["results", "rm", "t", "--json"]).run().ok().json();
    assert_eq!((&removed["count"], &removed["removed"][0]["name"]), (&1.into(), &"t".into()));
    it.lokt(["exists", "t"]).run().expect(3);
    it.lokt(["exists", "u"]).run().ok();
    assert_eq!(it.it.event_kinds("t"), ["acquire", "release"]);
    it.once(&[], LINE).run().ok();
    assert_eq!(it.runs(), 2);
}

#[test]
fn the_least_recently_used_results_are_removed_first() {
    let it = Repository::new();
    for key in ["1", "2", "3"] {
        it.once(&["--key", key], &format!("head -c 100000 /dev/zero; echo {key}")).run().ok();
    }
    it.once(&["--key", "1"], "head -c 100000 /dev/zero; echo 1").run().ok();
    let pruned = it.lokt(["results", "prune", "--max-size", "220k", "--json"]).run().ok().json();
    assert_eq!(pruned["count"], 1, "{pruned}");
    it.once(&["--key", "2", "--check"], "head -c 100000 /dev/zero; echo 2").run().expect(3);
    it.once(&["--key", "1", "--check"], "head -c 100000 /dev/zero; echo 1").run().ok();
    it.lokt(["results", "prune", "--older", "1h"]).run().ok();
    assert_eq!(results(&it).len(), 2, "none is that old");
    it.lokt(["results", "prune", "--older", "0s"]).run().ok();
    assert_eq!(results(&it).len(), 0);
    let left = it.shell("ls \"$LOKT_ROOT\"/once/blobs");
    assert_eq!(left, "", "no content stays without a result that names it");
}

#[test]
fn a_caller_gets_its_artifact_or_the_command_runs() {
    let it = Repository::new();
    let line = "rm -rf ignored-out; mkdir ignored-out; echo 1 >ignored-out/a; echo 2 >ignored-b; echo run >>ignored-runs";
    it.once(&[], line).run().ok();
    it.shell("rm -r ignored-out ignored-b");
    let one = ["--artifact", "ignored-out"];
    it.once(&one, line).run().ok();
    assert_eq!(it.runs(), 2, "it was kept without");
    it.shell("rm -r ignored-out ignored-b");
    it.once(&[&one[..], &["--artifact", "ignored-b"]].concat(), line).run().ok();
    assert!(it.path("ignored-out/a").exists() && it.path("ignored-b").exists());
    it.shell("rm -r ignored-out && echo file >ignored-out");
    it.once(&one, line).run().ok().says("is not used");
    assert!(it.path("ignored-out/a").exists(), "what cannot be restored is made again");
}

#[test]
fn an_artifact_made_by_two_runs_belongs_to_neither() {
    let it = Repository::new();
    let line = "echo begin; read line <ignored-gate; cat a >ignored-out";
    let flags = ["--artifact", "ignored-out"];
    let mut first = it.once(&flags, line).start();
    first.prints("begin");
    it.shell("echo 2 >a");
    let second = it.once(&flags, "cat a >ignored-out").run().ok();
    assert!(second.err.contains("another run made ignored-out at the same time"), "{second:#?}");
    it.shell("echo 1 >a");
    it.open_gate();
    first.ends().ok().says("another run made ignored-out at the same time");
    let check = [&flags[..], &["--check"]].concat();
    it.once(&check, line).run().expect(3);
}

#[test]
fn a_result_is_no_older_than_the_caller_allows() {
    let it = Repository::new();
    it.once(&[], LINE).run().ok();
    it.once(&["--ttl", "1h"], LINE).run().ok();
    assert_eq!(it.runs(), 1);
    it.once(&["--ttl", "1ms"], LINE).run().ok();
    assert_eq!(it.runs(), 2, "an older result is not used");
}

#[test]
fn a_long_command_breaks_no_table() {
    let it = Repository::new();
    let long = "x".repeat(100_000);
    it.lokt(["once", "long", "--", "true", &long]).run().ok();
    for command in [["status"].as_slice(), &["results", "list"]] {
        let done = it.lokt(command.iter().copied()).run().ok();
        assert!(done.out.contains("long") && done.out.len() < 10_000, "{command:?}");
    }
}

#[test]
fn any_file_in_place_of_a_content_blocks_no_call() {
    let it = Repository::new();
    it.once(&[], LINE).run().ok();
    let path = it.lokt(["get-meta", "t", "stdout"]).run().ok().out;
    it.shell(&format!("rm {0} && mkfifo {0}", path.trim()));
    it.once(&[], LINE).in_time().ok().says("is damaged");
    assert_eq!(it.runs(), 2);
}

#[test]
fn files_that_cannot_be_restored_are_not_stored() {
    let it = Repository::new();
    it.shell("mkdir ../elsewhere && ln -s ../elsewhere ignored-link");
    let flags = ["--artifact", "ignored-link/app"];
    for _ in 0..2 {
        let done = it.once(&flags, "echo app >ignored-link/app; echo run >>ignored-runs").run();
        done.ok().says("is not kept: the artifact ignored-link/app is behind a symbolic link");
    }
    assert_eq!(it.runs(), 2, "it is made again");
    let line = "rm -rf ignored-clone; git init -q ignored-clone";
    let done = it.once(&["--artifact", "ignored-clone"], line).run().ok();
    done.says("is not kept: the artifact ignored-clone/.git is part of another repository");
    it.shell("mkdir real && ln -s real ignored-root");
    // Also without a root.
    let call = it.once(&["--artifact", "real/lokt"], "true");
    let done = call.env("LOKT_ROOT", it.path("ignored-root/lokt")).run();
    done.fails_with(64, "nothing of git's or lokt's");
}

#[test]
fn a_result_does_not_replace_the_lease_of_another_owner() {
    let it = Repository::new();
    it.once(&[], LINE).owner("ada").run().ok();
    it.lokt(["lock", "t", "--ttl", "1h"]).owner("ada").run().ok();
    it.once(&["--refresh"], LINE).owner("bob").run().ok().says("is locked or frozen");
    let lease = it.lokt(["status", "t", "--json"]).run().ok().json();
    assert_eq!((&lease["owner"], &lease["metadata"]["exit_code"]), (&"ada".into(), &"0".into()));
    it.lokt(["unlock", "t"]).owner("ada").run().ok();
    it.once(&["--refresh"], LINE).owner("bob").run().ok();
    it.lokt(["exists", "t"]).run().ok();
}
