use super::CredentialsError;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

const AUTHORITY: &str = "ETCDCTL_CACERT";
const CERTIFICATE: &str = "ETCDCTL_CERT";
const KEY: &str = "ETCDCTL_KEY";

/// Reads the certificates of authorities; at least one.
pub(super) fn read_authorities(path: PathBuf) -> Result<RootCertStore, CredentialsError> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(AUTHORITY, &path)? {
        if let Err(source) = authorities.add(certificate) {
            return Err(unusable(AUTHORITY, path, "usable certificate", Some(source)));
        }
    }
    Ok(authorities)
}

/// Reads a client certificate and its key, and checks that they belong together.
pub(super) fn read_identity(
    certificate: PathBuf,
    key: PathBuf,
) -> Result<CertifiedKey, CredentialsError> {
    let chain = certificates(CERTIFICATE, &certificate)?;
    let Ok(private) = PrivateKeyDer::from_pem_slice(&read(KEY, &key)?) else {
        return Err(unusable(KEY, key, "private key in PEM without a passphrase", None));
    };
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain, private, &provider).map_err(|source| match source {
        rustls::Error::InconsistentKeys(_) => {
            CredentialsError::KeyMismatch { certificate, key, source }
        }
        rustls::Error::InvalidCertificate(_) => {
            unusable(CERTIFICATE, certificate, "usable certificate", Some(source))
        }
        source => unusable(KEY, key, "private key of a known kind", Some(source)),
    })
}

fn certificates(
    variable: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, CredentialsError> {
    let text = read(variable, path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(unusable(variable, path.to_owned(), "certificate in PEM", None)),
    }
}

fn read(variable: &'static str, path: &Path) -> Result<Vec<u8>, CredentialsError> {
    fs::read(path).map_err(|source| CredentialsError::Unreadable {
        variable,
        path: path.to_owned(),
        source,
    })
}

fn unusable(
    variable: &'static str,
    path: PathBuf,
    expected: &'static str,
    source: Option<rustls::Error>,
) -> CredentialsError {
    CredentialsError::Unusable { variable, path, expected, source }
}
