//! Which commits are refused, as a table.

use super::*;
use lokt_lock::{
    reservation::ReservationId,
    rules::OwnerSource,
    words::{AgentId, Harness, Owner},
};

const HERE: &str = "0f/.";

fn record(fields: &str) -> Reservation {
    let json = format!(r#"{{"acquired_ts":"2026-02-01T10:00:00Z",{fields}}}"#);
    Reservation::parse(json.as_bytes(), &ReservationId::new("0f3a").unwrap()).unwrap()
}

fn changed(path: &str, kind: ChangedPathKind) -> ChangedPath {
    ChangedPath { path: ProjectPath::new(path.as_bytes()).unwrap(), kind }
}

fn bob() -> CallerIdentity {
    let (owner, agent) = (Owner::new("bob").unwrap(), AgentId::new("agent-1").unwrap());
    CallerIdentity { owner, source: OwnerSource::Derived, agent }
}

/// What a commit of bob's gets: `refused`, `warned` or nothing.
fn decided(standing: &[Reservation], changed: ChangedPath, kind: CommitterKind) -> &'static str {
    let (committer, tree) = (bob(), WorktreeId::from_record(HERE));
    let check = CommitCheck { standing, committer: &committer, kind, tree: tree.as_ref() };
    let changed = [changed];
    let outcome = check.decide(&changed);
    assert!(
        check.is_needed() || (outcome.refused.is_empty() && outcome.tolerated.is_empty()),
        "a check that is not needed refuses nothing"
    );
    match (outcome.refused.is_empty(), outcome.tolerated.is_empty()) {
        (false, _) => "refused",
        (true, false) => "warned",
        (true, true) => "",
    }
}

#[test]
fn a_file_is_refused_if_another_s_pattern_covers_it_here() {
    for (fields, path, expected) in [
        (r#""owner":"ada","patterns":["src"]"#, "src/a.rs", "refused"),
        (r#""owner":"ada","patterns":["x","src/*.rs"]"#, "src/a.rs", "refused"),
        (r#""owner":"ada","patterns":["**/*.md"]"#, "src/a.rs", ""),
        (r#""owner":"ada","patterns":["src/a.rs/b"]"#, "src/a.rs", ""),
        (r#""owner":"ada","patterns":["src/*.rs"],"mode":"shared""#, "src/a.rs", "refused"),
        (r#""owner":"ada","patterns":["."],"scope":"tree","tree":"0f/.""#, "a", "refused"),
        (r#""owner":"ada","patterns":["."],"scope":"tree","tree":"0f/worktrees/x""#, "a", ""),
        (r#""owner":"ada","patterns":["."],"scope":"planet""#, "a", "refused"),
        (r#""owner":"bob","patterns":["."],"agent_id":"agent-1""#, "a", ""),
        (r#""owner":"bob","patterns":["."],"agent_id":"agent-2""#, "a", "refused"),
    ] {
        let file = changed(path, ChangedPathKind::File);
        assert_eq!(decided(&[record(fields)], file, CommitterKind::Person), expected, "{fields}");
    }
}

#[test]
fn the_new_commit_of_a_submodule_may_change_all_that_is_below() {
    for (patterns, origin, expected) in [
        (r#"["sub"]"#, "edit", "refused"),
        (r#"["sub/src/a.rs"]"#, "command", "refused"),
        (r#"["**/*.md"]"#, "command", "refused"),
        (r#"["sub/src/a.rs"]"#, "edit", ""),
        (r#"["su"]"#, "command", ""),
    ] {
        let fields = format!(r#""owner":"ada","patterns":{patterns},"origin":"{origin}""#);
        let sub = changed("sub", ChangedPathKind::Submodule);
        assert_eq!(decided(&[record(&fields)], sub, CommitterKind::Agent), expected, "{fields}");
    }
}

#[test]
fn a_person_is_warned_of_what_an_agent_of_the_same_user_edits_in_this_worktree() {
    use CommitterKind::{Agent, Person};
    let (edit, tree) = (r#""origin":"edit""#, r#""scope":"tree","tree":"0f/.""#);
    let bobs = r#""owner":"bob","agent_id":"claude-code:s1","patterns":["a"]"#;
    let adas = r#""owner":"ada","agent_id":"claude-code:s1","patterns":["a"]"#;
    for (fields, kind, expected) in [
        (format!("{bobs},{edit},{tree}"), Person, "warned"),
        (format!("{bobs},{edit},{tree}"), Agent, "refused"),
        (format!("{adas},{edit},{tree}"), Person, "refused"),
        (format!("{bobs},{tree}"), Person, "refused"),
        (format!("{bobs},{edit}"), Person, "refused"),
    ] {
        let file = changed("a", ChangedPathKind::File);
        assert_eq!(decided(&[record(&fields)], file, kind), expected, "{fields} {kind:?}");
    }
    let variable = AgentSource::Variable { harness: Harness::Codex, variable: "CODEX_THREAD_ID" };
    let marked = AgentSource::Terminal { marker: Some((Harness::Gemini, "GEMINI_CLI")) };
    for source in [variable, marked, AgentSource::Given, AgentSource::Connection] {
        assert_eq!(CommitterKind::of(&source), Agent, "{source:?}");
    }
    assert_eq!(CommitterKind::of(&AgentSource::Terminal { marker: None }), Person);
}

#[test]
fn who_shares_a_file_may_change_it() {
    let shared = r#""patterns":["a"],"mode":"shared""#;
    let (adas, bobs) = (
        record(&format!(r#""owner":"ada",{shared}"#)),
        record(&format!(r#""owner":"bob","agent_id":"agent-1",{shared}"#)),
    );
    let file = || changed("a", ChangedPathKind::File);
    assert_eq!(decided(&[adas.clone(), bobs.clone()], file(), CommitterKind::Agent), "");
    let exclusive = record(r#""owner":"cid","patterns":["a"]"#);
    assert_eq!(decided(&[adas, bobs, exclusive], file(), CommitterKind::Agent), "refused");
}
