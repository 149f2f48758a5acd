use super::open::connect;
use crate::address::Endpoint;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The first message of TLS, as small as it can be: a `ClientHello` of TLS 1.2 without extensions that offers one cipher
/// suite, which no server accepts. A server of TLS answers with an alert, and says nothing of itself.
const CLIENT_HELLO: [u8; 50] = hello();

/// RFC 5246, sections 6.2.1, 7.4 and 7.4.1.2.
const fn hello() -> [u8; 50] {
    let mut hello = [0; 50];
    // A record of a handshake, version 3.1, with 45 bytes.
    (hello[0], hello[1], hello[2], hello[4]) = (22, 3, 1, 45);
    // A ClientHello with 41 bytes, version 3.3, 32 bytes of randomness, no session.
    (hello[5], hello[8], hello[9], hello[10]) = (1, 41, 3, 3);
    // One cipher suite, TLS_NULL_WITH_NULL_NULL; one method of compression, none.
    (hello[45], hello[48]) = (2, 1);
    hello
}

/// Whether a server answers to TLS.
pub(super) async fn expects_tls(endpoint: &Endpoint) -> bool {
    let Ok(mut stream) = connect(endpoint).await else { return false };
    let mut answer = [0; 2];
    // A record of TLS of either kind: an alert, or a handshake.
    stream.write_all(&CLIENT_HELLO).await.is_ok()
        && stream.read_exact(&mut answer).await.is_ok()
        && matches!(answer, [21 | 22, 3])
}
