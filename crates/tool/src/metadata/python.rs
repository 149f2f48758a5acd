//! Metadata in Python: literals that a module assigns to one plain name at its top level.

use super::{
    TextPosition, ToolMetadataField, ToolMetadataFlaw,
    literal_error::{LiteralError, MAX_DEPTH, NO_NUMBER, TOO_DEEP, syntax},
    names::key_of_name,
    number::{self, NumberSign},
};
use ruff_python_ast::{DictItem, Expr, ExprStringLiteral, Number, Stmt, StmtAssign, UnaryOp};
use ruff_python_parser::{ParseError, parse_expression, parse_module};
use ruff_text_size::Ranged;
use serde_json::{Map, Value};

/// Reads the assignments of a module.
pub(super) fn read(text: &str) -> Result<Vec<ToolMetadataField>, ToolMetadataFlaw> {
    let module = parse_module(text)
        .map_err(|error| syntax(text, offset_of(&error.location), what(&error)))?;
    module.syntax().body.iter().filter_map(|statement| field(text, statement)).collect()
}

/// Reads one literal, as it may stand behind an equals sign.
pub(super) fn read_literal(text: &str) -> Result<Value, LiteralError> {
    let parsed = parse_expression(text)
        .map_err(|error| LiteralError::refused(offset_of(&error.location), what(&error)))?;
    value(text, parsed.expr(), 0)
}

fn what(error: &ParseError) -> String {
    let what = error.error.to_string();
    let mut chars = what.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or(what)
}

fn offset_of(it: &impl Ranged) -> usize {
    it.start().to_usize()
}

fn field(text: &str, statement: &Stmt) -> Option<Result<ToolMetadataField, ToolMetadataFlaw>> {
    let Stmt::Assign(StmtAssign { targets, value: assigned, .. }) = statement else { return None };
    let [Expr::Name(name)] = targets.as_slice() else { return None };
    let key = key_of_name(name.id.as_str())?;
    let place = TextPosition::of_byte(text, offset_of(assigned.as_ref()));
    let read = ToolMetadataField::of_literal(key, place, value(text, assigned, 0));
    Some(read.map_err(|fault| fault.in_text(text, 0, name.id.as_str())))
}

fn value(text: &str, expression: &Expr, depth: usize) -> Result<Value, LiteralError> {
    let offset = offset_of(expression);
    if depth > MAX_DEPTH {
        return Err(LiteralError::refused(offset, TOO_DEEP));
    }
    let all = |elements: &[Expr]| {
        let values = elements.iter().map(|element| value(text, element, depth + 1));
        values.collect::<Result<_, _>>().map(Value::Array)
    };
    match expression {
        Expr::NoneLiteral(_) => Ok(Value::Null),
        Expr::BooleanLiteral(boolean) => Ok(Value::Bool(boolean.value)),
        Expr::StringLiteral(string) => self::string(text, string).map(Value::String),
        Expr::NumberLiteral(_) | Expr::UnaryOp(_) => number(expression).map(Value::Number),
        Expr::List(list) => all(&list.elts),
        Expr::Tuple(tuple) => all(&tuple.elts),
        Expr::Dict(dict) => object(text, &dict.items, depth),
        _ => Err(LiteralError::NotLiteral { offset }),
    }
}

/// A string. Half of a surrogate pair is in Python's strings and in no text: the parser replaces it, which
/// must not go unseen.
fn string(text: &str, string: &ExprStringLiteral) -> Result<String, LiteralError> {
    let value = string.value.to_str();
    if value.contains(char::REPLACEMENT_CHARACTER) {
        let written = text.get(string.range().to_std_range()).unwrap_or_default();
        let named = written.to_ascii_lowercase();
        let is_meant = |it: &str| named.contains(it);
        if !["\u{fffd}", "fffd", "replacement character"].into_iter().any(is_meant) {
            return Err(LiteralError::refused(
                offset_of(string),
                "half of a surrogate pair is no text",
            ));
        }
    }
    Ok(value.to_owned())
}

/// A number with any signs before it.
fn number(mut expression: &Expr) -> Result<serde_json::Number, LiteralError> {
    let offset = offset_of(expression);
    let mut sign = NumberSign::Plus;
    loop {
        expression = match expression {
            Expr::UnaryOp(unary) if unary.op == UnaryOp::USub => {
                sign = sign.turned();
                &unary.operand
            }
            Expr::UnaryOp(unary) if unary.op == UnaryOp::UAdd => &unary.operand,
            Expr::NumberLiteral(literal) => {
                let number = match &literal.value {
                    Number::Int(whole) => number::whole_with_prefix(sign, &whole.to_string()),
                    Number::Float(float) => number::float(sign, *float),
                    Number::Complex { .. } => return Err(LiteralError::NotLiteral { offset }),
                };
                return number.ok_or_else(|| LiteralError::refused(offset, NO_NUMBER));
            }
            other => return Err(LiteralError::NotLiteral { offset: offset_of(other) }),
        }
    }
}

fn object(text: &str, items: &[DictItem], depth: usize) -> Result<Value, LiteralError> {
    let mut object = Map::new();
    for item in items {
        let Some(key) = &item.key else {
            return Err(LiteralError::NotLiteral { offset: offset_of(&item.value) });
        };
        let key = self::key(text, key, depth)?;
        object.insert(key, value(text, &item.value, depth + 1)?);
    }
    Ok(Value::Object(object))
}

/// A key as Python writes it in JSON.
fn key(text: &str, expression: &Expr, depth: usize) -> Result<String, LiteralError> {
    match value(text, expression, depth + 1)? {
        Value::String(key) => Ok(key),
        Value::Array(_) | Value::Object(_) => {
            Err(LiteralError::refused(offset_of(expression), "a key must be a string"))
        }
        scalar => Ok(scalar.to_string()),
    }
}

#[cfg(test)]
#[path = "python_tests.rs"]
mod tests;
