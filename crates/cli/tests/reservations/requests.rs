//! Asking, being refused, giving back.

use super::{events, records, reserved, run, sandbox};
use std::fs;

#[test]
fn another_owner_is_refused_with_who_since_when_and_why_and_what_is_free() {
    let it = sandbox();
    it.lokt(["reserve", "src/b/*.rs", "--reason", "new login", "--ttl", "1h"])
        .owner("ada")
        .run()
        .ok();
    let denied = run(&it, "bob", "reserve src/**/a.rs docs");
    let told = "error: cannot reserve \"src/**/a.rs\": \"src/b/*.rs\" is reserved by ada (";
    assert!(denied.err.starts_with(told), "{denied:#?}");
    let denied = denied.fails_with(2, ", for another 59m 5");
    assert!(denied.err.contains("(both cover \"src/b/a.rs\"): new login"), "{denied:#?}");
    assert!(denied.err.contains("hint: free now: \"docs\""), "{denied:#?}");
    assert!(!denied.err.contains("force"), "no hint teaches to take it: {denied:#?}");
    assert_eq!(reserved(&it), ["ada: src/b/*.rs"], "all or nothing");
    let json = run(&it, "bob", "reserve src/**/a.rs docs --json").expect(2).json();
    assert_eq!((&json["status"], &json["free"]), (&"blocked".into(), &["docs"][..].into()));
    let conflict = &json["conflicts"][0];
    assert_eq!(conflict["common_path"], "src/b/a.rs");
    assert_eq!(conflict["reservation"]["owner"], "ada");
    assert_eq!(events(&it), ["reserve", "reserve-deny", "reserve-deny"]);
}

#[test]
fn each_conflict_has_its_line() {
    let it = sandbox();
    run(&it, "ada", "reserve a").ok();
    run(&it, "bob", "reserve b").ok();
    let denied = run(&it, "cid", "reserve a/x b c").expect(2);
    let errors: Vec<&str> = denied.err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert!(errors.len() == 2, "{denied:#?}");
    assert!(errors[0].contains("\"a/x\"") && errors[0].contains("ada"), "{denied:#?}");
    assert!(errors[1].contains("\"b\" is reserved by bob"), "{denied:#?}");
}

#[test]
fn sharers_share_and_exclude_the_others() {
    let it = sandbox();
    run(&it, "ada", "reserve src --shared").ok();
    run(&it, "bob", "reserve src/x --shared").ok();
    run(&it, "cid", "reserve src/x/y").expect(2).says("reserved (shared) by ada");
    run(&it, "cid", "reserve docs").ok();
    run(&it, "ada", "reserve docs/a --shared").expect(2);
}

#[test]
fn an_own_overlapping_reservation_is_extended_and_any_other_is_separate() {
    let it = sandbox();
    run(&it, "ada", "reserve src/a --ttl 10m").ok();
    let extended = run(&it, "ada", "reserve src/a/x docs --ttl 1h --json").ok().json();
    assert_eq!(extended["extended"], true);
    assert_eq!(extended["patterns"], serde_json::json!(["src/a", "docs"]));
    assert!(extended["ttl_sec"] == 3600 && extended["held_since"].is_string(), "{extended}");
    let shorter = run(&it, "ada", "reserve src/a --ttl 1m --json").ok().json();
    assert_eq!(shorter["expires_at"], extended["expires_at"], "asking never shortens");
    run(&it, "ada", "reserve src/a --shared").ok();
    run(&it, "ada", "reserve other").ok();
    assert_eq!(records(&it).len(), 3, "another mode, and no overlap");
    run(&it, "ada", "reserve src --ttl 1h").ok();
    assert_eq!(reserved(&it), ["ada: docs src", "ada: other", "ada: src/a"]);
}

#[test]
fn unknown_fields_stay_when_a_record_is_rewritten() {
    let it = sandbox();
    run(&it, "ada", "reserve src docs").ok();
    let path = it.root().join("reservations").join(records(&it).first().unwrap());
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("{\n", "{\n  \"later\": {\"n\": 1.50},\n", 1)).unwrap();
    run(&it, "ada", "reserve src/x --ttl 2h").ok();
    run(&it, "ada", "unreserve docs").ok();
    assert!(fs::read_to_string(&path).unwrap().contains("\"later\": {\"n\": 1.50}"));
}

#[test]
fn a_part_is_given_back_and_the_rest_stays() {
    let it = sandbox();
    run(&it, "ada", "reserve src/a src/b docs").ok();
    let back = run(&it, "ada", "unreserve src/a").ok();
    assert_eq!(back.out, "gave back \"src/a\"; \"src/b\", \"docs\" stays reserved\n");
    run(&it, "bob", "reserve src/a").ok();
    run(&it, "bob", "reserve src/b").expect(2);
    run(&it, "ada", "unreserve docs/x").fails_with(1, "it is part of your reservation of \"docs\"");
    run(&it, "ada", "unreserve nothing").fails_with(3, "\"nothing\" is not reserved");
    run(&it, "ada", "unreserve docs nothing").expect(3);
    run(&it, "ada", "unreserve src/a").fails_with(4, "\"src/a\" is not yours: reserved by bob");
    assert_eq!(reserved(&it), ["ada: src/b docs", "bob: src/a"], "nothing was half done");
    run(&it, "ada", "unreserve --all").ok();
    assert_eq!(reserved(&it), ["bob: src/a"]);
    run(&it, "ada", "unreserve --all").ok().says("you have reserved nothing");
    run(&it, "ada", "unreserve").expect(64);
}

#[test]
fn an_id_names_one_and_force_takes_anothers() {
    let it = sandbox();
    let id = run(&it, "ada", "reserve src docs --json").ok().json()["id"].clone();
    let id = id.as_str().unwrap();
    run(&it, "bob", &format!("unreserve --id {id}")).expect(4);
    run(&it, "bob", "unreserve --id 0f").expect(3);
    run(&it, "ada", &format!("unreserve --id {id} src")).ok();
    run(&it, "bob", &format!("unreserve --id {id} --force")).ok();
    assert!(reserved(&it).is_empty() && records(&it).is_empty());
    let last = it.events().pop().unwrap();
    assert_eq!(
        (&last["extra"]["forced"], &last["extra"]["holder_owner"]),
        (&true.into(), &"ada".into())
    );
}

#[test]
fn check_says_whether_another_edits_a_path() {
    let it = sandbox();
    run(&it, "ada", "reserve **/*.md src").ok();
    for (path, code) in [("a/b.md", 2), ("src/x", 2), ("b.rs", 0), ("main.rs", 0), ("src", 2)] {
        run(&it, "bob", &format!("reservations --check {path}")).expect(code);
        run(&it, "ada", &format!("reservations --check {path}")).ok();
    }
    let shown = run(&it, "bob", "reservations x.md").ok().out;
    assert!(shown.contains("**/*.md src") && shown.contains("ada"), "{shown}");
    assert_eq!(run(&it, "bob", "reservations b.rs --json").ok().json(), serde_json::json!([]));
    assert_eq!(run(&it, "bob", "reservations --mine --json").ok().json(), serde_json::json!([]));
    run(&it, "bob", "reservations --check").expect(64);
}

#[test]
fn status_shows_what_is_reserved_below_the_locks() {
    let it = sandbox();
    run(&it, "ada", "lock x").ok();
    run(&it, "ada", "reserve src").ok();
    let shown = run(&it, "ada", "status").ok().out;
    assert!(shown.contains("\n\nRESERVED") && shown.contains("ada (you)"), "{shown}");
    fs::write(it.root().join("reservations/x.json"), "").unwrap();
    run(&it, "ada", "status").ok().says("warning: reservation \"x.json\" is corrupted");
    assert_eq!(run(&it, "ada", "status --json").ok().json()[1], serde_json::Value::Null);
}

#[test]
fn two_sessions_of_harnesses_differ_under_one_owner() {
    let it = sandbox();
    let session = |id: &str, line: &str| {
        it.lokt(line.split(' ')).owner("team").env("LOKT_AGENT_ID", id).in_time()
    };
    session("claude-code:s1", "reserve src").ok();
    session("claude-code:s2", "reserve src/x").fails_with(2, "reserved by team (claude-code s1)");
    session("claude-code:s2", "unreserve src").expect(4);
    session("claude-code:s1", "unreserve src").ok();
}
