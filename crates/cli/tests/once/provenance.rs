//! Output that is not of this run says so on stderr: whose run it is, and when it was.

use super::{GATED, Repository};
use lokt_testkit::Done;

const LINE: &str = "echo out; echo err >&2; echo run >>ignored-runs";

/// The note of a call, and what else is on stderr.
fn note(done: &Done) -> (String, String) {
    let (notes, rest): (Vec<&str>, Vec<&str>) =
        done.err.lines().partition(|line| line.starts_with("note: "));
    assert!(notes.len() <= 1, "one note: {done:#?}");
    (notes.concat(), rest.concat())
}

#[test]
fn a_replayed_output_says_from_when_and_by_whom_it_is() {
    let it = Repository::new();
    let ran = it.once(&[], LINE).owner("ada").env("LOKT_AGENT_ID", "a1").run().ok();
    assert_eq!(note(&ran), (String::new(), "err".to_owned()), "a run of this call needs no note");
    let replayed = |owner: &str, agent: &str| {
        let done = it.once(&[], LINE).owner(owner).env("LOKT_AGENT_ID", agent).run().ok();
        let (note, rest) = note(&done);
        assert_eq!((done.out.as_str(), rest.as_str()), ("out\n", "err"), "streams stay: {done:#?}");
        assert!(done.err.starts_with("note: "), "the note comes first: {done:#?}");
        note
    };
    let finished = it.lokt(["results", "show", "t", "--json"]).run().ok().json();
    assert_eq!((&finished["owner"], &finished["agent_id"]), (&"ada".into(), &"a1".into()));
    let day = finished["finished_at"].as_str().unwrap().split('.').next().unwrap().to_owned();
    for (owner, agent, by) in [
        ("ada", "a1", "you"),
        ("ada", "a2", "you (a1)"),
        ("bob", "a1", "ada"),
        ("bob", "b1", "ada (a1)"),
    ] {
        let note = replayed(owner, agent);
        let told = format!("note: \"t\" is replayed: this is the output of a run by {by}, ");
        assert!(note.starts_with(&told), "{owner} {agent}: {note}");
        assert!(note.contains(&format!(" ago ({}", day.trim_end_matches('Z'))), "{day}: {note}");
        assert!(note.ends_with("; --refresh runs it again"), "{note}");
    }
    assert_eq!(it.runs(), 1);
}

#[test]
fn quiet_and_json_say_nothing_of_it() {
    let it = Repository::new();
    it.once(&[], LINE).run().ok();
    let done = it.once(&["--quiet"], LINE).run().ok();
    assert_eq!((done.out.as_str(), done.err.as_str()), ("out\n", "err\n"));
    let done = it.once(&["--json"], LINE).run().ok();
    assert_eq!((done.json()["status"].as_str(), done.err.as_str()), (Some("hit"), ""));
}

#[test]
fn a_followed_run_says_who_runs_it_since_when() {
    let it = Repository::new();
    let mut lead = it.once(&[], GATED).owner("ada").env("LOKT_AGENT_ID", "a1").start();
    lead.prints("begin");
    let mut all: Vec<_> = [&[][..], &["--quiet"], &["--json"]]
        .into_iter()
        .map(|flags| it.once(flags, GATED).owner("bob").env("LOKT_AGENT_ID", "b1").start())
        .collect();
    let follower = &mut all[0];
    let note = follower.says("is being run already");
    assert!(note.starts_with("note: \"t\" is being run already, by ada (a1) since "), "{note}");
    assert!(note.trim_end().ends_with("; this is its output"), "{note}");
    all[1].prints("begin");
    it.open_gate();
    let done: Vec<Done> = all.into_iter().map(|it| it.ends().ok()).collect();
    assert_eq!(done[1].err, "trouble\n", "--quiet leaves the command's output alone");
    assert_eq!(done[2].err, "", "JSON says it by its status");
    lead.ends().ok();
    assert_eq!(it.runs(), 1);
}

#[test]
fn a_shared_tool_says_so_too() {
    let it = Repository::new();
    it.lokt(["key", "generate"]).run().ok();
    super::tools::write_tool(&it, "hello");
    let call = ["tool", "run", "say", "--once"];
    it.lokt(call).run().ok();
    let done = it.lokt(call).run().ok().says("note: \"tool.say\" is replayed");
    assert!(!done.err.contains("--refresh"), "tool run has no such flag: {done:#?}");
    let done = it.lokt(call).arguments(["--quiet"]).run().ok();
    assert!(!done.err.contains("is replayed"), "{done:#?}");
    it.lokt(["tool", "run", "say", "--quiet"]).run().fails_with(64, "--once");
}
