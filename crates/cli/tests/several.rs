//! A guard of several names: it takes all of them or none, in any order, and two of them never wait for each
//! other.

use lokt_testkit::{HOLD, Lokt, Running, Sandbox, time};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{fs, thread};

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// A guard of some names with some flags, whose command prints `in`, and ends when its input does.
fn holding(it: &Sandbox, owner: &str, words: &[&str]) -> Lokt {
    it.lokt([&["guard"], words, &["--"], &HOLD].concat()).owner(owner)
}

fn holder(it: &Sandbox, owner: &str, words: &[&str]) -> Running {
    holding(it, owner, words).start().is_in()
}

/// Whether nothing is left of some names.
fn is_free(it: &Sandbox, names: &[&str]) -> bool {
    names.iter().all(|name| !it.record_path(name).exists() && it.tickets(name).is_empty())
}

#[test]
fn the_command_finds_all_its_locks_in_the_given_order() {
    let it = sandbox();
    let line = "echo $LOKT_NAME $LOKT_LOCK_ID $LOKT_FENCE $LOKT_HELD; cd \"$LOKT_ROOT/locks\"; cat c.json a.json b.json";
    let done = it.lokt(["guard", "c", "a", "b", "-c", line]).run().ok();
    let (told, records) = done.out.split_once('\n').unwrap();
    let records: Vec<serde_json::Value> =
        serde_json::Deserializer::from_str(records).into_iter().map(Result::unwrap).collect();
    let all = |field: &str| -> String {
        let texts = records.iter().map(|it| it[field].to_string().trim_matches('"').to_owned());
        texts.collect::<Vec<_>>().join(",")
    };
    let mut told = told.split(' ');
    assert_eq!(told.next(), Some("c,a,b"));
    assert_eq!(told.next(), Some(all("lock_id").as_str()), "ids in the order of the names");
    assert_eq!(told.next(), Some(all("fence").as_str()), "fences too");
    assert_eq!(told.next().unwrap().split(',').count(), 3, "all three are around the command");
    assert!(is_free(&it, &["a", "b", "c"]), "all are released");
}

#[test]
fn one_unavailable_name_leaves_nothing_of_the_others() {
    let it = sandbox();
    let in_b = holder(&it, "ada", &["b"]);
    it.lokt(["guard", "c", "a", "b", "--", "touch", "ran"])
        .run()
        .fails_with(2, "lock \"b\" is held by ada");
    assert!(is_free(&it, &["a", "c"]));
    in_b.release().ok();
    it.lokt(["freeze", "b", "--ttl", "1m"]).run().ok();
    it.lokt(["guard", "c", "a", "b", "--", "touch", "ran"])
        .run()
        .fails_with(2, "lock \"b\" is frozen");
    it.lokt(["unfreeze", "b"]).run().ok();
    it.lokt(["lock", "b", "--slots", "2"]).owner("ada").run().ok();
    let words = ["guard", "a", "b", "--slots", "3", "--", "touch", "ran"];
    it.lokt(words).run().fails_with(1, "lock \"b\" has 2 slots, not 3");
    it.write_record("b", "{\"version\":99}");
    it.lokt(["guard", "a", "b", "--wait", "--", "touch", "ran"]).run().fails_with(1, "version 99");
    assert!(is_free(&it, &["a", "c"]) && it.tickets("b").is_empty());
    assert!(!it.folder().join("ran").exists(), "nothing ran");
}

#[test]
fn a_wait_that_times_out_leaves_nothing() {
    let it = sandbox();
    let in_b = holder(&it, "ada", &["b"]);
    let words = ["guard", "c", "b", "a", "--wait", "--timeout", "100ms", "--", "true"];
    it.lokt(words).run().expect(2).says("lock \"b\" is held by ada");
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let waiter = holding(&it, "bob", &["c", "b", "a", "--wait"]).start().is_waiting();
        holding(&it, "carl", &["a"]).run().fails_with(2, "lock \"a\" is held by bob");
        waiter.signal(signal);
        assert_eq!(waiter.ends().signal, Some(signal as i32));
    }
    let mut shell = it.terminal("trap : INT; lokt guard b a --wait -- true; echo code $?").start();
    shell.tells("waiting for lock");
    shell.types("\u{3}");
    shell.prints("code 130");
    shell.ends();
    let killed = holding(&it, "bob", &["c", "b", "a", "--wait"]).start().is_waiting();
    killed.kill();
    holding(&it, "carl", &["a", "c", "--wait"]).start().is_in().release().ok();
    assert!(is_free(&it, &["a", "c"]) && it.tickets("b").len() <= 2);
    in_b.release().ok();
}

#[test]
fn the_time_limit_is_for_all_names_together() {
    let it = sandbox();
    let (in_a, in_b) = (holder(&it, "ada", &["a"]), holder(&it, "bob", &["b"]));
    let words = ["a", "b", "--wait", "--timeout", "900ms"];
    let both = holding(&it, "w", &words).start().is_waiting();
    in_a.release().ok();
    both.ends().expect(2).says("lock \"b\" is held by bob");
    let events = it.events();
    let denied = events.iter().find(|event| event["event"] == "deny").unwrap();
    let waited = denied["extra"]["waited_ms"].as_u64().unwrap();
    assert!(waited < 900, "for b there was only what a had left of the time: {waited} ms");
    assert!(is_free(&it, &["a"]));
    in_b.release().ok();
}

#[test]
fn a_repeated_name_is_a_usage_error() {
    let it = sandbox();
    for words in [&["a", "b", "a"][..], &["a", "a"], &["a", "a", "--shared", "--wait"]] {
        holding(&it, "ada", words).run().fails_with(64, "lock \"a\" is named twice");
    }
    assert!(!it.root().exists(), "nothing was made");
}

#[test]
fn guards_of_the_same_names_in_any_order_never_wait_for_each_other() {
    let it = sandbox();
    let orders = [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"], ["c", "a", "b"]];
    thread::scope(|scope| {
        for (worker, order) in orders.into_iter().cycle().take(6).enumerate() {
            let it = &it;
            scope.spawn(move || (0..8).for_each(|round| enter_or_die(it, worker, round, order)));
        }
    });
    let log = fs::read_to_string(it.folder().join("log")).unwrap();
    assert!(!log.contains("VIOLATION"), "two were in at once");
    it.lokt(["guard", "b", "a", "c", "--wait", "--", "true"]).run().ok();
    assert_eq!(it.lokt(["status", "--json"]).run().ok().json(), serde_json::json!([]));
}

fn enter_or_die(it: &Sandbox, worker: usize, round: usize, [one, two, three]: [&str; 3]) {
    let take = |name: &&str| format!("flock --nonblock oracle.{name} ");
    // Sometimes only two of the three, so that some names are held during a wait for others.
    let names: &[&str] = if round.is_multiple_of(2) { &[one, two] } else { &[one, two, three] };
    let locks: String = names.iter().map(take).collect();
    let line = format!("{locks} true || echo VIOLATION >>log; echo in >>log");
    let words = [&["guard"], names, &["--wait", "-c", &line]].concat();
    let guard = it.lokt(words).owner(&format!("o{worker}")).start();
    let is_killed = (worker + round).is_multiple_of(5);
    guard.ends_or_is_killed(is_killed.then_some(round * 80_000));
}

#[test]
fn when_the_guard_is_killed_its_command_holds_all_names() {
    let it = sandbox();
    let line = "echo pid $$; exec sleep 1000";
    let mut guard = it.lokt(["guard", "b", "a", "c", "-c", line]).owner("ada").start();
    let command = guard.prints("pid ").trim().trim_start_matches("pid ").parse().unwrap();
    guard.kill();
    for name in ["a", "b", "c"] {
        it.lokt(["guard", name, "--", "true"]).run().fails_with(2, "held by ada");
        let status = it.lokt(["status", name, "--json"]).run().ok().json();
        assert_eq!(status["state"], "orphaned", "{status}");
    }
    let waiter = holding(&it, "bob", &["c", "a", "b", "--wait"]).start().is_waiting();
    kill(Pid::from_raw(command), Signal::SIGKILL).unwrap();
    waiter.is_in().release().ok();
}

#[test]
fn names_of_an_outer_guard_are_not_taken_again() {
    let it = sandbox();
    let line = "lokt guard b -- lokt guard c b a -c 'echo $LOKT_NAME; echo $LOKT_FENCE; cat $LOKT_ROOT/locks/b.json'";
    let done = it.shell(line).run().ok();
    let mut lines = done.out.splitn(3, '\n');
    assert_eq!(lines.next(), Some("c,b,a"));
    let fences: Vec<&str> = lines.next().unwrap().split(',').collect();
    let record: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(fences[1], record["fence"].to_string(), "the outer lock's fence: {fences:?}");
    let nested = ["acquire", "acquire", "release", "release"];
    assert_eq!(it.event_kinds("b"), nested, "b was taken once, and once inside itself");
    assert!(is_free(&it, &["a", "b", "c"]));
    let all = it.shell("lokt guard a b -- lokt guard b a -- sh -c 'echo $LOKT_NAME'").run().ok();
    assert_eq!(all.out, "b,a\n", "with all of them around, it is let in at once");
}

#[test]
fn one_guard_can_use_own_leases_and_shared_locks() {
    let it = sandbox();
    it.lokt(["lock", "b", "--ttl", "10m"]).run().ok();
    let lease = it.record("b")["fence"].to_string();
    let done = it.lokt(["guard", "b", "a", "-c", "echo $LOKT_FENCE"]).run().ok();
    assert!(done.out.starts_with(&lease), "under the lease, its fence: {}", done.out);
    it.lokt(["exists", "b"]).run().ok();
    let readers = ["r1", "r2"].map(|owner| holder(&it, owner, &["x", "y", "--shared"]));
    holding(&it, "w", &["y", "z"]).run().fails_with(2, "lock \"y\" is held by r1");
    let slots = holder(&it, "s", &["z", "u", "--slots", "2"]);
    assert_eq!(it.record("u")["slots"], 2);
    for reader in readers {
        reader.release().ok();
    }
    slots.release().ok();
}

#[test]
fn announced_lifetimes_of_all_names_are_renewed() {
    let it = sandbox();
    let mut log = it.lokt(["audit", "--tail", "--event", "renew", "--name", "b"]).start();
    let guard = holder(&it, "ada", &["b", "a", "--ttl", "300ms"]);
    let first = ["a", "b"].map(|name| it.record(name)["expires_at"].clone());
    log.prints("renew");
    log.prints("renew");
    for (name, first) in ["a", "b"].iter().zip(first) {
        assert!(time(&it.record(name)["expires_at"]) > time(&first), "{name} lives on");
    }
    guard.release().ok();
    log.kill();
}

#[test]
fn a_lock_that_is_lost_during_a_wait_for_another_stops_the_start() {
    for flags in [&[][..], &["--on-lost", "warn"]] {
        assert_lost_while_waiting(flags);
    }
}

/// Whatever the flags say about the command of a lost lock: a command does not start when its lock is lost
/// already.
fn assert_lost_while_waiting(flags: &[&str]) {
    let it = sandbox();
    let in_b = holder(&it, "ada", &["b"]);
    let words = [&["a", "b", "--wait"], flags].concat();
    let waiter = holding(&it, "bob", &words).start().is_waiting();
    it.lokt(["unlock", "a", "--force"]).run().ok();
    let in_a = holder(&it, "carl", &["a"]);
    in_b.release().ok();
    let done = waiter.ends().expect(6).says("lock \"a\" was taken away while the others");
    assert!(done.out.is_empty(), "nothing ran: {done:#?}");
    assert_eq!(it.event_kinds("a").iter().filter(|kind| *kind == "lost").count(), 1);
    assert!(
        is_free(&it, &["b"]) && it.record("a").get("owner").is_some_and(|it| it == "carl"),
        "carl's is untouched"
    );
    in_a.release().ok();
}
