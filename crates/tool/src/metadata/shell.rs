//! Metadata in shell scripts: Python's names and literals in the comment lines at the top.

use super::{
    TextPosition, ToolMetadataField, ToolMetadataFlaw, literal_error::LiteralError,
    names::key_of_name, python,
};

/// Reads the lines up to the first that is neither blank nor a comment.
pub(super) fn read(text: &str) -> Result<Vec<ToolMetadataField>, ToolMetadataFlaw> {
    let mut fields = Vec::new();
    let mut begin = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        let content = line.trim_start_matches('\u{feff}').trim();
        if !content.is_empty() && !content.starts_with('#') {
            break;
        }
        if let Some((name, key, offset)) = assignment(line) {
            let value = line.get(offset..).unwrap_or_default().trim_end();
            let base = begin + offset;
            let literal = python::read_literal(value);
            let field =
                ToolMetadataField::of_literal(key, TextPosition::of_byte(text, base), literal);
            fields.push(
                field.map_err(|fault| {
                    at_the_end_of_its_line(fault, value).in_text(text, base, name)
                })?,
            );
        }
        begin += line.len();
    }
    Ok(fields)
}

/// A fault within the value, wherever the parser looked for more.
fn at_the_end_of_its_line(fault: LiteralError, value: &str) -> LiteralError {
    match fault {
        LiteralError::Refused { offset, what } => {
            LiteralError::Refused { offset: offset.min(value.len()), what }
        }
        fault @ LiteralError::NotLiteral { .. } => fault,
    }
}

/// The name and key that a comment line assigns to, and where in the line the value begins.
fn assignment(line: &str) -> Option<(&str, &'static str, usize)> {
    let (comment, value) = line.split_once('=')?;
    let name = comment.trim_start_matches('\u{feff}').trim_start().strip_prefix('#')?.trim();
    let key = key_of_name(name)?;
    if value.starts_with('=') {
        return None;
    }
    let begin = value.trim_start_matches([' ', '\t']);
    Some((name, key, line.len() - begin.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_comments_at_the_top_are_read() {
        let text = "\u{feff}#!/bin/sh\r\n\r\n# a tool = x\r\n#__version__=1.0 # now\r\n\
            \t# CONFIG = {'a': (1, 2)}\r\nset -e\r\n# __category__ = f()\r\n";
        let fields = read(text).unwrap();
        let read: Vec<_> =
            fields.iter().map(|it| (it.key, it.value.as_ref().unwrap().to_string())).collect();
        let config = json!({"a": [1, 2]}).to_string();
        assert_eq!(read, [("version", "1.0".to_owned()), ("config", config)], "no more is read");
        let places: Vec<_> = fields.iter().map(|it| (it.place.line, it.place.column)).collect();
        assert_eq!(places, [(4, 14), (5, 13)], "a value has its place");
    }

    #[test]
    fn what_is_no_literal_is_refused_with_its_line() {
        for (text, expected) in [
            ("#\n# __version__ = $V\n", "line 2, column 17: "),
            ("# __version__ =\n", "line 1, column 16: "),
            ("# __version__ = [1,\n# 2]\n", "line 1, column 20: "),
            (
                "# CONFIG = [1, v]\n",
                "line 1, column 16: CONFIG is not a literal: # CONFIG = [1, v]",
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text:?} is refused where it is: {error}");
        }
    }
}
