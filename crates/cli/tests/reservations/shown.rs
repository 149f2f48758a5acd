//! Reservations in the views of other commands: audit, the timeline, whoami, prime, completions.

use super::{run, sandbox};
use lokt_testkit::{Lokt, Sandbox};
use serde_json::Value;
use std::fs;

/// A call of a session of Claude Code.
fn session(it: &Sandbox, id: &str, words: &str) -> Lokt {
    let call = it.in_new_session(words.split(' ')).env("LOKT_OWNER", "ada");
    call.env("CLAUDE_CODE_SESSION_ID", id).without("LOKT_AGENT_ID")
}

#[test]
fn events_name_their_patterns_and_their_agent() {
    let it = sandbox();
    session(&it, "one", "reserve src docs --reason login").in_time().ok();
    session(&it, "two", "reserve src").in_time().expect(2);
    session(&it, "one", "unreserve docs").in_time().ok();
    run(&it, "bob", "lock src --ttl 1h").ok();
    let text = run(&it, "bob", "audit").ok().out;
    let lines: Vec<&str> = text.lines().collect();
    let [reserve, deny, back, lock] = &lines[..] else { unreachable!("four events: {text}") };
    assert!(reserve.contains(" reserve        src docs  ada (pid "), "{reserve}");
    assert!(
        reserve.contains(", claude-code one)") && reserve.contains("reason=\"login\""),
        "{reserve}"
    );
    assert!(
        deny.contains(" reserve-deny   src  ada (pid ") && deny.contains("holders=ada"),
        "{deny}"
    );
    assert!(deny.contains(", claude-code two)"), "{deny}");
    assert!(back.contains(" unreserve      docs  ada ("), "{back}");
    assert!(lock.contains(" acquire        src  bob (pid "), "{lock}");
    let kinds = |words: &str| -> Vec<String> {
        let all = run(&it, "bob", &format!("audit --json {words}")).ok().out;
        let events = all.lines().map(|it| serde_json::from_str::<Value>(it).unwrap());
        events.map(|it| it["event"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds("--path docs/a.md"), ["reserve", "unreserve"]);
    assert_eq!(kinds("--path ./src"), ["reserve", "reserve-deny"]);
    assert_eq!(kinds("--name src"), ["acquire"]);
    run(&it, "bob", "audit --path ../x").expect(64);
}

#[test]
fn the_timeline_has_a_lane_for_each_reserved_pattern() {
    let it = sandbox();
    run(&it, "ada", "lock src --ttl 1h").ok();
    session(&it, "one", "reserve src docs").in_time().ok();
    session(&it, "two", "reserve src").in_time().expect(2);
    session(&it, "one", "unreserve docs").in_time().ok();
    let json = |words: &str| {
        run(&it, "bob", format!("audit --timeline --json {words}").trim()).ok().json()
    };
    let lanes = |words: &str| -> Vec<String> {
        let told = json(words);
        let lane = |lane: &Value| {
            let spans = lane["spans"].as_array().unwrap().iter();
            let spans: Vec<String> =
                spans.map(|it| format!(" {} {}", it["kind"], it["end"])).collect();
            format!("{} {}{}", lane["subject"], lane["name"], spans.concat()).replace('"', "")
        };
        told["lanes"].as_array().unwrap().iter().map(lane).collect()
    };
    let paths = ["paths docs reservation released", "paths src reservation open refusal refused"];
    assert_eq!(lanes(""), [&["lock src hold open"][..], &paths].concat());
    assert_eq!(lanes("--path src/x"), [paths[1]]);
    assert_eq!(lanes("--name src"), ["lock src hold open"]);
    let text = run(&it, "bob", "audit --timeline").ok().out;
    assert!(text.contains("src   ada (claude-code two) "), "two agents have two rows: {text}");
    assert!(text.contains("reserved"), "the legend says what the bar means: {text}");
    let page = run(&it, "bob", "audit --timeline --html -").ok().out;
    assert!(page.contains(r#""subject":"paths""#), "the page has them too");
}

#[test]
fn whoami_says_what_the_caller_has() {
    let it = sandbox();
    let none = run(&it, "ada", "whoami").ok().out;
    assert!(none.contains("holds    no lock, and has reserved nothing"), "{none}");
    run(&it, "ada", "reserve src --ttl 1h").ok();
    run(&it, "ada", "lock review --ttl 1h").ok();
    run(&it, "bob", "reserve docs").ok();
    run(&it, "bob", "lock theirs --ttl 1h").ok();
    let text = run(&it, "ada", "whoami").ok().out;
    assert!(text.contains("holds    review (lease), for another 59m"), "{text}");
    assert!(text.contains("reserved \"src\", for another 59m"), "{text}");
    assert!(!text.contains("docs") && !text.contains("theirs"), "only the caller's own: {text}");
    let json = run(&it, "ada", "whoami --json").ok().json();
    assert_eq!(
        (&json["locks"][0]["name"], &json["locks"][0]["hold"]),
        (&"review".into(), &"lease".into())
    );
    assert_eq!(json["reservations"][0]["patterns"][0], "src");
    assert_eq!(json["reservations"].as_array().unwrap().len(), 1);
}

#[test]
fn prime_lists_reservations_those_of_others_first() {
    let it = sandbox();
    run(&it, "bob", "reserve mine").ok();
    run(&it, "ada", "reserve src/auth docs --reason login").ok();
    let text = run(&it, "bob", "prime").ok().out;
    let theirs = "- `src/auth` and 1 more are reserved by `ada`, for another 29m";
    let mine = "- `mine` is reserved by you, for another 29m";
    let (first, second) = (text.find(theirs), text.find(mine));
    assert!(first.is_some() && first < second, "{text}");
    assert!(text.contains(": `login`\n") && text.contains("`lokt why PATH`"), "{text}");
    let json = run(&it, "bob", "prime --json").ok().json();
    assert_eq!(json["reserved"].as_array().unwrap().len(), 2);
    fs::write(it.root().join("reservations/broken.json"), "{").unwrap();
    let text = run(&it, "bob", "prime").ok().out;
    assert!(text.contains("- a reservation is unreadable"), "{text}");
}

/// What bash completes behind these words.
fn completed(it: &Sandbox, folder: &str, words: &str) -> Vec<String> {
    let count = words.split(' ').count() - 1;
    let line =
        format!("_CLAP_IFS=$'\\n' _CLAP_COMPLETE_INDEX={count} COMPLETE=bash lokt -- {words}");
    let done = it.shell(&line).owner("ada").folder(it.folder().join(folder)).in_time().ok();
    done.out.lines().filter(|it| !it.starts_with('-')).map(str::to_owned).collect()
}

#[test]
fn the_callers_reservations_are_completed_as_they_are_typed_here() {
    let it = sandbox();
    fs::create_dir_all(it.folder().join("src/deep")).unwrap();
    run(&it, "ada", "reserve src/deep/a docs/x").ok();
    run(&it, "bob", "reserve src/other").ok();
    assert_eq!(completed(&it, ".", "lokt unreserve ''"), ["src/deep/a", "docs/x"]);
    assert_eq!(completed(&it, "src", "lokt unreserve de"), ["deep/a"]);
    assert_eq!(completed(&it, "src/deep", "lokt unreserve ../"), ["../../docs/x"]);
    let [id] = &completed(&it, ".", "lokt unreserve --id ''")[..] else { unreachable!("one id") };
    let folder = it.folder().join("src/deep");
    it.lokt(["unreserve", "../../docs/x"]).owner("ada").folder(folder).in_time().ok();
    run(&it, "ada", &format!("unreserve --id {id}")).ok();
    assert!(completed(&it, ".", "lokt unreserve --id ''").is_empty());
    let paths = completed(&it, ".", "lokt why sr");
    assert_eq!(paths, ["src/"], "why completes paths too");
}

#[test]
fn an_expired_freeze_is_not_taken_for_an_expired_lock() {
    let it = sandbox();
    let past = r#"{"version":1,"name":"deploy","owner":"ada","host":"h","pid":1,
        "acquired_ts":"2026-02-01T10:00:00Z","ttl_sec":1,"expires_at":"2026-02-01T10:00:01Z"}"#;
    it.write_freeze("deploy", past);
    let text = run(&it, "bob", "status").ok().out;
    assert!(text.contains("deploy  freeze expired  ada"), "{text}");
    let json = run(&it, "bob", "status --json").ok().json();
    assert_eq!((&json[0]["state"], &json[0]["freeze"]), (&"expired".into(), &true.into()));
}
