//! A crash at every system call, and an error at every system call that can fail.
//!
//! Each operation runs below strace(1) once for every call that it makes itself, and is killed there with `SIGKILL`
//! before the call has an effect. It runs once more for every error that this call can return (`injection_points.rs`).
//! Every run has its own root, a copy of a prepared one. Then the program itself checks what must hold: `invariants.rs`
//! has what always holds, `checks.rs` what another caller finds. `reservations.rs` is about reservations.
//!
//! # How strace counts
//! `inject=openat:when=3` means the third `openat` of one thread, so "the k-th call" is named by its kind and
//! its number of that kind. A run without a fault shows which calls there are. The range goes on behind the
//! last call of each kind until a run is not hit any more, so that rare calls are found too. Only the first
//! thread is traced: not a guard's command, its child, or the threads of a long wait, which only wait.
//!
//! # What is left out
//! * The calls before the program's own first one, which opens `/dev/null`: they are the loader's and change nothing.
//! * Errors of calls that only fail for a wrong argument (`getpid`, `rt_sigprocmask`, …), of memory (a Rust
//!   program without memory ends), of `exit_group`, and of `close`: Linux closes the file even if it returns
//!   an error, and strace can only suppress the call. All these calls are killed like the others.
#![expect(clippy::expect_used, reason = "a test that cannot go on must stop, and say where")]
#![expect(clippy::indexing_slicing, reason = "a field or an event that is missing fails the test")]
#![expect(clippy::print_stdout, reason = "the documentation quotes the number of faults")]

mod checks;
mod injection_points;
mod invariants;
mod operation;
mod reservations;
mod scenarios;

use injection_points::FIRST_OWN_CALL;
use invariants::BROKEN_RECORD;
use lokt_testkit::{HOLD, Sandbox};
use operation::{FaultInjectionCase, check_all};
use std::fs;

/// A guard whose command leaves a file.
const GUARD: &[&str] = &["guard", "x", "--", "touch", "entered"];

/// No root.
fn no_root(_: &Sandbox) {}

/// A root that was used, and in which no sweep is due.
fn used_root(it: &Sandbox) {
    it.lokt(["lock", "earlier"]).owner("holder").run().ok();
    it.lokt(["unlock", "earlier"]).owner("holder").run().ok();
}

fn own_lease(it: &Sandbox) {
    used_root(it);
    it.lokt(["lock", "x", "--ttl", "1h"]).run().ok();
}

fn other_lease(it: &Sandbox) {
    used_root(it);
    it.lokt(["lock", "x", "--ttl", "1h"]).owner("holder").run().ok();
}

/// A lease of another owner, which others may share.
fn other_shared_lease(it: &Sandbox) {
    used_root(it);
    it.lokt(["lock", "x", "--shared", "--ttl", "1h"]).owner("holder").run().ok();
}

/// The same, and a lease of the caller that shares it.
fn two_shared_leases(it: &Sandbox) {
    other_shared_lease(it);
    it.lokt(["lock", "x", "--shared", "--ttl", "1h"]).run().ok();
}

fn own_freeze(it: &Sandbox) {
    used_root(it);
    it.lokt(["freeze", "x", "--ttl", "1h"]).run().ok();
}

fn other_freeze(it: &Sandbox) {
    used_root(it);
    it.lokt(["freeze", "x", "--ttl", "1h"]).owner("holder").run().ok();
}

/// What a guard leaves behind if it is killed with all its processes: its record, and its ticket, unlocked.
fn dead_guard(it: &Sandbox) {
    used_root(it);
    let keep = "cd root && cp locks/x.json ../record && cp -r queue/x ../line";
    it.lokt(["guard", "x", "--", "sh", "-c", keep]).owner("holder").run().ok();
    let put_back = "mv record root/locks/x.json && rm -r root/queue/x && mv line root/queue/x";
    it.shell(put_back).run().ok();
    assert_eq!(it.tickets("x").len(), 1, "a dead ticket");
}

/// An unreadable record, old, but written after the last boot.
fn broken_record(it: &Sandbox) {
    used_root(it);
    it.write_record("x", BROKEN_RECORD);
}

/// Leases and freezes, expired and in force, an empty queue, and a sweep that is due.
fn names_to_sweep(it: &Sandbox) {
    used_root(it);
    for words in [
        ["lock", "over", "--ttl", "1ms"],
        ["lock", "held", "--ttl", "1h"],
        ["freeze", "thawed", "--ttl", "1ms"],
        ["freeze", "frozen", "--ttl", "1h"],
    ] {
        it.lokt(words).owner("holder").run().ok();
    }
    it.lokt(["guard", "empty", "--", "true"]).owner("holder").run().ok();
    fs::remove_file(it.root().join("tmp/.swept")).expect("a first lease sweeps");
}

#[test]
fn a_guard_that_dies_or_fails_at_any_call_leaves_the_name_free() {
    let guard = FaultInjectionCase {
        name: "guard, the first in its root",
        arguments: GUARD,
        prepare: no_root,
        code: 0,
        from: FIRST_OWN_CALL,
        scenario: scenarios::run_alone,
        check: checks::check_free,
        min_faults: 200,
    };
    check_all(&[
        guard,
        FaultInjectionCase {
            name: "guard after a dead one",
            prepare: dead_guard,
            check: checks::check_dead_guard_replaced,
            ..guard
        },
    ]);
}

#[test]
fn a_guard_of_two_names_that_dies_or_fails_at_any_call_leaves_both_free() {
    check_all(&[FaultInjectionCase {
        name: "guard of two names",
        arguments: &["guard", "x", "y", "--", "touch", "entered"],
        prepare: used_root,
        code: 0,
        from: FIRST_OWN_CALL,
        scenario: scenarios::run_alone,
        check: checks::check_both_free,
        min_faults: 280,
    }]);
}

#[test]
fn a_waiting_guard_that_dies_or_fails_at_any_call_leaves_the_queue_in_order() {
    let guard = FaultInjectionCase {
        name: "guard --wait behind one that dies",
        arguments: &["guard", "x", "--wait", "--", "touch", "entered"],
        prepare: used_root,
        code: 0,
        from: FIRST_OWN_CALL,
        scenario: scenarios::run_behind_killed_guard,
        check: checks::check_queue_proceeds,
        min_faults: 240,
    };
    let long_wait = FaultInjectionCase {
        name: "guard --wait, from when it sleeps beside threads",
        from: "eventfd2(",
        scenario: scenarios::run_behind_guard_killed_later,
        min_faults: 160,
        ..guard
    };
    check_all(&[guard, long_wait]);
}

#[test]
fn a_lock_that_dies_at_any_call_is_a_whole_lease_or_nothing_and_one_that_fails_is_nothing() {
    let lock = FaultInjectionCase {
        name: "lock",
        arguments: &["lock", "x", "--ttl", "1h"],
        prepare: used_root,
        code: 0,
        from: FIRST_OWN_CALL,
        scenario: scenarios::run_alone,
        check: checks::check_leased_or_free,
        min_faults: 110,
    };
    check_all(&[
        lock,
        FaultInjectionCase {
            name: "lock --wait behind a lease",
            arguments: &["lock", "x", "--wait"],
            prepare: other_lease,
            scenario: scenarios::run_behind_lease,
            ..lock
        },
    ]);
}

#[test]
fn a_shared_holder_keeps_its_lock_when_another_dies_or_fails_at_any_call() {
    let lock = FaultInjectionCase {
        name: "lock --shared beside a lease",
        arguments: &["lock", "x", "--shared", "--ttl", "1h"],
        prepare: other_shared_lease,
        code: 0,
        from: FIRST_OWN_CALL,
        scenario: scenarios::run_alone,
        check: checks::check_shared_or_not,
        min_faults: 95,
    };
    let unlock = FaultInjectionCase {
        name: "unlock beside a lease",
        arguments: &["unlock", "x"],
        prepare: two_shared_leases,
        check: checks::check_released_beside_other_lease,
        ..lock
    };
    let guard = FaultInjectionCase {
        name: "guard --shared beside a guard",
        arguments: &["guard", "x", "--shared", "--", "touch", "entered"],
        prepare: used_root,
        scenario: scenarios::run_beside_shared_guard,
        check: checks::check_other_guard_holds,
        ..lock
    };
    check_all(&[lock, unlock, guard]);
}

#[test]
fn a_renewal_that_dies_or_fails_at_any_call_leaves_the_old_or_the_new_lifetime() {
    check_all(&[FaultInjectionCase {
        name: "lock on one's own lease",
        arguments: &["lock", "x", "--ttl", "2h"],
        prepare: own_lease,
        code: 0,
        from: FIRST_OWN_CALL,
        scenario: scenarios::run_alone,
        check: checks::check_lease_stands,
        min_faults: 110,
    }]);
}

#[test]
fn a_guard_that_dies_at_any_call_of_its_heartbeat_leaves_the_lock_to_its_command() {
    check_all(&[FaultInjectionCase {
        name: "heartbeat and end of a guard",
        arguments: &["guard", "x", "--ttl", "300ms", "--", HOLD[0], HOLD[1], HOLD[2]],
        prepare: used_root,
        code: 0,
        from: "CLONE_VFORK",
        scenario: scenarios::run_until_heartbeat,
        check: checks::check_guard_over,
        min_faults: 110,
    }]);
}

#[test]
fn a_guard_under_a_lease_that_dies_or_fails_at_any_call_leaves_the_lease() {
    check_all(&[FaultInjectionCase {
        name: "guard under one's own lease",
        arguments: GUARD,
        prepare: own_lease,
        code: 0,
        from: FIRST_OWN_CALL,
        scenario: scenarios::run_alone,
        check: checks::check_enclosing_lease_stands,
        min_faults: 135,
    }]);
}

#[test]
fn a_refused_caller_that_dies_or_fails_at_any_call_does_not_enter() {
    let guard = FaultInjectionCase {
        name: "guard, refused by a guard",
        arguments: GUARD,
        prepare: used_root,
        code: 2,
        from: FIRST_OWN_CALL,
        scenario: scenarios::run_beside_guard,
        check: checks::check_guard_holds,
        min_faults: 75,
    };
    let stale = &["unlock", "x", "--break-stale"];
    check_all(&[
        guard,
        FaultInjectionCase { name: "lock, refused by a guard", arguments: &["lock", "x"], ..guard },
        FaultInjectionCase {
            name: "unlock --break-stale, refused by a guard",
            arguments: stale,
            code: 4,
            ..guard
        },
        FaultInjectionCase {
            name: "guard, refused by a lease",
            prepare: other_lease,
            scenario: scenarios::run_alone,
            check: checks::check_lease_holds,
            ..guard
        },
        FaultInjectionCase {
            name: "guard, refused by a freeze",
            prepare: other_freeze,
            scenario: scenarios::run_alone,
            check: checks::check_freeze_holds,
            ..guard
        },
    ]);
}

#[test]
fn an_unlock_that_dies_or_fails_at_any_call_leaves_a_whole_lease_or_nothing() {
    check_all(&[FaultInjectionCase {
        name: "unlock",
        arguments: &["unlock", "x"],
        prepare: own_lease,
        code: 0,
        from: FIRST_OWN_CALL,
        scenario: scenarios::run_alone,
        check: checks::check_released_or_held,
        min_faults: 85,
    }]);
}

#[test]
fn a_break_that_dies_or_fails_at_any_call_is_no_obstacle() {
    let stale = FaultInjectionCase {
        name: "unlock --break-stale of a dead guard",
        arguments: &["unlock", "x", "--break-stale"],
        prepare: dead_guard,
        code: 0,
        from: FIRST_OWN_CALL,
        scenario: scenarios::run_alone,
        check: checks::check_stale_lock_broken_or_unchanged,
        min_faults: 85,
    };
    check_all(&[
        stale,
        FaultInjectionCase {
            name: "unlock --break-stale of a broken record",
            prepare: broken_record,
            scenario: scenarios::run_a_minute_later,
            ..stale
        },
        FaultInjectionCase {
            name: "unlock --force of a living guard",
            arguments: &["unlock", "x", "--force"],
            prepare: used_root,
            scenario: scenarios::run_beside_guard,
            check: checks::check_guard_broken_or_holding,
            ..stale
        },
    ]);
}

#[test]
fn a_freeze_that_dies_at_any_call_stands_whole_or_not_and_one_that_fails_changes_nothing() {
    let freeze = FaultInjectionCase {
        name: "freeze",
        arguments: &["freeze", "x", "--ttl", "2h"],
        prepare: used_root,
        code: 0,
        from: FIRST_OWN_CALL,
        scenario: scenarios::run_alone,
        check: checks::check_frozen_or_not,
        min_faults: 95,
    };
    check_all(&[
        freeze,
        FaultInjectionCase {
            name: "freeze of a frozen name",
            prepare: own_freeze,
            check: checks::check_still_frozen,
            ..freeze
        },
    ]);
}

#[test]
fn an_unfreeze_that_dies_or_fails_at_any_call_leaves_a_whole_freeze_or_none() {
    check_all(&[FaultInjectionCase {
        name: "unfreeze",
        arguments: &["unfreeze", "x"],
        prepare: own_freeze,
        code: 0,
        from: FIRST_OWN_CALL,
        scenario: scenarios::run_alone,
        check: checks::check_unfrozen_or_frozen,
        min_faults: 90,
    }]);
}

#[test]
fn a_sweep_that_dies_or_fails_at_any_call_removes_nothing_that_is_in_force() {
    check_all(&[FaultInjectionCase {
        name: "sweep",
        arguments: &["lock", "x", "--ttl", "1h"],
        prepare: names_to_sweep,
        // The calls before it take the lease, which has its own test.
        code: 0,
        from: "write(1, ",
        scenario: scenarios::run_alone,
        check: checks::check_only_expired_swept,
        min_faults: 200,
    }]);
}
