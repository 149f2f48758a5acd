//! The timeline: holders and waiters over time, in the terminal and in a browser.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{HOLD, Sandbox, time};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// Ada holds `build` and bob waits for it and gets it; eve is refused; ops freezes `deploy`; zoe holds a lease.
fn busy_root(it: &Sandbox) {
    let words = ["guard", "build", "--wait", "--", HOLD[0], HOLD[1], HOLD[2]];
    let ada = it.lokt(words).owner("ada").start().is_in();
    let bob = it.lokt(words).owner("bob").start().is_waiting();
    it.lokt(["guard", "build", "--", "true"]).owner("eve").run().expect(2);
    it.lokt(["freeze", "deploy", "--ttl", "1h"]).owner("ops").run().ok();
    it.lokt(["lock", "review", "--ttl", "1h"]).owner("zoe").run().ok();
    ada.release().ok();
    bob.is_in().release().ok();
}

/// The spans of a timeline, written as `NAME KIND OWNER END`.
fn spans(timeline: &Value) -> Vec<String> {
    let lanes = timeline["lanes"].as_array().unwrap().iter();
    let spans =
        lanes.flat_map(|lane| lane["spans"].as_array().unwrap().iter().map(move |it| (lane, it)));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let told = |(lane, it): (&Value, &Value)| {
        [&lane["name"], &it["kind"], &it["owner"], &it["end"]].map(text).join(" ")
    };
    spans.map(told).collect()
}

#[test]
fn the_timeline_has_holders_and_waiters() {
    let it = sandbox();
    busy_root(&it);
    let call = |words: &[&str]| {
        let words = [&["audit", "--timeline", "--json"], words].concat();
        it.lokt(words).without("LOKT_OWNER").run().ok().json()
    };
    let all = call(&[]);
    let expected = [
        "build hold ada released",
        "build wait bob entered",
        "build refusal eve refused",
        "build hold bob released",
        "deploy freeze ops open",
        "review hold zoe open",
    ];
    assert_eq!(spans(&all), expected);
    let of = |at: usize, field: &str| all["lanes"][0]["spans"][at][field].clone();
    assert_eq!(of(0, "command"), "sh -c 'echo in; read line; exit 0'");
    assert!(time(&of(1, "from")) < time(&of(0, "until")), "bob waited while ada held it: {all}");
    assert!(time(&of(1, "until")) >= time(&of(0, "until")), "and until she was done: {all}");
    assert_eq!(spans(&call(&["--name", "deploy"])), ["deploy freeze ops open"]);
    assert_eq!(spans(&call(&["--owner", "zoe"])), ["review hold zoe open"]);
    assert_eq!(spans(&call(&["--until", "1h"])), [""; 0], "before all of it");
    let since = all["until"].as_str().unwrap();
    let later = call(&["--since", since]);
    assert_eq!(spans(&later), &expected[4..], "what goes on is there, whenever it began");
}

#[test]
fn present_holders_and_waiters_are_in_it() {
    let it = sandbox();
    let words = ["guard", "x", "--wait", "--", HOLD[0], HOLD[1], HOLD[2]];
    let ada = it.lokt(words).owner("ada").start().is_in();
    let bob = it.lokt(words).owner("bob").start().is_waiting();
    let timeline = || {
        let words = ["audit", "--timeline", "--json"];
        spans(&it.lokt(words).without("LOKT_OWNER").run().ok().json())
    };
    assert_eq!(timeline(), ["x hold ada open", "x wait bob open"]);
    fs::remove_file(it.root().join("audit.log")).unwrap();
    assert_eq!(timeline(), ["x hold ada open", "x wait bob open"], "without a log, too");
    ada.kill();
    // The command runs until its standard input ends; then bob enters.
    bob.is_in().release().ok();
    let ends = timeline();
    assert!(ends.contains(&"x wait bob entered".to_owned()), "{ends:?}");
    assert!(ends.contains(&"x hold ada stale".to_owned()), "{ends:?}");
}

#[test]
fn a_wait_that_a_signal_ended_is_in_it() {
    let it = sandbox();
    let words = ["guard", "x", "--wait", "--", HOLD[0], HOLD[1], HOLD[2]];
    let ada = it.lokt(words).owner("ada").start().is_in();
    let bob = it.lokt(words).owner("bob").start().is_waiting();
    bob.signal(Signal::SIGINT);
    assert_eq!(bob.ends().signal, Some(Signal::SIGINT as i32));
    ada.release().ok();
    let all = it.lokt(["audit", "--timeline", "--json"]).without("LOKT_OWNER").run().ok().json();
    assert_eq!(spans(&all), ["x hold ada released", "x wait bob interrupted"]);
}

#[test]
fn in_a_pipe_the_bars_are_plain_text() {
    let it = sandbox();
    busy_root(&it);
    let bars = |locale: &str| {
        let call = it.lokt(["audit", "--timeline"]).without("LOKT_OWNER").env("LC_ALL", locale);
        call.run().ok().out
    };
    let text = bars("C.UTF-8");
    assert!(!text.contains('\u{1b}') && text.contains('█') && text.contains('×'), "{text}");
    let row = |text: &str, row: &str| text.lines().any(|line| line.starts_with(row));
    assert!(row(&text, "build   ada") && row(&text, "build   bob"), "a row for each owner: {text}");
    assert!(text.lines().count() == 8, "six rows, the times and what the bars mean: {text}");
    assert!(bars("C").is_ascii(), "where the locale has no more, ASCII is enough");
    it.lokt(["audit", "--timeline", "--name", "none"]).run().ok().says("nothing happened");
}

#[test]
fn flags_that_conflict_with_a_timeline_are_refused() {
    let it = sandbox();
    for words in
        ["--timeline --tail", "--timeline --event deny", "--html x", "--timeline --html x --json"]
    {
        let words = std::iter::once("audit").chain(words.split(' '));
        it.lokt(words).run().expect(64);
    }
    assert!(!it.folder().join("x").exists());
}

#[test]
fn a_page_is_written_whole_or_not_at_all() {
    let it = sandbox();
    busy_root(&it);
    let write = |file: &str| it.lokt(["audit", "--timeline", "--html", file]).run();
    assert_eq!(write("page.html").ok().out, "wrote page.html\n");
    let page = fs::read(it.folder().join("page.html")).unwrap();
    assert!(page.starts_with(b"<!doctype html>") && page.ends_with(b"</html>\n"));
    let mode = fs::metadata(it.folder().join("page.html")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it is as private as the log");
    write("none/page.html").fails_with(1, "cannot write none/page.html");
    fs::create_dir(it.folder().join("folder")).unwrap();
    write("folder").fails_with(1, "cannot write folder");
    let names: Vec<_> =
        fs::read_dir(it.folder()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "nothing half-written is left: {names:?}");
    let shown = write("-").ok().out;
    assert!(shown.starts_with("<!doctype html>") && shown.ends_with("</html>\n"), "{shown}");
    assert!(!it.folder().join("-").exists());
}

#[test]
fn a_page_takes_the_place_of_a_regular_file_only() {
    let it = sandbox();
    let make = "mkfifo fifo && echo old > real && ln -s real link && ln -s none dangling";
    it.shell(make).run().ok();
    let write = |file: &str| it.lokt(["audit", "--timeline", "--html", file]).run();
    let kind = |file: &str| fs::symlink_metadata(it.folder().join(file)).unwrap().file_type();
    write("fifo").fails_with(1, "cannot write fifo: it exists and is not a regular file");
    write("dangling").fails_with(1, "cannot write dangling");
    write("link").ok();
    assert!(!kind("fifo").is_file(), "it is as it was");
    assert!(kind("dangling").is_symlink() && kind("link").is_symlink(), "links stay");
    let page = fs::read(it.folder().join("real")).unwrap();
    assert!(page.starts_with(b"<!doctype html>"), "the link was followed");
}

/// What a browser sees of a page, in India, where local time is five and a half hours ahead of UTC.
fn read_in_browser(it: &Sandbox, page: &Path, scheme: &str) -> Value {
    read_in_browser_at("Asia/Kolkata", it, page, scheme)
}

fn read_in_browser_at(zone: &str, it: &Sandbox, page: &Path, scheme: &str) -> Value {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/look.py");
    let line = format!("TZ={zone} HOME=$PWD python3 {program} {} {scheme}", page.display());
    it.shell(&line).run().ok().json()
}

#[test]
fn a_browser_shows_details_to_the_mouse_and_to_the_keyboard() {
    let it = sandbox();
    busy_root(&it);
    it.lokt(["audit", "--timeline", "--html", "page.html"]).run().ok();
    let page = it.folder().join("page.html");
    let seen = read_in_browser(&it, &page, "light");
    assert_eq!(seen["console"], json!([]), "nothing is wrong with the page: {seen}");
    let own = format!("file://{}", page.display());
    assert_eq!(seen["requests"], json!([own]), "it asks for nothing but itself");
    assert_eq!(seen["legend"], json!(["held", "reserved", "waited", "frozen", "refused"]));
    let name = it.root().file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(seen["title"], format!("{name}: timeline of locks (Lokt)"));
    assert_eq!(seen["heading"], format!("{name}: holders and waiters over time"));
    assert_eq!(seen["root"], format!("Locks in {}", it.root().display()));
    let tip = |which: &str| seen[which]["text"].as_str().unwrap_or_default().to_owned();
    let [first, second, zoomed, pointed] = ["first", "second", "zoomed", "pointed"].map(tip);
    assert!(
        first.starts_with("build: held by ada\n$ sh -c 'echo in; read line; exit 0'\n"),
        "{first}"
    );
    assert!(
        second.starts_with("build: waited for by bob\n") && second.contains("got in"),
        "{second}"
    );
    assert_eq!(seen["said"], first.replace('\n', ". "), "a screen reader gets the same text");
    assert_eq!(zoomed, second, "zooming leaves the focus where it is");
    assert_eq!(seen["moved"], true, "and moves what is seen: {seen}");
    assert_eq!(seen["left"], Value::Null, "without focus and mouse there is no text");
    assert_eq!(pointed, second, "the mouse finds what the keyboard found");
    let dark = read_in_browser(&it, &page, "dark");
    assert_ne!(dark["background"], seen["background"], "there is a dark page, too");
    assert_eq!(dark["console"], json!([]));
}

/// A log in which ada holds a lock for 30 s, and tim waits for it for 20 s and gives up.
fn a_wait_that_began_at(it: &Sandbox, [began, gave_up, released]: [&str; 3]) {
    let lines = [
        json!({"ts": began, "event": "acquire", "name": "build", "lock_id": "1", "owner": "ada"}),
        json!({"ts": gave_up, "event": "deny", "name": "build", "lock_id": null, "owner": "tim",
            "extra": {"waited_ms": 20_000}}),
        json!({"ts": released, "event": "release", "name": "build", "lock_id": "1", "owner": "ada"}),
    ];
    fs::create_dir_all(it.root()).unwrap();
    let log = lines.map(|line| line.to_string()).join("\n") + "\n";
    fs::write(it.root().join("audit.log"), log).unwrap();
}

#[test]
fn a_browser_shows_local_time_and_the_names_of_waiters() {
    let it = sandbox();
    let times = ["2026-11-20T23:00:00Z", "2026-11-20T23:00:20Z", "2026-11-20T23:00:30Z"];
    a_wait_that_began_at(&it, times);
    let page = it.folder().join("page.html");
    let html = page.to_str().unwrap();
    let write = ["audit", "--timeline", "--until", "2026-11-20T23:01:00Z", "--html", html];
    it.lokt(write).without("LOKT_OWNER").run().ok();
    let seen = read_in_browser(&it, &page, "light");
    assert_eq!(
        seen["summary"], "2026-11-21 04:30:00 to 2026-11-21 04:31:00 UTC+05:30 · 1 lock · 2 spans",
        "the reader's time, with its offset"
    );
    let texts = seen["texts"].as_array().unwrap();
    assert!(texts.contains(&"tim".into()), "a bar of a wait has the waiter's name: {texts:?}");
    assert!(texts.contains(&"04:30:10".into()), "the axis shows local time: {texts:?}");
    let wait = seen["second"]["text"].as_str().unwrap();
    let told = "build: waited for by tim\n2026-11-21 04:30:00.000 to 04:30:20.000 UTC+05:30 (20s)";
    assert!(wait.starts_with(told), "{wait}");
    let utc = read_in_browser_at("UTC", &it, &page, "light");
    let told = "2026-11-20 23:00:00 to 2026-11-20 23:01:00 UTC+00:00";
    assert!(utc["summary"].as_str().unwrap().starts_with(told), "{utc}");
}

#[test]
fn a_browser_shows_both_offsets_where_the_clocks_change_in_between() {
    let it = sandbox();
    let times = ["2026-10-25T00:30:00Z", "2026-10-25T00:30:20Z", "2026-10-25T01:30:00Z"];
    a_wait_that_began_at(&it, times);
    let page = it.folder().join("page.html");
    let html = page.to_str().unwrap();
    let write = ["audit", "--timeline", "--until", "2026-10-25T01:30:00Z", "--html", html];
    it.lokt(write).without("LOKT_OWNER").run().ok();
    let seen = read_in_browser_at("Europe/Berlin", &it, &page, "light");
    let told = "2026-10-25 02:30:00 UTC+02:00 to 2026-10-25 02:30:00 UTC+01:00 · ";
    assert!(seen["summary"].as_str().unwrap().starts_with(told), "{seen}");
    let held = seen["first"]["text"].as_str().unwrap();
    assert!(held.contains(" UTC+02:00 to 02:30:00.000 UTC+01:00 (1h 0m)"), "{held}");
}

#[test]
fn a_browser_shows_hostile_texts_as_text() {
    let it = sandbox();
    let owner =
        "</script><script>document.title = 'broken out'</script><img src=x onerror=alert(1)>";
    let command = "<b>bold</b> --> ]]>";
    it.lokt(["guard", "build", "--", "true", command]).owner(owner).run().ok();
    it.lokt(["audit", "--timeline", "--html", "page.html"]).without("LOKT_OWNER").run().ok();
    let seen = read_in_browser(&it, &it.folder().join("page.html"), "light");
    assert!(seen["title"].as_str().unwrap().ends_with(": timeline of locks (Lokt)"), "{seen}");
    assert_eq!(seen["scripts"], 2, "the page's own, and the data: {seen}");
    let first = seen["first"]["text"].as_str().unwrap();
    assert!(
        first.starts_with(&format!("build: held by {owner}\n")) && first.contains(command),
        "{first}"
    );
    assert_eq!(seen["console"], json!([]));
    assert_eq!(seen["requests"].as_array().unwrap().len(), 1, "{seen}");
}
