//! Locks across sandboxes: what the table in docs/agents.md says, each row with the namespaces that the sandbox uses.
//!
//! The stand-in for a sandbox that keeps `.git` read-only is a read-only bind mount in a mount namespace. `bwrap` is
//! what Codex and Claude Code themselves use on Linux.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop, and say where"
)]

use lokt_testkit::{Done, HOLD, Lokt, Running, Sandbox};
use std::{fs, path::PathBuf};

/// Marks of harnesses that the tests may run in.
const MARKS: [&str; 7] = [
    "CODEX_SANDBOX",
    "CODEX_SANDBOX_NETWORK_DISABLED",
    "CODEX_THREAD_ID",
    "CURSOR_SANDBOX",
    "CURSOR_AGENT",
    "CLAUDECODE",
    "CLAUDE_CODE_SESSION_ID",
];

/// `.git` read-only, as in a sandbox.
const GIT_READ_ONLY: &str = "mount --bind .git .git; mount -o remount,bind,ro .git";

struct Project {
    it: Sandbox,
}

impl Project {
    fn new() -> Self {
        let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
        let line = "mkdir project && cd project && git init -q && \
                    git -c user.name=t -c user.email=t@t commit -q --allow-empty -m first";
        it.shell(line).run().ok();
        Self { it }
    }

    fn folder(&self) -> PathBuf {
        fs::canonicalize(self.it.folder().join("project")).unwrap()
    }

    fn prepared(&self, lokt: Lokt) -> Lokt {
        let lokt = MARKS.into_iter().fold(lokt, Lokt::without);
        lokt.without("LOKT_ROOT").folder(self.folder())
    }

    /// A call outside of any sandbox.
    fn call<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Lokt {
        self.prepared(self.it.lokt(words))
    }

    /// A shell line outside of any sandbox.
    fn shell(&self, line: &str) -> Lokt {
        self.prepared(self.it.shell(line)).owner("bob")
    }

    /// A shell line in a mount namespace, after a preparation.
    fn sandboxed(&self, preparation: &str, line: &str) -> Lokt {
        self.prepared(self.it.with_own_mounts(&format!("{preparation}\n{line}"))).owner("bob")
    }

    /// A guard outside, which is in.
    fn holder(&self, name: &str) -> Running {
        let words = ["guard", name, "--", HOLD[0], HOLD[1], HOLD[2]];
        self.call(words).owner("ada").start().is_in()
    }

    fn names(&self, root: &str) {
        fs::write(self.folder().join("lokt.toml"), format!("root = \"{root}\"\n")).unwrap();
    }

    fn root(&self) -> String {
        let view = self.call(["doctor", "--json"]).run().json();
        view["root_path"].as_str().unwrap().to_owned()
    }
}

fn hints(done: &Done) -> Vec<&str> {
    done.err.lines().filter_map(|line| line.strip_prefix("hint: ")).collect()
}

/// The lines that are to be copied, as they are, are TOML.
fn assert_toml(text: &str, is_expected: bool) {
    let lines = text.lines().filter(|it| it.starts_with("  [") || it.starts_with("  writable_"));
    let copied = lines.collect::<Vec<_>>().join("\n");
    assert!(!is_expected || copied.contains("writable_roots"), "{text}");
    let table: toml::Table = toml::from_str(&copied).unwrap();
    assert_eq!(table.is_empty(), copied.is_empty(), "{copied}");
    if let Some(table) = table.get("sandbox_workspace_write") {
        assert!(table["writable_roots"][0].as_str().unwrap().ends_with("lokt"), "{copied}");
    }
    let is_told = text.lines().any(|line| line.contains("[sandbox_workspace_write] "));
    assert!(!is_told, "a table and its list are not one line: {text}");
}

/// No hint may lead an obedient reader to a root for itself.
fn assert_no_private_root(text: &str) {
    for line in text.lines() {
        let is_warning = line.contains("set no other LOKT_ROOT") || line.contains("set none");
        assert!(
            !line.contains("LOKT_ROOT=") && (is_warning || !line.contains("set LOKT_ROOT")),
            "{line}"
        );
    }
}

#[test]
fn where_git_is_read_only_the_error_names_the_line_to_add_for_each_harness() {
    let project = Project::new();
    let root = project.folder().join(".git/lokt").display().to_string();
    for (mark, place, text) in [
        ("CODEX_SANDBOX_NETWORK_DISABLED", "$CODEX_HOME/config.toml", "writable_roots = [\"{}\"]"),
        ("CLAUDECODE", ".claude/settings.local.json", "{\"allowWrite\": [\"{}\"]}"),
        ("CURSOR_AGENT", "~/.cursor/sandbox.json", "{\"additionalReadwritePaths\": [\"{}\"]}"),
        (
            "CURSOR_CONVERSATION_ID",
            "~/.cursor/sandbox.json",
            "{\"additionalReadwritePaths\": [\"{}\"]}",
        ),
        ("NONE", "for Codex, add to $CODEX_HOME/config.toml", "writable_roots = [\"{}\"]"),
        ("NONE", "for Cursor, add to ~/.cursor/sandbox.json", "let the sandbox write {}"),
    ] {
        let text = text.replace("{}", &root);
        for line in [
            "lokt guard x -- touch entered",
            "lokt lock x --ttl 5m",
            "lokt once x -- touch entered",
        ] {
            let done = project.sandboxed(GIT_READ_ONLY, line).env(mark, "1").run();
            let done = done.fails_with(1, "Read-only file system").says(place).says(&text);
            assert_no_private_root(&done.err);
            let copied = hints(&done).join("\n");
            assert_toml(&copied, text.contains("writable_roots"));
            let alternative =
                format!("root = \".lokt\" in {}", project.folder().join("lokt.toml").display());
            assert!(done.err.contains(&alternative), "{done:#?}");
        }
        for line in ["lokt doctor", "lokt prime"] {
            let done = project.sandboxed(GIT_READ_ONLY, line).env(mark, "1").run();
            assert!(done.out.contains(place) && done.out.contains(&text), "{line}: {done:#?}");
            assert_no_private_root(&done.out);
            assert_toml(&done.out, text.contains("writable_roots"));
            assert!(
                line == "lokt doctor"
                    || done.out.lines().all(|it| it.chars().count() <= 120 || it.starts_with("  ")),
                "{}",
                done.out
            );
        }
    }
    assert!(!project.folder().join("entered").exists(), "nothing ran");
    assert!(!project.call(["prime"]).run().ok().out.contains("No lock can be taken"), "outside");
}

#[test]
fn a_reader_in_a_sandbox_sees_what_is_held() {
    let project = Project::new();
    let inside = project.holder("x");
    let line =
        "lokt why x || true; lokt exists x && lokt status x --json | grep -q ada && echo seen";
    let done = project.sandboxed(GIT_READ_ONLY, line).run().ok();
    assert!(done.out.contains("held by ada") && done.out.ends_with("seen\n"), "{done:#?}");
    inside.release().ok();
}

#[test]
fn a_read_only_checkout_gets_no_advice_about_sandboxes() {
    let project = Project::new();
    let all = "mount --bind . .; mount -o remount,bind,ro .; cd .";
    let line = "cd ../project; lokt lock x --ttl 5m";
    let done = project.sandboxed(all, line).run().fails_with(1, "Read-only file system");
    assert!(done.err.contains("nothing here can be written"), "{done:#?}");
    assert!(!done.err.contains("lokt.toml"), "it could not be written either: {done:#?}");
    assert_no_private_root(&done.err);
}

#[test]
fn the_named_folder_is_one_for_the_sandbox_the_outside_and_all_worktrees() {
    let project = Project::new();
    project.names(".lokt");
    project.shell("git worktree add -q ../tree").run().ok();
    let expected = project.folder().join(".lokt").display().to_string();
    assert_eq!(project.root(), expected);
    let method = project.call(["doctor", "--json"]).run().json();
    assert_eq!(method["root_method"], "project");
    let inside = project.holder("x");
    let sandboxed = project.sandboxed(GIT_READ_ONLY, "lokt guard x -- touch entered").run();
    sandboxed.fails_with(2, "held by ada");
    project.shell("cd ../tree && lokt guard x -- touch entered").run().fails_with(2, "held by ada");
    let waiter = project.sandboxed(GIT_READ_ONLY, "lokt guard x --wait -- echo after").start();
    let waiter = waiter.is_waiting();
    inside.release().ok();
    assert_eq!(waiter.ends().ok().out, "after\n");
    let within = format!("lokt guard x -- {} {} '{}'", HOLD[0], HOLD[1], HOLD[2]);
    let within = project.sandboxed(GIT_READ_ONLY, &within).start().is_in();
    project.call(["guard", "x", "--", "true"]).run().fails_with(2, "held by bob");
    within.release().ok();
    assert!(!project.folder().join(".git/lokt").exists(), "the other root was never used");
}

#[test]
fn what_was_held_before_the_file_came_keeps_the_locks_where_they_were() {
    let project = Project::new();
    let before = project.root();
    let inside = project.holder("x");
    project.call(["lock", "lease", "--ttl", "1h"]).owner("ada").run().ok();
    project.names(".lokt");
    project.call(["guard", "x", "--", "true"]).owner("bob").run().fails_with(2, "held by ada");
    project.call(["lock", "lease"]).owner("bob").run().fails_with(2, "held by ada");
    assert_eq!(project.root(), before, "the root stays until it is free");
    let told = project.call(["doctor"]).run().ok().out;
    assert!(told.contains("warn  project") && told.contains("lokt.toml names"), "{told}");
    // In the sandbox, nothing is taken in the other root meanwhile.
    let done = project.sandboxed(GIT_READ_ONLY, "lokt guard x -- touch entered").run();
    let done = done.fails_with(1, "Read-only file system").says("locks are still held in");
    assert_no_private_root(&done.err);
    inside.release().ok();
    assert_eq!(project.root(), before, "the lease is still there");
    project.call(["unlock", "lease"]).owner("ada").run().ok();
    assert!(project.root().ends_with("/.lokt"), "it is free");
    project.sandboxed(GIT_READ_ONLY, "lokt guard x -- true").run().ok();
    fs::remove_file(project.folder().join("lokt.toml")).unwrap();
    assert_eq!(project.root(), before, "without the file, the git directory counts again");
}

#[test]
fn a_broken_file_is_an_error_and_never_another_root() {
    let project = Project::new();
    for (text, told) in [
        ("root = \"/tmp/x\"", "leads out of the project"),
        ("rot = \".lokt\"", "not known"),
        ("root = \"etcd://box/p\"", "address of a server"),
    ] {
        fs::write(project.folder().join("lokt.toml"), text).unwrap();
        for words in
            [vec!["guard", "x", "--", "touch", "entered"], vec!["exists", "x"], vec!["doctor"]]
        {
            let done = project.call(words).run().fails_with(1, told);
            assert!(done.err.contains("lokt.toml: line 1: ") || told == "not known", "{done:#?}");
            assert_no_private_root(&done.err);
        }
    }
    assert!(
        !project.folder().join("entered").exists() && !project.folder().join(".git/lokt").exists()
    );
}

#[test]
fn a_root_of_one_participant_alone_is_noticed() {
    let project = Project::new();
    let inside = project.holder("x");
    let own = project.it.folder().join("own").display().to_string();
    let first = project.call(["guard", "x", "--", "true"]).env("LOKT_ROOT", &own).run().ok();
    assert!(first.err.contains("warning: locks are held in"), "{first:#?}");
    let second = project.call(["guard", "x", "--", "true"]).env("LOKT_ROOT", &own).run().ok();
    assert!(second.err.is_empty(), "once is enough: {second:#?}");
    let told = project.call(["doctor"]).env("LOKT_ROOT", &own).run().ok().out;
    assert!(told.contains("warn  lokt_root") && told.contains("two roots are two locks"), "{told}");
    inside.release().ok();
    let told = project.call(["doctor"]).env("LOKT_ROOT", &own).run().ok().out;
    assert!(!told.contains("lokt_root"), "nothing is held there: {told}");
    project.names(".lokt");
    let told = project.call(["doctor"]).env("LOKT_ROOT", &own).run().ok().out;
    assert!(told.contains("warn  lokt_root") && told.contains("lokt.toml names"), "{told}");
}

/// Sandboxes in which locks exclude what is outside and are excluded by it: the words before the command.
const SHARED: [(&str, &str); 5] = [
    ("another pid namespace", "unshare --map-root-user --pid --fork --mount-proc"),
    ("another user namespace", "unshare --user --map-current-user"),
    ("no network, as sandboxes have it", "unshare --map-root-user --net"),
    ("a hidden /proc of the outside", "unshare --map-root-user --pid --fork --mount"),
    (
        "bubblewrap as Claude Code starts it",
        "bwrap --ro-bind / / --dev /dev --bind \"$PWD\" \"$PWD\" --unshare-user --unshare-pid --proc /proc --new-session --die-with-parent",
    ),
];

#[test]
fn a_lock_excludes_across_namespaces_in_both_directions() {
    for (what, before) in SHARED {
        let project = Project::new();
        // Folders of the root exist outside of the sandbox.
        let inside = project.holder("x");
        let refused = project.shell(&format!("{before} lokt guard x -- true")).run();
        refused.fails_with(2, "held by ada");
        let waiting = format!("{before} lokt guard x --wait -- echo after");
        let waiter = project.shell(&waiting).start().is_waiting();
        inside.release().ok();
        assert_eq!(waiter.ends().ok().out, "after\n", "{what}");
        let holding = format!("{before} lokt guard x -- {} {} '{}'", HOLD[0], HOLD[1], HOLD[2]);
        let within = project.shell(&holding).start().is_in();
        project.call(["guard", "x", "--", "true"]).owner("ada").run().fails_with(2, "held by bob");
        within.release().ok();
        project.call(["guard", "x", "--", "true"]).owner("ada").run().ok();
        // A lease outlives the sandbox.
        project.shell(&format!("{before} lokt lock lease --ttl 1h")).run().ok();
        project.call(["lock", "lease"]).owner("ada").run().fails_with(2, "held by bob");
    }
}

#[test]
fn a_container_at_another_path_shares_the_locks_of_the_bind_mount() {
    let project = Project::new();
    let inside = project.holder("x");
    let other = "mkdir ../elsewhere; mount --bind . ../elsewhere; cd ../elsewhere";
    project.sandboxed(other, "lokt guard x -- true").run().fails_with(2, "held by ada");
    inside.release().ok();
    let hold = format!("lokt guard x -- {} {} '{}'", HOLD[0], HOLD[1], HOLD[2]);
    let within = project.sandboxed(other.trim_start_matches("mkdir ../elsewhere; "), &hold);
    let within = within.start().is_in();
    project.call(["guard", "x", "--", "true"]).run().fails_with(2, "held by bob");
    within.release().ok();
}

#[test]
fn a_container_with_a_linked_worktree_alone_finds_no_root() {
    let project = Project::new();
    project.shell("git worktree add -q ../tree").run().ok();
    let only = "mkdir ../own; mount --bind ../tree ../own; mount -t tmpfs none .; cd ../own";
    let done = project.sandboxed(only, "lokt guard x -- true").run();
    let done =
        done.fails_with(1, "does not lead to a git directory").says("mount the repository too");
    assert_no_private_root(&done.err);
}

/// Codex's sandbox on Linux, with the mounts in an order of its versions.
fn codex(mounts: &str, line: &str) -> String {
    let names = "for name in .git .agents .codex; do
            at=$PWD/.git/lokt/$name
            if [[ -e $at ]]; then names+=(--ro-bind \"$at\" \"$at\"); else names+=(--tmpfs \"$at\"); fi
        done";
    format!(
        "git=(--ro-bind \"$PWD/.git\" \"$PWD/.git\"); root=(--bind \"$PWD/.git/lokt\" \"$PWD/.git/lokt\"); names=()
        {names}
        exec bwrap --ro-bind / / --dev /dev --bind \"$PWD\" \"$PWD\" {mounts} --unshare-user --unshare-pid \
            --proc /proc -- {line}"
    )
}

const GIT: &str = "\"${git[@]}\"";
/// The roots with the shortest paths first, as versions of 2026 do.
const SHORTEST_FIRST: &str = "\"${git[@]}\" \"${root[@]}\"";
/// Names that are read-only in each root before the root itself, as version 0.153.4 does.
const NAMES_FIRST: &str = "\"${git[@]}\" \"${names[@]}\" \"${root[@]}\"";
/// What is read-only last, as the first versions with bubblewrap did.
const READ_ONLY_LAST: &str = "\"${root[@]}\" \"${git[@]}\"";

#[test]
fn init_lets_the_sandbox_of_codex_write_the_locks() {
    let project = Project::new();
    let line = "lokt guard x -- echo entered";
    let refused = project.shell(&codex(GIT, line)).env("CODEX_SANDBOX_NETWORK_DISABLED", "1");
    refused.run().fails_with(1, "Read-only file system").says("lokt init --agent codex");
    project.call(["init", "--agent", "codex", "--yes"]).run().ok();
    for order in [SHORTEST_FIRST, NAMES_FIRST] {
        let done = project.shell(&codex(order, line)).run().ok();
        assert_eq!(done.out, "entered\n", "{order}");
    }
    let old = project.shell(&codex(READ_ONLY_LAST, line)).run();
    let old = old.fails_with(1, "Read-only file system").says("root = \".lokt\"");
    assert!(hints(&old).len() > 2, "{old:#?}");
    let inside = project.holder("x");
    project.shell(&codex(SHORTEST_FIRST, line)).run().fails_with(2, "held by ada");
    inside.release().ok();
}
