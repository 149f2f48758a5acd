use crate::fixture::{address_of, client_of};
use lokt_etcd::{ClusterErrorKind, Endpoint};
use lokt_testkit::TestCluster;

#[test]
fn members_and_their_states_are_told() {
    let cluster = TestCluster::start(3);
    let client = client_of(&cluster);
    let leader = cluster.await_leader(&[0, 1, 2]);
    let members = client.members().expect("the members");
    let mut names: Vec<&str> = members.iter().map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["m0", "m1", "m2"]);
    for (index, endpoint) in address_of(&cluster).endpoints().iter().enumerate() {
        let status = client.status(endpoint).expect("a status");
        let member = members.iter().find(|it| it.name == format!("m{index}"));
        let member = member.expect("the member is listed");
        assert_eq!(status.member_id, member.id);
        assert_eq!(member.client_urls, [format!("http://{endpoint}")]);
        assert_eq!(status.leader == Some(member.id), index == leader, "one member leads");
        assert!(status.version.starts_with("3."), "{status:?}");
        assert!(status.database_bytes > 0 && status.raft_term > 0, "{status:?}");
        assert_eq!(status.errors, [""; 0]);
        assert!(!status.is_learner && !member.is_learner);
    }
    assert_eq!(client.alarms(), Ok(Vec::new()));
}

#[test]
fn the_status_of_one_member_is_its_answer_or_its_error() {
    let mut cluster = TestCluster::start(3);
    let client = client_of(&cluster);
    cluster.kill(1);
    let address = address_of(&cluster);
    let error = client.status(&address.endpoints()[1]).expect_err("it is killed");
    let expected = format!(
        "cannot read the status of a member: no member of the cluster answers: {}: connection refused",
        cluster.endpoints()[1]
    );
    assert_eq!(error.to_string(), expected, "no other member is asked");
    client.status(&address.endpoints()[2]).expect("another member answers");
    let stranger: Endpoint = "127.0.0.1:1".parse().expect("an endpoint");
    let error = client.status(&stranger).expect_err("it is no member");
    assert!(matches!(error.kind, ClusterErrorKind::Client(_)), "{error}");
}
