use super::ToolParameterValues;
use std::path::Path;

/// The names in a config that are Lokt's. A caller's parameter of the same name is not seen there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuiltInTemplateVariables(Vec<(&'static str, String)>);

/// Says why a place cannot be put into a config.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is no UTF-8: {shown}")]
pub struct NonTextPath {
    /// The reserved name.
    pub name: &'static str,
    /// The path, as far as it can be shown.
    pub shown: String,
}

impl BuiltInTemplateVariables {
    /// The name under which the tool's file is known.
    pub const TOOL_PATH: &'static str = "tool_path";
    /// The name under which the parameters are known, all as one text.
    pub const PARAMS_JSON: &'static str = "params_json";

    /// The places of a run, without the tool's own file.
    ///
    /// # Errors
    /// [`NonTextPath`] where a path is no UTF-8: a config is text.
    pub fn new(
        project: &Path,
        user_space: &Path,
        system_space: &str,
        parameters: &ToolParameterValues,
    ) -> Result<Self, NonTextPath> {
        Ok(Self(vec![
            ("project_path", text("project_path", project)?),
            ("user_space", text("user_space", user_space)?),
            ("system_space", system_space.to_owned()),
            (Self::PARAMS_JSON, parameters.as_text().to_owned()),
        ]))
    }

    /// Adds where the tool's file is.
    ///
    /// # Errors
    /// [`NonTextPath`] where that is no UTF-8.
    pub fn with_tool(mut self, path: &Path) -> Result<Self, NonTextPath> {
        self.0.push((Self::TOOL_PATH, text(Self::TOOL_PATH, path)?));
        Ok(self)
    }

    /// A name's text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_str())
    }
}

fn text(name: &'static str, path: &Path) -> Result<String, NonTextPath> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| NonTextPath { name, shown: path.to_string_lossy().into_owned() })
}
