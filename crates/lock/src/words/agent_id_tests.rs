use super::*;

#[test]
fn fnv1a_matches_the_published_vectors() {
    assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
}

#[test]
fn sessions_differ_by_every_part() {
    let id = AgentId::derived("boot", 10, 20);
    assert_eq!(id, AgentId::derived("boot", 10, 20), "one session, one id");
    for other in [("b", 10, 20), ("boot", 11, 20), ("boot", 10, 21)] {
        assert_ne!(id, AgentId::derived(other.0, other.1, other.2), "another session: {other:?}");
    }
}

fn place(boot: &str, pid_ns: u64) -> ProcessLocation {
    ProcessLocation { host: "box".into(), boot_id: boot.into(), pid_ns }
}

#[test]
fn processes_differ_by_every_part() {
    let of = |boot: &str, ns, pid, start| {
        AgentId::of_process(Harness::Gemini, &place(boot, ns), pid, start)
    };
    let id = of("boot", 1, 10, 20);
    assert_eq!(id, of("boot", 1, 10, 20), "one process, one id");
    for other in [of("b", 1, 10, 20), of("boot", 2, 10, 20), of("boot", 1, 11, 20)] {
        assert_ne!(id, other);
    }
    assert_ne!(id, of("boot", 1, 10, 21), "a pid that was used again is another process");
    assert_eq!(id.spoken(), "gemini pid 10");
}

#[test]
fn an_id_that_is_given_is_one_line_of_bounded_length() {
    assert_eq!(AgentId::given(""), Ok(None), "an empty one is not given");
    assert_eq!(AgentId::given("a 1").unwrap().unwrap().as_str(), "a 1");
    for hostile in ["a\nb", "\u{1b}[2J", "a\u{85}"] {
        assert_eq!(AgentId::given(hostile), Err(InvalidAgentId::Control(hostile.to_owned())));
    }
    assert!(AgentId::given(&"x".repeat(200)).is_ok());
    assert_eq!(AgentId::given(&"x".repeat(10_000)), Err(InvalidAgentId::TooLong(10_000)));
}

#[test]
fn a_session_that_is_no_plain_id_is_hashed_and_stays_one_session() {
    let of = |session: &[u8]| AgentId::of_session(Harness::Codex, session);
    assert_eq!(of(b"T-1_a.b").as_str(), "codex:T-1_a.b");
    let long = [b'x'; 10_000];
    for hostile in [&b"a\nb"[..], b"a b", b"a:b", b"\xff", "ä".as_bytes(), &long] {
        let id = of(hostile);
        assert_eq!(id, of(hostile));
        assert_eq!(id.as_str().len(), "codex:".len() + 16, "{id}");
        assert!(id.as_str().bytes().all(|it| it.is_ascii_graphic()), "{id}");
    }
    assert_ne!(of(b"a\nb"), of(b"a\nc"), "two values are two sessions");
    assert_ne!(of(&long), of(&[b'x'; 10_001]));
}

#[test]
fn nested_sessions_differ_by_each_of_them() {
    let of = |a: &str, b: &str| {
        AgentId::of_nested(&[(Harness::ClaudeCode, a.into()), (Harness::Codex, b.into())])
    };
    assert_eq!(of("a", "b"), of("a", "b"));
    assert_ne!(of("a", "b"), of("a", "c"));
    assert_ne!(of("ab", "c"), of("a", "bc"));
    assert!(of("a", "b").spoken().starts_with("claude-code+codex "), "{}", of("a", "b").spoken());
    assert!(of("a", "b").is_of_harness() && of("a", "b").harness().is_none());
}

#[test]
fn ids_are_spoken_as_people_recognize_them() {
    for (id, spoken) in [
        ("claude-code:1f0c4be0-2bfa-4d04-b1dd-46d56eaa2b13", "claude-code 1f0c4be0"),
        ("codex:019dba93-8214-7d50-a089-9690b4ce6b9e", "codex 019dba93…6b9e"),
        ("amp:T-019c971d-d371-70ac-9805-5c739908e73b", "amp T-019c97…e73b"),
        ("codex:short", "codex short"),
        ("opencode:pid-1234-0ac8ac9f", "opencode pid 1234"),
        ("gemini:pid-", "gemini pid-"),
        ("agent-0ac8ac9fdf8b8d21", "terminal 0ac8ac9f"),
        ("mcp-0ac8ac9fdf8b8d21", "mcp 0ac8ac9f"),
        ("agent-1", "agent-1"),
        ("mcp-one", "mcp-one"),
        ("other:1f0c4be0-2bfa-4d04", "other:1f0c4be0-2bfa-4d04"),
        ("codex:", "codex:"),
        ("codex:ää…äääääääääääää", "codex ää…äääää…ääää"),
    ] {
        assert_eq!(AgentId::new(id).unwrap().spoken(), spoken);
    }
    assert_eq!(AgentId::new("codex:1").unwrap().harness(), Some(Harness::Codex));
    assert_eq!(AgentId::new("agent-1").unwrap().harness(), None);
}
