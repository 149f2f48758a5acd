//! One call: when it must stop, and where its progress goes.

use super::{connection::McpClientSession, progress::McpProgressReporter};
use lokt_lock::guard::GRACE;
use rmcp::{RoleServer, service::RequestContext};
use std::{convert::Infallible, sync::Arc, time::Duration};

/// How long a command has to end after SIGTERM when its client is gone: clients give a server little more
/// than this before they kill it.
const FAREWELL: Duration = Duration::from_secs(1);

/// Whether what was started for a call may go on for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum McpCallDurationKind {
    /// It takes a moment, and may finish even after the connection has ended.
    Moment,
    /// It may wait or run for long, and is stopped then.
    Long,
}

/// Why a call is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum McpCallStopReason {
    /// The client does not want it any more.
    Cancelled,
    /// The connection has ended: the client is gone, or a signal has come.
    Ended,
}

impl McpCallStopReason {
    /// How long a command has to end by itself.
    pub(super) const fn grace(self) -> Duration {
        match self {
            Self::Cancelled => GRACE,
            Self::Ended => FAREWELL,
        }
    }
}

/// One call of an operation.
pub(super) struct McpCallHandle {
    pub(super) connection: Arc<McpClientSession>,
    /// The SDK's side of the call: its cancellation, and where progress goes.
    request: RequestContext<RoleServer>,
}

impl McpCallHandle {
    pub(super) fn new(
        connection: Arc<McpClientSession>,
        request: RequestContext<RoleServer>,
    ) -> Self {
        Self { connection, request }
    }

    /// Waits until this call must stop. A call of [`McpCallDurationKind::Moment`] is not stopped
    /// when the connection ends, so that no change is left half done.
    pub(super) async fn stopped(&self, lasting: McpCallDurationKind) -> McpCallStopReason {
        tokio::select! {
            // The end of the exchange also cancels what is left of it.
            biased;
            () = self.connection.ended(), if lasting == McpCallDurationKind::Long => McpCallStopReason::Ended,
            () = self.request.ct.cancelled() => McpCallStopReason::Cancelled,
        }
    }

    /// Whether the client does not want it any more.
    pub(super) fn is_cancelled(&self) -> bool {
        self.request.ct.is_cancelled()
    }

    /// Sends the client the progress of process `pid`, if it wants that, until the value is dropped.
    ///
    /// Never returns. `names` are the locks that the process may wait for.
    pub(super) async fn accompany(&self, names: &[String], pid: i32) -> Infallible {
        if let Some(token) = self.request.meta.get_progress_token() {
            let progress = McpProgressReporter::new(token, self.request.peer.clone());
            progress.tell(&self.connection, names, pid).await
        } else {
            std::future::pending().await
        }
    }
}
