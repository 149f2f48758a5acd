//! What a client learns of this server, and which operation a call is for.

use super::{
    McpForcePermission,
    answer::{self, ToolAnswer, unfit},
    argument_table::{self, McpArgument},
    call::McpCallHandle,
    connection::McpClientSession,
    force::{McpForceUnlockArguments, McpUnfreezeArguments},
    guarded::McpRunGuardedArguments,
    history::McpAuditArguments,
    inspect::{McpStatusArguments, McpWhyArguments},
    lock::McpLockArguments,
    once::McpRunOnceArguments,
    reserve::{McpReservationsArguments, McpReserveArguments, McpUnreserveArguments},
    run_tool::McpRunToolArguments,
    unlock::McpUnlockArguments,
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, JsonObject,
        ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
        ToolAnnotations,
    },
    service::RequestContext,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

/// What an agent reads before anything else.
const INSTRUCTIONS: &str = "\
Locks for work that others in this repository may be doing at the same moment: builds, tests, pushes, \
deployments, migrations. Names are free; use those that the repository's scripts use (status shows what is \
held).
- One command: run_guarded; several locks at once: give it all names.
- Several steps: lock, work, unlock. The lock also ends with this connection.
- Slow and the same for all callers (tests, lint, build): run_once returns the result that another caller has already.
- An error says what failed and ends with next: do that. If another holds the lock, do other work, or call again \
with wait: you get a position in the queue, first come, first served. Never delete lock files, never work without \
the lock.
- Before you edit files that others may edit too: reserve them; unreserve when you are done. Never edit what another \
has reserved.
- why explains a lock, audit tells what happened.";

/// What `lock` was called before: clients may have it in their notes and permissions. It is not
/// listed.
const EARLIER_LOCK: &str = "acquire";
/// What `unlock` was called before.
const EARLIER_UNLOCK: &str = "release";

/// What an operation does to the world, as clients ask before they let it.
#[derive(Clone, Copy, Debug)]
pub(super) enum McpOperationEffect {
    /// It changes nothing.
    Looks,
    /// It changes what is the agent's own.
    Changes,
    /// It runs a command, which may do anything.
    Runs,
    /// It takes away what is another's.
    Forces,
}

impl McpOperationEffect {
    /// The hints for clients, without those that are the protocol's defaults: not read-only, open world.
    fn annotations(self) -> ToolAnnotations {
        let notes = ToolAnnotations::new();
        match self {
            Self::Looks => notes.read_only(true).open_world(false),
            Self::Changes => notes.destructive(false).open_world(false),
            Self::Runs => notes.destructive(true),
            Self::Forces => notes.destructive(true).open_world(false),
        }
    }
}

/// An operation that a client can call: its arguments, and what it does with them.
pub(super) trait McpOperation: DeserializeOwned + Send + 'static {
    /// The name of the tool.
    const NAME: &'static str;
    /// The title that a client shows to people.
    const TITLE: &'static str;
    /// What it does, for an agent that has to choose.
    const ABOUT: &'static str;
    /// What it does to the world.
    const EFFECT: McpOperationEffect;
    /// What it takes.
    const ARGUMENTS: &'static [McpArgument];

    /// Does it.
    fn call(self, call: &McpCallHandle) -> impl Future<Output = ToolAnswer> + Send;
}

/// What one client talks to.
#[derive(Clone)]
pub(super) struct McpServer {
    connection: Arc<McpClientSession>,
    /// Whether the client may take away what is another's.
    force: McpForcePermission,
}

impl McpServer {
    pub(super) fn new(connection: Arc<McpClientSession>, force: McpForcePermission) -> Self {
        Self { connection, force }
    }

    /// Runs a call, unless the connection has ended.
    ///
    /// # Errors
    /// An error of the protocol for a tool that does not exist. Errors of tools are results.
    async fn perform_call(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(_under_way) = self.connection.busy() else {
            return Err(ErrorData::internal_error("the connection has ended", None));
        };
        let call = McpCallHandle::new(Arc::clone(&self.connection), context);
        let arguments = request.arguments.unwrap_or_default();
        let answer = self.perform(&request.name, arguments, &call).await;
        answer.map(Into::into).ok_or_else(|| {
            let text = format!("unknown tool {:?}; tools/list lists the tools", request.name);
            ErrorData::invalid_params(text, None)
        })
    }

    /// Runs the operation of a name; `None` if there is no such operation.
    async fn perform(
        &self,
        name: &str,
        arguments: JsonObject,
        call: &McpCallHandle,
    ) -> Option<CallToolResult> {
        Some(match name {
            McpLockArguments::NAME | EARLIER_LOCK => {
                perform::<McpLockArguments>(arguments, call).await
            }
            McpUnlockArguments::NAME | EARLIER_UNLOCK => {
                perform::<McpUnlockArguments>(arguments, call).await
            }
            McpStatusArguments::NAME => perform::<McpStatusArguments>(arguments, call).await,
            McpWhyArguments::NAME => perform::<McpWhyArguments>(arguments, call).await,
            McpRunGuardedArguments::NAME => {
                perform::<McpRunGuardedArguments>(arguments, call).await
            }
            McpRunOnceArguments::NAME => perform::<McpRunOnceArguments>(arguments, call).await,
            McpRunToolArguments::NAME => perform::<McpRunToolArguments>(arguments, call).await,
            McpAuditArguments::NAME => perform::<McpAuditArguments>(arguments, call).await,
            McpReserveArguments::NAME => perform::<McpReserveArguments>(arguments, call).await,
            McpUnreserveArguments::NAME => perform::<McpUnreserveArguments>(arguments, call).await,
            McpReservationsArguments::NAME => {
                perform::<McpReservationsArguments>(arguments, call).await
            }
            _ if self.force == McpForcePermission::Absent => return None,
            McpForceUnlockArguments::NAME => {
                perform::<McpForceUnlockArguments>(arguments, call).await
            }
            McpUnfreezeArguments::NAME => perform::<McpUnfreezeArguments>(arguments, call).await,
            _ => return None,
        })
    }

    /// The tools that are listed. Those that take away what is another's only with `--allow-force`.
    fn tools(&self) -> Vec<Tool> {
        let mut tools = vec![
            described::<McpLockArguments>(),
            described::<McpUnlockArguments>(),
            described::<McpStatusArguments>(),
            described::<McpWhyArguments>(),
            described::<McpRunGuardedArguments>(),
            described::<McpRunOnceArguments>(),
            described::<McpRunToolArguments>(),
            described::<McpAuditArguments>(),
            described::<McpReserveArguments>(),
            described::<McpUnreserveArguments>(),
            described::<McpReservationsArguments>(),
        ];
        if self.force == McpForcePermission::Allowed {
            tools.extend([
                described::<McpForceUnlockArguments>(),
                described::<McpUnfreezeArguments>(),
            ]);
        }
        tools
    }
}

/// Reads the arguments and runs the operation. Arguments that do not fit are an error of the tool,
/// which a model reads and corrects.
async fn perform<O: McpOperation>(arguments: JsonObject, call: &McpCallHandle) -> CallToolResult {
    let answer = match read::<O>(arguments) {
        Ok(operation) => operation.call(call).await,
        Err(error) => unfit(&error),
    };
    answer::result_of(O::NAME, answer)
}

/// The operation that a client's arguments make.
fn read<O: McpOperation>(arguments: JsonObject) -> Result<O, String> {
    argument_table::check(O::NAME, O::ARGUMENTS, &arguments)?;
    serde_json::from_value(Value::Object(arguments)).map_err(|error| error.to_string())
}

/// An operation as clients see it in `tools/list`.
fn described<O: McpOperation>() -> Tool {
    Tool::new(O::NAME, O::ABOUT, argument_table::schema(O::ARGUMENTS))
        .with_title(O::TITLE)
        .with_annotations(O::EFFECT.annotations())
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        let this = Implementation::new("lokt", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(this)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        if page.and_then(|page| page.cursor).is_some() {
            return Err(ErrorData::invalid_params("all tools are on the first page", None));
        }
        Ok(ListToolsResult::with_all_items(self.tools()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let server = self.clone();
        // A call that panics would else never be answered.
        let called = tokio::spawn(async move { server.perform_call(request, context).await });
        called.await.unwrap_or_else(|_| {
            Err(ErrorData::internal_error("the call failed inside of lokt", None))
        })
    }
}
