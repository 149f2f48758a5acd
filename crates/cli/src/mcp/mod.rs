//! Locks, results and tools for agents, as a server of the Model Context Protocol on stdin and stdout.
//!
//! * `server.rs`: what a client is told of this server, and which operation a call is for.
//! * `transport.rs`: messages, a line each; what is out of place before the first handshake.
//! * `connection.rs`: who the client is to the locks, the leases that end with it, its end.
//! * `call.rs`: one call: its client, when it is to stop, whom it tells of its progress.
//! * `order.rs`, `apart.rs`, `kept.rs`: the program started for a call, away from the terminal, and what is
//!   kept of its output.
//! * `progress.rs`: where a waiting call stands.
//! * `answer.rs`, `schema.rs`, `words.rs`: results, their schemas, and arguments with one checked
//!   constructor.
//! * A file for each kind of operation: `acquire.rs`, `release.rs`, `look.rs`, `guarded.rs`, `once.rs`,
//!   `pinned.rs`, `history.rs`, `force.rs`.
//!
//! Every operation starts this program again with the words of the command line, so that locks, signals
//! and crashes have one way (`docs/decisions/0015-tool-calls-run-the-program.md`). The async runtime, of one
//! thread, lives in this room alone. Nothing but the protocol is written to stdout.

mod acquire;
mod answer;
mod apart;
mod call;
mod connection;
mod force;
mod guarded;
mod history;
mod kept;
mod look;
mod once;
mod order;
mod pinned;
mod progress;
mod release;
mod schema;
mod server;
mod transport;
mod words;

use crate::{context::Context, exit::Code, failure::Failure, output};
use connection::Connection;
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use rmcp::{ServiceExt, service::ServerInitializeError};
use server::Server;
use std::{io, os::fd::AsFd, sync::Arc, time::Duration};
use tokio::signal::unix::{SignalKind, signal};

/// How long the exchange may take to end once the client has closed its end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Whether a client may take away what is another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Force {
    /// It may.
    Allowed,
    /// It is not even told of it.
    Absent,
}

/// Serves one client until it closes stdin, or a signal comes.
pub(crate) fn serve(context: Context, force: Force) -> Result<Code, Failure> {
    let failed = |error: io::Error| Failure::new(Code::Error, format!("cannot serve: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(failed)?;
    let served = runtime.block_on(talk(context, force));
    // A read of stdin that is under way cannot be called off, and nobody waits for it any more.
    runtime.shutdown_background();
    served
}

async fn talk(context: Context, force: Force) -> Result<Code, Failure> {
    let connection = Arc::new(Connection::new(context)?);
    let served = tokio::select! {
        served = exchange(&connection, force) => served,
        code = signalled() => Ok(code),
        () = deserted() => Ok(Code::Done),
    };
    connection.end();
    connection.settle().await;
    served
}

/// Answers until the client closes its end.
async fn exchange(connection: &Arc<Connection>, force: Force) -> Result<Code, Failure> {
    let server = Server::new(Arc::clone(connection), force);
    match server.serve(transport::over_standard_streams(Arc::clone(connection))).await {
        Ok(running) => {
            // However the exchange ended, the client is gone.
            let _ = running.waiting().await;
            Ok(Code::Done)
        }
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(Code::Done),
        Err(error) => Err(Failure::new(Code::Error, format!("no handshake: {error}"))),
    }
}

/// Waits until the client has closed its end, and then a moment longer. An exchange that is still not over does not
/// get rid of its answers: nobody reads them.
async fn deserted() {
    let closed = tokio::task::spawn_blocking(|| {
        let input = io::stdin();
        // As a socket it may be closed in one direction only.
        let ends = PollFlags::from_bits_retain(nix::libc::POLLRDHUP);
        let mut polled = [PollFd::new(input.as_fd(), ends)];
        loop {
            match poll(&mut polled, PollTimeout::NONE) {
                Err(Errno::EINTR) => {}
                done => return done.is_ok(),
            }
        }
    });
    if !matches!(closed.await, Ok(true)) {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(FAREWELL).await;
}

/// Waits for a signal that ends the server, and gives the code for it.
async fn signalled() -> Code {
    let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
    let [terminate, interrupt, hangup] = kinds.map(received);
    let number = tokio::select! {
        number = terminate => number,
        number = interrupt => number,
        number = hangup => number,
    };
    Code::Command(u8::try_from(128 + number).unwrap_or(u8::MAX))
}

async fn received(kind: SignalKind) -> i32 {
    match signal(kind) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        Err(error) => {
            output::warn(&format!("cannot wait for signal {}: {error}", kind.as_raw_value()));
            std::future::pending::<()>().await;
        }
    }
    kind.as_raw_value()
}
