use std::num::ParseIntError;

/// Says what is wrong with the address of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It does not begin with a scheme of etcd.
    #[error("`{0}` does not begin with etcd:// or etcds://")]
    Scheme(String),
    /// No path follows the endpoints.
    #[error(
        "`{0}` has no prefix: write etcd://HOST:PORT/PREFIX, so that projects can share a cluster"
    )]
    NoPrefix(String),
    /// Two slashes have nothing between them, or the prefix ends with a slash.
    #[error("the prefix `{0}` has an empty segment: use single slashes, and none at the end")]
    EmptySegment(String),
    /// A segment is `.` or `..`, which other tools would resolve.
    #[error("the prefix `{prefix}` has the segment `{segment}`")]
    DotSegment {
        /// The whole prefix.
        prefix: String,
        /// The segment.
        segment: String,
    },
    /// A segment has a character that is not allowed.
    #[error(
        "the prefix `{prefix}` has the character {character:?}: use letters, digits, `.`, `_`, `-` and `/`"
    )]
    PrefixCharacter {
        /// The whole prefix.
        prefix: String,
        /// The first such character.
        character: char,
    },
    /// Two commas have nothing between them, or no endpoint is there at all.
    #[error("`{0}` has an empty endpoint: write HOST:PORT,HOST:PORT")]
    EmptyEndpoint(String),
    /// An account does not belong into an address, which is committed and logged.
    #[error(
        "the endpoint `{0}` has an `@`: an account belongs into ETCDCTL_USER and ETCDCTL_PASSWORD"
    )]
    Account(String),
    /// A host has a character that no name and no IPv4 address has.
    #[error("the host of `{endpoint}` has the character {character:?}")]
    HostCharacter {
        /// The endpoint.
        endpoint: String,
        /// The first such character.
        character: char,
    },
    /// A host is missing before the port.
    #[error("the endpoint `{0}` has no host")]
    NoHost(String),
    /// An IPv6 address is not in brackets.
    #[error(
        "the endpoint `{0}` has several colons: put an IPv6 address in brackets, as in [::1]:2379"
    )]
    IpWithoutBrackets(String),
    /// What is in brackets is no IPv6 address.
    #[error("the endpoint `{0}` has no IPv6 address in its brackets")]
    Ip(String),
    /// A port is no number from 1 to 65535.
    #[error("the endpoint `{endpoint}` has no port from 1 to 65535 after its colon")]
    Port {
        /// The endpoint.
        endpoint: String,
        /// Why it is no number; `None` if it is zero.
        source: Option<ParseIntError>,
    },
    /// An endpoint is named twice.
    #[error("the endpoint `{0}` is named twice")]
    Twice(String),
}
