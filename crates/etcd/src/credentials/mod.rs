//! How a client proves who it is, and by what it recognises the cluster: what etcdctl's own variables say.
//!
//! `ETCDCTL_CACERT` (the authority that the cluster's certificates are signed by; without it, those that the system
//! trusts), `ETCDCTL_CERT` and `ETCDCTL_KEY` (a client certificate), `ETCDCTL_USER` (`name` or `name:password`) and
//! `ETCDCTL_PASSWORD`. They mean what they mean to etcdctl, except that `ETCDCTL_INSECURE_SKIP_TLS_VERIFY` is refused,
//! and that nothing asks for a password.
//!
//! This room reads the files that it is told, and nothing of the environment by itself. Files and passwords are never
//! shown by `Debug`.

mod error;
mod files;
#[cfg(test)]
mod tests;

pub use error::CredentialsError;

use files::{read_authorities, read_identity};
use rustls::{RootCertStore, sign::CertifiedKey};
use std::{
    ffi::{OsStr, OsString},
    fmt,
    path::PathBuf,
    sync::Arc,
};

/// What a user has set, before anything is read.
#[derive(Default, Clone)]
pub struct CredentialSettings {
    /// The file with the certificates of authorities, in PEM.
    pub authority_file: Option<PathBuf>,
    /// The file with the client certificate and its chain, in PEM.
    pub certificate_file: Option<PathBuf>,
    /// The file with the private key of the client certificate, in PEM.
    pub key_file: Option<PathBuf>,
    /// A name, or a name and a password with a colon between them if `password` is not set.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
}

impl CredentialSettings {
    /// Reads etcdctl's variables from an environment. An empty variable counts as one that is not set.
    ///
    /// # Errors
    /// A name or a password is not UTF-8, or the verification of servers is to be skipped.
    pub fn from_variables(
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, CredentialsError> {
        let set = |name: &str| variable(name).filter(|it| !it.is_empty());
        let text = |name: &'static str| {
            let text = set(name).map(OsString::into_string).transpose();
            text.map_err(|_| CredentialsError::NotText(name))
        };
        if set("ETCDCTL_INSECURE_SKIP_TLS_VERIFY").is_some_and(|it| !is_false(&it)) {
            return Err(CredentialsError::VerificationSkipped);
        }
        Ok(Self {
            authority_file: set("ETCDCTL_CACERT").map(PathBuf::from),
            certificate_file: set("ETCDCTL_CERT").map(PathBuf::from),
            key_file: set("ETCDCTL_KEY").map(PathBuf::from),
            user: text("ETCDCTL_USER")?,
            password: text("ETCDCTL_PASSWORD")?,
        })
    }
}

/// The values that Go's `strconv.ParseBool`, by which etcdctl reads its variables, takes for false.
fn is_false(value: &OsStr) -> bool {
    ["0", "f", "F", "false", "False", "FALSE"].iter().any(|it| value == *it)
}

/// What a client proves itself with, read and checked.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The authorities to trust; `None`: those of the system.
    pub(crate) authorities: Option<Arc<RootCertStore>>,
    pub(crate) identity: Option<Arc<CertifiedKey>>,
    pub(crate) account: Option<Account>,
}

/// A user and its password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Credentials {
    /// No account and no client certificate; TLS trusts the authorities of the system.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads the files that are named, and checks that everything belongs together.
    ///
    /// # Errors
    /// A file cannot be read or used; one of two settings that need each other is missing.
    pub fn new(settings: CredentialSettings) -> Result<Self, CredentialsError> {
        let identity = match (settings.certificate_file, settings.key_file) {
            (Some(certificate), Some(key)) => Some(Arc::new(read_identity(certificate, key)?)),
            (Some(_), None) => return Err(half("ETCDCTL_CERT", "ETCDCTL_KEY")),
            (None, Some(_)) => return Err(half("ETCDCTL_KEY", "ETCDCTL_CERT")),
            (None, None) => None,
        };
        let authorities = settings.authority_file.map(read_authorities).transpose()?;
        Ok(Self {
            authorities: authorities.map(Arc::new),
            identity,
            account: account(settings.user, settings.password)?,
        })
    }

    /// Reads etcdctl's variables from an environment, then the files that they name.
    ///
    /// # Errors
    /// As [`CredentialSettings::from_variables`] and [`new`](Self::new).
    pub fn from_variables(
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, CredentialsError> {
        Self::new(CredentialSettings::from_variables(variable)?)
    }

    /// The name of the user, if an account was given.
    pub fn user(&self) -> Option<&str> {
        self.account.as_ref().map(|it| it.user.as_str())
    }
}

fn half(present: &'static str, missing: &'static str) -> CredentialsError {
    CredentialsError::HalfIdentity { present, missing }
}

/// As etcdctl has it: with a password in the other variable, the user is the name as a whole.
fn account(
    user: Option<String>,
    password: Option<String>,
) -> Result<Option<Account>, CredentialsError> {
    match (user, password) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(CredentialsError::NoUser),
        (Some(user), Some(password)) => Ok(Some(Account { user, password })),
        (Some(user), None) => match user.split_once(':') {
            Some((user, password)) if !password.is_empty() => {
                Ok(Some(Account { user: user.to_owned(), password: password.to_owned() }))
            }
            _ => Err(CredentialsError::NoPassword),
        },
    }
}

impl fmt::Debug for CredentialSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialSettings")
            .field("authority_file", &self.authority_file)
            .field("certificate_file", &self.certificate_file)
            .field("key_file", &self.key_file)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user()).finish_non_exhaustive()
    }
}
