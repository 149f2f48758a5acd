use lokt_etcd::{
    ClusterAddress, Credentials, EtcdClient,
    store::{EtcdLockStore, EtcdTicket},
    values::CallLimits,
};
use lokt_lock::{
    caller::Caller,
    ops::{
        AcquireOutcome, LockGrant, LockRequest, QueueStanding, ReservationDenial,
        ReservationRequest, ReservationWaitObserver, ReserveOutcome, SilentWait, WaitLimit,
        WaitObserver, acquire, reserve, reserve_waiting,
    },
    pattern::Pattern,
    record::HoldKind,
    reservation::{Reservation, ReservationMode, ReservationOrigin, ReservationScope},
    rules::OwnerSource,
    words::{AgentId, LockMode, LockName, Owner},
};
use lokt_testkit::TestCluster;
use std::{os::fd::BorrowedFd, sync::mpsc::Sender, time::Duration};

/// The TTL of the tests' sessions.
const TTL: Duration = Duration::from_secs(6);

pub(crate) struct TestStore;

impl TestStore {
    pub(crate) fn of(cluster: &TestCluster) -> EtcdLockStore {
        EtcdLockStore::connect(&address(cluster), &Credentials::none(), TTL).expect("a connection")
    }
}

fn address(cluster: &TestCluster) -> ClusterAddress {
    cluster.address().parse().expect("the address of a test cluster")
}

/// An owner with its own connection.
pub(crate) struct ClusterUser {
    pub(crate) store: EtcdLockStore,
    pub(crate) client: EtcdClient,
    pub(crate) caller: Caller,
    pub(crate) name: LockName,
    address: ClusterAddress,
}

impl ClusterUser {
    pub(crate) fn of(cluster: &TestCluster, owner: &str) -> Self {
        Self::at(address(cluster), owner, "x")
    }

    pub(crate) fn at(address: ClusterAddress, owner: &str, name: &str) -> Self {
        let given = Owner::new(owner.to_owned()).unwrap();
        let caller = Caller::current(Some(given), OwnerSource::Given, AgentId::new("agent"));
        let none = Credentials::none();
        let store = EtcdLockStore::connect(&address, &none, TTL).expect("a connection");
        let client = EtcdClient::connect(&address, &none, CallLimits::default()).unwrap();
        Self { store, client, caller, name: LockName::new(name).unwrap(), address }
    }

    /// The same owner, about another name.
    pub(crate) fn named(&self, name: &str) -> Self {
        Self::at(self.address.clone(), self.caller.identity.owner.as_str(), name)
    }

    pub(crate) fn acquire(
        &self,
        request: &LockRequest<'_>,
        limit: WaitLimit,
    ) -> AcquireOutcome<EtcdTicket> {
        acquire(&self.store, request, limit, &mut SilentWait).expect("the cluster answers")
    }

    pub(crate) fn try_acquire(&self, request: &LockRequest<'_>) -> Option<LockGrant<EtcdTicket>> {
        match self.acquire(request, WaitLimit::None) {
            AcquireOutcome::Entered(grant) => Some(grant),
            _ => None,
        }
    }

    /// Waits for the lock, and says so when it stands in the queue.
    pub(crate) fn wait(
        &self,
        request: &LockRequest<'_>,
        arrived: &Sender<()>,
    ) -> LockGrant<EtcdTicket> {
        let limit = WaitLimit::For(Duration::from_mins(1));
        let outcome = acquire(&self.store, request, limit, &mut Arrival(arrived));
        match outcome.expect("the cluster answers") {
            AcquireOutcome::Entered(grant) => grant,
            other => panic!("it enters in the end: {other:?}"),
        }
    }
}

impl ClusterUser {
    fn reservation(&self, pattern: &str) -> ReservationRequest<'_> {
        ReservationRequest {
            caller: &self.caller,
            patterns: vec![Pattern::parse(pattern.as_bytes()).expect("a pattern")],
            scope: ReservationScope::Repository,
            mode: ReservationMode::Exclusive,
            ttl: Duration::from_mins(10),
            reason: None,
            origin: ReservationOrigin::Command,
            hold: HoldKind::Lease,
            pid: 0,
        }
    }

    pub(crate) fn reserve(&self, pattern: &str) -> ReserveOutcome {
        let request = self.reservation(pattern);
        reserve(&self.store, &request, &mut |_| false).expect("the cluster answers")
    }

    /// Reserves, and says when it waits.
    pub(crate) fn wait_to_reserve(&self, pattern: &str, arrived: &Sender<()>) {
        let request = self.reservation(pattern);
        let limit = Duration::from_mins(1);
        let outcome = reserve_waiting(&self.store, &request, limit, &mut Arrival(arrived));
        let outcome = outcome.expect("the cluster answers");
        assert!(matches!(outcome, ReserveOutcome::Reserved { .. }), "{outcome:?}");
    }
}

impl ReservationWaitObserver for Arrival<'_> {
    fn waiting(&mut self, _: &ReservationDenial) {
        let _ = self.0.send(());
    }
    fn interruption(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    fn has_no_change(&mut self, _: &Reservation) -> bool {
        false
    }
    fn is_interrupted(&mut self) -> bool {
        false
    }
}

pub(crate) fn guard(user: &ClusterUser) -> LockRequest<'_> {
    request(user, HoldKind::Guard, None)
}

pub(crate) fn lease(user: &ClusterUser, ttl: Option<Duration>) -> LockRequest<'_> {
    request(user, HoldKind::Lease, ttl)
}

fn request(user: &ClusterUser, hold: HoldKind, ttl: Option<Duration>) -> LockRequest<'_> {
    LockRequest {
        name: &user.name,
        caller: &user.caller,
        mode: LockMode::Exclusive,
        hold,
        pid: user.caller.pid,
        ttl,
        metadata: None,
        command: vec!["true".to_owned()],
        held: Vec::new(),
    }
}

struct Arrival<'a>(&'a Sender<()>);

impl WaitObserver for Arrival<'_> {
    fn waiting(&mut self, _: &QueueStanding) {
        // Only the first one is waited for.
        let _ = self.0.send(());
    }
    fn interval(&self) -> Option<Duration> {
        None
    }
    fn interruption(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    fn is_interrupted(&mut self) -> bool {
        false
    }
}
