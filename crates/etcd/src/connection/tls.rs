use super::{Fault, open::io_text};
use crate::{
    address::{Endpoint, TransportSecurity},
    credentials::Credentials,
    error::{ClusterErrorKind, TlsFailure},
};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, RootCertStore, pki_types::ServerName,
    sign::SingleCertAndKey,
};
use std::{io, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// How connections are made.
#[derive(Clone)]
pub(crate) enum TransportSettings {
    /// By TCP alone.
    Plain,
    /// With TLS.
    Tls(TlsSettings),
}

/// How TLS is started.
#[derive(Clone)]
pub(crate) struct TlsSettings {
    connector: TlsConnector,
    /// Whether a client certificate was given.
    pub(super) has_identity: bool,
}

impl TransportSettings {
    /// The settings for an address and what a user has set. The authorities of the system are read here, and only if
    /// they are needed.
    ///
    /// # Errors
    /// The text of what is wrong with the authorities of the system, or with TLS in this build.
    pub(crate) fn new(
        security: TransportSecurity,
        credentials: &Credentials,
    ) -> Result<Self, String> {
        match security {
            TransportSecurity::Plain => Ok(Self::Plain),
            TransportSecurity::Tls => {
                let connector = TlsConnector::from(Arc::new(configuration(credentials)?));
                let has_identity = credentials.identity.is_some();
                Ok(Self::Tls(TlsSettings { connector, has_identity }))
            }
        }
    }
}

fn configuration(credentials: &Credentials) -> Result<ClientConfig, String> {
    let authorities = match &credentials.authorities {
        Some(authorities) => Arc::clone(authorities),
        None => Arc::new(system_authorities()?),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(authorities);
    let mut configuration = match &credentials.identity {
        Some(identity) => {
            let identity = SingleCertAndKey::from(identity.as_ref().clone());
            builder.with_client_cert_resolver(Arc::new(identity))
        }
        None => builder.with_no_client_auth(),
    };
    configuration.alpn_protocols = vec![b"h2".to_vec()];
    Ok(configuration)
}

fn system_authorities() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut authorities = RootCertStore::empty();
    let (usable, _) = authorities.add_parsable_certificates(found.certs);
    if usable > 0 {
        return Ok(authorities);
    }
    let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
    Err(format!("the system has no trusted authorities{why}; set ETCDCTL_CACERT"))
}

/// Proves the server, and proves this client if the server asks for it.
pub(super) async fn start_tls(
    settings: &TlsSettings,
    endpoint: &Endpoint,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Fault> {
    let name = ServerName::try_from(endpoint.host().to_owned())
        .map_err(|_| failed(TlsFailure::WrongName, "no certificate can have its name"))?;
    settings.connector.connect(name, stream).await.map_err(|error| {
        let no_tls = || match error.kind() {
            // What expects no TLS gives up at the first bytes of it.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                let text = format!("{} in the handshake of TLS", io_text(&error));
                failed(TlsFailure::NotTls, text)
            }
            _ => Fault::silent(io_text(&error)),
        };
        let fault = tls_fault(&error).unwrap_or_else(no_tls);
        if settings.has_identity { fault } else { fault.without_identity() }
    })
}

fn failed(failure: TlsFailure, text: impl Into<String>) -> Fault {
    Fault::new(ClusterErrorKind::Tls(failure), text)
}

/// The fault that an error of TLS stands for; `None` if TLS is not the cause.
pub(super) fn tls_fault(error: &io::Error) -> Option<Fault> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(failed(tls_failure(error), error.to_string()))
}

fn tls_failure(error: &rustls::Error) -> TlsFailure {
    match error {
        rustls::Error::InvalidCertificate(error) => certificate_failure(error),
        rustls::Error::InvalidMessage(_) => TlsFailure::NotTls,
        rustls::Error::AlertReceived(alert) => alert_failure(*alert),
        _ => TlsFailure::Other,
    }
}

fn certificate_failure(error: &CertificateError) -> TlsFailure {
    match error {
        // An authority of the same name, but with another key, has not signed it either.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            TlsFailure::UnknownAuthority
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFailure::WrongName
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => TlsFailure::Expired,
        _ => TlsFailure::Other,
    }
}

fn alert_failure(alert: AlertDescription) -> TlsFailure {
    match alert {
        AlertDescription::CertificateRequired => TlsFailure::CertificateRequired,
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA => TlsFailure::CertificateRefused,
        _ => TlsFailure::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_out_of_its_time_is_told() {
        for error in [CertificateError::Expired, CertificateError::NotValidYet] {
            let error = io::Error::other(rustls::Error::InvalidCertificate(error));
            let kind = tls_fault(&error).map(|fault| fault.kind);
            assert_eq!(kind, Some(ClusterErrorKind::Tls(TlsFailure::Expired)));
        }
    }

    #[test]
    fn an_alert_about_a_certificate_is_about_the_clients() {
        for (alert, failure) in [
            (AlertDescription::CertificateRequired, TlsFailure::CertificateRequired),
            (AlertDescription::CertificateExpired, TlsFailure::CertificateRefused),
            (AlertDescription::UnknownCA, TlsFailure::CertificateRefused),
            (AlertDescription::HandshakeFailure, TlsFailure::Other),
        ] {
            let error = io::Error::other(rustls::Error::AlertReceived(alert));
            let kind = tls_fault(&error).map(|fault| fault.kind);
            assert_eq!(kind, Some(ClusterErrorKind::Tls(failure)), "{alert:?}");
        }
    }

    #[test]
    fn other_errors_are_not_of_tls() {
        assert_eq!(tls_fault(&io::Error::from(io::ErrorKind::ConnectionReset)), None);
        assert_eq!(tls_fault(&io::Error::other("something")), None);
    }
}
