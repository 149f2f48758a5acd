//! A folder that becomes a git repository while locks are held in its `.lokt`: they stay there until they are free.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on must stop, and say where"
)]

use lokt_testkit::{HOLD, Lokt, Running, Sandbox};
use std::{fs, path::Path};

fn sandbox() -> Sandbox {
    let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
    it.shell("mkdir -p place/sub/deep").run().ok();
    it
}

/// A call in a folder, where only the folder decides which root it uses.
fn call<'a>(it: &Sandbox, words: impl IntoIterator<Item = &'a str>, folder: &str) -> Lokt {
    it.lokt(words).without("LOKT_ROOT").folder(it.folder().join("place").join(folder))
}

fn holder(it: &Sandbox, name: &str, folder: &str) -> Running {
    call(it, ["guard", name, "--", HOLD[0], HOLD[1], HOLD[2]], folder).owner("ada").start().is_in()
}

fn init(it: &Sandbox, line: &str) {
    it.shell(&format!("cd place && {line}")).run().ok();
}

/// Whether another owner gets the lock.
fn is_free(it: &Sandbox, name: &str, folder: &str) -> bool {
    let done = call(it, ["guard", name, "--", "true"], folder).owner("bob").run();
    assert!(matches!(done.code, Some(0 | 2)), "{done:#?}");
    done.code == Some(0)
}

fn root(it: &Sandbox, folder: &str) -> String {
    let view = call(it, ["doctor", "--json"], folder).run().ok().json();
    let root = view["root_path"].as_str().unwrap().to_owned();
    let place = fs::canonicalize(it.folder().join("place")).unwrap();
    let root = Path::new(&root).strip_prefix(place.parent().unwrap()).unwrap();
    root.display().to_string()
}

/// Ways in which a folder becomes a repository, and where its locks are afterwards.
const WAYS: [(&str, &str); 3] = [
    ("git init -q", "place/.git/lokt"),
    ("git init -q --separate-git-dir=../apart", "apart/lokt"),
    ("git init -q --bare", "place/lokt"),
];

#[test]
fn a_holder_keeps_the_locks_where_they_were_until_it_leaves() {
    for (line, after) in WAYS {
        let it = sandbox();
        let inside = holder(&it, "x", ".");
        init(&it, line);
        for folder in [".", "sub", "sub/deep"] {
            assert!(!is_free(&it, "x", folder), "{line}: two are inside, from {folder}");
            assert_eq!(root(&it, folder), "place/.lokt", "{line}: from {folder}");
        }
        assert!(is_free(&it, "y", "."), "{line}: other names are free");
        let told = call(&it, ["doctor"], ".").run().ok().out;
        assert!(told.contains("warn  repository "), "{told}");
        inside.release().ok();
        assert!(is_free(&it, "x", "."));
        assert_eq!(root(&it, "."), after, "{line}: it is free, so the repository has the locks");
        let inside = holder(&it, "x", "sub");
        assert!(!is_free(&it, "x", ".") && !is_free(&it, "x", "sub/deep"), "{line}");
        inside.release().ok();
        assert_eq!(root(&it, "sub"), after, "{line}: and keeps them");
    }
}

#[test]
fn a_waiter_stays_in_the_queue_and_the_next_caller_is_behind_it() {
    let it = sandbox();
    let first = holder(&it, "x", ".");
    let wait = ["guard", "x", "--wait", "--", HOLD[0], HOLD[1], HOLD[2]];
    let second = call(&it, wait, ".").owner("bob").start().is_waiting();
    init(&it, "git init -q");
    let third = call(&it, wait, "sub").owner("eve").start().is_waiting();
    first.release().ok();
    let second = second.is_in();
    assert!(!is_free(&it, "x", "."));
    second.release().ok();
    let third = third.is_in();
    assert!(!is_free(&it, "x", "."), "the second waiter holds it in the old place");
    third.release().ok();
    assert_eq!(root(&it, "."), "place/.git/lokt");
}

#[test]
fn leases_and_freezes_keep_the_locks_where_they_were_too() {
    for (take, give) in [
        (vec!["lock", "x"], vec!["unlock", "x"]),
        (vec!["lock", "x", "--ttl", "1h"], vec!["unlock", "x"]),
        (vec!["freeze", "x", "--ttl", "1h"], vec!["unfreeze", "x"]),
    ] {
        let it = sandbox();
        call(&it, take.clone(), ".").run().ok();
        init(&it, "git init -q");
        assert!(!is_free(&it, "x", "."), "{take:?}");
        call(&it, give, ".").run().ok();
        assert!(is_free(&it, "x", "."), "{take:?}");
        assert_eq!(root(&it, "."), "place/.git/lokt", "{take:?}");
    }
}

#[test]
fn a_hook_with_the_repository_in_its_environment_uses_the_old_root() {
    let it = sandbox();
    let inside = holder(&it, "x", ".");
    init(&it, "git init -q");
    for git_dir in ["../.git", ".git"] {
        let folder = if git_dir == ".git" { "." } else { "sub" };
        let call = call(&it, ["guard", "x", "--", "true"], folder).owner("bob");
        call.env("GIT_DIR", git_dir).run().expect(2);
    }
    inside.release().ok();
}

#[test]
fn expired_and_dead_locks_do_not_keep_the_old_root() {
    let it = sandbox();
    call(&it, ["lock", "x", "--ttl", "1ms"], ".").run().ok();
    holder(&it, "y", ".").kill();
    call(&it, ["freeze", "z", "--ttl", "1ms"], ".").run().ok();
    call(&it, ["once", "t", "--input", "sub", "--", "true"], ".").run();
    init(&it, "git init -q");
    assert_eq!(root(&it, "."), "place/.git/lokt");
}

#[test]
fn the_guard_inside_gives_its_lock_back_and_its_command_sees_the_same_lock() {
    let it = sandbox();
    let line = "git init -q && lokt guard x -- true && lokt exists x && lokt fence check x $LOKT_FENCE && \
        lokt guard y -- true";
    call(&it, ["guard", "x", "-c", line], ".").run().ok();
    call(&it, ["exists", "x"], ".").run().expect(3);
    assert_eq!(root(&it, "."), "place/.git/lokt");
}

#[test]
fn records_in_a_cloned_repository_are_no_locks() {
    let it = sandbox();
    call(&it, ["lock", "x"], ".").run().ok();
    let commit = "rm -rf .lokt/latches && git init -q ../source && cp -r .lokt ../source && cd ../source && git add . && \
        git -c user.name=t -c user.email=t@t commit -qm all && cd .. && rm -rf place && git clone -q source place";
    init(&it, commit);
    assert!(it.folder().join("place/.lokt/locks/x.json").exists(), "it is there");
    assert!(is_free(&it, "x", "."), "and says nothing");
    assert_eq!(root(&it, "."), "place/.git/lokt");
    assert!(!it.folder().join("place/.lokt/moved").exists(), "and is unchanged");
}

#[test]
fn without_the_repository_the_folder_has_its_locks_again() {
    let it = sandbox();
    assert!(is_free(&it, "x", "."));
    init(&it, "git init -q");
    assert!(is_free(&it, "x", "."));
    assert!(it.folder().join("place/.lokt/moved").exists());
    init(&it, "rm -rf .git");
    let inside = holder(&it, "x", ".");
    assert!(!is_free(&it, "x", "."));
    assert_eq!(root(&it, "."), "place/.lokt");
    inside.release().ok();
}

/// Many processes take one lock while the folder becomes a repository: two never hold it at the same time.
#[test]
fn two_roots_never_count_at_the_same_time() {
    for round in 0..6 {
        let it = sandbox();
        // The number of entries before `git init` differs in each round; a second holder fails to make the
        // folder.
        let worker = "for i in 1 2 3 4 5 6; do lokt guard x --wait --timeout 60s -- sh -c \
            'mkdir inside && rmdir inside || touch violation' || touch failed; done";
        let line = format!(
            "cd place; (for i in $(seq {round}); do lokt guard x --wait -- true; done; git init -q) & \
            for n in 1 2 3; do ({worker}) & done; (cd sub; while [ ! -e ../.git/HEAD ]; do :; done; \
            for i in 1 2 3 4; do lokt guard x --wait --timeout 60s -- sh -c \
            'mkdir ../inside && rmdir ../inside || touch ../violation' || touch ../failed; done) & wait"
        );
        let done = it.shell(&line).without("LOKT_ROOT").in_time().ok();
        for wrong in ["violation", "failed"] {
            assert!(!it.folder().join("place").join(wrong).exists(), "{round}: {wrong}: {done:#?}");
        }
    }
}

/// If a repository appears between the search for the root and the first change, the command uses it.
#[test]
fn a_command_starts_again_when_a_repository_appears() {
    let it = sandbox();
    let line = "cd place; strace -D -o ../trace -e trace=flock -e inject=flock:signal=STOP:when=1 \
        lokt guard x -- lokt exists x & pid=$!; until grep -q 'stopped by SIGSTOP' ../trace; do :; done 2>/dev/null; \
        git init -q; kill -CONT $pid; wait $pid";
    it.shell(line).without("LOKT_ROOT").in_time().ok();
    let log = |root: &str| {
        let path = it.folder().join("place").join(root).join("audit.log");
        fs::read_to_string(path).unwrap_or_default()
    };
    assert!(log(".git/lokt").contains("\"x\""), "it took its lock in the repository");
    assert!(!log(".lokt").contains("\"x\""), "and nothing in the old place");
}
