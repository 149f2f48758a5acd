//! The operations of the lock library over real clusters.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must stop, and say where"
)]

mod helpers;
mod lost_answers;

use helpers::{ClusterUser, TestStore, guard, lease};
use lokt_etcd::values::KeyRange;
use lokt_lock::{
    ops::{
        AcquireOutcome, FreezeOutcome, LockGrantKind, ReleaseOutcome, ReserveOutcome,
        UnfreezeOutcome, UnlockForce, UnlockOutcome, UnreserveOutcome, UnreserveRequest, WaitLimit,
        freeze, is_held, list_reservations, look, release, survey_all, unfreeze, unlock, unreserve,
    },
    rules::Obstacle,
    store::{LockStore, NameReader},
    words::{Fence, LockMode},
};
use lokt_testkit::TestCluster;
use std::{
    num::NonZeroU32,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

const LONG: Duration = Duration::from_mins(1);

#[test]
fn a_lease_excludes_others_until_it_is_given_back() {
    let cluster = TestCluster::start(1);
    let (one, two) = (ClusterUser::of(&cluster, "one"), ClusterUser::of(&cluster, "two"));
    let taken = one.try_acquire(&lease(&one, None)).expect("a free name can be taken");
    assert_eq!(taken.kind, LockGrantKind::Taken);
    match two.acquire(&lease(&two, None), WaitLimit::None) {
        AcquireOutcome::Denied(denial) => {
            let holder = denial.holder.expect("the refusal names the holder");
            assert_eq!(holder.owner, one.caller.identity.owner, "it is the one that took it");
        }
        other => panic!("a held name is refused: {other:?}"),
    }
    let renewed = one.try_acquire(&lease(&one, None)).expect("its owner renews it");
    assert_eq!(renewed.kind, LockGrantKind::Renewed);
    assert_eq!(renewed.record.fence, taken.record.fence, "the acquisition stays the same");
    let not_mine = unlock(&two.store, &one.name, &two.caller, UnlockForce::Own).unwrap();
    assert!(matches!(not_mine, UnlockOutcome::NotYours(_)), "{not_mine:?}");
    let done = unlock(&one.store, &one.name, &one.caller, UnlockForce::Own).unwrap();
    assert!(matches!(done, UnlockOutcome::Done { .. }), "{done:?}");
    let next = two.try_acquire(&lease(&two, None)).expect("it is free again");
    assert!(next.record.fence > taken.record.fence, "fences rise from holder to holder");
}

#[test]
fn a_lease_without_an_end_outlives_the_session_of_its_taker() {
    let cluster = TestCluster::start(1);
    let one = ClusterUser::of(&cluster, "one");
    let (name, store) = (one.name.clone(), TestStore::of(&cluster));
    let _taken = one.try_acquire(&lease(&one, None)).unwrap();
    let keys = cluster.etcdctl(&["get", "--prefix", "lokt/v1/name/", "--keys-only"]);
    assert!(keys.contains("/holder/"), "the record is there: {keys}");
    drop(one);
    // All leases that are left are revoked: none may have the record.
    for line in cluster.etcdctl(&["lease", "list"]).lines().skip(1) {
        cluster.etcdctl(&["lease", "revoke", line.trim()]);
    }
    let two = ClusterUser::of(&cluster, "two");
    assert!(is_held(&store, &name, &two.caller).unwrap(), "a lease without an end stays");
}

#[test]
fn a_lease_with_a_lifetime_ends_by_the_cluster() {
    let cluster = TestCluster::start(1);
    let (one, two) = (ClusterUser::of(&cluster, "one"), ClusterUser::of(&cluster, "two"));
    let _taken = one.try_acquire(&lease(&one, Some(Duration::from_secs(2)))).unwrap();
    // The waiter is woken by the end of the key, whatever any clock says.
    let entered = two.acquire(&lease(&two, None), WaitLimit::For(LONG));
    assert!(matches!(entered, AcquireOutcome::Entered(_)), "{entered:?}");
}

#[test]
fn guards_enter_in_the_order_of_their_arrival() {
    let cluster = TestCluster::start(1);
    let first = ClusterUser::of(&cluster, "first");
    let held = first.try_acquire(&guard(&first)).unwrap();
    let order = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for number in 0..5 {
            let order = &order;
            let (arrived, has_arrived) = mpsc::channel();
            let waiter = ClusterUser::of(&cluster, &format!("waiter-{number}"));
            scope.spawn(move || {
                let grant = waiter.wait(&guard(&waiter), &arrived);
                order.lock().unwrap().push(number);
                let released = release(&waiter.store, grant, &waiter.caller).unwrap();
                assert!(matches!(released, ReleaseOutcome::Done { .. }));
            });
            // The next one arrives when this one stands in the queue.
            has_arrived.recv().expect("it waits");
        }
        let _ = release(&first.store, held, &first.caller).unwrap();
    });
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4], "first come, first served");
}

#[test]
fn there_is_one_holder_at_a_time_and_fences_rise() {
    let cluster = TestCluster::start(3);
    let (inside, entries, fences) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(vec![]));
    thread::scope(|scope| {
        for number in 0..8 {
            let user = ClusterUser::of(&cluster, &format!("worker-{number}"));
            let oracle = (&inside, &entries, &fences);
            scope.spawn(move || (0..10).for_each(|_| enter_once(&user, oracle)));
        }
    });
    assert_eq!(entries.load(Ordering::SeqCst), 80, "every entry came to its end");
    let fences = fences.into_inner().unwrap();
    assert!(fences.is_sorted_by(|one, next| one < next), "fences rise strictly: {fences:?}");
}

/// Enters and leaves, and notes that no other was in.
fn enter_once(
    user: &ClusterUser,
    (inside, entries, fences): (&AtomicUsize, &AtomicUsize, &Mutex<Vec<Fence>>),
) {
    let grant = match user.acquire(&guard(user), WaitLimit::For(LONG)) {
        AcquireOutcome::Entered(grant) => grant,
        other => panic!("it enters in the end: {other:?}"),
    };
    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "one holder at a time");
    fences.lock().unwrap().push(grant.record.fence.unwrap());
    entries.fetch_add(1, Ordering::SeqCst);
    inside.fetch_sub(1, Ordering::SeqCst);
    let _ = release(&user.store, grant, &user.caller).unwrap();
}

#[test]
fn slots_let_as_many_in_as_there_are() {
    let cluster = TestCluster::start(1);
    let users: Vec<_> = (0..3).map(|it| ClusterUser::of(&cluster, &format!("user-{it}"))).collect();
    let slots = LockMode::Slots(NonZeroU32::new(2).unwrap());
    let request = |at: usize| lokt_lock::ops::LockRequest { mode: slots, ..guard(&users[at]) };
    let one = users[0].try_acquire(&request(0)).expect("the first slot is free");
    let _two = users[1].try_acquire(&request(1)).expect("the second slot is free");
    let third = users[2].acquire(&request(2), WaitLimit::None);
    assert!(
        matches!(&third, AcquireOutcome::Denied(it) if matches!(it.obstacle, Obstacle::Full(..))),
        "both slots are taken: {third:?}"
    );
    let _ = release(&users[0].store, one, &users[0].caller).unwrap();
    let _three = users[2].try_acquire(&request(2)).expect("a slot is free again");
    let holders = look(&users[2].store, &users[2].name, &users[2].caller).held().unwrap();
    assert_eq!(holders.holders().count(), 2, "the record lists the two that are in");
}

#[test]
fn a_guard_enters_under_the_lease_of_its_owner_and_leaves_it_there() {
    let cluster = TestCluster::start(1);
    let one = ClusterUser::of(&cluster, "one");
    let _taken = one.try_acquire(&lease(&one, None)).unwrap();
    let under = one.try_acquire(&guard(&one)).expect("an owner works under its own lease");
    assert_eq!(under.kind, LockGrantKind::UnderLease);
    let _ = release(&one.store, under, &one.caller).unwrap();
    assert!(is_held(&one.store, &one.name, &one.caller).unwrap(), "the lease stays");
}

#[test]
fn a_freeze_keeps_new_holders_out_until_it_is_lifted() {
    let cluster = TestCluster::start(1);
    let (one, two) = (ClusterUser::of(&cluster, "one"), ClusterUser::of(&cluster, "two"));
    let ordered = freeze(&one.store, &one.name, &one.caller, LONG).unwrap();
    assert!(matches!(ordered, FreezeOutcome::Done(_)), "{ordered:?}");
    let refused = two.acquire(&guard(&two), WaitLimit::None);
    assert!(
        matches!(&refused, AcquireOutcome::Denied(it) if matches!(it.obstacle, Obstacle::Frozen(_))),
        "{refused:?}"
    );
    let another = unfreeze(&two.store, &two.name, &two.caller, false).unwrap();
    assert!(matches!(another, UnfreezeOutcome::NotYours(_)), "{another:?}");
    let lifted = unfreeze(&one.store, &one.name, &one.caller, false).unwrap();
    assert!(matches!(lifted, UnfreezeOutcome::Done { .. }), "{lifted:?}");
    assert!(two.try_acquire(&guard(&two)).is_some(), "it is free again");
}

#[test]
fn a_taker_that_is_cut_off_leaves_its_lock_after_the_ttl() {
    let cluster = TestCluster::start(1);
    let (one, two) = (ClusterUser::of(&cluster, "one"), ClusterUser::of(&cluster, "two"));
    let held = one.try_acquire(&guard(&one)).unwrap();
    // No keepalives any more, as of a machine that is gone.
    drop((held, one));
    let entered = two.acquire(&guard(&two), WaitLimit::For(LONG));
    assert!(matches!(entered, AcquireOutcome::Entered(_)), "{entered:?}");
}

#[test]
fn a_listing_shows_all_names_at_one_moment() {
    let cluster = TestCluster::start(1);
    let user = ClusterUser::of(&cluster, "one");
    for number in 0..50 {
        let other = user.named(&format!("name-{number:02}"));
        let _ = other.try_acquire(&lease(&other, None)).unwrap();
    }
    let entries = survey_all(&user.store, &user.caller).unwrap();
    let names: Vec<&str> = entries.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names.len(), 50, "each name once: {names:?}");
    assert!(names.is_sorted(), "in their order");
}

#[test]
fn what_a_newer_version_wrote_is_held_by_it() {
    let cluster = TestCluster::start(1);
    let user = ClusterUser::of(&cluster, "one");
    cluster.etcdctl(&["put", "lokt/v1/name/x/holder/abc", r#"{"version": 99}"#]);
    let failed = lokt_lock::ops::attempt(&user.store, &guard(&user), None);
    assert!(failed.is_err(), "a record of a newer version is never guessed at: {failed:?}");
    cluster.etcdctl(&["put", "lokt/v1/name/x/holder/abc", "garbage"]);
    let failed = lokt_lock::ops::attempt(&user.store, &guard(&user), None);
    assert!(failed.is_err(), "what cannot be read may be a holder's: {failed:?}");
    let broken = unlock(&user.store, &user.name, &user.caller, UnlockForce::Force).unwrap();
    assert!(matches!(broken, UnlockOutcome::Done { .. }), "force removes it: {broken:?}");
    assert!(user.try_acquire(&guard(&user)).is_some(), "then it is free");
}

#[test]
fn nothing_is_left_when_all_have_left() {
    let cluster = TestCluster::start(1);
    let user = ClusterUser::of(&cluster, "one");
    let grant = user.try_acquire(&guard(&user)).unwrap();
    let _ = release(&user.store, grant, &user.caller).unwrap();
    let left = user.client.read(&[KeyRange::prefix("lokt/v1/name/")]).unwrap();
    assert_eq!(left.ranges, [vec![]], "no key of the name stays");
    assert!(user.store.reader(&user.name).line().unwrap().is_empty(), "and no ticket");
}

#[test]
fn reservations_conflict_across_connections() {
    let cluster = TestCluster::start(1);
    let (one, two) = (ClusterUser::of(&cluster, "one"), ClusterUser::of(&cluster, "two"));
    let reserved = one.reserve("src/**");
    assert!(
        matches!(reserved, ReserveOutcome::Reserved { is_extended: false, .. }),
        "{reserved:?}"
    );
    match two.reserve("src/lib.rs") {
        ReserveOutcome::Denied(denial) => {
            assert_eq!(
                denial.standing[0].0.owner, one.caller.identity.owner,
                "it names the holder"
            );
        }
        other => panic!("what overlaps is refused: {other:?}"),
    }
    let extended = one.reserve("src/**");
    assert!(matches!(extended, ReserveOutcome::Reserved { is_extended: true, .. }), "{extended:?}");
    let given = unreserve(&one.store, &UnreserveRequest::default(), &one.caller).unwrap();
    assert!(matches!(given, UnreserveOutcome::Done { .. }), "{given:?}");
    let free = two.reserve("src/lib.rs");
    assert!(matches!(free, ReserveOutcome::Reserved { .. }), "{free:?}");
    let listed = list_reservations(&one.store, &one.caller).unwrap();
    assert_eq!(listed.standing.len(), 1, "one stands: {listed:?}");
}

#[test]
fn requests_for_reservations_wait_for_each_other_in_order() {
    let cluster = TestCluster::start(1);
    let first = ClusterUser::of(&cluster, "first");
    let _reserved = first.reserve("src/**");
    let order = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for number in 0..3 {
            let order = &order;
            let (arrived, has_arrived) = mpsc::channel();
            let waiter = ClusterUser::of(&cluster, &format!("waiter-{number}"));
            scope.spawn(move || {
                waiter.wait_to_reserve("src/lib.rs", &arrived);
                order.lock().unwrap().push(number);
                let _ = unreserve(&waiter.store, &UnreserveRequest::default(), &waiter.caller);
            });
            has_arrived.recv().expect("it waits");
            let waiting = || list_reservations(&first.store, &first.caller).unwrap().waiting.len();
            while waiting() <= number {
                thread::yield_now();
            }
        }
        let _ = unreserve(&first.store, &UnreserveRequest::default(), &first.caller).unwrap();
    });
    assert_eq!(*order.lock().unwrap(), [0, 1, 2], "first come, first served");
}
