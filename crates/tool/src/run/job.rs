use super::ToolParameterValues;
use crate::words::ToolItemId;
use serde_json::{Map, Value};
use std::{ffi::OsString, path::Path};

/// One element of a verified chain, as far as running it needs to know.
#[derive(Clone, Copy, Debug)]
pub struct ChainElementConfig<'a> {
    /// Its id.
    pub id: &'a ToolItemId,
    /// Its `config`.
    pub config: Option<&'a Map<String, Value>>,
    /// Its `env_config`.
    pub env_config: Option<&'a Map<String, Value>>,
}

/// Where a tool's output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolOutputMode {
    /// To this process's own streams, while the tool runs; it may also read from the standard input.
    Show,
    /// Into the result; the tool's input is empty unless its config gives one.
    Capture,
}

/// A run: a verified tool, what is given to it, and where.
#[derive(Clone, Debug)]
pub struct ToolRunRequest<'a> {
    /// The chain, from the tool to the primitive.
    pub steps: &'a [ChainElementConfig<'a>],
    /// The name of the tool's file, without a folder: interpreters go by its extension.
    pub file_name: &'a str,
    /// The bytes of the tool, as they were verified.
    pub bytes: &'a [u8],
    /// Where the tool was read; none where it is built in.
    pub original: Option<&'a Path>,
    /// The tool's `config_schema`.
    pub schema: Option<&'a Value>,
    /// What the caller gives.
    pub parameters: &'a ToolParameterValues,
    /// The project's folder, an absolute path.
    pub project: &'a Path,
    /// The user's space.
    pub user_space: &'a Path,
    /// The system space, as it was configured.
    pub system_space: &'a str,
    /// The caller's variables.
    pub environment: Vec<(OsString, OsString)>,
    /// Where the output goes.
    pub output: ToolOutputMode,
}
