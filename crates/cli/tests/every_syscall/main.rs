//! A crash at every system call, and an error at every system call that can give one.
//!
//! Each operation is run below strace(1) once for every call that it makes itself, and killed there with
//! `SIGKILL` before the call has an effect; and once more for every error that this call can give
//! (`range.rs` says which), so that nothing but the error comes of it. Every run has a root of its own, a
//! copy of the operation's scene. Then the program itself, undisturbed, is asked whether what must hold
//! does: `oracle.rs` for what holds always, `next.rs` for what somebody else finds.
//! # How strace counts
//! `inject=openat:when=3` means the third `openat` of one thread, so "the k-th call" is named by its kind
//! and its number of that kind. An undisturbed run tells which calls there are; behind the last of each
//! kind the range goes on until a run is not hit any more, so that calls that only happen now and then
//! are found too. Only the first thread is traced: not the command of a guard, not the child that becomes
//! it, and not the threads of a long wait, which do nothing but wait.
//! # What is left out
//! * The calls before the program's first own one, which opens `/dev/null`: the C library's and the
//!   loader's. Nothing has been touched then, so being killed there is being killed at the first own call.
//! * Errors of what cannot fail but for a wrong argument (`getpid`, `rt_sigprocmask`, …), of memory (a
//!   Rust program without memory ends), of `exit_group`, and of `close`: Linux closes the file whatever it
//!   answers, and strace can only suppress the call. All these are killed like the others.
#![expect(clippy::expect_used, reason = "a test that cannot go on must stop, and say where")]
#![expect(clippy::indexing_slicing, reason = "a field or an event that is missing fails the test")]
#![expect(clippy::print_stdout, reason = "how many faults were tried is a figure to be quoted")]

mod company;
mod experiment;
mod next;
mod oracle;
mod range;

use experiment::{Operation, examine};
use lokt_testkit::{HOLD, Sandbox};
use oracle::BROKEN;
use range::FIRST;
use std::fs;

/// A guard whose command leaves a trace.
const GUARD: &[&str] = &["guard", "x", "--", "touch", "entered"];

/// No root at all.
fn nothing(_: &Sandbox) {}

/// A root that was used, and in which no sweep is due.
fn a_root(it: &Sandbox) {
    it.lokt(["lock", "earlier"]).owner("holder").run().ok();
    it.lokt(["unlock", "earlier"]).owner("holder").run().ok();
}

fn a_lease(it: &Sandbox) {
    a_root(it);
    it.lokt(["lock", "x", "--ttl", "1h"]).run().ok();
}

fn anothers_lease(it: &Sandbox) {
    a_root(it);
    it.lokt(["lock", "x", "--ttl", "1h"]).owner("holder").run().ok();
}

/// A lease that others may share.
fn a_shared_lease(it: &Sandbox) {
    a_root(it);
    it.lokt(["lock", "x", "--shared", "--ttl", "1h"]).owner("holder").run().ok();
}

/// Two that share a lease.
fn two_leases(it: &Sandbox) {
    a_shared_lease(it);
    it.lokt(["lock", "x", "--shared", "--ttl", "1h"]).run().ok();
}

fn a_freeze(it: &Sandbox) {
    a_root(it);
    it.lokt(["freeze", "x", "--ttl", "1h"]).run().ok();
}

fn anothers_freeze(it: &Sandbox) {
    a_root(it);
    it.lokt(["freeze", "x", "--ttl", "1h"]).owner("holder").run().ok();
}

/// What a guard leaves that is killed with all its processes: its record, and its ticket, unlocked.
fn a_dead_guard(it: &Sandbox) {
    a_root(it);
    let keep = "cd root && cp locks/x.json ../record && cp -r queue/x ../line";
    it.lokt(["guard", "x", "--", "sh", "-c", keep]).owner("holder").run().ok();
    let put_back = "mv record root/locks/x.json && rm -r root/queue/x && mv line root/queue/x";
    it.shell(put_back).run().ok();
    assert_eq!(it.tickets("x").len(), 1, "a dead ticket");
}

/// A record that is none, since long ago, though not since before this boot.
fn a_broken_record(it: &Sandbox) {
    a_root(it);
    it.write_record("x", BROKEN);
}

/// Leases and freezes, over and in force, an empty line, and a sweep that is due.
fn much_to_sweep(it: &Sandbox) {
    a_root(it);
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
    let guard = Operation {
        name: "guard, the first in its root",
        words: GUARD,
        before: nothing,
        code: 0,
        from: FIRST,
        play: company::alone,
        next: next::the_name_is_free,
        least: 200,
    };
    examine(&[
        guard,
        Operation {
            name: "guard after a dead one",
            before: a_dead_guard,
            next: next::the_dead_are_no_obstacle,
            ..guard
        },
    ]);
}

#[test]
fn a_guard_of_two_names_that_dies_or_fails_at_any_call_leaves_both_free() {
    examine(&[Operation {
        name: "guard of two names",
        words: &["guard", "x", "y", "--", "touch", "entered"],
        before: a_root,
        code: 0,
        from: FIRST,
        play: company::alone,
        next: next::both_names_are_free,
        least: 280,
    }]);
}

#[test]
fn a_waiting_guard_that_dies_or_fails_at_any_call_leaves_the_line_in_order() {
    let guard = Operation {
        name: "guard --wait behind one that dies",
        words: &["guard", "x", "--wait", "--", "touch", "entered"],
        before: a_root,
        code: 0,
        from: FIRST,
        play: company::behind_a_guard_that_dies,
        next: next::the_line_goes_on,
        least: 240,
    };
    let lasting = Operation {
        name: "guard --wait, from when it sleeps beside threads",
        from: "eventfd2(",
        play: company::behind_a_guard_for_a_while,
        least: 160,
        ..guard
    };
    examine(&[guard, lasting]);
}

#[test]
fn a_lock_that_dies_at_any_call_is_a_whole_lease_or_nothing_and_one_that_fails_is_nothing() {
    let lock = Operation {
        name: "lock",
        words: &["lock", "x", "--ttl", "1h"],
        before: a_root,
        code: 0,
        from: FIRST,
        play: company::alone,
        next: next::it_is_leased_or_free,
        least: 110,
    };
    examine(&[
        lock,
        Operation {
            name: "lock --wait behind a lease",
            words: &["lock", "x", "--wait"],
            before: anothers_lease,
            play: company::behind_a_lease,
            ..lock
        },
    ]);
}

#[test]
fn who_shares_a_lock_keeps_it_whatever_call_of_another_dies_or_fails() {
    let lock = Operation {
        name: "lock --shared beside a lease",
        words: &["lock", "x", "--shared", "--ttl", "1h"],
        before: a_shared_lease,
        code: 0,
        from: FIRST,
        play: company::alone,
        next: next::it_is_shared_or_not,
        least: 95,
    };
    let unlock = Operation {
        name: "unlock beside a lease",
        words: &["unlock", "x"],
        before: two_leases,
        next: next::it_is_given_back_beside_another,
        ..lock
    };
    let guard = Operation {
        name: "guard --shared beside a guard",
        words: &["guard", "x", "--shared", "--", "touch", "entered"],
        before: a_root,
        play: company::beside_a_sharing_guard,
        next: next::the_other_guard_holds,
        ..lock
    };
    examine(&[lock, unlock, guard]);
}

#[test]
fn a_renewal_that_dies_or_fails_at_any_call_leaves_the_lease_with_its_old_or_its_new_life() {
    examine(&[Operation {
        name: "lock on one's own lease",
        words: &["lock", "x", "--ttl", "2h"],
        before: a_lease,
        code: 0,
        from: FIRST,
        play: company::alone,
        next: next::the_lease_stands,
        least: 110,
    }]);
}

#[test]
fn a_guard_that_dies_at_any_call_of_its_heartbeat_leaves_the_lock_to_its_command() {
    examine(&[Operation {
        name: "heartbeat and end of a guard",
        words: &["guard", "x", "--ttl", "300ms", "--", HOLD[0], HOLD[1], HOLD[2]],
        before: a_root,
        code: 0,
        from: "CLONE_VFORK",
        play: company::until_a_heartbeat,
        next: next::the_guard_is_over,
        least: 110,
    }]);
}

#[test]
fn a_guard_under_a_lease_that_dies_or_fails_at_any_call_leaves_the_lease() {
    examine(&[Operation {
        name: "guard under one's own lease",
        words: GUARD,
        before: a_lease,
        code: 0,
        from: FIRST,
        play: company::alone,
        next: next::the_lease_above_stands,
        least: 135,
    }]);
}

#[test]
fn nobody_gets_in_beside_a_holder_whatever_call_dies_or_fails() {
    let guard = Operation {
        name: "guard, refused by a guard",
        words: GUARD,
        before: a_root,
        code: 2,
        from: FIRST,
        play: company::beside_a_guard,
        next: next::the_guard_holds,
        least: 75,
    };
    let stale = &["unlock", "x", "--break-stale"];
    examine(&[
        guard,
        Operation { name: "lock, refused by a guard", words: &["lock", "x"], ..guard },
        Operation {
            name: "unlock --break-stale, refused by a guard",
            words: stale,
            code: 4,
            ..guard
        },
        Operation {
            name: "guard, refused by a lease",
            before: anothers_lease,
            play: company::alone,
            next: next::the_lease_holds,
            ..guard
        },
        Operation {
            name: "guard, refused by a freeze",
            before: anothers_freeze,
            play: company::alone,
            next: next::the_freeze_holds,
            ..guard
        },
    ]);
}

#[test]
fn an_unlock_that_dies_or_fails_at_any_call_leaves_a_whole_lease_or_nothing() {
    examine(&[Operation {
        name: "unlock",
        words: &["unlock", "x"],
        before: a_lease,
        code: 0,
        from: FIRST,
        play: company::alone,
        next: next::it_is_given_back_or_held,
        least: 85,
    }]);
}

#[test]
fn a_break_that_dies_or_fails_at_any_call_is_no_obstacle() {
    let stale = Operation {
        name: "unlock --break-stale of a dead guard",
        words: &["unlock", "x", "--break-stale"],
        before: a_dead_guard,
        code: 0,
        from: FIRST,
        play: company::alone,
        next: next::the_rest_is_no_obstacle,
        least: 85,
    };
    examine(&[
        stale,
        Operation {
            name: "unlock --break-stale of a broken record",
            before: a_broken_record,
            play: company::after_a_while,
            ..stale
        },
        Operation {
            name: "unlock --force of a living guard",
            words: &["unlock", "x", "--force"],
            before: a_root,
            play: company::beside_a_guard,
            next: next::the_guard_is_broken_or_holds,
            ..stale
        },
    ]);
}

#[test]
fn a_freeze_that_dies_at_any_call_stands_whole_or_not_and_one_that_fails_changes_nothing() {
    let freeze = Operation {
        name: "freeze",
        words: &["freeze", "x", "--ttl", "2h"],
        before: a_root,
        code: 0,
        from: FIRST,
        play: company::alone,
        next: next::it_is_frozen_or_not,
        least: 95,
    };
    examine(&[
        freeze,
        Operation {
            name: "freeze of a frozen name",
            before: a_freeze,
            next: next::it_is_frozen,
            ..freeze
        },
    ]);
}

#[test]
fn an_unfreeze_that_dies_or_fails_at_any_call_leaves_a_whole_freeze_or_none() {
    examine(&[Operation {
        name: "unfreeze",
        words: &["unfreeze", "x"],
        before: a_freeze,
        code: 0,
        from: FIRST,
        play: company::alone,
        next: next::it_is_lifted_or_frozen,
        least: 90,
    }]);
}

#[test]
fn a_sweep_that_dies_or_fails_at_any_call_clears_away_nothing_that_binds_anybody() {
    examine(&[Operation {
        name: "sweep",
        words: &["lock", "x", "--ttl", "1h"],
        before: much_to_sweep,
        // What comes before is taking the lease, which has its own test.
        code: 0,
        from: "write(1, ",
        play: company::alone,
        next: next::only_what_is_over_is_swept,
        least: 200,
    }]);
}
