//! Locks, results and tools for agents, as a server of the Model Context Protocol on stdin and stdout.
//!
//! * `server.rs`: what a client learns of this server, and which operation a call is for.
//! * `transport.rs`: what the SDK talks to. `line.rs`, `message.rs`, `request_id.rs` and `admission.rs` say what
//!   each line of a client is, by pure functions; `intake.rs` reads them and refuses what is no request;
//!   `unanswered.rs` knows the requests in progress; `outlet.rs` writes.
//! * `connection.rs`: the identity of the client for the locks, the leases that end with it, its end.
//! * `call.rs`: one call: its client, when it must stop, where its progress goes.
//! * `command_line.rs`, `apart.rs`, `excerpt.rs`: the program started for a call, away from the terminal, and what is
//!   kept of its output.
//! * `progress.rs`: the queue position of a waiting call.
//! * `argument_table.rs`, `argument_types.rs`: the arguments of a tool, their schema and their check.
//! * `answer.rs`, `plain_text.rs`, `next_step.rs`: results, their text, and what to do after an error.
//! * A file for each kind of operation: `lock.rs`, `unlock.rs`, `reserve.rs`, `inspect.rs`, `guarded.rs`, `once.rs`,
//!   `run_tool.rs`, `history.rs`, `force.rs`.
//!
//! Every operation starts this program again with the words of the command line, so that locks, signals
//! and crashes have one way (`docs/decisions/0015-tool-calls-run-the-program.md`). The async runtime, of one
//! thread, is used in this module only. Nothing but the protocol is written to stdout.

mod admission;
mod answer;
mod apart;
mod argument_table;
mod argument_types;
mod call;
mod command_line;
mod connection;
mod excerpt;
mod force;
mod guarded;
mod history;
mod inspect;
mod intake;
mod line;
mod lock;
mod message;
mod next_step;
mod once;
mod outlet;
mod plain_text;
mod progress;
mod request_id;
mod reserve;
mod run_tool;
mod server;
mod transport;
mod unanswered;
mod unlock;

use crate::{context::CommandContext, exit::ExitCode, failure::CliFailure, output};
use connection::{McpClientSession, PATIENCE};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use rmcp::{ServiceExt, service::ServerInitializeError};
use server::McpServer;
use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    pin::pin,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};
use tokio::signal::unix::{SignalKind, signal};
use transport::{LineTransport, McpStdioTasks};

/// How many threads the exchange needs at the same time.
const THREADS: usize = 4;

/// How many descriptors it needs before the first call.
const DESCRIPTORS: usize = 16;

/// Whether a client may take away what is another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum McpForcePermission {
    /// It may.
    Allowed,
    /// It is not even told of it.
    Absent,
}

/// Why the service ends.
enum SessionEnd {
    /// The client has closed stdin, and everything is answered; or there was no handshake.
    Over(Result<(), Box<ServerInitializeError>>),
    /// A signal came; the code for it.
    Signal(ExitCode),
    /// Stdout has no reader any more.
    Deserted,
    /// An answer could not be written.
    Unwritable(io::Error),
}

/// Serves one client until it closes stdin and has all answers, until it is gone, or until a signal comes.
pub(crate) fn serve(
    context: CommandContext,
    force: McpForcePermission,
) -> Result<ExitCode, CliFailure> {
    let failed =
        |error: io::Error| CliFailure::new(ExitCode::Error, format!("cannot serve: {error}"));
    apart::remember_dispositions();
    require_room().map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(failed)?;
    let served = runtime.block_on(talk(context, force));
    // A read of stdin in progress cannot be cancelled, and no task waits for it.
    runtime.shutdown_background();
    served
}

/// Makes sure that the threads and descriptors are to be had without which the runtime would panic, or wait for a
/// thread that never comes: one that reads, one that writes, one that waits for the end, and one for the files.
fn require_room() -> io::Result<()> {
    let taken: io::Result<Vec<OwnedFd>> =
        (0..DESCRIPTORS).map(|_| io::stdin().as_fd().try_clone_to_owned()).collect();
    drop(taken?);
    // The threads live at the same time until all have begun.
    let (sender, ended) = mpsc::channel::<()>();
    let ended = Arc::new(Mutex::new(ended));
    let begin = |_| {
        let ended = Arc::clone(&ended);
        let wait = move || {
            let _ = ended.lock().unwrap_or_else(PoisonError::into_inner).recv();
        };
        thread::Builder::new().spawn(wait)
    };
    let threads: io::Result<Vec<_>> = (0..THREADS).map(begin).collect();
    drop(sender);
    threads?.into_iter().for_each(|thread| drop(thread.join()));
    Ok(())
}

/// Serves until one of the ends comes, then stops what still runs, waits for the answers, and
/// unlocks.
async fn talk(context: CommandContext, force: McpForcePermission) -> Result<ExitCode, CliFailure> {
    let connection = Arc::new(McpClientSession::new(context)?);
    let (streams, mut tasks) = transport::over_standard_streams(&connection);
    let mut exchange = pin!(exchange(&connection, force, streams));
    let ending = tokio::select! {
        // What goes wrong also ends the exchange.
        biased;
        code = signalled() => SessionEnd::Signal(code),
        error = tasks.unwritable() => SessionEnd::Unwritable(error),
        () = deserted() => SessionEnd::Deserted,
        served = &mut exchange => SessionEnd::Over(served),
    };
    connection.end();
    let answered = async {
        if !matches!(ending, SessionEnd::Over(_)) {
            // What is stopped is answered as well, where the client still reads.
            let _ = tokio::time::timeout(PATIENCE, exchange).await;
        }
    };
    tokio::join!(connection.settle(), answered);
    outcome(ending, tasks).await
}

/// Answers until the client closes its end.
async fn exchange(
    connection: &Arc<McpClientSession>,
    force: McpForcePermission,
    streams: LineTransport,
) -> Result<(), Box<ServerInitializeError>> {
    let running = McpServer::new(Arc::clone(connection), force).serve(streams).await?;
    // However it ended, it is over.
    let _ = running.waiting().await;
    Ok(())
}

/// The exit code of a service, or what kept it from its work.
async fn outcome(ending: SessionEnd, tasks: McpStdioTasks) -> Result<ExitCode, CliFailure> {
    let failed = |text: String| Err(CliFailure::new(ExitCode::Error, text));
    let has_begun = tasks.exchange.has_begun();
    match ending {
        SessionEnd::Signal(code) => return Ok(code),
        SessionEnd::Unwritable(error) if error.kind() == io::ErrorKind::TimedOut => {
            return failed("the client has closed stdin and does not read the answers".to_owned());
        }
        SessionEnd::Unwritable(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return failed(format!("cannot write to stdout: {error}"));
        }
        SessionEnd::Over(_) | SessionEnd::Deserted | SessionEnd::Unwritable(_) => {}
    }
    if let Some(error) = tasks.unreadable().await {
        return failed(format!("cannot read stdin: {error}"));
    }
    match ending {
        SessionEnd::Over(Err(error)) if has_begun => {
            failed(format!("the handshake failed: {error}"))
        }
        _ if has_begun => Ok(ExitCode::Done),
        _ => Err(CliFailure::new(
            ExitCode::Error,
            "no handshake: the client has closed its end before it",
        )
        .hint("an agent's program starts this and talks to it; `lokt init --mcp` adds it to a project's list of servers")),
    }
}

/// Waits until stdout has no reader any more: the client is gone, however it ended. That stdin is closed
/// does not say so: a client may want the answers to what it has asked for.
async fn deserted() {
    let closed = tokio::task::spawn_blocking(|| {
        let output = io::stdout();
        // Errors and hang-ups are told without being asked for.
        let mut polled = [PollFd::new(output.as_fd(), PollFlags::empty())];
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
}

/// Waits for a signal that ends the server, and gives the code for it.
async fn signalled() -> ExitCode {
    let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
    let [terminate, interrupt, hangup] = kinds.map(received);
    let number = tokio::select! {
        number = terminate => number,
        number = interrupt => number,
        number = hangup => number,
    };
    ExitCode::Command(u8::try_from(128 + number).unwrap_or(u8::MAX))
}

/// Waits for one kind of signal, and gives its number. Waits without end if the signal cannot be
/// received.
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
