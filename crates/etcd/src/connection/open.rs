use super::{
    Connection, Fault, TransportSettings,
    sender::Sender,
    tls::{start_tls, tls_fault},
    trace::{ConnectionTrace, TracedStream},
};
use crate::address::Endpoint;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tonic::{body::Body, codegen::http::uri::Uri};

/// The most that one address of a host may take if the host has more: a network that swallows packets would else
/// take the time of all others.
const ADDRESS_LIMIT: Duration = Duration::from_millis(500);

/// Connects to a member, with TLS if the settings say so. The caller limits the time.
pub(super) async fn open(
    endpoint: &Endpoint,
    settings: &TransportSettings,
) -> Result<Connection, Fault> {
    let tcp = connect(endpoint).await?;
    match settings {
        TransportSettings::Plain => {
            begin_http(tcp, endpoint, "http", ConnectionTrace::default()).await
        }
        TransportSettings::Tls(tls) => {
            let stream = start_tls(tls, endpoint, tcp).await?;
            begin_http(stream, endpoint, "https", ConnectionTrace::of_tls(tls.has_identity)).await
        }
    }
}

/// Connects to the first address of a host that accepts.
pub(super) async fn connect(endpoint: &Endpoint) -> Result<TcpStream, Fault> {
    let host = (endpoint.host(), endpoint.port());
    let addresses = lookup_host(host).await.map_err(|error| Fault::unresolved(&error))?;
    let addresses: Vec<_> = addresses.collect();
    let mut last = Fault::silent("its name has no address");
    for (index, address) in addresses.iter().enumerate() {
        let is_last = index + 1 == addresses.len();
        let stream = TcpStream::connect(address);
        let limit = if is_last { Duration::MAX } else { ADDRESS_LIMIT };
        match timeout(limit, stream).await {
            Ok(Ok(stream)) => {
                // Each message is small and waited for.
                stream.set_nodelay(true).map_err(|error| Fault::io(&error))?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = Fault::io(&error),
            Err(_) => last = Fault::silent("no connection in time"),
        }
    }
    Err(last)
}

/// Begins HTTP/2 on a stream. Nothing is awaited from the server: etcd's own first words come with its first answer.
async fn begin_http<S>(
    stream: S,
    endpoint: &Endpoint,
    scheme: &'static str,
    trace: ConnectionTrace,
) -> Result<Connection, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let origin: Uri = format!("{scheme}://{endpoint}")
        .parse()
        .map_err(|_| Fault::silent("its name cannot be part of a URL"))?;
    let trace = Arc::new(trace);
    let stream = TokioIo::new(TracedStream::new(stream, Arc::clone(&trace)));
    let (sender, connection) = http2::handshake::<_, _, Body>(TokioExecutor::new(), stream)
        .await
        .map_err(|error| match trace.failure() {
        Some(fault) => fault,
        None => Fault::error(&error),
    })?;
    tokio::spawn(async move {
        // How it ends is in the trace, and each call on it gets an error.
        let _ = connection.await;
    });
    let is_encrypted = scheme == "https";
    Ok(Connection {
        endpoint: endpoint.clone(),
        is_encrypted,
        sender: Sender(sender),
        origin,
        trace,
    })
}

impl Fault {
    /// The name of a host could not be resolved.
    fn unresolved(error: &io::Error) -> Self {
        let text = error.to_string();
        let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
        Self::silent(format!("its name cannot be resolved: {text}"))
    }

    /// Reading or writing failed, in TCP or in TLS.
    pub(super) fn io(error: &io::Error) -> Self {
        tls_fault(error).unwrap_or_else(|| Self::silent(io_text(error)))
    }
}

/// What the system says, without the number of the error.
pub(super) fn io_text(error: &io::Error) -> String {
    let text = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "connection broken",
        io::ErrorKind::UnexpectedEof => "connection closed",
        io::ErrorKind::HostUnreachable => "host unreachable",
        io::ErrorKind::NetworkUnreachable => "network unreachable",
        io::ErrorKind::TimedOut => "no answer",
        _ => return error.to_string(),
    };
    text.to_owned()
}
