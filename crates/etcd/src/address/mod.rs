//! The address of a cluster: which members to ask, whether with TLS, and below which prefix the keys are.
//!
//! `etcd://host:2379,host:2379/prefix`, and `etcds://…` with TLS. An IPv6 address is in brackets; without a port,
//! etcd's port 2379 counts. The prefix is required: it has one or more segments of letters, digits, `.`, `_`
//! and `-`. This room reads text; it resolves no name.

mod endpoint;
mod error;
#[cfg(test)]
mod tests;

pub use endpoint::Endpoint;
pub use error::AddressError;

use std::{collections::HashSet, fmt, str::FromStr};

/// Whether a connection is encrypted and its server proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransportSecurity {
    /// `etcd://`: neither.
    Plain,
    /// `etcds://`: TLS with a certificate that is verified.
    Tls,
}

impl TransportSecurity {
    fn scheme(self) -> &'static str {
        match self {
            Self::Plain => "etcd",
            Self::Tls => "etcds",
        }
    }
}

/// The address of a cluster. [`FromStr`] reads it, and [`Display`](fmt::Display) gives it back, always with ports.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClusterAddress {
    security: TransportSecurity,
    endpoints: Vec<Endpoint>,
    prefix: String,
}

impl ClusterAddress {
    /// Whether its members are asked with TLS.
    pub fn security(&self) -> TransportSecurity {
        self.security
    }

    /// Its members in the order of the address, at least one.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The prefix, without a slash at the beginning or the end: `team/project`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    fn with(security: TransportSecurity, rest: &str, text: &str) -> Result<Self, AddressError> {
        let no_prefix = || AddressError::NoPrefix(text.to_owned());
        let (hosts, prefix) = rest.split_once('/').ok_or_else(no_prefix)?;
        if prefix.is_empty() {
            return Err(no_prefix());
        }
        check_prefix(prefix)?;
        let endpoints = hosts.split(',').map(|host| match host {
            "" => Err(AddressError::EmptyEndpoint(text.to_owned())),
            host => host.parse(),
        });
        let endpoints: Vec<Endpoint> = endpoints.collect::<Result<_, _>>()?;
        let mut seen = HashSet::new();
        match endpoints.iter().find(|endpoint| !seen.insert(*endpoint)) {
            Some(twice) => Err(AddressError::Twice(twice.to_string())),
            None => Ok(Self { security, endpoints, prefix: prefix.to_owned() }),
        }
    }
}

fn check_prefix(prefix: &str) -> Result<(), AddressError> {
    let allowed = |it: char| it.is_ascii_alphanumeric() || "._-/".contains(it);
    if let Some(character) = prefix.chars().find(|it| !allowed(*it)) {
        return Err(AddressError::PrefixCharacter { prefix: prefix.to_owned(), character });
    }
    prefix.split('/').try_for_each(|segment| match segment {
        "" => Err(AddressError::EmptySegment(prefix.to_owned())),
        "." | ".." => {
            Err(AddressError::DotSegment { prefix: prefix.to_owned(), segment: segment.to_owned() })
        }
        _ => Ok(()),
    })
}

impl FromStr for ClusterAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.split_once("://") {
            Some(("etcd", rest)) => Self::with(TransportSecurity::Plain, rest, text),
            Some(("etcds", rest)) => Self::with(TransportSecurity::Tls, rest, text),
            _ => Err(AddressError::Scheme(text.to_owned())),
        }
    }
}

impl fmt::Display for ClusterAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.security.scheme())?;
        for (index, endpoint) in self.endpoints.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{endpoint}")?;
        }
        write!(f, "/{}", self.prefix)
    }
}
