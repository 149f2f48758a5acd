//! Runs a verified tool: from the configs of its chain to a process or an HTTP request, and to its outcome.
//!
//! # The way of a run
//! 1. The caller's parameters are checked against the tool's JSON Schema ([`check_schema`]).
//! 2. The configs of the chain are merged, the tool wins ([`merge`]).
//! 3. The bytes that were verified are written to a private folder ([`ToolPrivateCopy`]). That copy runs, not the item.
//! 4. The environment is made: interpreters are found, variables set ([`ToolEnvironment`]), and what leads code
//!    searches into the working folder is taken out (`search_paths.rs`).
//! 5. The config's templates are filled in, once ([`TemplateValueSources`]).
//! 6. The primitive reads the config and refuses what it cannot use.
//! 7. Only now something starts: a process under the supervision that locks use, or an HTTP request ([`run`]).
//!
//! # What it refuses
//! No shell is involved. A caller's parameter is a value: its text is never expanded, becomes no key of a config, and
//! cannot change the shape of an address. What stands beside a tool's file is not where its interpreter looks
//! for modules.
//!
//! # Limits
//! A tool that reads files beside its own finds them by `LOKT_TOOL_PATH`. What an HTTP request that is given up has
//! done at the server is done.

mod capture;
mod command_answer;
mod config;
mod environment;
mod fields;
mod http_client;
mod http_request;
mod input;
mod interpreter;
mod job;
mod options;
mod parameters;
mod plan;
mod primitive;
mod private_copy;
mod program;
mod reserved;
mod runner;
mod schema;
mod search_paths;
mod subprocess;
mod template;
mod version_manager;

pub use capture::{CapturedStream, MAX_KEPT};
pub use config::merge;
pub use environment::{ToolEnvironment, ToolEnvironmentError};
pub use fields::ToolConfigError;
pub use http_client::{HttpClientError, HttpResponse};
pub use http_request::HttpRequestConfigError;
pub use interpreter::InterpreterError;
pub use job::{ChainElementConfig, ToolOutputMode, ToolRunRequest};
pub use parameters::{ToolParameterValues, ToolParametersParseError};
pub use primitive::is_known_primitive;
pub use private_copy::{PrivateCopyError, PrivateCopyExtraFiles, ToolPrivateCopy, sweep};
pub use reserved::{BuiltInTemplateVariables, NonTextPath};
pub use runner::{ToolRunError, ToolRunOutcome, ToolRunSupervision, run};
pub use schema::{ParameterValidationError, check as check_schema};
pub use subprocess::{SubprocessConfigError, SubprocessResult};
pub use template::{ConfigTemplateError, TemplateValueSources};
