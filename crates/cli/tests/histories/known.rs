//! Histories that found something once, in words that outlive every change of what is random; and one of
//! everything, for the script of a failure.

use super::{
    History,
    step::{End, Inner, Might, Name::X, Name::Y, Owner, Step, Terms, Thing, Tie, Ttl, Victim},
};
use Owner::{Ada, Bob, Eve};

#[track_caller]
fn holds(steps: &[Step]) -> String {
    match History::run(steps) {
        Ok(history) => history.script.text().to_owned(),
        Err(what) => panic!("{what}"),
    }
}

/// Ada's lease, with her guard under it.
fn guard_under_lease(terms: Terms) -> [Step; 2] {
    [Step::Lock(Ada, X, terms), Step::Enter(Ada, X, None)]
}

/// Everything that may be asked about a name that Ada's guard is in, and that she cannot give back.
fn questions() -> Vec<Step> {
    let json = Terms { json: true, ..Terms::default() };
    vec![
        Step::Exists(Bob, X),
        Step::Status(Bob, X),
        Step::Why(Ada, X),
        Step::Lock(Ada, X, json),
        Step::Lock(Bob, X, json),
        Step::Enter(Bob, X, None),
        Step::Unlock(Ada, X, Might::Own),
        Step::Unlock(Bob, X, Might::Own),
        Step::List(Bob),
        Step::Prune(Bob),
        Step::List(Bob),
        Step::Exists(Bob, X),
        Step::Status(Bob, X),
        Step::Leave(X),
    ]
}

#[test]
fn a_guard_whose_lease_ran_out_still_holds_for_everybody_who_asks() {
    holds(&[&guard_under_lease(Terms::default())[..], &[Step::Expire(X)], &questions()].concat());
}

#[test]
fn a_guard_whose_lease_died_with_its_process_still_holds_for_everybody_who_asks() {
    let tied = Terms { tie: Some(Tie::Living), ..Terms::default() };
    holds(&[&guard_under_lease(tied)[..], &[Step::EndTied], &questions()].concat());
}

#[test]
fn a_guard_whose_record_was_deleted_still_holds_for_everybody_who_asks() {
    holds(&[&[Step::Enter(Ada, X, None), Step::Delete(X)][..], &questions()].concat());
}

#[test]
fn a_lease_that_another_program_made_is_not_lost_when_it_was_renewed() {
    let foreign = Step::Create(X, Thing::Record(Bob, End::Never));
    let tied = Terms { tie: Some(Tie::Living), ..Terms::default() };
    let own = [Step::Lock(Bob, X, tied), Step::Enter(Bob, X, None), Step::Leave(X)];
    holds(&[&[foreign][..], &own].concat());
}

#[test]
fn a_freeze_that_is_over_is_lifted_by_nobody() {
    holds(&[
        Step::Freeze(Ada, X, Ttl::Short),
        Step::Unfreeze(Ada, X, Might::Own),
        Step::Unfreeze(Ada, X, Might::Force),
        Step::Unfreeze(Bob, X, Might::Force),
    ]);
}

#[test]
fn a_line_behind_what_is_over_is_shown_to_everybody_who_asks() {
    let looks = [Step::Status(Bob, X), Step::List(Bob), Step::Prune(Bob), Step::Status(Bob, X)];
    let freeze = [Step::Freeze(Eve, X, Ttl::Long), Step::Queue(Bob, X), Step::Queue(Eve, X)];
    let begin = [Step::Lock(Ada, X, Terms::default()), Step::Expire(X)];
    holds(&[&begin[..], &freeze, &looks].concat());
    let begin = [Step::Enter(Ada, X, None), Step::Kill(X, Victim::Both)];
    holds(&[&begin[..], &freeze, &looks, &[Step::Unfreeze(Eve, X, Might::Own)]].concat());
}

#[test]
fn a_second_guard_of_the_same_owner_under_a_lease_is_refused() {
    let under = guard_under_lease(Terms { ttl: Some(Ttl::Long), ..Terms::default() });
    holds(&[&under[..], &[Step::Guard(Ada, X, Inner::Nothing), Step::Leave(X)]].concat());
}

/// Every kind of step, in an order in which each does something.
fn everything() -> Vec<Step> {
    let tied = |tie| Terms { tie: Some(tie), ..Terms::default() };
    let short = Terms { ttl: Some(Ttl::Short), meta: Some("one"), ..Terms::default() };
    vec![
        Step::Lock(Ada, X, Terms { by_script: true, ..Terms::default() }),
        Step::Unlock(Bob, X, Might::Stale),
        Step::Lock(Eve, X, short),
        Step::Lock(Bob, X, tied(Tie::Living)),
        Step::EndTied,
        Step::Lock(Bob, X, tied(Tie::Gone)),
        Step::Lock(Bob, Y, tied(Tie::Living)),
        Step::UnlockAll(Bob),
        Step::Guard(Eve, X, Inner::Guard(X)),
        Step::Guard(Eve, X, Inner::Lock(Y)),
        Step::Guard(Eve, Y, Inner::Unlock(Y, Might::Own)),
        Step::Enter(Ada, X, Some(Ttl::Long)),
        Step::Expire(X),
        Step::Kill(X, Victim::Supervisor),
        Step::Enter(Bob, X, None),
        Step::Create(X, Thing::Folder),
        Step::Leave(X),
        Step::Prune(Bob),
        Step::Enter(Ada, X, None),
        Step::Kill(X, Victim::Command),
        Step::Enter(Ada, X, None),
        Step::Kill(X, Victim::Both),
        Step::Create(X, Thing::Folder),
        Step::Overwrite(X, Thing::Folder),
        Step::Overwrite(X, Thing::Empty { young: true }),
        Step::Lock(Ada, X, Terms::default()),
        Step::Age(X),
        Step::Freeze(Bob, X, Ttl::Long),
        Step::Lock(Ada, X, Terms::default()),
        Step::Freeze(Bob, X, Ttl::Short),
        Step::Lock(Ada, X, Terms::default()),
        Step::Delete(X),
        Step::Create(X, Thing::Half { young: false }),
        Step::Unlock(Eve, X, Might::Force),
        Step::Create(X, Thing::Record(Eve, End::Ahead)),
        Step::Enter(Eve, X, None),
        Step::BreakFreeze(X),
        Step::Unfreeze(Eve, X, Might::Force),
        Step::Enter(Eve, Y, None),
        Step::Queue(Ada, Y),
        Step::Queue(Bob, Y),
        Step::Queue(Eve, Y),
        Step::GiveUp(Y),
        Step::Leave(Y),
        Step::Unlock(Eve, Y, Might::Own),
        Step::Overwrite(Y, Thing::Half { young: false }),
        Step::Leave(Y),
    ]
}

/// Runs a script in a sandbox that is gone afterwards.
fn replay(script: &str) -> lokt_testkit::Done {
    let it = lokt_testkit::Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
    it.shell(script).env("TMPDIR", it.folder()).in_time()
}

#[test]
fn the_script_of_a_history_does_the_same_as_the_history() {
    let script = holds(&everything());
    replay(&script).ok();
    let (first, rest) = script.split_once("\nwant 0 ").expect("a step that succeeds");
    let wrong = format!("{first}\nwant 3 {rest}");
    let done = replay(&wrong).expect(1);
    assert!(done.out.contains("exit code 0 in place of: want 3"), "and says where not: {done:#?}");
}
