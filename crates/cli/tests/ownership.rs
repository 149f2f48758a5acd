//! The owner of a lock, and what other owners may do with it.

use lokt_testkit::{HOLD, Sandbox};
use nix::sys::signal::Signal;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

#[test]
fn two_terminals_of_one_user_are_two_owners() {
    let it = sandbox();
    it.in_new_session(["lock", "x", "--ttl", "10m"]).run().ok();
    let other = it.in_new_session(["lock", "x"]).run().fails_with(2, "lock \"x\" is held by");
    assert!(other.err.contains(", terminal "), "{other:#?}");
    it.in_new_session(["guard", "x", "--", "true"]).run().fails_with(2, "is held by");
    let refused = it.in_new_session(["unlock", "x"]).run().fails_with(4, "not yours");
    assert!(refused.err.contains("another terminal or agent"), "{refused:#?}");
    let inside = it.in_new_session(["guard", "y", "--", HOLD[0], HOLD[1], HOLD[2]]).start().is_in();
    it.in_new_session(["guard", "y", "--", "true"]).run().fails_with(2, "is held by");
    inside.release().ok();
}

#[test]
fn two_commands_of_one_terminal_are_one_owner() {
    let it = sandbox();
    let done = it.shell("lokt lock x --ttl 5m && lokt lock x --ttl 9m && lokt unlock x").run().ok();
    assert_eq!(done.out, "acquired lock \"x\"\nrenewed lock \"x\"\nreleased lock \"x\"\n");
    assert_eq!(it.event_kinds("x"), ["acquire", "renew", "release"]);
}

#[test]
fn a_renewal_tells_the_end_before_and_says_if_the_lease_now_ends_earlier() {
    let it = sandbox();
    let lock = |words: &[&str]| {
        it.lokt(["lock", "x", "--json"]).arguments(words.iter().copied()).run().ok()
    };
    let endless = lock(&[]).json();
    assert_eq!(endless.get("previous_expires_at"), None, "it is not renewed");
    let first = lock(&["--ttl", "5m"]);
    assert!(first.json()["previous_expires_at"].is_null(), "it had no end: {first:#?}");
    assert!(first.err.contains("note: it ends in"), "{first:#?}");
    let shorter = lock(&["--ttl", "1m"]);
    assert_eq!(shorter.json()["previous_expires_at"], first.json()["expires_at"]);
    assert!(shorter.err.contains("note: it ends earlier than before: in "), "{shorter:#?}");
    for words in [&["--ttl", "9m"][..], &[]] {
        assert!(lock(words).err.is_empty(), "it does not end earlier");
    }
    it.lokt(["lock", "s", "--shared", "--ttl", "9m"]).owner("other").run().ok();
    let shared = |ttl: &str| it.lokt(["lock", "s", "--shared", "--json", "--ttl", ttl]).run().ok();
    let mine = shared("5m").json()["expires_at"].clone();
    assert_eq!(shared("6m").json()["previous_expires_at"], mine, "not that of another holder");
}

#[test]
fn a_given_owner_is_the_owner_in_every_terminal() {
    let it = sandbox();
    it.in_new_session(["lock", "x"]).owner("ada").run().ok();
    it.in_new_session(["lock", "x", "--ttl", "5m"]).owner("ada").run().ok();
    it.in_new_session(["unlock", "--owner", "ada", "x"]).run().ok();
    it.in_new_session(["lock", "--owner", "ada", "x"]).owner("bob").run().ok();
    assert_eq!(it.record("x")["owner"], "ada", "the flag wins over the variable");
}

#[test]
fn a_given_agent_id_joins_terminals_of_one_user() {
    let it = sandbox();
    it.in_new_session(["lock", "x"]).env("LOKT_AGENT_ID", "a1").run().ok();
    assert_eq!(it.record("x")["agent_id"], "a1");
    it.in_new_session(["unlock", "x"]).env("LOKT_AGENT_ID", "a2").run().expect(4);
    it.in_new_session(["unlock", "x"]).env("LOKT_AGENT_ID", "a1").run().ok();
}

#[test]
fn the_inherited_owner_does_not_join_commands_of_two_guards() {
    let it = sandbox();
    // Both have LOKT_OWNER inside, with the same user's name; neither gets the other's lease by that.
    it.shell("lokt guard a -- lokt lock shared --ttl 10m").run().ok();
    it.shell("lokt guard b -- lokt lock shared").run().expect(2);
    it.shell("lokt guard b -- sh -c 'LOKT_OWNER=$LOKT_OWNER-2 lokt lock shared'").run().expect(2);
}

#[test]
fn unlocking_the_lock_of_another_owner_needs_force_and_is_logged() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "10m"]).owner("ada").run().ok();
    it.lokt(["unlock", "x"]).owner("bob").run().fails_with(4, "not yours: ada");
    it.lokt(["unlock", "x", "--break-stale"])
        .owner("bob")
        .run()
        .fails_with(4, "valid for another 9m");
    it.lokt(["unlock", "x", "--force"]).owner("bob").run().ok();
    it.lokt(["unlock", "x"]).owner("bob").run().fails_with(3, "not held");
    it.lokt(["unlock", "x", "--force"]).owner("bob").run().fails_with(3, "not held");
    let broken = it.events().into_iter().find(|event| event["event"] == "force-break").unwrap();
    assert_eq!(
        (&broken["owner"], &broken["extra"]["holder_owner"]),
        (&"bob".into(), &"ada".into())
    );
}

#[test]
fn a_live_guard_is_not_unlocked_without_force() {
    let it = sandbox();
    let inside = it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).start().is_in();
    let pid = it.record("x")["pid"].to_string();
    it.lokt(["unlock", "x"]).run().fails_with(4, &format!("living guard of yours (pid {pid})"));
    it.lokt(["unlock", "x", "--break-stale"]).run().fails_with(4, "not stale");
    inside.release().ok();
}

#[test]
fn unlock_all_releases_only_the_callers_locks() {
    let it = sandbox();
    for name in ["a", "b"] {
        it.lokt(["lock", name]).owner("ada").run().ok();
    }
    it.lokt(["lock", "c"]).owner("bob").run().ok();
    let inside =
        it.lokt(["guard", "d", "--", HOLD[0], HOLD[1], HOLD[2]]).owner("ada").start().is_in();
    let released = it.lokt(["unlock", "--all", "--json"]).owner("ada").run().ok().json();
    assert_eq!(released, serde_json::json!({"released": ["a", "b"], "count": 2}));
    it.lokt(["unlock", "--owner", "bob", "--json"]).run().fails_with(64, "name a lock");
    it.lokt(["exists", "c"]).run().ok();
    let by_flag = it.lokt(["unlock", "--all", "--owner", "bob", "--json"]).run().ok().json();
    assert_eq!(by_flag, serde_json::json!({"released": ["c"], "count": 1}));
    it.lokt(["exists", "d"]).run().ok();
    it.lokt(["unlock"]).run().fails_with(64, "name a lock");
    inside.release().ok();
}

#[test]
fn each_of_several_names_is_released_even_if_others_fail() {
    let it = sandbox();
    for (name, owner) in [("a", "ada"), ("b", "bob"), ("c", "ada")] {
        it.lokt(["lock", name]).owner(owner).run().ok();
    }
    let all = ["unlock", "a", "b", "nothing", "a", "c", "--json"];
    let done = it.lokt(all).owner("ada").run().expect(4);
    let told = done.json();
    assert_eq!((&told["released"], &told["count"]), (&serde_json::json!(["a", "c"]), &2.into()));
    let errors = done.err.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, 2, "each that stays has its error: {done:#?}");
    it.lokt(["exists", "b"]).run().ok();
    let done = it.lokt(["unlock", "a", "c", "--json"]).owner("ada").run().expect(3);
    assert_eq!(done.json()["released"], serde_json::json!([]), "nothing was unlocked: {done:#?}");
}

#[test]
fn no_refusal_suggests_to_break_the_lock_of_another_owner() {
    let it = sandbox();
    it.lokt(["lock", "lease", "--ttl", "1h"]).owner("ada").run().ok();
    let inside =
        it.lokt(["guard", "guard", "--", HOLD[0], HOLD[1], HOLD[2]]).owner("ada").start().is_in();
    for name in ["lease", "guard"] {
        for how in [&["unlock", name][..], &["unlock", name, "--break-stale"]] {
            let refused = it.lokt(how.iter().copied()).owner("bob").run().expect(4);
            assert!(!refused.err.contains("--force"), "{refused:#?}");
        }
    }
    inside.release().ok();
}
#[test]
fn unlock_by_force_says_what_becomes_of_the_command() {
    let it = sandbox();
    let guard = it.lokt(["guard", "x", "--"].into_iter().chain(HOLD)).owner("ada").start().is_in();
    let pid = guard.pid();
    let told = it.lokt(["unlock", "x", "--force"]).owner("bob").run().ok();
    assert_eq!(told.out, "released lock \"x\"\n");
    let expected = format!("note: its guard (pid {pid}) notices that and stops its command");
    assert!(told.err.starts_with(&expected), "{told:#?}");
    guard.ends().expect(6);
    let guard = it.lokt(["guard", "x", "--"].into_iter().chain(HOLD)).owner("ada").start().is_in();
    guard.signal(Signal::SIGKILL);
    while it.lokt(["status", "x"]).run().out.matches("orphaned").count() == 0 {}
    let json = it.lokt(["unlock", "x", "--force", "--json"]).owner("bob").run().ok().json();
    assert_eq!(
        (&json["guards"][0]["pid_status"], &json["guards"][0]["name"]),
        (&"dead".into(), &"x".into())
    );
    assert!(!json["guards"][0]["processes"].as_array().unwrap().is_empty(), "{json}");
    let text = it.lokt(["lock", "y", "--ttl", "1h"]).run().ok().out;
    assert_eq!(text, "acquired lock \"y\"\n");
    let told = it.lokt(["unlock", "y", "--force"]).owner("bob").run().ok();
    let told = (told.out.as_str(), told.err.as_str());
    assert_eq!(told, ("released lock \"y\"\n", ""), "a lease has no command");
    guard.release();
}
