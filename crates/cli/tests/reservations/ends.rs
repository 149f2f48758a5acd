//! How reservations end without being given back.

use super::{events, records, reserved, run, sandbox};
use lokt_testkit::HOLD;

#[test]
fn an_expired_one_does_not_count_and_is_removed_by_the_next_section() {
    let it = sandbox();
    run(&it, "ada", "reserve src --ttl 1ms").ok();
    // The next process starts later than that.
    assert_eq!(reserved(&it), [""; 0], "a list shows what stands");
    assert_eq!(records(&it).len(), 1, "and changes nothing");
    run(&it, "bob", "reserve src/x").ok();
    assert_eq!(reserved(&it), ["bob: src/x"]);
    assert_eq!(
        (records(&it).len(), events(&it)),
        (1, vec!["reserve".into(), "expire".into(), "reserve".into()])
    );
    let expired = &it.events()[1]["extra"];
    assert_eq!((&expired["holder_owner"], &expired["why"]), (&"ada".into(), &"expired".into()));
}

#[test]
fn one_that_is_tied_to_a_process_ends_with_it() {
    let it = sandbox();
    let process = it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).start().is_in();
    run(&it, "ada", &format!("reserve src --pid {}", process.pid())).ok();
    run(&it, "bob", "reserve src").expect(2);
    process.kill();
    run(&it, "bob", "reserve src --wait").ok();
    assert_eq!(reserved(&it), ["bob: src"]);
    run(&it, "ada", "reserve other --pid 999999999").fails_with(64, "there is no such process");
}

#[test]
fn the_end_of_the_taker_ends_nothing() {
    let it = sandbox();
    it.shell("lokt reserve src").owner("ada").run().ok();
    run(&it, "bob", "reserve src").expect(2);
}

#[test]
fn what_is_reserved_before_git_init_stays_reserved() {
    let it = sandbox();
    let line = "mkdir p && cd p && lokt reserve src --owner ada && git init -q . &&
        ! lokt reserve src/x --owner bob && lokt unreserve src --owner ada &&
        lokt reserve src/x --owner bob && test -d .git/lokt/reservations";
    it.shell(line).without("LOKT_ROOT").without("LOKT_OWNER").in_time().ok();
}
