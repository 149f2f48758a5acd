//! Metadata in YAML 1.2: the keys of the mapping that the one document of a file is.
//!
//! No tag but those of the core schema, no key twice, no merge keys. An alias stands for a copy of what it
//! names, and what all copies of a file take together is bounded.

use super::{
    TextPosition, ToolMetadataField, ToolMetadataFlaw,
    literal_error::{MAX_DEPTH, TOO_DEEP, syntax},
    names::key_of_text,
    yaml_scalar::{self, YamlScalarStyle},
};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::HashMap};

/// The most that copies may take: each value counts for one, and for one more per 64 bytes of text.
const MAX_COPIED: usize = 100_000;

/// Reads a file with one document, which must be a mapping.
pub(super) fn read(text: &str) -> Result<Vec<ToolMetadataField>, ToolMetadataFlaw> {
    let begin = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parser = Parser::new_from_str(begin);
    let mut reader = YamlMetadataReader { text: begin, parser, anchors: HashMap::new(), copied: 0 };
    reader.file()
}

struct YamlMetadataReader<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Value>,
    copied: usize,
}

impl<'a> YamlMetadataReader<'a> {
    fn file(&mut self) -> Result<Vec<ToolMetadataField>, ToolMetadataFlaw> {
        loop {
            match self.next()? {
                (Event::DocumentStart(_), _) => break,
                (Event::StreamEnd, span) => return Err(self.no_mapping(span.start)),
                _ => {}
            }
        }
        let fields = match self.next()? {
            (Event::MappingStart(_, tag), span) => {
                self.check_tag(tag.as_ref(), "map", span.start)?;
                self.fields()?
            }
            (_, span) => return Err(self.no_mapping(span.start)),
        };
        loop {
            match self.next()? {
                (Event::DocumentStart(_), span) => {
                    return Err(self.flaw(span.start, "a tool's file has one document, not more"));
                }
                (Event::StreamEnd, _) => return Ok(fields),
                _ => {}
            }
        }
    }

    fn fields(&mut self) -> Result<Vec<ToolMetadataField>, ToolMetadataFlaw> {
        let (mut fields, mut known) = (Vec::new(), Map::new());
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(fields);
            }
            let key = self.key(event, span.start)?;
            let (event, value_span) = self.next()?;
            let value = self.value(event, value_span, 0)?;
            if let Some(key) = key_of_text(&key) {
                let place = self.place(value_span.start);
                fields.push(ToolMetadataField { key, value: Some(value), place });
            }
            self.put(&mut known, key, Value::Null, span.start)?;
        }
    }

    fn value(
        &mut self,
        event: Event<'a>,
        span: Span,
        depth: usize,
    ) -> Result<Value, ToolMetadataFlaw> {
        let at = span.start;
        if depth > MAX_DEPTH {
            return Err(self.flaw(at, TOO_DEEP));
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (self.scalar(&text, style, tag.as_ref(), at)?, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_ref(), "seq", at)?;
                (Value::Array(self.sequence(depth)?), anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_ref(), "map", at)?;
                (Value::Object(self.mapping(depth)?), anchor)
            }
            Event::Alias(anchor) => return self.copy(anchor, at, depth),
            _ => return Err(self.flaw(at, "a value is missing")),
        };
        if anchor > 0 {
            self.count_copy(&value, at)?;
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn sequence(&mut self, depth: usize) -> Result<Vec<Value>, ToolMetadataFlaw> {
        let mut values = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(values),
                (event, span) => values.push(self.value(event, span, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Map<String, Value>, ToolMetadataFlaw> {
        let mut object = Map::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(object);
            }
            let key = self.key(event, span.start)?;
            let (event, value_span) = self.next()?;
            let value = self.value(event, value_span, depth + 1)?;
            self.put(&mut object, key, value, span.start)?;
        }
    }

    /// A key as JSON writes it.
    fn key(&mut self, event: Event<'a>, at: Marker) -> Result<String, ToolMetadataFlaw> {
        if matches!(event, Event::SequenceStart(..) | Event::MappingStart(..)) {
            return Err(self.flaw(at, "a key must be a scalar"));
        }
        if let Event::Scalar(text, ScalarStyle::Plain, _, None) = &event
            && text == "<<"
        {
            return Err(self.flaw(at, "YAML 1.2 has no merge keys"));
        }
        match self.value(event, Span::empty(at), 0)? {
            Value::String(key) => Ok(key),
            Value::Array(_) | Value::Object(_) => Err(self.flaw(at, "a key must be a scalar")),
            scalar => Ok(scalar.to_string()),
        }
    }

    fn put(
        &self,
        object: &mut Map<String, Value>,
        key: String,
        value: Value,
        at: Marker,
    ) -> Result<(), ToolMetadataFlaw> {
        if object.contains_key(&key) {
            return Err(self.flaw(at, &format!("key {key:?} stands twice")));
        }
        object.insert(key, value);
        Ok(())
    }

    fn scalar(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Cow<'a, Tag>>,
        at: Marker,
    ) -> Result<Value, ToolMetadataFlaw> {
        let flavor = if style == ScalarStyle::Plain {
            YamlScalarStyle::Plain
        } else {
            YamlScalarStyle::Quoted
        };
        let tag = self.core_tag(tag, at)?;
        yaml_scalar::resolve(text, flavor, tag).map_err(|what| self.flaw(at, &what))
    }

    fn check_tag(
        &self,
        tag: Option<&Cow<'a, Tag>>,
        expected: &str,
        at: Marker,
    ) -> Result<(), ToolMetadataFlaw> {
        match self.core_tag(tag, at)? {
            Some(tag) if tag != expected => {
                Err(self.flaw(at, &format!("this value is no !!{tag}")))
            }
            _ => Ok(()),
        }
    }

    /// The name of a tag of the core schema.
    fn core_tag<'t>(
        &self,
        tag: Option<&'t Cow<'a, Tag>>,
        at: Marker,
    ) -> Result<Option<&'t str>, ToolMetadataFlaw> {
        let Some(tag) = tag else { return Ok(None) };
        if tag.is_yaml_core_schema() && yaml_scalar::TAGS.contains(&tag.suffix.as_str()) {
            return Ok(Some(&tag.suffix));
        }
        Err(self.flaw(at, &format!("tag {}{} is not read", tag.handle, tag.suffix)))
    }

    fn copy(&mut self, anchor: usize, at: Marker, depth: usize) -> Result<Value, ToolMetadataFlaw> {
        let Some(value) = self.anchors.get(&anchor).cloned() else {
            return Err(self.flaw(at, "an alias inside of what it stands for"));
        };
        if depth + height(&value) > MAX_DEPTH {
            return Err(self.flaw(at, TOO_DEEP));
        }
        self.count_copy(&value, at)?;
        Ok(value)
    }

    fn count_copy(&mut self, value: &Value, at: Marker) -> Result<(), ToolMetadataFlaw> {
        self.copied += weight(value);
        if self.copied > MAX_COPIED {
            return Err(self.flaw(at, "aliases stand for too much"));
        }
        Ok(())
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), ToolMetadataFlaw> {
        match self.parser.next_event() {
            Some(next) => next.map_err(|error: ScanError| self.flaw(*error.marker(), error.info())),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn no_mapping(&self, at: Marker) -> ToolMetadataFlaw {
        self.flaw(at, "a tool's file must be a mapping")
    }

    fn flaw(&self, at: Marker, what: &str) -> ToolMetadataFlaw {
        syntax(self.text, self.byte_of(at), what)
    }

    fn place(&self, at: Marker) -> TextPosition {
        TextPosition::of_byte(self.text, self.byte_of(at))
    }

    /// The byte that the parser, which counts characters, speaks of.
    fn byte_of(&self, at: Marker) -> usize {
        self.text.char_indices().nth(at.index()).map_or(self.text.len(), |(offset, _)| offset)
    }
}

/// How many levels of lists and objects are below a value.
fn height(value: &Value) -> usize {
    let below = match value {
        Value::Array(values) => values.iter().map(height).max(),
        Value::Object(object) => object.values().map(height).max(),
        _ => None,
    };
    below.map_or(0, |below| below + 1)
}

fn weight(value: &Value) -> usize {
    let text = |text: &str| 1 + text.len() / 64;
    match value {
        Value::String(it) => text(it),
        Value::Number(it) => text(it.as_str()),
        Value::Array(values) => 1 + values.iter().map(weight).sum::<usize>(),
        Value::Object(object) => {
            1 + object.iter().map(|(key, value)| text(key) + weight(value)).sum::<usize>()
        }
        _ => 1,
    }
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
