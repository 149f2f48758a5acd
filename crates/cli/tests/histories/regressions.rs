//! Histories that found a fault once, written as steps, so that they do not depend on random seeds; and a
//! history of all steps, to test the script of a failure.

use super::{
    RunningHistory,
    step::{
        Expiry, ForeignRecordContent, GuardedLoktCommand, LockCommandOptions, Step,
        TestLockName::X, TestLockName::Y, TestOwnerName, TiedProcessState, Ttl, UnlockForce,
        Victim,
    },
};
use TestOwnerName::{Ada, Bob, Eve};

#[track_caller]
fn check_history(steps: &[Step]) -> String {
    match RunningHistory::run(steps) {
        Ok(history) => history.script.text().to_owned(),
        Err(what) => panic!("{what}"),
    }
}

/// Ada's lease, with her guard under it.
fn guard_under_lease(options: LockCommandOptions) -> [Step; 2] {
    [Step::Lock(Ada, X, options), Step::StartGuard(Ada, X, None)]
}

/// All queries of a name that Ada's guard holds and that she cannot release.
fn all_queries() -> Vec<Step> {
    let json = LockCommandOptions { json: true, ..LockCommandOptions::default() };
    vec![
        Step::Exists(Bob, X),
        Step::Status(Bob, X),
        Step::Why(Ada, X),
        Step::Lock(Ada, X, json),
        Step::Lock(Bob, X, json),
        Step::StartGuard(Bob, X, None),
        Step::Unlock(Ada, X, UnlockForce::Own),
        Step::Unlock(Bob, X, UnlockForce::Own),
        Step::List(Bob),
        Step::Prune(Bob),
        Step::List(Bob),
        Step::Exists(Bob, X),
        Step::Status(Bob, X),
        Step::EndOldestCommand(X),
    ]
}

#[test]
fn a_guard_whose_lease_expired_still_holds_the_lock() {
    check_history(
        &[
            &guard_under_lease(LockCommandOptions::default())[..],
            &[Step::ExpireRecord(X)],
            &all_queries(),
        ]
        .concat(),
    );
}

#[test]
fn a_guard_whose_lease_lost_its_process_still_holds_the_lock() {
    let tied = LockCommandOptions {
        tied_to: Some(TiedProcessState::Living),
        ..LockCommandOptions::default()
    };
    check_history(
        &[&guard_under_lease(tied)[..], &[Step::EndTiedProcess], &all_queries()].concat(),
    );
}

#[test]
fn a_guard_whose_record_was_deleted_still_holds_the_lock() {
    check_history(
        &[&[Step::StartGuard(Ada, X, None), Step::DeleteRecord(X)][..], &all_queries()].concat(),
    );
}

#[test]
fn a_renewed_lease_of_another_program_is_not_lost() {
    let foreign = Step::CreateRecord(X, ForeignRecordContent::Record(Bob, Expiry::Never));
    let tied = LockCommandOptions {
        tied_to: Some(TiedProcessState::Living),
        ..LockCommandOptions::default()
    };
    let own = [Step::Lock(Bob, X, tied), Step::StartGuard(Bob, X, None), Step::EndOldestCommand(X)];
    check_history(&[&[foreign][..], &own].concat());
}

#[test]
fn an_expired_freeze_cannot_be_lifted() {
    check_history(&[
        Step::Freeze(Ada, X, Ttl::Short),
        Step::Unfreeze(Ada, X, UnlockForce::Own),
        Step::Unfreeze(Ada, X, UnlockForce::Force),
        Step::Unfreeze(Bob, X, UnlockForce::Force),
    ]);
}

#[test]
fn a_queue_behind_an_expired_or_dead_record_is_shown() {
    let looks = [Step::Status(Bob, X), Step::List(Bob), Step::Prune(Bob), Step::Status(Bob, X)];
    let freeze = [
        Step::Freeze(Eve, X, Ttl::Long),
        Step::StartWaitingGuard(Bob, X),
        Step::StartWaitingGuard(Eve, X),
    ];
    let begin = [Step::Lock(Ada, X, LockCommandOptions::default()), Step::ExpireRecord(X)];
    check_history(&[&begin[..], &freeze, &looks].concat());
    let begin = [Step::StartGuard(Ada, X, None), Step::Kill(X, Victim::Both)];
    check_history(
        &[&begin[..], &freeze, &looks, &[Step::Unfreeze(Eve, X, UnlockForce::Own)]].concat(),
    );
}

#[test]
fn a_second_guard_of_the_same_owner_under_a_lease_is_refused() {
    let under = guard_under_lease(LockCommandOptions {
        ttl: Some(Ttl::Long),
        ..LockCommandOptions::default()
    });
    check_history(
        &[
            &under[..],
            &[Step::RunGuard(Ada, X, GuardedLoktCommand::Nothing), Step::EndOldestCommand(X)],
        ]
        .concat(),
    );
}

/// Every kind of step, in an order in which each has an effect.
fn all_steps() -> Vec<Step> {
    let tied =
        |tied_to| LockCommandOptions { tied_to: Some(tied_to), ..LockCommandOptions::default() };
    let short = LockCommandOptions {
        ttl: Some(Ttl::Short),
        meta: Some("one"),
        ..LockCommandOptions::default()
    };
    vec![
        Step::Lock(Ada, X, LockCommandOptions { by_script: true, ..LockCommandOptions::default() }),
        Step::Unlock(Bob, X, UnlockForce::Stale),
        Step::Lock(Eve, X, short),
        Step::Lock(Bob, X, tied(TiedProcessState::Living)),
        Step::EndTiedProcess,
        Step::Lock(Bob, X, tied(TiedProcessState::Gone)),
        Step::Lock(Bob, Y, tied(TiedProcessState::Living)),
        Step::UnlockAll(Bob),
        Step::RunGuard(Eve, X, GuardedLoktCommand::Guard(X)),
        Step::RunGuard(Eve, X, GuardedLoktCommand::Lock(Y)),
        Step::RunGuard(Eve, Y, GuardedLoktCommand::Unlock(Y, UnlockForce::Own)),
        Step::StartGuard(Ada, X, Some(Ttl::Long)),
        Step::ExpireRecord(X),
        Step::Kill(X, Victim::Supervisor),
        Step::StartGuard(Bob, X, None),
        Step::CreateRecord(X, ForeignRecordContent::Folder),
        Step::EndOldestCommand(X),
        Step::Prune(Bob),
        Step::StartGuard(Ada, X, None),
        Step::Kill(X, Victim::Command),
        Step::StartGuard(Ada, X, None),
        Step::Kill(X, Victim::Both),
        Step::CreateRecord(X, ForeignRecordContent::Folder),
        Step::OverwriteRecord(X, ForeignRecordContent::Folder),
        Step::OverwriteRecord(X, ForeignRecordContent::Empty { young: true }),
        Step::Lock(Ada, X, LockCommandOptions::default()),
        Step::AgeRecord(X),
        Step::Freeze(Bob, X, Ttl::Long),
        Step::Lock(Ada, X, LockCommandOptions::default()),
        Step::Freeze(Bob, X, Ttl::Short),
        Step::Lock(Ada, X, LockCommandOptions::default()),
        Step::DeleteRecord(X),
        Step::CreateRecord(X, ForeignRecordContent::Half { young: false }),
        Step::Unlock(Eve, X, UnlockForce::Force),
        Step::CreateRecord(X, ForeignRecordContent::Record(Eve, Expiry::Future)),
        Step::StartGuard(Eve, X, None),
        Step::BreakFreeze(X),
        Step::Unfreeze(Eve, X, UnlockForce::Force),
        Step::StartGuard(Eve, Y, None),
        Step::StartWaitingGuard(Ada, Y),
        Step::StartWaitingGuard(Bob, Y),
        Step::StartWaitingGuard(Eve, Y),
        Step::EndFirstWaiter(Y),
        Step::EndOldestCommand(Y),
        Step::Unlock(Eve, Y, UnlockForce::Own),
        Step::OverwriteRecord(Y, ForeignRecordContent::Half { young: false }),
        Step::EndOldestCommand(Y),
    ]
}

/// Runs a script in a temporary sandbox.
fn replay(script: &str) -> lokt_testkit::Done {
    let it = lokt_testkit::Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
    it.shell(script).env("TMPDIR", it.folder()).in_time()
}

#[test]
fn the_script_of_a_history_does_the_same_as_the_history() {
    let script = check_history(&all_steps());
    replay(&script).ok();
    let (first, rest) = script.split_once("\nwant 0 ").expect("a step that succeeds");
    let wrong = format!("{first}\nwant 3 {rest}");
    let done = replay(&wrong).expect(1);
    assert!(done.out.contains("exit code 0 in place of: want 3"), "it names the step: {done:#?}");
}
