use crate::fixture::{committed, put};
use lokt_etcd::{
    CallLimits, ClusterError, ClusterErrorKind, CredentialSettings, Credentials, EtcdClient,
    KeyRange, TlsFailure,
};
use lokt_testkit::{LossyProxy, TestCertificates, TestCluster, TestClusterOptions, TestTls};
use std::time::{Duration, Instant};

fn cluster(tls: TestTls) -> TestCluster {
    TestCluster::with(TestClusterOptions { tls, ..TestClusterOptions::default() })
}

/// Which certificates a client has.
enum Has {
    Nothing,
    Authority,
    AuthorityAndIdentity,
}

fn credentials(certificates: &TestCertificates, has: &Has) -> Credentials {
    let mut settings = CredentialSettings::default();
    if !matches!(has, Has::Nothing) {
        settings.authority_file = Some(certificates.authority());
    }
    if matches!(has, Has::AuthorityAndIdentity) {
        settings.certificate_file = Some(certificates.client_certificate());
        settings.key_file = Some(certificates.client_key());
    }
    Credentials::new(settings).expect("credentials that belong together")
}

fn connect(address: &str, credentials: &Credentials) -> Result<EtcdClient, ClusterError> {
    let address = address.parse().expect("an address");
    EtcdClient::connect(&address, credentials, CallLimits::default())
}

/// How a first read fails, and soon.
#[track_caller]
fn failure(address: &str, credentials: &Credentials) -> ClusterError {
    let before = Instant::now();
    let read = connect(address, credentials).and_then(|client| client.read(&[KeyRange::key("a")]));
    let error = read.expect_err("TLS must fail");
    assert!(before.elapsed() < Duration::from_secs(5), "a failure comes soon");
    error
}

#[test]
fn a_private_authority_and_a_client_certificate_open_a_cluster() {
    for (tls, has) in [
        (TestTls::Server, Has::Authority),
        (TestTls::Server, Has::AuthorityAndIdentity),
        (TestTls::Mutual, Has::AuthorityAndIdentity),
    ] {
        let cluster = cluster(tls);
        let credentials = credentials(cluster.certificates(), &has);
        let client = connect(&cluster.address(), &credentials).expect("a running cluster");
        committed(client.commit(&put(&[("a", "one")])));
        let read = client.read(&[KeyRange::key("a")]).expect("a read");
        assert_eq!(read.ranges.concat().len(), 1);
    }
}

#[test]
fn an_unknown_authority_is_told() {
    let cluster = cluster(TestTls::Server);
    let other = TestCertificates::make(
        &tempfile::tempdir().expect("a folder").keep(),
        &["127.0.0.1".into()],
    );
    for certificates in [credentials(&other, &Has::Authority), credentials(&other, &Has::Nothing)] {
        let error = failure(&cluster.address(), &certificates);
        assert_eq!(error.kind, ClusterErrorKind::Tls(TlsFailure::UnknownAuthority), "{error}");
    }
}

#[test]
fn a_certificate_for_another_name_is_told() {
    let cluster = cluster(TestTls::Server);
    let proxy = LossyProxy::start("127.0.0.1", &cluster.endpoints().concat());
    let credentials = credentials(cluster.certificates(), &Has::Authority);
    for endpoint in [proxy.endpoint(), &proxy.endpoint().replace("127.0.0.1", "localhost")] {
        let error = failure(&format!("etcds://{endpoint}/lokt"), &credentials);
        assert_eq!(error.kind, ClusterErrorKind::Tls(TlsFailure::WrongName), "{error}");
    }
}

#[test]
fn a_missing_client_certificate_and_a_wrong_one_are_told() {
    let cluster = cluster(TestTls::Mutual);
    // Mostly the server breaks the connection while the client writes, so the alert is read after a failed write.
    for _ in 0..50 {
        let none = credentials(cluster.certificates(), &Has::Authority);
        let error = failure(&cluster.address(), &none);
        assert_eq!(error.kind, ClusterErrorKind::Tls(TlsFailure::CertificateRequired), "{error}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let other = TestCertificates::make(folder.path(), &["127.0.0.1".into()]);
    let settings = CredentialSettings {
        authority_file: Some(cluster.certificates().authority()),
        certificate_file: Some(other.client_certificate()),
        key_file: Some(other.client_key()),
        ..CredentialSettings::default()
    };
    let wrong = Credentials::new(settings).expect("credentials that belong together");
    let error = failure(&cluster.address(), &wrong);
    assert_eq!(error.kind, ClusterErrorKind::Tls(TlsFailure::CertificateRefused), "{error}");
}
