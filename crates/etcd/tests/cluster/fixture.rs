use lokt_etcd::{CallLimits, ClusterAddress, Credentials, EtcdClient};
use lokt_testkit::TestCluster;

/// A client with the usual limits and no credentials.
pub(crate) fn client_of(cluster: &TestCluster) -> EtcdClient {
    EtcdClient::connect(&address_of(cluster), &Credentials::none(), CallLimits::default())
        .expect("a running cluster accepts")
}

pub(crate) fn address_of(cluster: &TestCluster) -> ClusterAddress {
    cluster.address().parse().expect("the address of a cluster")
}
