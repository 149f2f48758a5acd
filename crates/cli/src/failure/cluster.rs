//! Failures of a cluster, and what to do about them.

use super::CliFailure;
use lokt_etcd::{ClusterError, ClusterErrorKind, CredentialsError, TlsFailure, WriteError};
use lokt_lock::store::LockStoreError;
use std::{error::Error, io, sync::Arc};

impl From<ClusterError> for CliFailure {
    fn from(error: ClusterError) -> Self {
        hints(&error.kind).iter().copied().fold(Self::of(&error), Self::hint)
    }
}

impl From<CredentialsError> for CliFailure {
    fn from(error: CredentialsError) -> Self {
        Self::of(&error)
    }
}

/// What to do about an error that a cluster's failure is behind; `None` if none is.
pub(super) fn hints_for(error: &(dyn Error + 'static)) -> Option<&'static [&'static str]> {
    cause(error).map(|it| hints(&it.kind))
}

/// The failure of a cluster that an error tells of, through all that stores and records wrap around it.
fn cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e ClusterError> {
    if let Some(it) = error.downcast_ref::<ClusterError>() {
        return Some(it);
    }
    if let Some(it) = error.downcast_ref::<WriteError>() {
        return Some(it.cluster_error());
    }
    if let Some(LockStoreError::Remote(it)) = error.downcast_ref() {
        return cause(&**it);
    }
    let shared = error.downcast_ref::<Arc<io::Error>>().map(AsRef::as_ref);
    let inner = error.downcast_ref::<io::Error>().or(shared).and_then(io::Error::get_ref);
    match inner {
        Some(it) => cause(it),
        None => error.source().and_then(cause),
    }
}

const fn hints(kind: &ClusterErrorKind) -> &'static [&'static str] {
    match kind {
        ClusterErrorKind::AccountNeeded => {
            &["set ETCDCTL_USER and ETCDCTL_PASSWORD, as for etcdctl"]
        }
        ClusterErrorKind::WrongPassword => {
            &["ETCDCTL_USER and ETCDCTL_PASSWORD say who you are, as for etcdctl"]
        }
        ClusterErrorKind::NotAuthorised => {
            &["the user of ETCDCTL_USER needs a role with read and write access to the prefix"]
        }
        ClusterErrorKind::Tls(TlsFailure::UnknownAuthority) => {
            &["ETCDCTL_CACERT names the file of the authority that has signed the certificates"]
        }
        ClusterErrorKind::Tls(TlsFailure::CertificateRequired | TlsFailure::CertificateRefused) => {
            &["ETCDCTL_CERT and ETCDCTL_KEY name the files of the client certificate and its key"]
        }
        // The others say themselves which scheme is needed, or what is wrong with the certificate.
        ClusterErrorKind::Tls(_) => &[
            "etcds:// is for members with TLS, whose authority ETCDCTL_CACERT names; etcd:// is for members without",
        ],
        ClusterErrorKind::Unreachable | ClusterErrorKind::NotEtcd => &[
            "check that the members run, and that this machine, or its sandbox, lets you reach them",
            "lokt locks nowhere else meanwhile: two stores are two locks",
        ],
        ClusterErrorKind::NoSpace => {
            &["an operator has to make room: etcdctl compact, defrag, then alarm disarm"]
        }
        _ => &[],
    }
}
