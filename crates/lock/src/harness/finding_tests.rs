use super::*;

fn here() -> ProcessLocation {
    ProcessLocation { host: "box".into(), boot_id: "boot".into(), pid_ns: 1 }
}

/// A process above, by its command name and its pid.
fn process((pid, name): &(i32, &str)) -> AncestorProcess {
    AncestorProcess { pid: *pid, started: 7, name: (*name).to_owned(), words: Vec::new() }
}

fn found(values: &[(&str, &str)], above: &[(i32, &str)]) -> AgentDetectionOutcome {
    let value_of =
        |name: &str| values.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
    find(value_of, &here(), above.iter().map(process))
}

/// The id of the agent that is found.
fn id(values: &[(&str, &str)], above: &[(i32, &str)]) -> Option<String> {
    match found(values, above) {
        AgentDetectionOutcome::Agent(id, _) => Some(id.to_string()),
        AgentDetectionOutcome::Unknown(_) => None,
    }
}

/// The processes above, where it is a fault to ask for one.
fn none() -> impl Iterator<Item = AncestorProcess> {
    std::iter::from_fn(|| panic!("no process is needed for this"))
}

const CLAUDE: (&str, &str) = ("CLAUDE_CODE_SESSION_ID", "c1");
const CODEX: (&str, &str) = ("CODEX_THREAD_ID", "x1");
const GEMINI: (&str, &str) = ("GEMINI_CLI", "1");
const OPENCODE: (&str, &str) = ("OPENCODE", "1");

#[test]
fn a_session_variable_alone_needs_no_process() {
    for (variable, expected) in [
        ("CLAUDE_CODE_SESSION_ID", "claude-code:s1"),
        ("CODEX_THREAD_ID", "codex:s1"),
        ("CURSOR_CONVERSATION_ID", "cursor:s1"),
        ("COPILOT_AGENT_SESSION_ID", "copilot:s1"),
        ("OPENCODE_SESSION_ID", "opencode:s1"),
        ("AMP_CURRENT_THREAD_ID", "amp:s1"),
    ] {
        let value_of = |name: &str| (name == variable).then(|| "s1".into());
        let AgentDetectionOutcome::Agent(id, source) = find(value_of, &here(), none()) else {
            panic!("{variable} names a session")
        };
        assert_eq!(id.as_str(), expected);
        let harness = id.harness().unwrap();
        assert_eq!(source, AgentSource::Variable { harness, variable });
    }
    let markers = [CLAUDE, ("CLAUDECODE", "1")];
    let value_of = |name: &str| markers.iter().find(|it| it.0 == name).map(|it| it.1.into());
    let own = find(value_of, &here(), none());
    assert!(matches!(own, AgentDetectionOutcome::Agent(..)), "a harness's own marker adds nothing");
}

#[test]
fn nothing_that_is_set_needs_no_process() {
    assert_eq!(find(|_| None, &here(), none()), AgentDetectionOutcome::Unknown(None));
    assert_eq!(find(|_| Some("".into()), &here(), none()), AgentDetectionOutcome::Unknown(None));
    let other = |name: &str| (name == "AGENT").then(|| "goose".into());
    assert_eq!(find(other, &here(), none()), AgentDetectionOutcome::Unknown(None));
}

#[test]
fn the_nearest_harness_above_decides_between_several() {
    let both = [CLAUDE, CODEX];
    let above = [(9, "bash"), (8, "codex"), (7, "bash"), (6, "claude"), (1, "init")];
    assert_eq!(id(&both, &above).unwrap(), "codex:x1");
    let above = [(9, "bash"), (8, "claude"), (7, "bash"), (6, "codex"), (1, "init")];
    assert_eq!(id(&both, &above).unwrap(), "claude-code:c1");
    let three = [(9, "claude"), (8, "codex"), (7, "claude")];
    assert_eq!(id(&both, &three).unwrap(), "claude-code:c1");
    let stranger = [(9, "amp"), (8, "codex"), (7, "claude")];
    assert_eq!(
        id(&both, &stranger).unwrap(),
        "codex:x1",
        "amp has set nothing, so it is no harness"
    );
}

#[test]
fn several_sessions_without_a_process_name_the_inner_one_together() {
    let both = id(&[CLAUDE, CODEX], &[(9, "bash")]).unwrap();
    assert_eq!(both, id(&[CODEX, CLAUDE], &[]).unwrap(), "the same in the next command");
    for other in
        [id(&[CLAUDE], &[]), id(&[CODEX], &[]), id(&[CLAUDE, ("CODEX_THREAD_ID", "x2")], &[])]
    {
        assert_ne!(both, other.unwrap(), "another session");
    }
}

#[test]
fn a_harness_without_a_session_is_its_process() {
    let gemini = id(&[GEMINI], &[(9, "bash"), (8, "gemini"), (7, "gemini")]).unwrap();
    assert!(gemini.starts_with("gemini:pid-8-"), "{gemini}");
    let inner = id(&[CLAUDE, GEMINI], &[(9, "bash"), (8, "gemini"), (6, "claude")]).unwrap();
    assert_eq!(inner, gemini, "what it runs in does not matter");
    let outer = id(&[CLAUDE, GEMINI], &[(9, "claude"), (8, "gemini")]).unwrap();
    assert_eq!(outer, "claude-code:c1");
    let by_pid = id(&[OPENCODE, ("OPENCODE_PID", "8")], &[(9, "bash"), (8, "bun")]).unwrap();
    assert!(by_pid.starts_with("opencode:pid-8-"), "{by_pid}");
    let old = id(&[("CLAUDECODE", "1")], &[(9, "bash"), (8, "claude")]).unwrap();
    assert!(old.starts_with("claude-code:pid-8-"), "{old}");
}

#[test]
fn a_harness_without_a_session_and_a_process_is_only_named() {
    let of = |values: &[(&str, &str)]| found(values, &[(9, "bash"), (1, "init")]);
    let unknown = |harness, variable| AgentDetectionOutcome::Unknown(Some((harness, variable)));
    assert_eq!(of(&[GEMINI]), unknown(Harness::Gemini, "GEMINI_CLI"));
    assert_eq!(of(&[("CLAUDECODE", "1")]), unknown(Harness::ClaudeCode, "CLAUDECODE"));
    // Which of the two is the inner one is unknown, and the inner one has no session.
    assert_eq!(of(&[CLAUDE, GEMINI]), unknown(Harness::Gemini, "GEMINI_CLI"));
    assert_eq!(of(&[OPENCODE, GEMINI]), unknown(Harness::Gemini, "GEMINI_CLI"));
}

#[test]
fn a_marker_of_a_harness_that_may_name_no_session_makes_it_no_agent_of_another() {
    for (variable, harness) in [
        ("GEMINI_CLI", Harness::Gemini),
        ("OPENCODE", Harness::OpenCode),
        ("COPILOT_CLI", Harness::Copilot),
        ("COPILOT_AGENT", Harness::Copilot),
        ("CURSOR_AGENT", Harness::Cursor),
    ] {
        let beside = [CLAUDE, (variable, "1")];
        let unknown = AgentDetectionOutcome::Unknown(Some((harness, variable)));
        assert_eq!(found(&beside, &[(9, "bash")]), unknown, "the inner one may be {harness:?}");
        let above = id(&beside, &[(9, "bash"), (8, "claude")]);
        assert_eq!(above.unwrap(), "claude-code:c1", "its process says that it is nearer");
    }
    let both = id(&[CLAUDE, OPENCODE, ("OPENCODE_SESSION_ID", "o1")], &[]).unwrap();
    assert_eq!(both, id(&[CLAUDE, ("OPENCODE_SESSION_ID", "o1")], &[]).unwrap());
}

#[test]
fn a_marker_of_a_harness_that_names_its_sessions_does_not_outweigh_a_session() {
    let doubled = [CODEX, ("CLAUDECODE", "1"), ("AGENT", "amp")];
    assert_eq!(id(&doubled, &[]).unwrap(), "codex:x1");
    // An old version within a session, which has set no variable for its session.
    let old = id(&doubled, &[(9, "claude"), (8, "codex")]).unwrap();
    assert!(old.starts_with("claude-code:pid-9-"), "{old}");
}

#[test]
fn a_variable_that_only_hooks_have_counts_where_no_process_is_seen() {
    let hook = [("GEMINI_SESSION_ID", "g1")];
    let above = [(9, "sh"), (8, "gemini")];
    assert_eq!(
        id(&hook, &above),
        id(&[GEMINI], &above),
        "a hook and a shell command are one agent"
    );
    assert_eq!(id(&hook, &[]).unwrap(), "gemini:g1");
    assert_eq!(id(&[hook[0], GEMINI], &[]).unwrap(), "gemini:g1");
}
