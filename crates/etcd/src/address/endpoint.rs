use super::AddressError;
use std::{fmt, net::Ipv6Addr, str::FromStr};

/// The port on which etcd listens for clients, if an address names none.
const DEFAULT_PORT: u16 = 2379;

/// The host and the port of one member.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    host: String,
    port: u16,
}

impl Endpoint {
    /// A name or an IP address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Endpoint {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.contains('@') {
            // The text may have a password, which must not be shown.
            let host = text.rsplit('@').next().unwrap_or_default();
            return Err(AddressError::Account(format!("…@{host}")));
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => bracketed(rest, text)?,
            None => named(text)?,
        };
        Ok(Self { host, port: port.map_or(Ok(DEFAULT_PORT), |port| parse_port(port, text))? })
    }
}

/// Reads `::1]:2379`.
fn bracketed<'a>(rest: &'a str, text: &'a str) -> Result<(String, Option<&'a str>), AddressError> {
    let no_ip = || AddressError::Ip(text.to_owned());
    let (ip, rest) = rest.split_once(']').ok_or_else(no_ip)?;
    let ip: Ipv6Addr = ip.parse().map_err(|_| no_ip())?;
    match rest.strip_prefix(':') {
        Some(port) => Ok((ip.to_string(), Some(port))),
        None if rest.is_empty() => Ok((ip.to_string(), None)),
        None => Err(AddressError::Port { endpoint: text.to_owned(), source: None }),
    }
}

/// Reads `host:2379`.
fn named(text: &str) -> Result<(String, Option<&str>), AddressError> {
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    if port.is_some_and(|port| port.contains(':')) {
        return Err(AddressError::IpWithoutBrackets(text.to_owned()));
    }
    if host.is_empty() {
        return Err(AddressError::NoHost(text.to_owned()));
    }
    let allowed = |it: char| it.is_ascii_alphanumeric() || "._-".contains(it);
    match host.chars().find(|it| !allowed(*it)) {
        Some(character) => {
            Err(AddressError::HostCharacter { endpoint: text.to_owned(), character })
        }
        None => Ok((host.to_owned(), port)),
    }
}

fn parse_port(port: &str, text: &str) -> Result<u16, AddressError> {
    let fault = |source| AddressError::Port { endpoint: text.to_owned(), source };
    // The parser of numbers would take a sign.
    if port.starts_with('+') {
        return Err(fault(None));
    }
    match port.parse::<u16>() {
        Ok(0) => Err(fault(None)),
        Ok(port) => Ok(port),
        Err(source) => Err(fault(Some(source))),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}
