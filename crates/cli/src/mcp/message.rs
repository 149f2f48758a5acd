//! What a line of a client is: a request, a notification, a batch, or what is refused or ignored, and why. A
//! pure function of the line.
//!
//! The rules are those of [JSON-RPC 2.0](https://www.jsonrpc.org/specification): what is no message, and every
//! request that does not fit, gets an error, with the request's id where it can be read; a notification never
//! gets an answer, and neither does an answer.

use super::request_id::{McpRequestId, RequestIdScanner};
use rmcp::{
    ErrorData,
    model::{
        CallToolRequestParams, ClientNotification, ClientRequest, CustomRequest, ErrorCode,
        InitializeRequestParams, JsonObject,
    },
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What begins a text in UTF-8 that some programs write.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The methods that this server has. Parameters that do not fit one of them are wrong parameters, not an
/// unknown method.
const METHODS: [&str; 5] = ["initialize", "ping", "server/discover", "tools/list", "tools/call"];

/// The notifications that mean something to the SDK, beside the cancellation.
const NOTIFICATIONS: [&str; 3] =
    ["notifications/initialized", "notifications/progress", "notifications/roots/list_changed"];

/// How much of an unknown method's name is repeated.
const SHOWN: usize = 100;

/// How many messages a batch may have.
const MEMBERS: usize = 100;

/// What a line is.
#[derive(Debug)]
pub(super) enum McpClientMessage {
    /// An empty line, or a notification that means nothing here.
    Nothing,
    /// A request, with its id as the client wrote it.
    Request(McpRequestId, Box<ClientRequest>),
    /// A request is not wanted any more, and why.
    Cancellation(McpRequestId, Option<String>),
    /// A notification that the SDK knows.
    Notification(ClientNotification),
    /// Several messages in one line.
    Batch(Vec<McpClientMessage>),
    /// It is answered with an error.
    Refused(McpMessageRefusal),
    /// It must not be answered, and is not what it should be.
    Ignored(&'static str),
}

/// An error for a client: with the id of its request, where that is known.
#[derive(Debug)]
pub(super) struct McpMessageRefusal {
    /// The id of the request; `None` if it cannot be read, and then the answer has `null`.
    pub(super) id: Option<McpRequestId>,
    /// The code and the text of JSON-RPC.
    pub(super) error: ErrorData,
}

impl McpClientMessage {
    /// Reads a line.
    pub(super) fn read(line: &[u8]) -> Self {
        let text = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line).trim_ascii();
        if text.is_empty() {
            return Self::Nothing;
        }
        match serde_json::from_slice(text) {
            Ok(Value::Array(members)) if members.len() > MEMBERS => {
                Self::invalid(None, format!("a batch has at most {MEMBERS} messages"))
            }
            Ok(Value::Array(members)) if !members.is_empty() => {
                Self::Batch(members.into_iter().map(message).collect())
            }
            Ok(value) => message(value),
            Err(error) => {
                let error = ErrorData::parse_error(
                    format!("the line cannot be read as JSON: {error}"),
                    None,
                );
                Self::Refused(McpMessageRefusal { id: RequestIdScanner::of(text), error })
            }
        }
    }

    /// Refuses what is no request.
    pub(super) fn invalid(id: Option<McpRequestId>, reason: impl Into<String>) -> Self {
        Self::Refused(McpMessageRefusal::invalid(id, reason))
    }
}

impl McpMessageRefusal {
    /// The refusal of what is no request.
    pub(super) fn invalid(id: Option<McpRequestId>, reason: impl Into<String>) -> Self {
        Self { id, error: ErrorData::invalid_request(reason.into(), None) }
    }
}

/// Reads one JSON value. A request is what has a method and an id, a notification what has a method
/// alone.
fn message(value: Value) -> McpClientMessage {
    let Value::Object(members) = value else {
        return McpClientMessage::invalid(None, "a message must be an object");
    };
    let id = members.get("id").and_then(McpRequestId::new);
    match members.get("method") {
        Some(Value::String(_)) if members.contains_key("id") => request(id, members),
        Some(Value::String(method)) => {
            let method = method.clone();
            notification(&method, members)
        }
        Some(_) => McpClientMessage::invalid(id, "\"method\" must be a text"),
        None if is_answer(&members) => {
            McpClientMessage::Ignored("an answer to a request that was not made")
        }
        None => McpClientMessage::invalid(id, "\"method\" is missing"),
    }
}

/// Whether it has what only an answer has. This server makes no requests.
fn is_answer(members: &JsonObject) -> bool {
    members.contains_key("result") || members.contains_key("error")
}

/// Whether it is JSON-RPC 2.0.
fn has_version(members: &JsonObject) -> bool {
    members.get("jsonrpc").is_some_and(|version| version == "2.0")
}

/// Whether the parameters are an object, or missing. Many programs write `null` for what is missing.
fn has_fitting_params(members: &JsonObject) -> bool {
    matches!(members.get("params"), None | Some(Value::Null | Value::Object(_)))
}

/// The method and its parameters alone.
fn body<T: DeserializeOwned>(mut members: JsonObject) -> Result<T, serde_json::Error> {
    members.retain(|name, value| name == "method" || (name == "params" && !value.is_null()));
    T::deserialize(Value::Object(members))
}

/// Reads a request. The first rule that it breaks is the error.
fn request(id: Option<McpRequestId>, members: JsonObject) -> McpClientMessage {
    let Some(id) = id else {
        return McpClientMessage::invalid(None, "\"id\" must be a text or a number");
    };
    if !has_version(&members) {
        return McpClientMessage::invalid(Some(id), "\"jsonrpc\" must be \"2.0\"");
    }
    if is_answer(&members) {
        return McpClientMessage::invalid(
            Some(id),
            "a request has neither \"result\" nor \"error\"",
        );
    }
    let misfit =
        |error| McpClientMessage::Refused(McpMessageRefusal { id: Some(id.clone()), error });
    if !has_fitting_params(&members) {
        return misfit(ErrorData::invalid_params("\"params\" must be an object", None));
    }
    // The SDK takes what does not fit for a page that is not given.
    let cursor = members.get("params").and_then(|params| params.get("cursor"));
    let has_fitting_page = matches!(cursor, None | Some(Value::Null | Value::String(_)));
    match body(members) {
        Ok(ClientRequest::ListToolsRequest(_)) if !has_fitting_page => {
            misfit(unfit("tools/list", None))
        }
        Ok(ClientRequest::CustomRequest(request)) => misfit(unknown(request)),
        Ok(request) => McpClientMessage::Request(id, Box::new(request)),
        Err(error) => misfit(ErrorData::invalid_params(error.to_string(), None)),
    }
}

/// The error for a request that the SDK does not know.
fn unknown(request: CustomRequest) -> ErrorData {
    let CustomRequest { method, params, .. } = request;
    if !METHODS.contains(&method.as_str()) {
        let shown: String = method.chars().take(SHOWN).collect();
        let text = format!("unknown method {shown:?}");
        return ErrorData::new(ErrorCode::METHOD_NOT_FOUND, text, None);
    }
    let reason = match (method.as_str(), params) {
        ("initialize" | "tools/call", None) => Some("they are missing".to_owned()),
        ("initialize", Some(params)) => reason::<InitializeRequestParams>(params),
        ("tools/call", Some(params)) => reason::<CallToolRequestParams>(params),
        _ => None,
    };
    unfit(&method, reason)
}

/// The error for parameters that do not fit a method.
fn unfit(method: &str, reason: Option<String>) -> ErrorData {
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    ErrorData::invalid_params(format!("the parameters of {method} do not fit{reason}"), None)
}

/// Why parameters do not fit, in the parser's words.
fn reason<T: DeserializeOwned>(params: Value) -> Option<String> {
    serde_json::from_value::<T>(params).err().map(|error| error.to_string())
}

/// Reads a notification. One that this server does not know is nothing; one that is wrong is
/// ignored with a warning.
fn notification(method: &str, members: JsonObject) -> McpClientMessage {
    if !has_version(&members) {
        return McpClientMessage::Ignored("a notification whose \"jsonrpc\" is not \"2.0\"");
    }
    if is_answer(&members) {
        return McpClientMessage::Ignored("a notification with a \"result\" or an \"error\"");
    }
    if !has_fitting_params(&members) {
        return McpClientMessage::Ignored("a notification whose \"params\" are no object");
    }
    if METHODS.contains(&method) {
        return McpClientMessage::Ignored("a request without an \"id\", which cannot be answered");
    }
    if method == "notifications/cancelled" {
        return cancellation(&members);
    }
    if !NOTIFICATIONS.contains(&method) {
        return McpClientMessage::Nothing;
    }
    match body(members) {
        Ok(ClientNotification::CustomNotification(_)) | Err(_) => {
            McpClientMessage::Ignored("a notification whose \"params\" do not fit")
        }
        Ok(notification) => McpClientMessage::Notification(notification),
    }
}

/// Reads `notifications/cancelled`.
fn cancellation(members: &JsonObject) -> McpClientMessage {
    let params = members.get("params");
    let id = params.and_then(|params| params.get("requestId")).and_then(McpRequestId::new);
    let reason = params.and_then(|params| params.get("reason")).and_then(Value::as_str);
    match id {
        Some(id) => McpClientMessage::Cancellation(id, reason.map(str::to_owned)),
        None => McpClientMessage::Ignored("a cancellation that does not say of which request"),
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
