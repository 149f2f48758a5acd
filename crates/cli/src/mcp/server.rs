//! What a client learns of this server, and which operation a call is for.

use super::{
    McpForcePermission,
    acquire::McpAcquireArguments,
    answer::{ToolAnswer, unfit},
    call::McpOperationCall,
    connection::ClientConnection,
    force::{McpForceUnlockArguments, McpUnfreezeArguments},
    guarded::McpRunGuardedArguments,
    history::McpAuditArguments,
    inspect::{McpStatusArguments, McpWhyArguments},
    once::McpRunOnceArguments,
    release::McpReleaseArguments,
    run_tool::McpRunToolArguments,
    schema::{OutputField, input, output},
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, Implementation, JsonObject, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
    },
    schemars::JsonSchema,
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
- One command: run_guarded. Over several steps: acquire, work, release; it ends with this connection too.
- Slow and the same for all callers (tests, lint, build): run_once returns the result of a run that another caller has done already.
- If another holds the lock, the error says who and for how long. Then do other work, or call again with wait: \
you get a position in the queue, first come, first served. Never delete lock files, never work without the lock.
- Several locks at once: name them in one call of run_guarded.
- why explains a lock, audit tells what happened.";

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
    fn annotations(self, title: &str) -> ToolAnnotations {
        let notes = ToolAnnotations::with_title(title);
        match self {
            Self::Looks => notes.read_only(true).idempotent(true).open_world(false),
            Self::Changes => notes.read_only(false).destructive(false).open_world(false),
            Self::Runs => notes.read_only(false).destructive(true).open_world(true),
            Self::Forces => notes.read_only(false).destructive(true).open_world(false),
        }
    }
}

/// An operation that a client can call: its arguments, and what it does with them.
pub(super) trait McpOperation: DeserializeOwned + JsonSchema + Send + 'static {
    const NAME: &'static str;
    const TITLE: &'static str;
    /// What it does, for an agent that has to choose.
    const ABOUT: &'static str;
    const NATURE: McpOperationEffect;

    /// The fields of its result.
    fn fields() -> Vec<OutputField>;

    /// Does it.
    fn call(self, call: &McpOperationCall) -> impl Future<Output = ToolAnswer> + Send;
}

/// What one client talks to.
#[derive(Clone)]
pub(super) struct McpServer {
    connection: Arc<ClientConnection>,
    force: McpForcePermission,
}

impl McpServer {
    pub(super) fn new(connection: Arc<ClientConnection>, force: McpForcePermission) -> Self {
        Self { connection, force }
    }

    async fn perform_call(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(_under_way) = self.connection.busy() else {
            return Err(ErrorData::internal_error("the connection has ended", None));
        };
        let call = McpOperationCall::new(Arc::clone(&self.connection), context);
        let arguments = request.arguments.unwrap_or_default();
        match self.perform(&request.name, arguments, &call).await {
            Some(answer) => Ok(answer.into()),
            None => {
                Err(ErrorData::invalid_params(format!("unknown tool {:?}", request.name), None))
            }
        }
    }

    /// Runs the operation of a name; `None` if there is no such operation.
    async fn perform(
        &self,
        name: &str,
        arguments: JsonObject,
        call: &McpOperationCall,
    ) -> Option<ToolAnswer> {
        Some(match name {
            McpAcquireArguments::NAME => perform::<McpAcquireArguments>(arguments, call).await,
            McpReleaseArguments::NAME => perform::<McpReleaseArguments>(arguments, call).await,
            McpStatusArguments::NAME => perform::<McpStatusArguments>(arguments, call).await,
            McpWhyArguments::NAME => perform::<McpWhyArguments>(arguments, call).await,
            McpRunGuardedArguments::NAME => {
                perform::<McpRunGuardedArguments>(arguments, call).await
            }
            McpRunOnceArguments::NAME => perform::<McpRunOnceArguments>(arguments, call).await,
            McpRunToolArguments::NAME => perform::<McpRunToolArguments>(arguments, call).await,
            McpAuditArguments::NAME => perform::<McpAuditArguments>(arguments, call).await,
            _ if self.force == McpForcePermission::Absent => return None,
            McpForceUnlockArguments::NAME => {
                perform::<McpForceUnlockArguments>(arguments, call).await
            }
            McpUnfreezeArguments::NAME => perform::<McpUnfreezeArguments>(arguments, call).await,
            _ => return None,
        })
    }

    fn tools(&self) -> Vec<Tool> {
        let mut tools = vec![
            described::<McpAcquireArguments>(),
            described::<McpReleaseArguments>(),
            described::<McpStatusArguments>(),
            described::<McpWhyArguments>(),
            described::<McpRunGuardedArguments>(),
            described::<McpRunOnceArguments>(),
            described::<McpRunToolArguments>(),
            described::<McpAuditArguments>(),
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

async fn perform<O: McpOperation>(arguments: JsonObject, call: &McpOperationCall) -> ToolAnswer {
    match serde_json::from_value::<O>(Value::Object(arguments)) {
        Ok(operation) => operation.call(call).await,
        Err(error) => unfit(&format!("arguments of {}: {error}", O::NAME)),
    }
}

fn described<O: McpOperation>() -> Tool {
    Tool::new(O::NAME, O::ABOUT, input::<O>())
        .with_title(O::TITLE)
        .with_raw_output_schema(output(&O::fields()))
        .with_annotations(O::NATURE.annotations(O::TITLE))
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
