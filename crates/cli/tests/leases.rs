//! Leases: locks that depend on no process, except those that a flag ties to one.

use lokt_testkit::Sandbox;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

#[test]
fn a_lease_outlives_the_process_that_took_it() {
    let it = sandbox();
    it.shell("lokt lock x --ttl 600s").owner("ada").run().ok();
    it.lokt(["guard", "x", "--", "true"]).owner("bob").run().fails_with(2, "held by ada");
    it.lokt(["unlock", "x", "--break-stale"]).owner("bob").run().expect(4);
    assert_eq!(it.lokt(["status", "x", "--json"]).run().ok().json()["state"], "held");
}

#[test]
fn an_expired_lease_is_free_for_every_purpose() {
    let it = sandbox();
    let expire = |name: &str| {
        it.lokt(["lock", name, "--ttl", "300ms", "--meta", "k=v"]).owner("ada").run().ok();
        // A wait for it ends when it has expired; then the record is put back.
        let record = std::fs::read(it.record_path(name)).unwrap();
        it.lokt(["guard", name, "--wait", "--", "true"]).owner("b").run().ok();
        it.write_record(name, record);
    };
    expire("x");
    for words in
        [vec!["exists", "x"], vec!["get-meta", "x", "k"], vec!["status", "x"], vec!["unlock", "x"]]
    {
        it.lokt(words).owner("ada").run().expect(3);
    }
    it.lokt(["why", "x"]).run().ok();
    it.lokt(["lock", "x"]).owner("bob").run().ok();
    expire("y");
    it.lokt(["guard", "y", "--", "true"]).owner("bob").run().ok();
}

#[test]
fn a_lease_without_an_expiry_warns_and_outlives_its_shell() {
    let it = sandbox();
    it.shell("lokt lock x; true").owner("ada").run().ok().says("held until 'lokt unlock x'");
    it.lokt(["lock", "x"]).owner("bob").run().fails_with(2, "held by ada");
    let why = it.lokt(["why", "x"]).owner("bob").run().expect(2);
    assert!(why.out.contains("abandoned?") && why.out.contains(": ask ada ("), "{why:#?}");
    assert!(
        !why.out.contains("--break-stale"),
        "nothing proves that the work is finished: {why:#?}"
    );
    assert_eq!(it.lokt(["status", "x", "--json"]).run().ok().json()["state"], "abandoned");
    it.lokt(["unlock", "x", "--break-stale"]).owner("bob").run().ok();
    assert_eq!(it.event_kinds("x").last().unwrap(), "stale-break");
}

#[test]
fn a_lease_that_is_tied_to_a_script_ends_with_it() {
    let it = sandbox();
    it.shell("lokt lock x --ttl 10m --pid $$; lokt exists x").owner("ada").run().ok();
    assert_eq!(it.record("x")["hold"], "process");
    it.lokt(["exists", "x"]).run().expect(3);
    it.lokt(["why", "x"]).run().ok();
    it.lokt(["guard", "x", "--", "true"]).owner("bob").run().ok();
    assert!(it.event_kinds("x").contains(&"stale-break".to_owned()));
    it.lokt(["lock", "y", "--pid", "999999999"]).run().fails_with(64, "no such process");
    it.lokt(["lock", "y", "--pid", "0"]).run().expect(64);
}

#[test]
fn a_tied_lease_of_another_pid_namespace_is_not_judged() {
    let it = sandbox();
    let inside = "lokt lock x --pid $$";
    let line = format!("unshare --map-root-user --pid --fork --mount-proc sh -c '{inside}'");
    it.shell(&line).owner("ada").run().ok();
    // Its pid has no meaning here, so nothing proves that its process is gone.
    it.lokt(["guard", "x", "--", "true"]).owner("bob").run().fails_with(2, "held by ada");
    assert_eq!(it.lokt(["status", "x", "--json"]).run().ok().json()["pid_status"], "unknown");
}

#[test]
fn a_guard_in_another_pid_namespace_holds_its_lock() {
    let it = sandbox();
    let line = "unshare --map-root-user --pid --fork --mount-proc \
                lokt guard x -- sh -c 'echo in; read line; exit 0'";
    let inside = it.shell(line).owner("ada").start().is_in();
    it.lokt(["guard", "x", "--", "true"]).owner("bob").run().fails_with(2, "held by ada");
    let waiter = it.lokt(["guard", "x", "--wait", "--", "true"]).owner("bob").start().is_waiting();
    inside.release().ok();
    waiter.ends().ok();
}

#[test]
fn lifetimes_are_checked_before_a_lock_is_taken() {
    let it = sandbox();
    for ttl in ["0", "0s", "-5", "5 parsecs", ""] {
        it.lokt(["lock", "x", "--ttl", ttl]).run().expect(64);
        it.lokt(["guard", "x", "--ttl", ttl, "--", "true"]).run().expect(64);
    }
    for name in ["", "a/b", "..", "a b", &"n".repeat(201)] {
        it.lokt(["lock", name]).run().expect(64);
    }
    assert!(!it.root().exists(), "nothing was made");
    it.lokt(["lock", &"n".repeat(200), "--ttl", "1h30m"]).run().ok();
    assert_eq!(it.record(&"n".repeat(200))["ttl_sec"], 5400);
}

#[test]
fn json_of_an_acquisition_has_its_fields() {
    let it = sandbox();
    let taken = it.lokt(["lock", "x", "--ttl", "5m", "--json"]).run().ok().json();
    assert_eq!((&taken["status"], &taken["name"]), (&"acquired".into(), &"x".into()));
    assert_eq!(taken["lock_id"].as_str().unwrap().len(), 32);
    assert!(taken["fence"].as_u64().is_some() && taken["ttl_sec"] == 300, "{taken}");
}
