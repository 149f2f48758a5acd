//! Commits whose answers are lost on the way.

use crate::helpers::{ClusterUser, lease};
use lokt_etcd::store::{EtcdSection, EtcdTicket};
use lokt_lock::{
    audit::{AuditEvent, AuditEventKind},
    ops::{UnlockForce, UnlockOutcome, is_held, unlock},
    rules::{QueuePlace, TicketContent},
    store::{
        Durability, LockRecordKind, LockStore, LockStoreError, NameReader, NameSection, Ticket,
    },
    words::LockMode,
};
use lokt_testkit::{LossyProxy, TestCluster};
use std::thread;

/// Decides behind a proxy that loses the answer of the first commit, and says how often it decided.
fn decide_once<R>(
    (user, proxy): (&ClusterUser, &LossyProxy),
    mut change: impl FnMut(&mut EtcdSection<'_>) -> R,
) -> (R, u32) {
    let mut decisions = 0;
    let outcome = thread::scope(|scope| {
        user.store.within(&user.name, |section| {
            decisions += 1;
            if decisions == 1 {
                proxy.withhold_answers();
                scope.spawn(|| lose_one(proxy));
            }
            Ok::<_, LockStoreError>(change(section))
        })
    });
    (outcome.expect("the fate of a commit is found out"), decisions)
}

/// Lets one answer get lost, and those after it pass.
fn lose_one(proxy: &LossyProxy) {
    proxy.await_withheld_answer();
    proxy.pass_answers();
    proxy.cut();
}

fn user_behind_proxy(cluster: &TestCluster) -> (ClusterUser, LossyProxy) {
    let proxy = LossyProxy::start("127.0.0.1", &cluster.endpoints().concat());
    let address = format!("etcd://{}/lokt", proxy.endpoint());
    (ClusterUser::at(address.parse().unwrap(), "one", "x"), proxy)
}

#[test]
fn a_release_whose_answer_is_lost_is_not_decided_again() {
    let cluster = TestCluster::start(1);
    let (user, proxy) = user_behind_proxy(&cluster);
    let taken = user.try_acquire(&lease(&user, None)).unwrap();
    let event = AuditEvent::new(AuditEventKind::Release, &user.name, &user.caller);
    let (was_there, decisions) = decide_once((&user, &proxy), |section| {
        let slot = section.slot(LockRecordKind::Lock);
        let _ = section.remove(LockRecordKind::Lock, &slot, Durability::Synced).unwrap();
        section.log(&event, Durability::Synced).unwrap();
        slot.record().is_some_and(|it| it.lock_id == taken.record.lock_id)
    });
    assert!(was_there, "the decision that counts is the one that found the record");
    assert_eq!(decisions, 1, "what was applied is not decided again");
    assert!(!is_held(&user.store, &user.name, &user.caller).unwrap(), "the lock is given back");
    let log = user.store.events().unwrap();
    let releases = log.iter().filter(|line| line.contains("\"release\"")).count();
    assert_eq!(releases, 1, "and it is logged once: {log:#?}");
}

#[test]
fn a_waiter_whose_ticket_got_no_answer_stands_in_the_queue_once() {
    let cluster = TestCluster::start(1);
    let (user, proxy) = user_behind_proxy(&cluster);
    let text = TicketContent {
        name: user.name.to_string(),
        owner: user.caller.identity.owner.to_string(),
        owner_given: true,
        agent_id: user.caller.identity.agent.to_string(),
        pid: user.caller.pid,
        command: Vec::new(),
        since: user.store.now().to_string(),
        held: Vec::new(),
    };
    let (ticket, decisions): (EtcdTicket, u32) = decide_once((&user, &proxy), |section| {
        let id = section.store().new_id().unwrap();
        let line = section.line().unwrap();
        let place = QueuePlace::at_end_of(&line, id, LockMode::Exclusive);
        section.enqueue(place, &text).unwrap()
    });
    assert_eq!(decisions, 1, "what was applied is not decided again");
    let line = user.store.reader(&user.name).line().unwrap();
    assert_eq!(line.as_slice(), [ticket.place().clone()], "it knows its place");
    ticket.leave();
}

#[test]
fn a_lease_that_got_no_answer_is_the_takers() {
    let cluster = TestCluster::start(1);
    let (user, proxy) = user_behind_proxy(&cluster);
    let other = ClusterUser::of(&cluster, "two");
    let taken = other.try_acquire(&lease(&other, None)).unwrap();
    let outcome = unlock(&other.store, &other.name, &other.caller, UnlockForce::Own).unwrap();
    assert!(matches!(outcome, UnlockOutcome::Done { .. }), "{outcome:?}");
    let record = lokt_lock::record::LockRecord {
        owner: user.caller.identity.owner.clone(),
        lock_id: Some(user.store.new_id().unwrap()),
        ..(*taken.record).clone()
    };
    let (_, decisions) = decide_once((&user, &proxy), |section| {
        let mode = lokt_lock::store::RecordPutMode::New;
        section.put(LockRecordKind::Lock, &record, mode, Durability::Synced).unwrap()
    });
    assert_eq!(decisions, 1, "what was applied is not decided again");
    let held = user.store.reader(&user.name).slot(LockRecordKind::Lock);
    assert_eq!(held.record(), Some(&record), "it stands");
    let lease = cluster.etcdctl(&["get", "--prefix", "lokt/v1/name/x/holder/", "-w", "json"]);
    assert!(!lease.contains("\"lease\""), "and stays, without a lease: {lease}");
}
