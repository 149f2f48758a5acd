//! Which agent a caller is: the session of its harness, found by variables and by the processes above.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{Lokt, Sandbox};
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// Each variable that names a session, with the harness that sets it.
const SESSIONS: [(&str, &str); 6] = [
    ("CLAUDE_CODE_SESSION_ID", "claude-code"),
    ("CODEX_THREAD_ID", "codex"),
    ("CURSOR_CONVERSATION_ID", "cursor"),
    ("COPILOT_AGENT_SESSION_ID", "copilot"),
    ("OPENCODE_SESSION_ID", "opencode"),
    ("AMP_CURRENT_THREAD_ID", "amp"),
];

const ONE: &str = "1f0c4be0-2bfa-4d04-b1dd-46d56eaa2b13";
const OTHER: &str = "9e031b73-2bfa-4d04-b1dd-46d56eaa2b13";

/// Makes programs that have the names of harnesses. Each runs its arguments, and is above them until they end.
fn harnesses(it: &Sandbox) {
    for name in ["claude", "codex", "gemini", "opencode", "amp"] {
        let path = it.folder().join(name);
        fs::write(&path, "#!/bin/sh\n\"$@\"\nexit $?\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// What each line of `lokt whoami --json` says, of a shell line in a new session.
fn told(it: &Sandbox, line: &str) -> Vec<Value> {
    let done = it.shell(line).run().ok();
    done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn agents(it: &Sandbox, line: &str) -> Vec<String> {
    let id = |it: &Value| it["agent_id"].as_str().unwrap().to_owned();
    told(it, line).iter().map(id).collect()
}

#[test]
fn the_commands_of_a_session_are_one_caller_and_those_of_another_are_not() {
    for (variable, harness) in SESSIONS {
        let it = sandbox();
        let call = |session, words: &[&str]| -> Lokt {
            it.in_new_session(words.iter().copied()).env(variable, session)
        };
        call(ONE, &["lock", "x", "--ttl", "10m"]).run().ok();
        let record = it.record("x");
        assert_eq!(record["agent_id"], format!("{harness}:{ONE}"), "the id is the whole one");
        assert_ne!(record["owner"], harness, "the owner stays the user");
        let spoken = format!("{harness} 1f0c4be0)");
        call(OTHER, &["lock", "x"]).run().fails_with(2, &spoken);
        call(OTHER, &["guard", "x", "--", "true"]).run().fails_with(2, &spoken);
        let refused = call(OTHER, &["unlock", "x"]).run().fails_with(4, &spoken);
        assert!(refused.err.contains(&format!("you are {harness} 9e031b73")), "{refused:#?}");
        let why = call(OTHER, &["why", "x"]).run().expect(2);
        assert!(why.out.contains(&spoken), "{why:#?}");
        assert!(call(OTHER, &["status"]).run().ok().out.contains(&spoken));
        let prime = call(OTHER, &["prime"]).run().ok().out;
        assert!(prime.contains(&format!("`{harness} 1f0c4be0`")), "{prime}");
        assert!(prime.contains(&format!("You are `{harness} 9e031b73`")), "{prime}");
        let why = call(ONE, &["why", "x"]).run().expect(2);
        assert!(why.out.contains("held by you"), "{why:#?}");
        let renewed = call(ONE, &["lock", "x", "--ttl", "20m"]).run().ok();
        assert_eq!(renewed.out, "renewed lock \"x\"\n");
        call(ONE, &["guard", "x", "--", "true"]).run().ok();
        it.in_new_session(["unlock", "x"]).run().fails_with(4, "not yours");
        call(ONE, &["unlock", "x"]).run().ok();
    }
}

#[test]
fn who_the_caller_is_and_where_that_comes_from_is_told() {
    let it = sandbox();
    let of = |call: Lokt| call.run().ok().json();
    let plain = of(it.in_new_session(["whoami", "--json"]));
    assert_eq!(
        (&plain["agent_source"], &plain["harness"], &plain["owner_source"]),
        (&"terminal".into(), &Value::Null, &"user".into())
    );
    assert!(plain["agent"].as_str().unwrap().starts_with("terminal "), "{plain}");
    assert_eq!((&plain["root_method"], &plain["owner_given"]), (&"env".into(), &false.into()));
    assert_eq!(plain["root_path"], it.root().to_str().unwrap());
    let session = of(it.in_new_session(["whoami", "--json"]).env("CODEX_THREAD_ID", ONE));
    assert_eq!(
        (&session["agent_source"], &session["harness"], &session["agent"]),
        (&"variable".into(), &"codex".into(), &"codex 1f0c4be0".into())
    );
    assert_eq!(session["agent_variables"], serde_json::json!(["CODEX_THREAD_ID"]));
    let given = it.in_new_session(["whoami", "--json"]).env("CODEX_THREAD_ID", ONE);
    let given = of(given.env("LOKT_AGENT_ID", "a1").owner("ada"));
    assert_eq!(
        (&given["agent_id"], &given["agent_source"], &given["owner_source"]),
        (&"a1".into(), &"given".into(), &"variable".into())
    );
    let flag = of(it.in_new_session(["whoami", "--json", "--owner", "bob"]));
    assert_eq!((&flag["owner"], &flag["owner_source"]), (&"bob".into(), &"flag".into()));
    let [inside] = &told(&it, "lokt guard x -- lokt whoami --json")[..] else { panic!("one line") };
    assert_eq!((&inside["owner_source"], &inside["owner"]), (&"guard".into(), &plain["owner"]));
    let shared = it.in_new_session(["whoami"]).env("CODEX_THREAD_ID", ONE).owner("team").run().ok();
    assert!(shared.out.contains("Do not give it to several agents"), "{shared:#?}");
    let text = it.in_new_session(["whoami"]).env("AMP_CURRENT_THREAD_ID", ONE).run().ok().out;
    for part in [
        format!("amp 1f0c4be0, in full amp:{ONE}: from AMP_CURRENT_THREAD_ID"),
        format!("{}: from LOKT_ROOT", it.root().display()),
        "a later command renews and unlocks your locks".to_owned(),
    ] {
        assert!(text.contains(&part), "no {part:?} in {text}");
    }
}

#[test]
fn an_unusable_root_does_not_hide_who_the_caller_is() {
    let it = sandbox();
    let call = it.in_new_session(["whoami", "--json"]).env("LOKT_ROOT", "~/x").env("HOME", "~");
    let told = call.env("CODEX_THREAD_ID", ONE).run().ok().json();
    assert_eq!((&told["harness"], &told["root_path"]), (&"codex".into(), &Value::Null));
    assert!(told["root_error"].as_str().unwrap().contains("LOKT_ROOT"), "{told}");
}

#[test]
fn the_nearest_harness_decides_for_a_harness_within_a_harness() {
    let it = sandbox();
    harnesses(&it);
    let whoami = "setsid -w lokt whoami --json";
    let codex_in_claude = format!(
        "export CLAUDE_CODE_SESSION_ID=c1; ./claude setsid -w sh -c '{whoami};
            CODEX_THREAD_ID=x1 ./codex setsid -w sh -c \"{whoami}; {whoami}\"; {whoami}'"
    );
    let expected = ["claude-code:c1", "codex:x1", "codex:x1", "claude-code:c1"];
    assert_eq!(agents(&it, &codex_in_claude), expected);
    let claude_in_codex = format!(
        "export CODEX_THREAD_ID=x1; ./codex setsid -w sh -c '
            CLAUDE_CODE_SESSION_ID=c1 ./claude setsid -w sh -c \"{whoami}\"; {whoami}'"
    );
    assert_eq!(agents(&it, &claude_in_codex), ["claude-code:c1", "codex:x1"]);
    // The inner one names no session: its process is the session, and the outer one's variable is not its own.
    let gemini_in_claude = format!(
        "export CLAUDE_CODE_SESSION_ID=c1; ./claude setsid -w sh -c '
            GEMINI_CLI=1 ./gemini setsid -w sh -c \"{whoami}; {whoami}\"; {whoami}'"
    );
    let [first, second, outer] = &agents(&it, &gemini_in_claude)[..] else { panic!("three") };
    assert!(first.starts_with("gemini:pid-") && first == second, "{first} {second}");
    assert_eq!(outer, "claude-code:c1");
    // Both variables where only the inner one's process is there, as in a pid namespace.
    let doubled = format!(
        "export CODEX_THREAD_ID=x1 CLAUDECODE=1 AGENT=amp; {whoami}; ./codex {whoami};
        CLAUDE_CODE_SESSION_ID=c1 ./codex {whoami}"
    );
    assert_eq!(agents(&it, &doubled), ["codex:x1"; 3]);
}

#[test]
fn two_sessions_of_which_none_is_seen_are_together_a_third_one() {
    let it = sandbox();
    let both = |call: Lokt| call.env("CLAUDE_CODE_SESSION_ID", "c1").env("CODEX_THREAD_ID", "x1");
    both(it.in_new_session(["lock", "x"])).run().ok();
    for variable in [("CLAUDE_CODE_SESSION_ID", "c1"), ("CODEX_THREAD_ID", "x1")] {
        let outer = it.in_new_session(["unlock", "x"]).env(variable.0, variable.1).run();
        outer.fails_with(4, "claude-code+codex ");
    }
    both(it.in_new_session(["unlock", "x"])).run().ok();
    let told = both(it.in_new_session(["whoami"])).run().ok().out;
    assert!(told.contains("harness  claude-code and codex: which is the inner one"), "{told}");
}

/// Where no process says which of two harnesses is nearer, the one without a session is no agent of the other.
#[test]
fn a_marker_beside_a_session_of_another_harness_makes_no_one_agent_of_both() {
    let it = sandbox();
    for (number, marker) in
        ["GEMINI_CLI", "OPENCODE", "COPILOT_CLI", "CURSOR_AGENT"].into_iter().enumerate()
    {
        let name = format!("x{number}");
        let call = |words: &[&str]| {
            it.in_new_session(words.iter().copied()).env("CLAUDE_CODE_SESSION_ID", ONE)
        };
        call(&["lock", &name, "--ttl", "5m"]).run().ok();
        let inner = |words: &[&str]| call(words).env(marker, "1").run();
        inner(&["unlock", &name]).fails_with(4, "not yours");
        let told = inner(&["whoami"]).ok().out;
        assert!(told.contains(&format!("{marker} says that")), "{told}");
        assert!(told.contains("LOKT_AGENT_ID=agent-"), "{told}");
    }
}

#[test]
fn a_harness_without_a_session_is_one_caller_as_long_as_its_process_lives() {
    let it = sandbox();
    harnesses(&it);
    for (marker, program) in
        [("GEMINI_CLI=1", "gemini"), ("CLAUDECODE=1", "claude"), ("OPENCODE=1", "opencode")]
    {
        let calls = "setsid -w lokt lock x --ttl 9m && setsid -w lokt lock x && setsid -w lokt guard x -- true \
            && ! setsid -w env -u GEMINI_CLI -u CLAUDECODE -u OPENCODE lokt unlock x";
        it.shell(&format!("{marker} ./{program} sh -c '{calls}'")).run().ok();
        let other = it.shell(&format!("{marker} ./{program} setsid -w lokt unlock x")).run();
        other.fails_with(4, &format!("{program} pid ").replace("claude ", "claude-code "));
        it.in_new_session(["unlock", "x", "--force"]).run().ok();
    }
    // The variable names the process, whatever its program is called.
    let line = "export OPENCODE=1 OPENCODE_PID=$$; setsid -w lokt whoami --json; setsid -w lokt whoami --json";
    let [first, second] = &agents(&it, line)[..] else { panic!("two") };
    assert!(first.starts_with("opencode:pid-") && first == second, "{first} {second}");
    // Where no process of it is seen, nothing tells its commands from those of another.
    it.in_new_session(["lock", "y"]).env("GEMINI_CLI", "1").run().ok();
    it.in_new_session(["unlock", "y"]).env("GEMINI_CLI", "1").run().fails_with(4, "not yours");
    let told = it.in_new_session(["whoami"]).env("GEMINI_CLI", "1").run().ok().out;
    assert!(told.contains("GEMINI_CLI says that gemini is above"), "{told}");
}

#[test]
fn a_hostile_session_is_one_harmless_word_and_a_hostile_id_is_refused() {
    let it = sandbox();
    let long = "x".repeat(10_000);
    for session in ["a\nb", "\u{1b}[31m", "a b; c", "ä", &long] {
        let call = |words: &[&str]| {
            it.in_new_session(words.iter().copied()).env("CODEX_THREAD_ID", session)
        };
        call(&["lock", "x"]).run().ok();
        let id = it.record("x")["agent_id"].as_str().unwrap().to_owned();
        assert!(id.len() < 30 && id.bytes().all(|it| it.is_ascii_graphic()), "{id:?}");
        let near = format!("{session}-");
        it.in_new_session(["unlock", "x"]).env("CODEX_THREAD_ID", &near).run().expect(4);
        call(&["unlock", "x"]).run().ok();
    }
    for id in ["a\nb", "\u{1b}[31m", &long] {
        let call = it.in_new_session(["lock", "x"]).env("LOKT_AGENT_ID", id);
        call.run().fails_with(64, "LOKT_AGENT_ID: ");
    }
    let line = "CODEX_THREAD_ID=$'\\xff' lokt whoami --json; LOKT_AGENT_ID= CODEX_THREAD_ID= CLAUDE_CODE_SESSION_ID=c1 lokt whoami --json";
    let [odd, empty] = &agents(&it, line)[..] else { panic!("two") };
    assert!(odd.starts_with("codex:"), "{odd}");
    assert_eq!(empty, "claude-code:c1", "an empty variable is not set");
}

#[test]
fn a_session_variable_alone_costs_no_look_at_other_processes() {
    let it = sandbox();
    let looks = |variable: &str| {
        let line = format!("{variable} strace -o trace -e trace=openat lokt guard x -- true");
        it.shell(&line).run().ok();
        let trace = fs::read_to_string(it.folder().join("trace")).unwrap();
        trace.lines().filter(|line| line.contains("\"/proc/")).count()
    };
    let (terminal, session) = (looks("exec"), looks("CODEX_THREAD_ID=x1 exec"));
    assert!(session <= terminal, "{session} files of processes in place of {terminal}");
}

/// Starts a session of Claude Code: runs its hook with an input and a file for its later commands.
fn hook(it: &Sandbox, input: &str, file: &str) -> Lokt {
    fs::write(it.folder().join("input"), input).unwrap();
    it.shell("exec lokt prime <input").env("CLAUDE_ENV_FILE", it.folder().join(file))
}

#[test]
fn a_session_start_hook_passes_the_session_on_to_shell_commands() {
    let it = sandbox();
    let input =
        format!(r#"{{"session_id":"{ONE}","hook_event_name":"SessionStart","source":"startup"}}"#);
    let told = hook(&it, &input, "env").run().ok();
    assert!(told.out.contains("You are `claude-code 1f0c4be0`"), "{told:#?}");
    for words in ["lock x --ttl 5m", "lock x", "unlock x"] {
        it.shell(&format!(". ./env; exec lokt {words}")).run().ok();
    }
    let line = format!("export CLAUDE_CODE_SESSION_ID={ONE}\n");
    // It runs again when the session is resumed or compacted.
    hook(&it, &input, "env").run().ok();
    assert_eq!(fs::read_to_string(it.folder().join("env")).unwrap(), line, "once is enough");
    let mode = fs::metadata(it.folder().join("env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::write(it.folder().join("others"), "export A='b c'").unwrap();
    hook(&it, &input, "others").run().ok();
    let others = fs::read_to_string(it.folder().join("others")).unwrap();
    assert_eq!(others, format!("export A='b c'\n{line}"));
    // A newer version sets the variable itself.
    hook(&it, &input, "unused").env("CLAUDE_CODE_SESSION_ID", ONE).run().ok();
    assert!(!it.folder().join("unused").exists());
}

#[test]
fn a_hook_writes_nothing_where_it_is_in_doubt() {
    let it = sandbox();
    let input = format!(r#"{{"session_id":"{ONE}"}}"#);
    let users = ". venv/bin/activate\n";
    fs::write(it.folder().join("users"), users).unwrap();
    let told = hook(&it, &input, "users").run().ok();
    assert!(
        told.out.contains("your shell commands do not know it")
            && told.out.contains("LOKT_AGENT_ID=agent-"),
        "{told:#?}"
    );
    assert!(!told.out.contains("yours in all your commands"), "{told:#?}");
    assert!(told.err.contains("more than exports") && told.err.lines().count() == 1, "{told:#?}");
    assert_eq!(fs::read_to_string(it.folder().join("users")).unwrap(), users);
    it.shell("ln -s users link; mkfifo pipe; mkdir folder").run().ok();
    for place in ["link", "pipe", "folder", "none/env"] {
        let told = hook(&it, &input, place).run().ok();
        assert!(told.err.contains("cannot add the session's id"), "{place}: {told:#?}");
    }
    assert_eq!(fs::read_to_string(it.folder().join("users")).unwrap(), users);
    let long = format!(r#"{{"session_id":"{}"}}"#, "x".repeat(100_000));
    let quoted = r#"{"session_id":"$(touch pwned)"}"#;
    for input in ["", "{", "[]", r#"{"session_id":7}"#, r#"{"session_id":""}"#, quoted, &long] {
        let told = hook(&it, input, "none-made").run().ok();
        assert!(told.out.contains("Shared operations"), "{told:#?}");
        assert!(!it.folder().join("none-made").exists(), "{input:?}");
    }
    hook(&it, &input, "codex-made").env("CODEX_ENV_FILE", "/x").run().ok();
    assert!(!it.folder().join("codex-made").exists(), "Codex names its session itself");
    it.shell("lokt prime <input").run().ok();
}
