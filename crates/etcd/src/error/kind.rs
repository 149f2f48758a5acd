use std::fmt;

/// Of what kind a failure is. If endpoints fail in different ways, it is the kind that helps most to find the cause:
/// what a member of etcd said comes before what the network said.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClusterErrorKind {
    /// No endpoint answered: connections were refused, broken, or nothing came within the time limit.
    Unreachable,
    /// TLS could not be set up.
    Tls(TlsFailure),
    /// What listens there is not etcd: a proxy, a server of another protocol, or an etcd without gRPC.
    NotEtcd,
    /// The members that answered have no leader, or cannot reach a majority.
    NoLeader,
    /// The members that answered have too much to do.
    Overloaded,
    /// The cluster does not accept the user and the password.
    WrongPassword,
    /// The cluster asks for an account, and no user was given.
    AccountNeeded,
    /// The cluster did not accept a token that it had just given.
    TokenRefused,
    /// The user has no right to a key of the call.
    NotAuthorised,
    /// The database of the cluster is full (alarm `NOSPACE`): it accepts no puts and grants until an operator has
    /// made room and disarmed the alarm.
    NoSpace,
    /// A member has found that its data differ from the others' (alarm `CORRUPT`).
    Corrupt,
    /// The lease has ended, or never existed.
    LeaseNotFound,
    /// A lease with this id exists already.
    LeaseExists,
    /// The revision has been compacted, so its past cannot be read any more.
    Compacted,
    /// The revision has not been reached yet.
    FutureRevision,
    /// The call has more operations, or more bytes, than the cluster accepts.
    TooLarge,
    /// The cluster refused the call for another reason, which its reply says.
    Refused,
    /// The answer does not have the form that the protocol demands.
    Malformed,
    /// The client itself cannot work: this process could not get a thread or a descriptor, or the client was ended.
    Client(String),
}

impl fmt::Display for ClusterErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Unreachable => "no member of the cluster answers",
            Self::Tls(failure) => return write!(f, "TLS failed, {failure}"),
            Self::NotEtcd => "this is not etcd",
            Self::NoLeader => "the cluster has no leader",
            Self::Overloaded => "the cluster is overloaded",
            Self::WrongPassword => "wrong user or password",
            Self::AccountNeeded => "the cluster asks for a user, and no user was given",
            Self::TokenRefused => "the cluster does not accept its own token",
            Self::NotAuthorised => "the user has no right to these keys",
            Self::NoSpace => "the database of the cluster is full",
            Self::Corrupt => "the data of a member are corrupt",
            Self::LeaseNotFound => "the lease has ended",
            Self::LeaseExists => "a lease with this id exists already",
            Self::Compacted => "the revision has been compacted",
            Self::FutureRevision => "the revision has not been reached yet",
            Self::TooLarge => "the call is larger than the cluster accepts",
            Self::Refused => "the cluster refused",
            Self::Malformed => "the answer is malformed",
            Self::Client(why) => why,
        };
        f.write_str(text)
    }
}

/// Why TLS could not be set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsFailure {
    /// No trusted authority has signed the server's certificate.
    UnknownAuthority,
    /// The server's certificate is for other names than the endpoint's host.
    WrongName,
    /// The server's certificate is not valid at this time.
    Expired,
    /// The server asks for a client certificate, and none was given.
    CertificateRequired,
    /// The server does not accept the client certificate.
    CertificateRefused,
    /// The server does not speak TLS.
    NotTls,
    /// The server speaks TLS, and the address says that it does not.
    TlsExpected,
    /// Anything else, which the reply says.
    Other,
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownAuthority => "no trusted authority has signed the server's certificate",
            Self::WrongName => "the server's certificate is for another name",
            Self::Expired => "the server's certificate is not valid at this time",
            Self::CertificateRequired => "the server asks for a client certificate",
            Self::CertificateRefused => "the server does not accept the client certificate",
            Self::NotTls => {
                "the server does not speak TLS: the address may need etcd:// instead of etcds://"
            }
            Self::TlsExpected => {
                "the server expects TLS: the address may need etcds:// instead of etcd://"
            }
            Self::Other => "the handshake failed",
        })
    }
}
