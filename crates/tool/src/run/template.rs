use super::{BuiltInTemplateVariables, ToolEnvironment, ToolParameterValues};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Says why a config's templates cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigTemplateError {
    /// A variable is not set.
    #[error("{place} needs the environment variable {variable}, which is not set")]
    Unset {
        /// Where in the config.
        place: String,
        /// The variable.
        variable: String,
    },
    /// A variable's value is no UTF-8.
    #[error("{place} needs the environment variable {variable}, whose value is no UTF-8")]
    NotText {
        /// Where in the config.
        place: String,
        /// The variable.
        variable: String,
    },
}

/// Where the values for a config's templates come from.
#[derive(Clone, Copy, Debug)]
pub struct TemplateValueSources<'a> {
    /// For `${VAR}` and `${VAR:-default}`.
    pub environment: &'a ToolEnvironment,
    /// For the `{name}`s that are Lokt's.
    pub reserved: &'a BuiltInTemplateVariables,
    /// For all other `{name}`s; none where only Lokt's have a meaning.
    pub parameters: Option<&'a ToolParameterValues>,
}

/// How a caller's text is put into a longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TemplateEscaping {
    AsItIs,
    PercentEncoded,
}

impl TemplateValueSources<'_> {
    /// Fills in the texts among an object's values, in one pass: inserted text is never looked at again,
    /// and keys stay as they are. `place` is what the object is called in errors; empty for a config.
    ///
    /// # Errors
    /// [`ConfigTemplateError`] names the variable that is missing, and where.
    pub fn object(
        &self,
        object: &Map<String, Value>,
        place: &str,
    ) -> Result<Map<String, Value>, ConfigTemplateError> {
        let member = |(key, value): (&String, &Value)| {
            let insert = match (key.as_str(), place) {
                ("url", "") => TemplateEscaping::PercentEncoded,
                _ => TemplateEscaping::AsItIs,
            };
            Ok((key.clone(), self.value(value, &below(place, key), insert)?))
        };
        object.iter().map(member).collect()
    }

    fn value(
        &self,
        value: &Value,
        place: &str,
        insert: TemplateEscaping,
    ) -> Result<Value, ConfigTemplateError> {
        match value {
            Value::String(text) => match self.whole(text) {
                Some(value) => Ok(value.into_owned()),
                None => self.text(text, place, insert).map(Value::String),
            },
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items
                    .map(|(at, item)| self.value(item, &format!("{place}[{at}]"), insert))
                    .collect()
            }
            Value::Object(object) => self.object(object, place).map(Value::Object),
            other => Ok(other.clone()),
        }
    }

    /// The value of a text that is nothing but one known `{name}`.
    fn whole(&self, text: &str) -> Option<Cow<'_, Value>> {
        self.named(text.strip_prefix('{')?.strip_suffix('}')?).map(|(value, _)| value)
    }

    /// A name's value, and whether it is the caller's.
    fn named(&self, name: &str) -> Option<(Cow<'_, Value>, bool)> {
        if !is_name(name) {
            return None;
        }
        if let Some(text) = self.reserved.get(name) {
            return Some((Cow::Owned(text.into()), false));
        }
        self.parameters?.get(name).map(|value| (Cow::Borrowed(value), true))
    }

    fn text(
        &self,
        text: &str,
        place: &str,
        insert: TemplateEscaping,
    ) -> Result<String, ConfigTemplateError> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['$', '{']) {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            rest = if let Some((variable, default, behind)) = variable(from) {
                out.push_str(&self.variable(variable, default, place)?);
                behind
            } else if let Some((value, insert, behind)) = self.name(from, insert) {
                push(&mut out, &value, insert);
                behind
            } else {
                let (literal, behind) = from.split_at(1);
                out.push_str(literal);
                behind
            };
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The value of the known `{name}` that a text begins with, how to put it in, and what follows. What is
    /// Lokt's goes in as it is.
    fn name<'t>(
        &self,
        text: &'t str,
        insert: TemplateEscaping,
    ) -> Option<(Cow<'_, Value>, TemplateEscaping, &'t str)> {
        let (name, behind) = text.strip_prefix('{')?.split_once('}')?;
        let (value, is_callers) = self.named(name)?;
        Some((value, if is_callers { insert } else { TemplateEscaping::AsItIs }, behind))
    }

    fn variable(
        &self,
        variable: &str,
        default: Option<&str>,
        place: &str,
    ) -> Result<String, ConfigTemplateError> {
        let (place, name) = (place.to_owned(), variable.to_owned());
        match (self.environment.get(variable), default) {
            (Some(value), Some(default)) if value.is_empty() => Ok(default.to_owned()),
            (Some(value), _) => value
                .to_str()
                .map(str::to_owned)
                .ok_or(ConfigTemplateError::NotText { place, variable: name }),
            (None, Some(default)) => Ok(default.to_owned()),
            (None, None) => Err(ConfigTemplateError::Unset { place, variable: name }),
        }
    }
}

/// Whether any text among an object's values has this `{name}`.
pub(super) fn mentions(object: &Map<String, Value>, name: &str) -> bool {
    fn any(value: &Value, wanted: &str) -> bool {
        match value {
            Value::String(text) => text.contains(wanted),
            Value::Array(items) => items.iter().any(|item| any(item, wanted)),
            Value::Object(object) => object.values().any(|value| any(value, wanted)),
            _ => false,
        }
    }
    let wanted = format!("{{{name}}}");
    object.values().any(|value| any(value, &wanted))
}

fn below(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

/// The `${VAR}` or `${VAR:-default}` that a text begins with, and what follows.
fn variable(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let (inside, behind) = text.strip_prefix("${")?.split_once('}')?;
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    is_name(name).then_some((name, default, behind))
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn push(out: &mut String, value: &Value, insert: TemplateEscaping) {
    let text = match value {
        Value::String(text) => Cow::Borrowed(text.as_str()),
        other => Cow::Owned(other.to_string()),
    };
    match insert {
        TemplateEscaping::AsItIs => out.push_str(&text),
        TemplateEscaping::PercentEncoded => text.bytes().for_each(|byte| push_encoded(out, byte)),
    }
}

/// RFC 3986, section 2.3: what is not unreserved could change the shape of the address.
fn push_encoded(out: &mut String, byte: u8) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        out.push(char::from(byte));
        return;
    }
    out.push('%');
    let halves = [byte >> 4, byte & 15];
    out.extend(halves.iter().filter_map(|half| DIGITS.get(usize::from(*half))));
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
