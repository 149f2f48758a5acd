use std::{io, path::PathBuf};

/// Says what is wrong with the credentials that a user has set.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A file cannot be read.
    #[error("cannot read {} ({variable})", path.display())]
    Unreadable {
        /// The variable that names the file.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file has not what it must have.
    #[error("{} ({variable}) has no {expected}", path.display())]
    Unusable {
        /// The variable that names the file.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// What it must have.
        expected: &'static str,
        /// What the parser said, if it said anything.
        source: Option<rustls::Error>,
    },
    /// The client certificate is for another key.
    #[error("the certificate {} and the key {} do not belong together", certificate.display(), key.display())]
    KeyMismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What the parser said.
        source: rustls::Error,
    },
    /// One of two variables that need each other is missing.
    #[error("{present} is set, and {missing} is not: TLS needs both for a client certificate")]
    HalfIdentity {
        /// The variable that is set.
        present: &'static str,
        /// The variable that is not.
        missing: &'static str,
    },
    /// A user without a password.
    #[error(
        "ETCDCTL_USER names a user without a password: set ETCDCTL_PASSWORD, or write NAME:PASSWORD"
    )]
    NoPassword,
    /// A password without a user.
    #[error("ETCDCTL_PASSWORD is set, and ETCDCTL_USER is not")]
    NoUser,
    /// A name or a password that is not UTF-8.
    #[error("{0} is not UTF-8")]
    NotText(&'static str),
    /// TLS without a proof of the server is refused.
    #[error(
        "ETCDCTL_INSECURE_SKIP_TLS_VERIFY is set: locks do not trust a server that is not proven; unset it, and name \
         the authority of the cluster in ETCDCTL_CACERT"
    )]
    VerificationSkipped,
}
