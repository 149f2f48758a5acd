use super::*;
use crate::{prime::project::GuardedOperationFindings, printable};
use clap::ValueEnum;
use lokt_lock::words::{AgentId, Harness, Owner};
use proptest::prelude::*;

fn me(source: OwnerSource) -> Caller {
    let owner = Owner::from_record(&"o\n".repeat(100));
    let mut me = Caller::current(Some(owner), source, AgentId::new(&"a\n".repeat(100)));
    me.agent_source = AgentSource::Terminal { marker: None };
    me
}

/// The same in a session of a harness.
fn agent(source: OwnerSource) -> Caller {
    let mut me = me(source);
    me.agent_source = AgentSource::Process { harness: Harness::Amp, pid: 1 };
    me
}

fn briefed(caller: &Caller) -> BriefedCaller<'_> {
    BriefedCaller { caller, is_known_to_shell: true }
}

/// A title and items, one of them with lines to copy.
fn trouble() -> Vec<String> {
    let long = format!("- {}", "somewhat long words ".repeat(8).trim());
    let copied = "- add these lines:\n  [table]\n  key = [\"x\"]".to_owned();
    vec!["No lock can be taken here.".to_owned(), long.clone(), copied, long.clone(), long]
}

fn findings(scripts: &[String]) -> GuardedOperationFindings {
    let mut findings = GuardedOperationFindings::default();
    for (number, script) in scripts.iter().enumerate() {
        findings.add(&format!("scripts/it-{number}"), script);
    }
    findings
}

/// What is promised of every text.
fn check(text: &str, most_characters: usize) {
    let count = text.split_whitespace().count();
    assert!(count < MOST_WORDS, "{count} words:\n{text}");
    assert!(text.chars().count() < most_characters, "{} characters", text.chars().count());
    for line in text.lines() {
        assert!(line.chars().count() <= WIDTH, "a line is too wide: {line}");
        assert_eq!(line.matches('`').count() % 2, 0, "a quotation does not end: {line}");
    }
    assert!(text.lines().all(|it| printable::line(it) == it), "something is not seen: {text:?}");
}

fn check_all(findings: &GuardedOperationFindings, held: &[String]) {
    for source in [OwnerSource::Given, OwnerSource::Derived] {
        check(&live(findings, Ok(held.to_vec()), &[], briefed(&me(source))), usize::MAX);
        check(&live(findings, Err("x".to_owned()), &[], briefed(&me(source))), usize::MAX);
        let agent = agent(source);
        check(&live(findings, Ok(held.to_vec()), &[], briefed(&agent)), usize::MAX);
        let unknown = BriefedCaller { is_known_to_shell: false, ..briefed(&agent) };
        check(&live(findings, Ok(held.to_vec()), &[], unknown), usize::MAX);
        check(&live(findings, Ok(held.to_vec()), &trouble(), unknown), usize::MAX);
    }
    for format in InstructionFileKind::value_variants() {
        let text = crate::init::section::marked(&lasting(findings, *format));
        // One owner for several agents makes one caller of them.
        assert!(!text.contains("LOKT_OWNER"), "{text}");
        let most = if *format == InstructionFileKind::Windsurfrules { 2000 } else { usize::MAX };
        check(text.trim_start_matches("<!-- ").trim_end_matches(" -->"), most);
    }
}

#[test]
fn two_hundred_of_everything_fit_and_say_that_there_is_more() {
    let scripts: Vec<String> =
        (0..200).map(|it| format!("lokt guard operation-{it} -- a b c d e f g h")).collect();
    let held: Vec<String> = (0..200).map(|it| format!("- `lock-{it}` is held by `ada`")).collect();
    let findings = findings(&scripts);
    check_all(&findings, &held);
    let text = live(&findings, Ok(held), &[], briefed(&me(OwnerSource::Given)));
    for shown in ["`operation-0`", "`lock-0`", "more: `lokt prime --json`", "more: `lokt status`"] {
        assert!(text.contains(shown), "{shown} is told: {text}");
    }
}

#[test]
fn nothing_guarded_and_nothing_held_is_said() {
    let none = GuardedOperationFindings::default();
    check_all(&none, &[]);
    let text = live(&none, Ok(Vec::new()), &[], briefed(&me(OwnerSource::Derived)));
    assert!(text.contains("No guarded operations") && text.contains("nothing is held"), "{text}");
    let unknown = live(&none, Err("x".to_owned()), &[], briefed(&me(OwnerSource::Given)));
    assert!(
        unknown.contains("cannot be read") && !unknown.contains("nothing is held"),
        "{unknown}"
    );
}

#[test]
fn what_is_held_stays_before_advice_does() {
    let held: Vec<String> = (0..5).map(|it| format!("- `lock-{it}` is held by `ada`")).collect();
    let me = me(OwnerSource::Derived);
    let none = GuardedOperationFindings::default();
    let text = live(&none, Ok(held.clone()), &trouble(), briefed(&me));
    check(&text, usize::MAX);
    assert!(held.iter().all(|line| text.contains(line)), "{text}");
    assert!(text.contains("No lock can be taken here.\n- somewhat"), "{text}");
    assert!(text.contains("- `lokt doctor` says the rest"), "{text}");
    let text = live(&none, Ok(Vec::new()), &trouble()[..3], briefed(&me));
    assert!(text.contains("- add these lines:\n  [table]\n  key = [\"x\"]\n\n"), "{text}");
}

#[test]
fn two_sessions_are_told_two_ids() {
    let me = me(OwnerSource::Derived);
    let told = || {
        let text = identity(briefed(&me));
        let (_, rest) = text.split_once("`LOKT_AGENT_ID=").unwrap();
        rest.split_once('`').unwrap().0.to_owned()
    };
    let (one, two) = (told(), told());
    assert!(AgentId::given(&one).unwrap().is_some() && one != two, "{one} {two}");
    let unknown = BriefedCaller { is_known_to_shell: false, ..briefed(&me) };
    let mut of_harness = agent(OwnerSource::Derived);
    of_harness.identity.agent = AgentId::new("claude-code:s1").unwrap();
    let text = identity(BriefedCaller { caller: &of_harness, ..unknown });
    assert!(text.contains("LOKT_AGENT_ID=") && !text.contains("yours in all"), "{text}");
}

#[test]
fn a_list_shows_all_that_fits_and_counts_the_rest() {
    let lines: Vec<String> = (1..=4).map(|it| format!("- line {it}")).collect();
    let shown = |words| list(&lines, "see", PrimeListTextBudget::of_words(words));
    assert_eq!(shown(12), lines, "all of them fit");
    assert_eq!(shown(11), ["- line 1", "- line 2", "- and 2 more: see"]);
    assert_eq!(shown(0), ["- and 4 more: see"], "what is left out is told in any case");
    assert!(list(&[], "see", PrimeListTextBudget::of_words(0)).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_script_breaks_the_promises(
        scripts in prop::collection::vec("lokt guard [a-z$({})\"'` ]{0,60} -- \\PC{0,200}\n?\\PC{0,40}", 0..30),
        owner in "\\PC{0,60}",
    ) {
        check_all(&findings(&scripts), &[format!("- {} is held", code(&owner, 20))]);
    }
}
