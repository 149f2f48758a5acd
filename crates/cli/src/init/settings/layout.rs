//! How a JSON file is laid out, and new things in the same layout.

use super::{super::section::newline_of, members::JsonContainerRange};
use serde::Serialize;
use serde_json::{Serializer, Value, ser::PrettyFormatter};

/// The white space of a file.
pub(super) struct JsonWhitespace {
    newline: &'static str,
    indent: String,
}

impl JsonWhitespace {
    /// The layout of a text: its first line that begins with white space tells how deep one level is.
    pub(super) fn of(text: &str) -> Self {
        let space = |line: &str| {
            let content = line.trim_start_matches([' ', '\t']);
            line.strip_suffix(content).unwrap_or_default().to_owned()
        };
        let indents = text.lines().filter(|line| !line.trim().is_empty()).map(space);
        let indent = indents.into_iter().find(|it| !it.is_empty());
        Self { newline: newline_of(text), indent: indent.unwrap_or_else(|| "  ".to_owned()) }
    }

    /// A value behind others of a list that is `depth` levels deep.
    pub(super) fn behind(&self, list: &JsonContainerRange, depth: usize, value: &Value) -> String {
        if list.in_lines {
            self.in_line(depth, &self.pretty(value, depth + 1))
        } else {
            format!(", {value}")
        }
    }

    /// A member behind others of an object in lines, which is `depth` levels deep.
    pub(super) fn member_behind(&self, depth: usize, key: &str, value: &Value) -> String {
        self.in_line(depth, &format!("\"{key}\": {}", self.pretty(value, depth + 1)))
    }

    fn in_line(&self, depth: usize, text: &str) -> String {
        format!(",{}{}{text}", self.newline, self.indent.repeat(depth + 1))
    }

    /// A value in lines, whose first one is `depth` levels deep.
    fn pretty(&self, value: &Value, depth: usize) -> String {
        let mut bytes = Vec::new();
        let format = PrettyFormatter::with_indent(self.indent.as_bytes());
        // Values are written without fail.
        let _ = value.serialize(&mut Serializer::with_formatter(&mut bytes, format));
        let text = String::from_utf8_lossy(&bytes);
        text.replace('\n', &format!("{}{}", self.newline, self.indent.repeat(depth)))
    }
}
