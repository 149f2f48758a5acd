//! Model check of the lock protocol: every state within bounds, with the operations of the library themselves.
//!
//! The processes of the model call `ops` (attempt, release, renew, lose, unlock, freeze, unfreeze, prune, look,
//! stands) against a store in memory that does what the store of files does. `stateright` explores, breadth
//! first, all that can happen to them, and checks in every state what Lokt promises.
//!
//! # What can happen
//! * A process begins what it wants, tries again, gives its place up, gives its lock back, extends it, finds it
//!   lost. It does so as a whole, or dies right after the k-th change to the store, for every k.
//! * A guard dies before its command, or after it. A command ends, or leaves processes behind.
//! * A waiter tries again at any time: it may be woken in vain. What must not be is that it would get in and
//!   nothing wakes it.
//! * Time passes: between operations, and in one before each reading of the clock but the first.
//! * A program that knows no latch makes, fills, renews and removes its record, or dies: between operations,
//!   and in one before each touch of the record but the first.
//! * Each verb of the store fails once, where a configuration says so.
//!
//! Nothing else can come between the verbs of one operation: a section has one process at a time. Who looks
//! from outside is asked after every change within an operation.
//!
//! # Bounds
//! One name; at most four processes, and at most two things that each does; modes exclusive, shared, two and
//! three slots; at most two ticks of the clock, which is as long as a lease, a freeze and the announced life
//! of a guard are; one mishap in an operation. Each test below says who takes part. States are told apart by
//! a hash of 64 bits: of a million states, two have the same by a chance of one in ten millions.
//!
//! Left out are: several names at once and with them deadlocks; leases that are tied to a process, and all
//! else that is concluded from pids; records that are broken or newer, but for an empty file; the moment
//! within a removal in which the record is under another name.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must stop, and say where"
)]

mod model {
    pub(crate) mod canon;
    pub(crate) mod checking;
    pub(crate) mod fault;
    pub(crate) mod merging;
    pub(crate) mod moves;
    pub(crate) mod operation;
    pub(crate) mod oracle;
    pub(crate) mod process;
    pub(crate) mod restless;
    pub(crate) mod section;
    pub(crate) mod state;
    pub(crate) mod store;
    pub(crate) mod trace;
    pub(crate) mod vigil;
    pub(crate) mod world;
}

use lokt_lock::{ops::UnlockForce, words::LockMode};
use model::{
    checking::{
        BROKEN, COMPANY, Configuration, FILLING, FROZEN, FULL, HELD, ORPHAN, PASSED, REPLACED,
        Role, STALE, WAKING, beginnings, in_modes,
    },
    merging::explore_unmerged,
    moves::Bounds,
    process::Step,
    restless,
    world::Foreign,
};
use std::{num::NonZeroU32, time::Duration};

const TWO: LockMode = LockMode::Slots(NonZeroU32::new(2).unwrap());
const THREE: LockMode = LockMode::Slots(NonZeroU32::new(3).unwrap());
const MODES: [LockMode; 3] = [LockMode::Exclusive, LockMode::Shared, TWO];
const ONE: [LockMode; 1] = [LockMode::Exclusive];

fn guards(modes: &[LockMode]) -> Vec<Step> {
    in_modes(modes, |mode| Step::Guard(mode, None))
}

/// Guards whose announced life is one tick.
fn mortal_guards(modes: &[LockMode]) -> Vec<Step> {
    in_modes(modes, |mode| Step::Guard(mode, Some(1)))
}

fn leases(modes: &[LockMode]) -> Vec<Step> {
    in_modes(modes, |mode| Step::Lease(mode, Some(1)))
}

fn guards_and_leases(modes: &[LockMode]) -> Vec<Step> {
    [guards(modes), leases(modes)].concat()
}

/// So many processes that do the same things, each for an owner of its own.
fn crew(size: usize, steps: &[Step], length: usize) -> Vec<Role> {
    (0..size).map(|owner| Role { owner, steps: steps.to_vec(), length }).collect()
}

/// One more process, for an owner.
fn with(mut roles: Vec<Role>, owner: usize, steps: &[Step], length: usize) -> Vec<Role> {
    roles.push(Role { owner, steps: steps.to_vec(), length });
    roles
}

fn of(name: &'static str, roles: Vec<Role>, sights: &'static [&'static str]) -> Configuration {
    Configuration { name, roles, foreign: Foreign::default(), bounds: Bounds::default(), sights }
}

impl Configuration {
    fn for_ticks(mut self, ticks: u8) -> Self {
        self.bounds.ticks = ticks;
        self
    }

    fn with_failures(mut self) -> Self {
        self.bounds.failures = true;
        self
    }

    /// Another program begins so often, and its records end, or do not.
    fn beside(mut self, budget: u8, expires: bool) -> Self {
        self.foreign = Foreign { budget, expires, ..Foreign::default() };
        self
    }
}

#[test]
fn three_processes_guard_up_to_twice_each() {
    of("guards", crew(3, &guards(&MODES), 2), &[COMPANY, FULL, ORPHAN, STALE]).holds();
}

#[test]
fn four_processes_guard_once_each() {
    let steps = guards(&[LockMode::Exclusive, LockMode::Shared, TWO, THREE]);
    of("four guards", crew(4, &steps, 1), &[COMPANY, FULL, ORPHAN, STALE]).holds();
}

#[test]
fn guards_and_leases_share_or_wait_for_each_other() {
    let steps = [mortal_guards(&MODES), leases(&MODES)].concat();
    of("leases", crew(3, &steps, 1), &[COMPANY, FULL, HELD, STALE]).for_ticks(2).holds();
}

#[test]
fn leases_are_given_back_and_taken_again() {
    let steps = [guards_and_leases(&MODES), vec![Step::Unlock(UnlockForce::Own)]].concat();
    of("unlock", crew(2, &steps, 2), &[COMPANY, HELD, STALE]).for_ticks(1).holds();
}

#[test]
fn guards_enter_under_the_lease_of_their_owner() {
    let steps = [guards_and_leases(&ONE), vec![Step::Unlock(UnlockForce::Own)]].concat();
    of("under a lease", crew(3, &steps, 2), &[HELD, STALE, PASSED]).for_ticks(1).holds();
}

#[test]
fn two_processes_work_for_one_owner() {
    let steps = guards_and_leases(&MODES);
    let roles = with(with(crew(1, &steps, 1), 0, &steps, 1), 1, &steps, 1);
    of("one owner", roles, &[COMPANY, HELD, STALE, PASSED]).for_ticks(1).holds();
}

#[test]
fn locks_are_broken_by_force_and_cleared_away() {
    let (force, stale) = (Step::Unlock(UnlockForce::Force), Step::Unlock(UnlockForce::Stale));
    let breaking = [force, stale, Step::Prune, Step::GuardNow(LockMode::Exclusive)];
    let steps = [guards(&MODES), leases(&ONE)].concat();
    let roles = with(crew(3, &steps, 1), 4, &breaking, 1);
    of("force", roles, &[COMPANY, HELD, STALE, BROKEN]).for_ticks(1).holds();
}

#[test]
fn a_name_is_frozen_and_thawed() {
    let freezing = [Step::Freeze, Step::Unfreeze(false), Step::Unfreeze(true), Step::Prune];
    let roles = with(crew(1, &guards_and_leases(&ONE), 2), 1, &guards(&MODES), 1);
    let roles = with(roles, 2, &freezing, 2);
    of("freeze", roles, &[HELD, STALE, FROZEN]).for_ticks(2).holds();
}

#[test]
fn a_program_that_knows_no_latch_takes_part() {
    let roles = crew(3, &guards_and_leases(&ONE), 1);
    let sights = &[HELD, STALE, REPLACED, FILLING];
    of("another program", roles, sights).for_ticks(2).beside(2, true).holds();
    let steps = [guards_and_leases(&ONE), vec![Step::GuardNow(LockMode::Exclusive)]].concat();
    let endless = of("another program, without end", crew(2, &steps, 2), &[HELD, STALE, FILLING]);
    endless.for_ticks(1).beside(2, false).holds();
}

#[test]
fn what_fails_has_not_happened() {
    let steps = guards_and_leases(&MODES);
    of("failures", crew(3, &steps, 1), &[COMPANY, STALE]).for_ticks(1).with_failures().holds();
    let (own, force) = (Step::Unlock(UnlockForce::Own), Step::Unlock(UnlockForce::Force));
    let roles = with(crew(2, &steps, 1), 0, &[own, force, Step::Freeze], 1);
    of("failures of unlocking", roles, &[COMPANY]).for_ticks(1).with_failures().holds();
}

/// A gap that is known, and here so that nobody forgets it, or closes it without noticing. Who stands in the queue
/// behind a stranger when its owner gets a lease could enter under that at once. Nothing wakes it: it waits
/// for the stranger, who waits for the lease.
#[test]
fn a_waiter_is_not_told_of_its_owners_lease() {
    let roles = with(crew(1, &guards(&ONE), 1), 1, &leases(&ONE), 1);
    let roles = with(with(roles, 2, &guards(&ONE), 1), 1, &guards(&ONE), 1);
    let found = of("known gap", roles, &[]).run();
    let (promise, story) = found.broken.expect("the gap is found as long as it is there");
    assert_eq!(promise, WAKING, "nothing else is wrong there: {story}");
}

#[test]
fn what_is_taken_for_one_state_has_the_same_futures() {
    let roles = || {
        let two = with(crew(1, &guards_and_leases(&ONE), 1), 0, &guards_and_leases(&ONE), 1);
        with(two, 1, &guards(&[TWO]), 1)
    };
    let found = of("merged", roles(), &[STALE]).for_ticks(1).run();
    let bounds = Bounds { ticks: 1, failures: false };
    let forms = explore_unmerged(beginnings(&roles(), Foreign::default()), bounds);
    assert_eq!(found.states, forms, "states of one form lead to states of the same forms");
}

#[test]
fn a_wait_ends_in_its_time_however_often_it_is_woken_in_vain() {
    let waited = restless::wait(Duration::from_millis(20));
    assert!(
        waited.is_some(),
        "woken at once and always, a waiter must notice that its time is over"
    );
}
