//! Endpoints that are not there, do not answer, or are not etcd.

use crate::fixture::{committed, failure_of, put, read};
use lokt_etcd::{ClusterErrorKind, TlsFailure};
use lokt_testkit::{LossyProxy, TestCluster, TestClusterOptions, TestTls};
use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
    time::Duration,
};

/// An endpoint where nothing listens: the port is taken, and bound only.
fn closed_endpoint() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = listener.local_addr().expect("an address").to_string();
    (listener, endpoint)
}

/// A server that says something to whatever comes, and closes the connection when the other side does.
fn server_that_says(words: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 1024];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(words);
            while stream.read(&mut request).is_ok_and(|length| length > 0) {}
        }
    });
    endpoint
}

fn address(endpoints: &[&str]) -> String {
    format!("etcd://{}/lokt", endpoints.join(","))
}

#[test]
fn each_endpoint_that_refuses_is_named() {
    let [first, second] = [closed_endpoint(), closed_endpoint()].map(|(_, endpoint)| endpoint);
    let error = failure_of(&address(&[&first, &second]), Duration::from_secs(1));
    assert_eq!(error.kind, ClusterErrorKind::Unreachable);
    let expected = format!(
        "cannot connect to the cluster: no member of the cluster answers: \
         {first}: connection refused; {second}: connection refused"
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_name_that_cannot_be_resolved_is_told() {
    let error = failure_of(&address(&["no-such-host.invalid:2379"]), Duration::from_secs(5));
    assert_eq!(error.kind, ClusterErrorKind::Unreachable);
    let text = error.to_string();
    assert!(text.contains("no-such-host.invalid:2379: its name cannot be resolved: "), "{text}");
}

#[test]
fn a_server_that_never_answers_takes_no_longer_than_the_limits() {
    let silent = server_that_says(b"");
    let error = failure_of(&address(&[&silent]), Duration::from_secs(5));
    assert_eq!(error.kind, ClusterErrorKind::Unreachable);
    assert!(error.to_string().contains(": no answer within 2s"), "{error}");
}

#[test]
fn an_endpoint_that_fails_does_not_hide_one_that_answers() {
    let cluster = TestCluster::start(1);
    let (_, refusing) = closed_endpoint();
    let silent = server_that_says(b"");
    let html = server_that_says(b"HTTP/1.1 200 OK\r\n\r\n<html>");
    let member = cluster.endpoints().concat();
    let address = address(&[&refusing, &html, &silent, &member]);
    read(&address).expect("the last member answers");
}

#[test]
fn servers_that_are_not_etcd_are_told_by_what_they_say() {
    for (words, shown) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\nServer: proxy\r\n\r\n<html>"[..],
            "answers `HTTP/1.1 400 Bad Request`, not HTTP/2",
        ),
        (b"220 mail.example ESMTP\r\n", "answers `220 mail.example ESMTP`, not HTTP/2"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "answers `SSH-2.0-OpenSSH_9.2`, not HTTP/2"),
        (b"\x00\x01\x02\x03binary", "answers `\\0\\u{1}\\u{2}\\u{3}binary`, not HTTP/2"),
    ] {
        let endpoint = server_that_says(words);
        let error = failure_of(&address(&[&endpoint]), Duration::from_secs(5));
        assert_eq!(error.kind, ClusterErrorKind::NotEtcd, "{error}");
        assert!(error.to_string().contains(shown), "{error}");
    }
}

/// HTTP/2 by hand (RFC 9113): the frames SETTINGS, its acknowledgement, and HEADERS of stream 1 with one indexed field
/// (RFC 7541, appendix A) that ends the stream.
fn http2_answer(status: u8) -> &'static [u8] {
    let mut answer = b"\0\0\0\x04\0\0\0\0\0".to_vec();
    answer.extend(b"\0\0\0\x04\x01\0\0\0\0");
    answer.extend(b"\0\0\x01\x01\x05\0\0\0\x01");
    answer.push(status);
    answer.leak()
}

#[test]
fn a_server_of_http2_without_grpc_is_not_etcd() {
    for (status, code) in
        [(0x8d, "404 Not Found"), (0x88, "200 OK"), (0x8e, "500 Internal Server Error")]
    {
        let endpoint = server_that_says(http2_answer(status));
        let error = failure_of(&address(&[&endpoint]), Duration::from_secs(5));
        assert_eq!(error.kind, ClusterErrorKind::NotEtcd, "{error}");
        let text = format!("answers with HTTP status {code} ");
        assert!(error.to_string().contains(&text), "{error}");
    }
}

#[test]
fn a_server_with_tls_and_one_without_are_told_apart() {
    let options = TestClusterOptions { tls: TestTls::Server, ..TestClusterOptions::default() };
    let with_tls = TestCluster::with(options);
    let error = failure_of(&address(&[&with_tls.endpoints().concat()]), Duration::from_secs(5));
    assert_eq!(error.kind, ClusterErrorKind::Tls(TlsFailure::TlsExpected), "{error}");
    let plain = TestCluster::start(1);
    let address = format!("etcds://{}/lokt", plain.endpoints().concat());
    let error = failure_of(&address, Duration::from_secs(5));
    assert_eq!(error.kind, ClusterErrorKind::Tls(TlsFailure::NotTls), "{error}");
    let html = server_that_says(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let error = failure_of(&format!("etcds://{html}/lokt"), Duration::from_secs(5));
    assert_eq!(error.kind, ClusterErrorKind::Tls(TlsFailure::NotTls), "{error}");
}

#[test]
fn a_read_whose_connection_breaks_is_sent_again() {
    let cluster = TestCluster::start(1);
    let proxy = LossyProxy::start("127.0.0.1", &cluster.endpoints().concat());
    let client = crate::fixture::client_at(&address(&[proxy.endpoint()]));
    committed(client.commit(&put(&[("a", "one")])));
    proxy.cut();
    let read = client.read(&[lokt_etcd::KeyRange::key("a")]).expect("a read");
    assert_eq!(read.ranges.concat().len(), 1);
}
