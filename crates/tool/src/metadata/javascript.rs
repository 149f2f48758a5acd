//! Metadata in JavaScript and TypeScript: literals that are declared at the top level.
//!
//! A file may be a module or a script: it is read as the first of both that it is.

use super::{
    TextPosition, ToolMetadataField, ToolMetadataFlaw,
    literal_error::{LiteralError, MAX_DEPTH, NO_NUMBER, TOO_DEEP, syntax},
    names::key_of_name,
    number::{self, NumberSign},
};
use crate::words::ToolFileExtension;
use oxc_allocator::Allocator;
use oxc_ast::ast::{
    ArrayExpressionElement, BindingPattern, Declaration, Expression, NumericLiteral,
    ObjectProperty, ObjectPropertyKind, PropertyKey, PropertyKind, Statement, TemplateLiteral,
    VariableDeclaration, VariableDeclarationKind, VariableDeclarator,
};
use oxc_parser::Parser;
use oxc_span::{GetSpan, SourceType, Span};
use serde_json::{Map, Value};

/// Reads the declarations of a file.
pub(super) fn read(
    text: &str,
    extension: ToolFileExtension,
) -> Result<Vec<ToolMetadataField>, ToolMetadataFlaw> {
    let kinds = match extension {
        ToolFileExtension::Mjs => vec![SourceType::mjs()],
        ToolFileExtension::Cjs => vec![SourceType::cjs()],
        ToolFileExtension::Ts => vec![SourceType::ts(), SourceType::ts().with_commonjs(true)],
        _ => vec![SourceType::mjs(), SourceType::cjs()],
    };
    let mut first = None;
    for kind in kinds {
        match read_as(text, kind) {
            JavaScriptParseOutcome::Fields(fields) => return fields,
            JavaScriptParseOutcome::Not(flaw) => first = first.or(Some(flaw)),
        }
    }
    first.map_or(Ok(Vec::new()), Err)
}

/// What parsing a text as one kind of file makes of it.
enum JavaScriptParseOutcome {
    Fields(Result<Vec<ToolMetadataField>, ToolMetadataFlaw>),
    /// It is no file of this kind.
    Not(ToolMetadataFlaw),
}

fn read_as(text: &str, kind: SourceType) -> JavaScriptParseOutcome {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, kind).parse();
    if let Some(error) = parsed.diagnostics.errors().next() {
        let offset = error.labels.first().map_or(0, |label| label.offset() as usize);
        return JavaScriptParseOutcome::Not(syntax(text, offset, error.message.to_lowercase()));
    }
    if parsed.panicked {
        return JavaScriptParseOutcome::Not(syntax(text, 0, "the file cannot be parsed"));
    }
    let reader = JavaScriptMetadataReader { text };
    JavaScriptParseOutcome::Fields(
        parsed.program.body.iter().flat_map(|it| reader.statement(it)).collect(),
    )
}

struct JavaScriptMetadataReader<'t> {
    text: &'t str,
}

impl JavaScriptMetadataReader<'_> {
    fn statement(
        &self,
        statement: &Statement<'_>,
    ) -> Vec<Result<ToolMetadataField, ToolMetadataFlaw>> {
        let declaration = match statement {
            Statement::VariableDeclaration(declaration) => declaration,
            Statement::ExportDeclaration(export) => match &export.declaration {
                Declaration::VariableDeclaration(declaration) => declaration,
                _ => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        self.declaration(declaration)
    }

    fn declaration(
        &self,
        it: &VariableDeclaration<'_>,
    ) -> Vec<Result<ToolMetadataField, ToolMetadataFlaw>> {
        let is_plain = matches!(
            it.kind,
            VariableDeclarationKind::Var
                | VariableDeclarationKind::Let
                | VariableDeclarationKind::Const
        );
        if !is_plain || it.declare {
            return Vec::new();
        }
        it.declarations.iter().filter_map(|it| self.field(it)).collect()
    }

    fn field(
        &self,
        declarator: &VariableDeclarator<'_>,
    ) -> Option<Result<ToolMetadataField, ToolMetadataFlaw>> {
        let BindingPattern::BindingIdentifier(name) = &declarator.id else { return None };
        let key = key_of_name(name.name.as_str())?;
        let offset = declarator.init.as_ref().map_or(begin(declarator.span), |it| begin(it.span()));
        let literal = declarator.init.as_ref().map(|it| self.value(it, 0));
        let literal = literal.unwrap_or(Err(LiteralError::NotLiteral { offset }));
        let read =
            ToolMetadataField::of_literal(key, TextPosition::of_byte(self.text, offset), literal);
        Some(read.map_err(|fault| fault.in_text(self.text, 0, &name.name)))
    }

    fn value(&self, expression: &Expression<'_>, depth: usize) -> Result<Value, LiteralError> {
        let expression = bare(expression);
        let offset = begin(expression.span());
        if depth > MAX_DEPTH {
            return Err(LiteralError::refused(offset, TOO_DEEP));
        }
        match expression {
            Expression::NullLiteral(_) => Ok(Value::Null),
            Expression::BooleanLiteral(boolean) => Ok(Value::Bool(boolean.value)),
            Expression::StringLiteral(it) if it.lone_surrogates => Err(no_text(offset)),
            Expression::StringLiteral(string) => Ok(Value::String(string.value.to_string())),
            Expression::TemplateLiteral(template) => template_text(template).map(Value::String),
            Expression::NumericLiteral(_) | Expression::UnaryExpression(_) => {
                self.number(expression).map(Value::Number)
            }
            Expression::ArrayExpression(array) => {
                let values = array.elements.iter().map(|it| self.element(it, depth));
                values.collect::<Result<_, _>>().map(Value::Array)
            }
            Expression::ObjectExpression(object) => {
                let mut map = Map::new();
                for property in &object.properties {
                    let (key, value) = self.property(property, depth)?;
                    map.insert(key, value);
                }
                Ok(Value::Object(map))
            }
            _ => Err(LiteralError::NotLiteral { offset }),
        }
    }

    fn element(
        &self,
        it: &ArrayExpressionElement<'_>,
        depth: usize,
    ) -> Result<Value, LiteralError> {
        match it.as_expression() {
            Some(expression) => self.value(expression, depth + 1),
            None => Err(LiteralError::NotLiteral { offset: begin(it.span()) }),
        }
    }

    fn property(
        &self,
        it: &ObjectPropertyKind<'_>,
        depth: usize,
    ) -> Result<(String, Value), LiteralError> {
        let not_literal = || LiteralError::NotLiteral { offset: begin(it.span()) };
        let ObjectPropertyKind::ObjectProperty(it) = it else { return Err(not_literal()) };
        let ObjectProperty { kind, key, value, method, shorthand, computed, .. } = it.as_ref();
        if *kind != PropertyKind::Init || *method || *shorthand || *computed {
            return Err(not_literal());
        }
        let key = match key {
            PropertyKey::StaticIdentifier(name) => name.name.to_string(),
            PropertyKey::StringLiteral(it) if it.lone_surrogates => {
                return Err(no_text(begin(it.span)));
            }
            PropertyKey::StringLiteral(string) => string.value.to_string(),
            PropertyKey::NumericLiteral(number) => {
                self.numeric(number, NumberSign::Plus)?.to_string()
            }
            _ => return Err(not_literal()),
        };
        // Not a key in JavaScript, but what the object inherits from.
        if key == "__proto__" {
            return Err(not_literal());
        }
        Ok((key, self.value(value, depth + 1)?))
    }

    /// A number with any minus signs before it.
    fn number(&self, mut expression: &Expression<'_>) -> Result<serde_json::Number, LiteralError> {
        let mut sign = NumberSign::Plus;
        loop {
            expression = match bare(expression) {
                Expression::UnaryExpression(unary) if unary.operator.as_str() == "-" => {
                    sign = sign.turned();
                    &unary.argument
                }
                Expression::NumericLiteral(literal) => return self.numeric(literal, sign),
                other => return Err(LiteralError::NotLiteral { offset: begin(other.span()) }),
            }
        }
    }

    /// A number by how it is written, so that a version `1.0` stays one.
    fn numeric(
        &self,
        literal: &NumericLiteral<'_>,
        sign: NumberSign,
    ) -> Result<serde_json::Number, LiteralError> {
        let range = literal.span.start as usize..literal.span.end as usize;
        let written = self.text.get(range).unwrap_or_default();
        let is_digits = written.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
        let number = if is_digits && written.len() > 1 && written.starts_with('0') {
            // Octal in old scripts, unless it has a digit 8 or 9.
            let radix = if written.contains(['8', '9']) { 10 } else { 8 };
            number::whole(sign, written, radix)
        } else if is_digits || literal_has_prefix(written) {
            number::whole_with_prefix(sign, written)
        } else {
            number::float(sign, literal.value)
        };
        number.ok_or_else(|| LiteralError::refused(begin(literal.span), NO_NUMBER))
    }
}

/// An expression without the parentheses and types around it.
fn bare<'e, 'a>(mut expression: &'e Expression<'a>) -> &'e Expression<'a> {
    loop {
        expression = match expression {
            Expression::ParenthesizedExpression(it) => &it.expression,
            Expression::TSAsExpression(it) => &it.expression,
            Expression::TSSatisfiesExpression(it) => &it.expression,
            bare => return bare,
        }
    }
}

fn template_text(template: &TemplateLiteral<'_>) -> Result<String, LiteralError> {
    let offset = begin(template.span);
    match template.quasis.as_slice() {
        [only] if template.expressions.is_empty() => match &only.value.cooked {
            Some(text) if !only.lone_surrogates => Ok(text.to_string()),
            _ => Err(no_text(offset)),
        },
        _ => Err(LiteralError::NotLiteral { offset }),
    }
}

fn no_text(offset: usize) -> LiteralError {
    LiteralError::refused(offset, "half of a surrogate pair is no text")
}

fn literal_has_prefix(written: &str) -> bool {
    let mut bytes = written.bytes();
    bytes.next() == Some(b'0')
        && bytes.next().is_some_and(|it| b"xob".contains(&it.to_ascii_lowercase()))
}

fn begin(span: Span) -> usize {
    span.start as usize
}

#[cfg(test)]
#[path = "javascript_tests.rs"]
mod tests;
