//! The rules by tables and properties.

use super::*;
use crate::{
    pattern::ProjectPath,
    rules::{CallerIdentity, OwnerSource},
};
use proptest::prelude::*;

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn tree(name: &str) -> ReservationScope {
    ReservationScope::Tree(WorktreeId::new("0f", name))
}

fn identity(owner: &str, source: OwnerSource, agent: &str) -> CallerIdentity {
    let (owner, agent) = (Owner::new(owner).unwrap(), AgentId::new(agent).unwrap());
    CallerIdentity { owner, source, agent }
}

#[test]
fn two_claims_conflict_by_mode_scope_and_overlap() {
    use ReservationMode::{Exclusive, Shared};
    let repository = ReservationScope::Repository;
    let (one, two) = (patterns(&["src/**/a.rs"]), patterns(&["src/b/*.rs"]));
    let md = patterns(&["*.md"]);
    for (asked, standing, expected) in [
        ((&repository, &Exclusive, &one), (&repository, &Exclusive, &two), true),
        ((&repository, &Shared, &one), (&repository, &Exclusive, &two), true),
        ((&repository, &Exclusive, &one), (&repository, &Shared, &two), true),
        ((&repository, &Shared, &one), (&repository, &Shared, &two), false),
        ((&repository, &Exclusive, &one), (&repository, &Exclusive, &md), false),
        ((&tree("."), &Exclusive, &one), (&repository, &Exclusive, &two), true),
        ((&tree("."), &Exclusive, &one), (&tree("."), &Exclusive, &two), true),
        ((&tree("."), &Exclusive, &one), (&tree("worktrees/x"), &Exclusive, &two), false),
    ] {
        let asked = ReservationConflictTerms {
            scope: asked.0,
            mode: asked.1,
            patterns: asked.2,
            reach: PatternReach::All,
        };
        let standing = ReservationConflictTerms {
            scope: standing.0,
            mode: standing.1,
            patterns: standing.2,
            reach: PatternReach::All,
        };
        for found in [conflicts(asked, standing), conflicts(standing, asked)] {
            assert_eq!(!found.is_empty(), expected, "{asked:?} {standing:?}");
        }
    }
}

fn one_claim((patterns, reach): &(Vec<Pattern>, PatternReach)) -> ReservationConflictTerms<'_> {
    let (scope, mode) = (&ReservationScope::Repository, &ReservationMode::Exclusive);
    ReservationConflictTerms { scope, mode, patterns, reach: *reach }
}

#[test]
fn the_path_of_a_file_is_covered_or_not_and_has_nothing_below_it() {
    let claim = |pattern: &str, reach| (patterns(&[pattern]), reach);
    let (all, file) = (PatternReach::All, PatternReach::OneFile);
    for (one, two, common) in [
        (claim("src/main.rs", file), claim("**/*.md", all), None),
        (claim("src/main.rs", file), claim("src/*.rs", all), Some("src/main.rs")),
        (claim("src/main.rs", file), claim("src", all), Some("src/main.rs")),
        (claim("src/main.rs", file), claim("*.rs/", all), None),
        (claim("src/main.rs", file), claim("src/main.rs/**/x", all), None),
        (claim("src/main.rs", file), claim("src/main.rs", file), Some("src/main.rs")),
        (claim("src/a", file), claim("src/a/b", file), Some("src/a/b")),
        (claim("src/a", file), claim("src/b", file), None),
        (claim("src/main.rs", all), claim("**/*.md", all), Some("src/main.rs/.md")),
    ] {
        for (asked, standing) in [(&one, &two), (&two, &one)] {
            let found = conflicts(one_claim(asked), one_claim(standing));
            let path = found.first().map(|it| it.common.to_string());
            assert_eq!(path.as_deref(), common, "{asked:?} {standing:?}");
        }
    }
}

#[test]
fn a_conflict_has_a_path_as_evidence_and_says_what_is_free() {
    let asked = patterns(&["src/**/a.rs", "docs", "x"]);
    let standing = patterns(&["src/b/*.rs", "x/y"]);
    let terms = |patterns| ReservationConflictTerms {
        scope: &ReservationScope::Repository,
        mode: &ReservationMode::Exclusive,
        patterns,
        reach: PatternReach::All,
    };
    let found = conflicts(terms(&asked), terms(&standing));
    let told: Vec<String> =
        found.iter().map(|it| format!("{} {} {}", it.asked, it.standing, it.common)).collect();
    assert_eq!(told, ["src/**/a.rs src/b/*.rs src/b/a.rs", "x x/y x/y"]);
    assert_eq!(free_of(&asked, &found), patterns(&["docs"]));
}

#[test]
fn two_sessions_of_harnesses_are_two_owners_under_one_given_name() {
    let given = |agent: &str| identity("ada", OwnerSource::Given, agent);
    let ada = Owner::new("ada").unwrap();
    for (caller, agent, expected) in [
        ("claude-code:s1", "claude-code:s1", true),
        ("claude-code:s1", "claude-code:s2", false),
        ("claude-code:s1", "codex:s1", false),
        ("claude-code:s1", "agent-0ac8ac9fdf8b8d21", true),
        ("agent-0ac8ac9fdf8b8d21", "claude-code:s1", true),
        ("one", "two", true),
    ] {
        let agent = AgentId::new(agent);
        assert_eq!(is_own(&given(caller), &ada, agent.as_ref()), expected, "{caller} {agent:?}");
        let bob = Owner::new("bob").unwrap();
        assert!(!is_own(&given(caller), &bob, agent.as_ref()), "another name is another owner");
    }
    let derived = identity("ada", OwnerSource::Derived, "one");
    assert!(!is_own(&derived, &ada, AgentId::new("two").as_ref()));
}

#[test]
fn what_is_given_back_leaves_the_rest_and_a_pattern_is_not_cut() {
    let standing = patterns(&["src/a", "src/b", "docs/**"]);
    let terms = ReservationConflictTerms {
        scope: &ReservationScope::Repository,
        mode: &ReservationMode::Exclusive,
        patterns: &standing,
        reach: PatternReach::All,
    };
    let cut = |back: &[&str]| reduced(terms, &patterns(back));
    assert_eq!(cut(&["src/a"]).rest, patterns(&["src/b", "docs/**"]));
    assert_eq!(cut(&["src"]).given_back, patterns(&["src/a", "src/b"]));
    let part = cut(&["src/a/x", "docs/x.md"]);
    assert_eq!((part.rest.len(), part.given_back.len()), (3, 0));
    assert_eq!(part.uncut.len(), 2);
    assert_eq!(cut(&["other"]).uncut, []);
}

#[test]
fn files_have_the_reservations_that_cover_them() {
    let standing =
        [held("ada", &["src", "src/*.rs"]), held("bob", &["**/*.md"]), held("cid", &["x"])];
    let files = ["src/a.rs", "src/a.md", "src/a.md/b", "y"];
    let files = files.map(|it| ProjectPath::new(it.as_bytes()).unwrap());
    let found = covering(&standing, &files);
    let owners = |it: &Vec<&Reservation>| {
        it.iter().map(|it| it.owner.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found.iter().map(owners).collect::<Vec<_>>(), ["ada", "ada bob", "ada", ""]);
}

fn waiter(number: u64, owner: &str, asks: &[&str]) -> WaitingReservation {
    WaitingReservation {
        number,
        id: ReservationId::new(&format!("w{number}")).unwrap(),
        identity: identity(owner, OwnerSource::Given, owner),
        pid: None,
        since: "2026-02-01T10:00:00Z".parse().unwrap(),
        scope: ReservationScope::Repository,
        mode: ReservationMode::Exclusive,
        patterns: patterns(asks),
    }
}

fn held(owner: &str, texts: &[&str]) -> Reservation {
    let list = serde_json::to_string(texts).unwrap();
    let json = format!(
        r#"{{"owner":"{owner}","agent_id":"{owner}","acquired_ts":"2026-02-01T10:00:00Z","patterns":{list}}}"#
    );
    Reservation::parse(json.as_bytes(), &ReservationId::new(owner).unwrap()).unwrap()
}

#[test]
fn a_circle_is_found_through_owners_and_through_earlier_waiters() {
    let standing = [held("ada", &["a"]), held("bob", &["b"])];
    let bob_waits = waiter(1, "bob", &["a"]);
    let ada = waiter(2, "ada", &["b"]);
    assert_eq!(circle(&ada, &standing, std::slice::from_ref(&bob_waits)).len(), 2);
    assert_eq!(circle(&ada, &standing, &[]), [], "bob does not wait");
    assert_eq!(circle(&bob_waits, &standing, &[]), [], "ada does not wait");
    // Cid waits behind bob, who waits for cid's.
    let standing = [held("ada", &["a"]), held("cid", &["c"])];
    let bob = waiter(1, "bob", &["c", "x"]);
    let found = circle(&waiter(2, "cid", &["x"]), &standing, &[bob]);
    assert_eq!((found.len(), found[0].standing.is_none()), (2, true));
    // Three owners.
    let standing = [held("ada", &["a"]), held("bob", &["b"]), held("cid", &["c"])];
    let waiting = [waiter(1, "ada", &["b"]), waiter(2, "bob", &["c"])];
    assert_eq!(circle(&waiter(3, "cid", &["a"]), &standing, &waiting).len(), 3);
    assert_eq!(circle(&waiter(3, "cid", &["d"]), &standing, &waiting), []);
}

#[test]
fn a_waiting_request_is_read_back() {
    let request =
        WaitingReservation { scope: tree("."), pid: Some(7), ..waiter(3, "ada", &["a/*"]) };
    let again = WaitingReservation::parse(&request.encode(), 3, &request.id).unwrap();
    assert_eq!(again, request);
}

/// Small patterns over a small alphabet, so that many overlap.
fn pattern() -> impl Strategy<Value = Pattern> {
    let segment =
        prop_oneof![Just("a"), Just("b"), Just("*"), Just("**"), Just("a*"), Just("{a,b}")];
    proptest::collection::vec(segment, 1..4).prop_map(|it| it.join("/").parse().unwrap())
}

proptest! {
    #[test]
    fn an_extension_covers_both_and_nothing_else(
        present in proptest::collection::vec(pattern(), 1..4),
        more in proptest::collection::vec(pattern(), 1..4),
    ) {
        let all = extended(&present, &more);
        for path in ["a", "b", "a/a", "a/b", "b/a", "ab/a", "a/b/a", "c", "a/b/c"] {
            let path = ProjectPath::new(path.as_bytes()).unwrap();
            let is_covered = |list: &[Pattern]| list.iter().any(|it| it.covers(&path));
            prop_assert_eq!(is_covered(&all), is_covered(&present) || is_covered(&more));
        }
    }

    #[test]
    fn giving_back_and_what_stays_are_all_there_was(
        standing in proptest::collection::vec(pattern(), 1..4),
        back in proptest::collection::vec(pattern(), 1..3),
    ) {
        let terms = ReservationConflictTerms {
            scope: &ReservationScope::Repository,
            mode: &ReservationMode::Exclusive,
            patterns: &standing,
            reach: PatternReach::All,
        };
        let cut = reduced(terms, &back);
        prop_assert_eq!(cut.rest.len() + cut.given_back.len(), standing.len());
        for gone in &cut.given_back {
            prop_assert!(back.iter().any(|it| it.contains(gone)));
        }
    }
}
