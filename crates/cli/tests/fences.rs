//! Fences: each acquisition's fence is above all earlier ones, and `fence check` accepts those of present
//! holders.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{Done, HOLD, Running, Sandbox};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// The exit code of `fence check x`.
fn check(it: &Sandbox, token: &str) -> i32 {
    let done = it.lokt(["fence", "check", "x", token]).owner("resource").run();
    assert!(done.out.is_empty(), "the code is the answer: {done:#?}");
    assert!(done.code == Some(0) || done.err.starts_with("error: "), "{done:#?}");
    done.code.unwrap()
}

fn reader(it: &Sandbox, owner: &str) -> Running {
    let words = ["guard", "x", "--shared", "--", HOLD[0], HOLD[1], HOLD[2]];
    it.lokt(words).owner(owner).start().is_in()
}

/// The fence of a new acquisition, which is released.
fn draw(it: &Sandbox) -> u64 {
    it.lokt(["guard", "x", "-c", "echo $LOKT_FENCE"]).run().ok().out.trim().parse().unwrap()
}

#[test]
fn only_the_fence_of_the_holder_is_accepted() {
    let it = sandbox();
    assert_eq!(check(&it, "5"), 4, "a lock that was never taken has no holder");
    assert!(!it.root().exists(), "asking makes nothing");
    let inside = it.lokt(["guard", "x", "-c", "echo in; echo $LOKT_FENCE; read line"]).start();
    let mut inside = inside.is_in();
    let token = inside.prints("").trim().to_owned();
    let number: u64 = token.parse().unwrap();
    assert_eq!(check(&it, &token), 0);
    for other in [number - 1, number + 1, 0, u64::MAX] {
        assert_eq!(check(&it, &other.to_string()), 4, "{other} is not {number}");
    }
    inside.release();
    assert_eq!(check(&it, &token), 4, "it is released");
    let lease = it.lokt(["lock", "x", "--json", "--ttl", "10m"]).run().ok().json();
    assert_eq!(check(&it, &lease["fence"].to_string()), 0);
    assert_eq!(check(&it, &token), 4, "a late writer is refused");
    let renewed = it.lokt(["lock", "x", "--json"]).run().ok().json();
    assert_eq!(renewed["fence"], lease["fence"], "a renewal is no new acquisition");
    let under = it.lokt(["guard", "x", "-c", "lokt fence check x $LOKT_FENCE"]).run();
    under.ok();
    it.lokt(["unlock", "x"]).run().ok();
    assert_eq!(check(&it, &lease["fence"].to_string()), 4);
}

#[test]
fn the_fence_of_each_of_several_holders_is_accepted() {
    let it = sandbox();
    let (first, second) = (reader(&it, "ada"), reader(&it, "bob"));
    it.shell("lokt lock x --shared --pid $$").owner("gone").run().ok();
    let record = it.record("x");
    let fences: Vec<String> = std::iter::once(&record)
        .chain(record["co_holders"].as_array().unwrap())
        .map(|holder| holder["fence"].to_string())
        .collect();
    let codes: Vec<i32> = fences.iter().map(|fence| check(&it, fence)).collect();
    assert_eq!(codes, [0, 0, 4], "the process of the third is gone");
    let mut sorted = fences.clone();
    sorted.sort();
    assert_eq!(fences, sorted, "who came later has the higher fence");
    first.release().ok();
    assert_eq!((check(&it, &fences[0]), check(&it, &fences[1])), (4, 0));
    second.release().ok();
}

#[test]
fn an_invalid_fence_is_a_usage_error() {
    let it = sandbox();
    for token in ["", "abc", "1.5", "0x10", "1e3", " 1", "99999999999999999999999"] {
        it.lokt(["fence", "check", "x", token]).run().fails_with(64, "<TOKEN>");
    }
    it.lokt(["fence", "check", "x", "--", "-1"]).run().fails_with(64, "<TOKEN>");
    it.lokt(["fence", "check", "x"]).run().fails_with(64, "<TOKEN>");
    it.lokt(["fence", "check", "a/b", "1"]).run().fails_with(64, "a/b");
    it.lokt(["fence", "draw", "x"]).run().fails_with(64, "draw");
    it.lokt(["fence"]).run().expect(64).says("Usage: lokt fence");
    it.write_record("x", "{\"version\":99}");
    it.lokt(["fence", "check", "x", "1"]).run().fails_with(1, "version 99");
    it.write_record("x", "{");
    it.lokt(["fence", "check", "x", "1"]).run().fails_with(1, "corrupted");
}

#[test]
fn fences_rise_over_every_end_of_a_holder() {
    let it = sandbox();
    let mut last = 0;
    let mut rises = |fence: u64, after: &str| {
        assert!(fence > last, "{fence} is above {last}, after {after}");
        last = fence;
    };
    rises(draw(&it), "nothing");
    let killed = it.lokt(["guard", "x", "-c", "echo in; kill -9 $PPID; exit"]).start();
    killed.ends();
    rises(draw(&it), "a kill");
    it.lokt(["lock", "x"]).run().ok();
    rises(it.record("x")["fence"].as_u64().unwrap(), "a release");
    it.lokt(["unlock", "x", "--force"]).run().ok();
    rises(draw(&it), "a break");
    let (first, second) = (reader(&it, "ada"), reader(&it, "bob"));
    let record = it.record("x");
    rises(record["fence"].as_u64().unwrap(), "a break");
    rises(record["co_holders"][0]["fence"].as_u64().unwrap(), "a reader beside it");
    first.release().ok();
    second.release().ok();
    std::fs::remove_dir_all(it.root()).unwrap();
    rises(draw(&it), "a deleted root");
}

/// The dynamically linked program. A library can be preloaded into it, but not into the release build.
const DYNAMIC: &str = env!("CARGO_BIN_EXE_lokt");

#[test]
fn fences_rise_when_the_clock_is_set_back() {
    let it = sandbox();
    let at = |clock: &str| -> u64 {
        let call = format!("{clock} '{DYNAMIC}' guard x -c 'echo $LOKT_FENCE'");
        it.shell(&call).run().ok().out.trim().parse().unwrap()
    };
    let tomorrow = at("faketime -f +1d");
    let day = 86_400_000_000;
    assert!(tomorrow > at_most(&it) + day / 2, "the clock stood on tomorrow: {tomorrow}");
    let today = at("");
    assert_eq!(today, tomorrow + 1, "the counter goes on where the clock was");
    assert_eq!(at("faketime -f -1d"), today + 1);
    assert_eq!(draw(&it), today + 2);
    it.lokt(["lock", "x", "--shared"]).run().ok();
    let beside = reader(&it, "bob");
    let shown = it.lokt(["status", "x", "--json"]).run().ok().json();
    assert_eq!(shown["co_holders"][0]["fence"], today + 4, "also beside another");
    beside.release().ok();
}

/// A fence of another name, which only depends on the clock.
fn at_most(it: &Sandbox) -> u64 {
    let out = it.lokt(["guard", "other", "-c", "echo $LOKT_FENCE"]).run().ok().out;
    out.trim().parse().unwrap()
}

/// Writes the documentation's program `publish` to the sandbox's folder. Returns a fence from before all
/// others.
fn publishing(it: &Sandbox) -> u64 {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/fences.md"));
    let page = page.unwrap();
    let from = page.find("cat > publish <<'EOF'").unwrap();
    let to = from + page[from..].find("\nEOF\n").unwrap() + "\nEOF\n".len();
    it.shell(&format!("{}chmod +x publish", &page[from..to])).run().ok();
    draw(it)
}

/// Publishes a text under a guard of some names.
fn publish(it: &Sandbox, text: &str, names: &str) -> Done {
    it.shell(&format!("echo {text} | lokt guard {names} -- ./publish page")).run()
}

#[test]
fn the_documented_script_refuses_a_late_writer_after_any_crash_of_a_later_one() {
    for call in ["write", "openat"] {
        let crashes = (1..1000).take_while(|number| crash_at(call, *number)).count();
        assert!(crashes > 0, "it calls {call}");
    }
}

/// Kills a publication at a given call of its shell, and runs a late writer. Returns false if the publication
/// makes fewer calls.
fn crash_at(call: &str, number: usize) -> bool {
    let it = sandbox();
    let late = publishing(&it);
    publish(&it, "new", "x").ok();
    let line = format!(
        "echo newer | lokt guard x -- strace --output=trace --inject={call}:signal=KILL:when={number} ./publish page"
    );
    let crashed = it.shell(&line).run().code != Some(0);
    let line = format!("echo late | LOKT_FENCE={late} ./publish page");
    let told = it.shell(&line).run().expect(1);
    assert!(told.err.starts_with("refused: fence "), "after {call} {number}: {told:#?}");
    let page = std::fs::read_to_string(it.folder().join("page")).unwrap();
    assert!(["new\n", "newer\n"].contains(&page.as_str()), "{call} {number}: {page:?}");
    publish(&it, "newest", "x").ok();
    crashed
}

#[test]
fn the_documented_script_refuses_anything_but_a_single_fence() {
    let it = sandbox();
    publishing(&it);
    publish(&it, "first", "x").ok();
    publish(&it, "two", "x y").expect(1).says("is not one fence");
    publish(&it, "second", "x").ok();
    assert_eq!(std::fs::read_to_string(it.folder().join("page")).unwrap(), "second\n");
}

/// The outcome of `unlock x --force --fence N` by another caller.
fn force(it: &Sandbox, fence: u64) -> Done {
    it.lokt(["unlock", "x", "--force", "--fence", &fence.to_string()]).owner("boss").run()
}

#[test]
fn only_the_acquisition_with_the_given_fence_is_broken() {
    let it = sandbox();
    it.lokt(["lock", "x", "--ttl", "1h"]).owner("old").run().ok();
    let seen = it.record("x")["fence"].as_u64().unwrap();
    it.lokt(["unlock", "x"]).owner("old").run().ok();
    let not_held = force(&it, seen).fails_with(3, "not held");
    assert!(not_held.out.is_empty(), "{not_held:#?}");
    let newcomer =
        it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).owner("new").start().is_in();
    let now = it.record("x")["fence"].as_u64().unwrap();
    for other in [seen, 0, now - 1, now + 1, u64::MAX] {
        let refused = force(&it, other).fails_with(4, &now.to_string());
        assert!(refused.err.contains("new (pid"), "it names the holder: {refused:#?}");
    }
    newcomer.release().ok();
    let held =
        it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).owner("ada").start().is_in();
    let now = it.record("x")["fence"].as_u64().unwrap();
    force(&it, now).ok();
    held.ends().expect(6);
}

#[test]
fn only_the_holder_with_the_given_fence_is_broken() {
    let it = sandbox();
    let (first, second) = (reader(&it, "ada"), reader(&it, "bob"));
    it.lokt(["lock", "x", "--shared"]).owner("eve").run().ok();
    let record = it.record("x");
    let fence_of = |owner: &str| {
        let holders = std::iter::once(&record).chain(record["co_holders"].as_array().unwrap());
        let mut holders = holders.filter(|it| it["owner"] == owner);
        holders.next().unwrap()["fence"].as_u64().unwrap()
    };
    force(&it, fence_of("ada")).ok();
    first.ends().expect(6);
    assert_eq!(check(&it, &fence_of("bob").to_string()), 0, "the others hold on");
    force(&it, fence_of("ada")).fails_with(4, &fence_of("eve").to_string());
    force(&it, fence_of("eve")).ok();
    second.release().ok();
    force(&it, fence_of("bob")).fails_with(3, "not held");
}

#[test]
fn a_record_without_a_fence_is_not_broken() {
    let it = sandbox();
    it.write_record("x", r#"{"owner":"other","acquired_ts":"2026-02-01T10:00:00Z"}"#);
    force(&it, 7).fails_with(4, "without a fence");
    it.write_record("x", r#"{"version":99}"#);
    force(&it, 7).fails_with(1, "not supported");
    it.write_record("x", "no record");
    force(&it, 7).fails_with(1, "corrupted");
    assert_eq!(std::fs::read_to_string(it.record_path("x")).unwrap(), "no record");
}

#[test]
fn a_fence_goes_with_force_and_one_name() {
    let it = sandbox();
    for words in [
        &["unlock", "x", "--fence", "7"][..],
        &["unlock", "x", "--fence", "7", "--break-stale"],
        &["unlock", "--all", "--fence", "7"],
        &["unlock", "x", "y", "--force", "--fence", "7"],
        &["unlock", "--force", "--fence", "7"],
        &["unlock", "x", "--force", "--fence", "newest"],
        &["unlock", "x", "--force", "--fence", "-7"],
    ] {
        it.lokt(words.iter().copied()).run().expect(64);
    }
    let done =
        it.lokt(["unlock", "x", "--fence", "7"]).run().fails_with(64, "--fence goes with --force");
    assert!(done.err.contains("hint: lokt unlock x   unlocks your own lease"), "{done:#?}");
    assert!(!it.root().exists(), "wrong usage changes nothing");
}
