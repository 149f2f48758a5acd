//! Artifacts that several runs make or restore at the same time: the stored result is what its own command
//! made.

use super::{Repository, lines};
use lokt_testkit::{Lokt, Running};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::fs;

/// Two artifacts of which one contains the other or is the same, the file that each command writes, and a
/// setup.
const SAME_PLACE: [([&str; 2], [&str; 2], &str); 8] = [
    (["ignored-out", "ignored-out"], ["ignored-out", "ignored-out"], "true"),
    (["ignored-d", "ignored-d/app"], ["ignored-d/app", "ignored-d/app"], "mkdir ignored-d"),
    (
        ["ignored-d/x/app", "ignored-d"],
        ["ignored-d/x/app", "ignored-d/x/app"],
        "mkdir -p ignored-d/x",
    ),
    (
        ["sub/../ignored-d/", "./ignored-d//app"],
        ["ignored-d/app", "ignored-d/app"],
        "mkdir ignored-d",
    ),
    (
        ["ignored-link", "ignored-real"],
        ["ignored-link", "ignored-real"],
        "ln -s ignored-real ignored-link",
    ),
    (
        ["ignored-one", "ignored-two"],
        ["ignored-one", "ignored-two"],
        "echo >ignored-one; ln ignored-one ignored-two",
    ),
    (
        ["ignored-d", "ignored-e"],
        ["ignored-d/f", "ignored-e/x/g"],
        "mkdir -p ignored-d ignored-e/x; echo >ignored-d/f; ln ignored-d/f ignored-e/x/g",
    ),
    // Some file systems do not distinguish the two names.
    (["ignored-OUT", "ignored-out"], ["ignored-OUT", "ignored-out"], "true"),
];

/// A run that has written its text and waits for the gate.
fn waiting(it: &Repository, artifact: &str, file: &str) -> Running {
    it.begun(&["--artifact", artifact], &waiting_line(file))
}

fn waiting_line(file: &str) -> String {
    format!("echo run >{file}; echo begin; read line <ignored-gate")
}

fn quick<'a>(artifact: &'a str, file: &str) -> (Vec<&'a str>, String) {
    (vec!["--artifact", artifact], format!("echo quick >{file}; echo ran >>ignored-runs"))
}

fn is_stored(it: &Repository, artifact: &str, line: &str) -> bool {
    let done = it.once(&["--artifact", artifact, "--check"], line).run();
    assert!([Some(0), Some(3)].contains(&done.code), "{done:#?}");
    done.code == Some(0)
}

#[test]
fn artifacts_of_two_runs_in_overlapping_places_are_not_stored() {
    for (artifacts, files, before) in SAME_PLACE {
        for (first, second) in [(0, 1), (1, 0)] {
            let it = Repository::new();
            it.shell(before);
            let run = waiting(&it, artifacts[first], files[first]);
            let (flags, line) = quick(artifacts[second], files[second]);
            let done = it.once(&flags, &line).run().ok();
            done.says("another run made");
            it.open_gate();
            run.ends().ok().says("another run made");
            assert!(!is_stored(&it, artifacts[second], &line), "{artifacts:?}: of the second");
            let line = waiting_line(files[first]);
            assert!(!is_stored(&it, artifacts[first], &line), "{artifacts:?}: of the first");
        }
    }
}

#[test]
fn artifacts_restored_during_a_run_are_not_stored_as_its_result() {
    for (artifacts, files, before) in &SAME_PLACE[..4] {
        for (run, hit) in [(0, 1), (1, 0)] {
            let it = Repository::new();
            it.shell(before);
            let (flags, line) = quick(artifacts[hit], files[hit]);
            it.once(&flags, &line).run().ok();
            let one = waiting(&it, artifacts[run], files[run]);
            let done = it.once(&flags, &line).run().ok();
            done.says("was restored while another run makes it");
            assert_eq!(it.runs(), 1, "it was a hit");
            assert_eq!(fs::read_to_string(it.path(files[hit])).unwrap(), "quick\n");
            it.open_gate();
            one.ends().ok().says("another call restored");
            let line = waiting_line(files[run]);
            assert!(
                !is_stored(&it, artifacts[run], &line),
                "{artifacts:?}: what is there is the hit's"
            );
            let one = waiting(&it, artifacts[run], files[run]);
            it.open_gate();
            one.ends().ok();
            assert!(is_stored(&it, artifacts[run], &line), "{artifacts:?}: alone it is kept");
        }
    }
}

#[test]
fn a_hit_without_a_restore_affects_no_run() {
    let it = Repository::new();
    let (flags, line) = quick("ignored-out", "ignored-out");
    it.once(&flags, &line).run().ok();
    let run = it.begun(&flags, "echo begin; read line <ignored-gate; echo run >ignored-out");
    let quiet = [&flags[..], &["--quiet"]].concat();
    let done = it.once(&quiet, &line).run().ok();
    assert_eq!((done.err.as_str(), it.runs()), ("", 1));
    it.open_gate();
    run.ends().ok();
    assert!(is_stored(
        &it,
        "ignored-out",
        "echo begin; read line <ignored-gate; echo run >ignored-out"
    ));
}

#[test]
fn simultaneous_runs_in_separate_places_are_stored() {
    let it = Repository::new();
    it.shell("mkdir ignored-d ignored-e; echo >ignored-d/one; ln ignored-d/one ignored-d/two");
    let run = waiting(&it, "ignored-d/app", "ignored-d/app");
    let apart = [
        ("ignored-d/apple", "ignored-d/apple"),
        ("ignored-e", "ignored-e/app"),
        ("ignored-f", "ignored-f"),
    ];
    for (artifact, file) in apart {
        let (flags, line) = quick(artifact, file);
        it.once(&flags, &line).run().ok();
        assert!(is_stored(&it, artifact, &line), "{artifact}");
    }
    it.open_gate();
    run.ends().ok();
    assert!(is_stored(&it, "ignored-d/app", &waiting_line("ignored-d/app")));
}

#[test]
fn a_command_that_requests_another_result_runs_it() {
    let it = Repository::new();
    let inner = "lokt once inner --artifact ignored-d/app -- sh -c 'echo ran >>ignored-runs; echo inner >ignored-d/app'";
    it.shell("mkdir ignored-d");
    it.it.shell(inner).folder(it.folder()).run().ok();
    let outer = format!("rm -f ignored-d/app; {inner}; echo outer >ignored-d/log");
    it.once(&["--artifact", "ignored-d"], &outer).run().ok();
    assert_eq!(it.runs(), 1, "the inner one was a hit");
    assert!(is_stored(&it, "ignored-d", &outer), "what its own command restores is of the run");
    // It is unknown what the outer command writes while the inner one runs.
    let outer = format!("{}; echo >ignored-d/log", inner.replace("echo inner", "echo other"));
    let done = it.once(&["--artifact", "ignored-d"], &outer).run().ok();
    done.says("the run around this one makes ignored-d/app too");
    assert!(is_stored(&it, "ignored-d", &outer));
}

#[test]
fn a_command_that_outlives_its_supervisor_still_claims_its_artifacts() {
    let it = Repository::new();
    let (flags, line) = quick("ignored-d/app", "ignored-d/app");
    it.shell("mkdir ignored-d");
    // It reports that it has written a file.
    let orphan = it.begun(
        &["--artifact", "ignored-d"],
        &format!("{}; echo late >ignored-d/app; : >ignored-done", waiting_line("ignored-d/app")),
    );
    orphan.kill();
    it.once(&flags, &line).run().ok().says("another run made ignored-d/app at the same time");
    it.open_gate();
    it.shell("until [ -e ignored-done ]; do sleep 0.01; done");
    it.shell("until flock --nonblock \"$LOKT_ROOT\"/once/claims/* true; do sleep 0.01; done");
    it.once(&flags, &line).run().ok();
    assert!(is_stored(&it, "ignored-d/app", &line), "nothing of the other is left");
    assert_eq!(it.shell("ls \"$LOKT_ROOT\"/once/claims"), "", "claims that are over are removed");
}

#[test]
fn a_repository_inside_the_project_is_not_stored() {
    let it = Repository::new();
    for root in ["git init -q ignored-inner", "mkdir -p ignored-inner/.lokt"] {
        it.shell(&format!("rm -rf ignored-inner; {root}; mkdir ignored-inner/build"));
        let (flags, line) = quick("ignored-inner/build/app", "ignored-inner/build/app");
        let done = it.once(&flags, &line).run().ok();
        done.says("the artifact ignored-inner/build/app is part of another repository");
    }
    let done = it.once(&["--artifact", "ignored-inner"], "true").run().ok();
    done.says("is part of another repository");
}

/// A result of many files, all with the same text.
fn many(it: &Repository, text: &str) -> Lokt {
    let line = format!(
        "echo ran >>ignored-runs; mkdir -p ignored-d/x; for n in $(seq 60); do echo {text} >ignored-d/x/$n; done; \
         echo {text} >ignored-d/app"
    );
    it.once(&["--artifact", "ignored-d"], &line)
}

/// The texts in all these files.
fn texts(it: &Repository) -> Vec<String> {
    it.shell("cat ignored-d/app ignored-d/x/* 2>/dev/null | sort -u")
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn hits_at_the_same_time_leave_one_result_and_no_mixture() {
    let it = Repository::new();
    for text in ["one", "two", "three"] {
        many(&it, text).run().ok();
    }
    for round in 0..10 {
        let all: Vec<Running> = ["one", "two", "three", "one", "two", "three"]
            .map(|text| many(&it, text).start())
            .into();
        for one in all {
            one.ends().ok();
        }
        assert_eq!(texts(&it).len(), 1, "round {round}");
    }
    assert_eq!(it.runs(), 3, "all were hits");
}

#[test]
fn a_killed_restore_is_never_stored_as_a_result() {
    let it = Repository::new();
    many(&it, "one").run().ok();
    many(&it, "two").run().ok();
    for round in 0..20 {
        let text = if round % 2 == 0 { "one" } else { "two" };
        let run = it.begun(&["--artifact", "ignored-d", "--key", &round.to_string()], LAST);
        let hit = many(&it, text).start();
        it.shell(&format!("until grep -q {text} ignored-d/x/{}; do :; done", 1 + round));
        hit.kill();
        it.open_gate();
        run.ends().ok().says("another call restored");
        let left = it.shell("find . -name '*draft*' -not -path './ignored-root/*'");
        assert_eq!(left, "", "round {round}: no half file beside the artifact");
        many(&it, text).run().ok();
        assert_eq!(texts(&it), [text], "round {round}: the next call restores the rest");
    }
    assert_eq!(it.runs(), 2);
}

const LAST: &str = "echo begin; read line <ignored-gate";

#[test]
fn after_many_runs_hits_and_kills_each_result_is_from_its_own_command() {
    // Each command writes its text to all files of its artifact, at its start and at its end.
    let artifacts = ["ignored-d", "ignored-d/x", "ignored-d/x/1", "ignored-e"];
    let it = Repository::new();
    let call = |number: usize| {
        let artifact = artifacts[number % artifacts.len()];
        let line = format!(
            "write() {{ case {artifact} in */1) mkdir -p ignored-d/x; echo {number} >{artifact};; \
             *) mkdir -p {artifact}/x; for n in 1 2 3; do echo {number} >{artifact}/x/$n; done;; esac; }}; \
             [ {artifact} = ignored-d/x/1 ] || rm -rf {artifact}; write; write"
        );
        it.once(&["--artifact", artifact], &line)
    };
    let mut state = 7_u64;
    let mut random = |most: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % most
    };
    for _ in 0..25 {
        let all: Vec<Running> = (0..6).map(|_| call(random(8)).start()).collect();
        for (at, one) in all.into_iter().enumerate() {
            if random(3) == 0 && at > 0 {
                let _ = kill(Pid::from_raw(one.pid()), Signal::SIGKILL);
            }
            drop(one.ends());
        }
    }
    it.shell("for all in \"$LOKT_ROOT\"/once/claims/*; do flock \"$all\" true; done");
    for number in 0..8 {
        it.shell("rm -rf ignored-d ignored-e");
        call(number).run().ok();
        let texts = it.shell("find ignored-d ignored-e -type f 2>/dev/null | xargs cat | sort -u");
        assert_eq!(texts, format!("{number}\n"), "what was kept of {number}");
    }
    assert_eq!(lines(&it.path("ignored-violations")), 0);
}
