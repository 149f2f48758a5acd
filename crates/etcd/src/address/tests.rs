use super::{AddressError, ClusterAddress, TransportSecurity};

fn parse(text: &str) -> Result<ClusterAddress, AddressError> {
    text.parse()
}

#[test]
fn an_address_is_given_back() {
    for text in [
        "etcd://localhost:2379/lokt",
        "etcds://a.example:2379,b.example:2380/team/project",
        "etcd://10.0.0.1:2379,[fe80::1]:2379/p",
        "etcd://db_1:1/A.b_c-9",
    ] {
        assert_eq!(parse(text).map(|it| it.to_string()), Ok(text.to_owned()), "it is given back");
    }
}

#[test]
fn the_parts_of_an_address_are_read() {
    let address = parse("etcds://a.example,[::1]:77/team/project").expect("a correct address");
    assert_eq!(address.security(), TransportSecurity::Tls);
    assert_eq!(address.prefix(), "team/project");
    let parts: Vec<_> = address.endpoints().iter().map(|it| (it.host(), it.port())).collect();
    assert_eq!(parts, [("a.example", 2379), ("::1", 77)], "2379 is the port that is meant");
    assert_eq!(address.to_string(), "etcds://a.example:2379,[::1]:77/team/project");
}

#[test]
fn every_fault_has_a_text_of_what_to_write() {
    let faults = [
        ("http://a:1/p", "`http://a:1/p` does not begin with etcd:// or etcds://"),
        ("a:1/p", "`a:1/p` does not begin with etcd:// or etcds://"),
        ("etcd://a:1", "has no prefix"),
        ("etcd://a:1/", "has no prefix"),
        ("etcd://a:1/p//q", "the prefix `p//q` has an empty segment"),
        ("etcd://a:1/p/", "the prefix `p/` has an empty segment"),
        ("etcd://a:1//p", "the prefix `/p` has an empty segment"),
        ("etcd://a:1/p/../q", "the prefix `p/../q` has the segment `..`"),
        ("etcd://a:1/p q", "the prefix `p q` has the character ' '"),
        ("etcd://a:1/p?x=1", "the prefix `p?x=1` has the character '?'"),
        ("etcd:///p", "has an empty endpoint"),
        ("etcd://a:1,,b:1/p", "has an empty endpoint"),
        ("etcd://a:1,/p", "has an empty endpoint"),
        ("etcd://:1/p", "the endpoint `:1` has no host"),
        ("etcd://me:secret@a:1/p", "the endpoint `…@a:1` has an `@`"),
        ("etcd://a b:1/p", "the host of `a b:1` has the character ' '"),
        ("etcd://::1:2379/p", "the endpoint `::1:2379` has several colons"),
        ("etcd://[::1/p", "the endpoint `[::1` has no IPv6 address in its brackets"),
        ("etcd://[10.0.0.1]:1/p", "has no IPv6 address in its brackets"),
        ("etcd://[::1]2379/p", "has no port from 1 to 65535"),
        ("etcd://a:/p", "the endpoint `a:` has no port from 1 to 65535"),
        ("etcd://a:0/p", "has no port from 1 to 65535"),
        ("etcd://a:65536/p", "has no port from 1 to 65535"),
        ("etcd://a:+1/p", "has no port from 1 to 65535"),
        ("etcd://a:1,b:1,a:1/p", "the endpoint `a:1` is named twice"),
        ("etcd://a,a:2379/p", "the endpoint `a:2379` is named twice"),
    ];
    for (text, fault) in faults {
        let error = parse(text).expect_err(text).to_string();
        assert!(error.contains(fault), "`{text}` must be refused with `{fault}`, not `{error}`");
        assert!(!error.contains("secret"), "a password is never shown: {error}");
    }
}
