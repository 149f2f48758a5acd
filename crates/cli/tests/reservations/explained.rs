//! `why` of a path: whose it is, and what to do. A name and a path are told apart.

use super::{run, sandbox};
use lokt_testkit::{Done, Sandbox};
use serde_json::Value;
use std::fs;

/// The exit code and the first line of `why`.
fn why(it: &Sandbox, owner: &str, words: &str) -> (Option<i32>, String) {
    let done = run(it, owner, &format!("why {words}"));
    (done.code, done.out.lines().next().unwrap_or_default().to_owned())
}

fn types(done: &Done) -> Vec<String> {
    let told = done.json();
    let reasons = told.get("reasons").and_then(Value::as_array).unwrap().iter();
    reasons.map(|it| it["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_path_is_free_unless_another_has_reserved_it() {
    let it = sandbox();
    fs::create_dir(it.folder().join("src")).unwrap();
    run(&it, "ada", "reserve src/auth --reason login").ok();
    for words in ["src/auth", "src/auth/new.rs", "./src", "src/**/*.rs"] {
        let (code, first) = why(&it, "bob", words);
        assert_eq!((code, first), (Some(2), format!("the path {words:?} is reserved")));
        let (code, first) = why(&it, "ada", words);
        assert_eq!((code, first), (Some(0), format!("the path {words:?} is reserved by you")));
    }
    let (code, first) = why(&it, "bob", "src/other");
    assert_eq!((code, first), (Some(0), "the path \"src/other\" is free".to_owned()));
    let told = run(&it, "bob", "why src/auth/new.rs").expect(2);
    assert!(told.out.contains("reserved: \"src/auth\" is reserved by ada ("), "{told:#?}");
    assert!(told.out.contains(": login\n"), "{told:#?}");
    for wrong in ["../x", "/etc/passwd", "a/[", ""] {
        it.lokt(["why", wrong]).owner("bob").in_time().expect(64);
    }
}

#[test]
fn a_word_that_a_lock_can_have_is_a_lock_and_the_path_is_explained_beside_it() {
    let it = sandbox();
    fs::create_dir(it.folder().join("build")).unwrap();
    let free = run(&it, "bob", "why build").ok();
    assert_eq!(free.out, "build is free\n", "the path is not reserved");
    assert_eq!(run(&it, "bob", "why build --json").ok().json().get("path"), None);
    run(&it, "ada", "reserve build new.md").ok();
    let both = run(&it, "bob", "why build").expect(2);
    assert!(both.out.starts_with("build is free\nthe path \"build\" is reserved\n"), "{both:#?}");
    let json = run(&it, "bob", "why build --json").expect(2);
    assert_eq!(json.json()["name"], "build");
    assert_eq!(json.json()["path"], "build");
    assert_eq!(
        (&json.json()["status"], types(&json)),
        (&"blocked".into(), vec!["reserved".to_owned()])
    );
    assert_eq!(why(&it, "bob", "--lock build").0, Some(0), "the lock alone is free");
    assert_eq!(
        why(&it, "bob", "new.md").0,
        Some(2),
        "it is not there yet, and is reserved by itself"
    );
    assert_eq!(why(&it, "ada", "build").0, Some(0), "it is reserved by the caller");
    run(&it, "bob", "lock build --ttl 1h").ok();
    assert_eq!(why(&it, "ada", "build").0, Some(2), "the lock is held");
    run(&it, "ada", "reserve .").ok();
    assert_eq!(why(&it, "bob", "other"), (Some(0), "other is free".to_owned()), "no such path");
    it.lokt(["why", "--lock", "a/b"]).in_time().expect(64);
}

#[test]
fn what_why_suggests_works_as_it_is_printed() {
    let it = sandbox();
    run(&it, "ada", "reserve docs/a --shared").ok();
    let suggested = |owner: &str, words: &str| -> Vec<String> {
        let told = run(&it, owner, &format!("why {words} --json")).json();
        let all = told["suggestions"].as_array().unwrap().iter();
        let command = |it: &Value| it.as_str().unwrap().split("   ").next().unwrap().to_owned();
        all.map(command).collect()
    };
    let [share, wait] = &suggested("bob", "docs/a")[..] else { unreachable!("two") };
    assert_eq!(wait, "lokt reserve --wait docs/a");
    it.shell(share).owner("bob").in_time().ok();
    let shared = run(&it, "ada", "why docs/a --json").ok();
    assert_eq!(types(&shared), ["self_reserved", "reserved"], "another shares it");
    let [back] = &suggested("ada", "docs/a")[..] else { unreachable!("one") };
    it.shell(back).owner("ada").in_time().ok();
    assert_eq!(why(&it, "bob", "docs/a").0, Some(0));
    run(&it, "bob", "unreserve --all").ok();
    run(&it, "ada", "reserve docs/a").ok();
    let [wait] = &suggested("bob", "docs/a --owner cid")[..] else { unreachable!("one") };
    assert_eq!(wait, "lokt reserve --wait --owner cid docs/a");
}

#[test]
fn a_waiter_is_in_the_way_and_a_reservation_of_another_worktree_is_not() {
    let it = sandbox();
    run(&it, "ada", "reserve src/a src/b").ok();
    let mut bob = it.lokt(["reserve", "src/a", "docs/x", "--wait"]).owner("bob").start();
    bob.says("waiting (");
    let told = run(&it, "cid", "why docs/x --json").expect(2);
    assert_eq!(types(&told), ["awaited"]);
    assert_eq!(told.json()["reasons"][0]["waiter"]["owner"], "bob");
    let told = run(&it, "cid", "why src/a --json").expect(2);
    assert_eq!(types(&told), ["reserved", "awaited"]);
    run(&it, "ada", "unreserve --all").ok();
    bob.ends().ok();
}

#[test]
fn another_worktree_has_another_file() {
    let it = sandbox();
    let setup = "git init -q main && cd main && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first &&
        git worktree add -q ../other";
    it.shell(setup).without("LOKT_ROOT").in_time().ok();
    let call = |folder: &str, owner: &str, words: &str| {
        let call = it.lokt(words.split(' ')).owner(owner).without("LOKT_ROOT");
        call.folder(it.folder().join(folder)).in_time()
    };
    call("main", "ada", "reserve src/a --scope tree").ok();
    call("main", "bob", "why src/a").expect(2);
    let told = call("other", "bob", "why src/a --json").ok();
    assert_eq!(types(&told), ["reserved_elsewhere"]);
    assert_eq!(told.json()["status"], "free");
}

#[test]
fn what_cannot_be_read_may_be_a_reservation_of_the_path() {
    let it = sandbox();
    run(&it, "ada", "reserve a").ok();
    fs::write(it.root().join("reservations/broken.json"), "{").unwrap();
    run(&it, "bob", "why src/a").fails_with(1, "broken");
    run(&it, "bob", "why lock").ok();
}
