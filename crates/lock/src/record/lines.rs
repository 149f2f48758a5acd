use super::{LockRecord, UnknownRecordField, encode::RecordFieldWriter};
use serde::Serialize;

/// Writes an object as it stands in a record's file: a field a line. What was read as text is written as that text,
/// which no serializer does with keys.
pub(super) struct MultilineJsonRecordWriter {
    text: String,
    /// How far the object's own lines are indented, in blanks.
    indent: usize,
    is_empty: bool,
}

impl MultilineJsonRecordWriter {
    /// Begins an object.
    pub(super) fn object(indent: usize) -> Self {
        Self { text: "{".to_owned(), indent, is_empty: true }
    }

    /// Ends it.
    pub(super) fn end(mut self) -> String {
        self.begin_line(self.indent);
        self.text.push('}');
        self.text
    }

    /// Adds a field: its key and its value as JSON.
    fn field(&mut self, key: &str, value: &str) {
        if !self.is_empty {
            self.text.push(',');
        }
        self.is_empty = false;
        self.begin_line(self.indent + 2);
        for part in [key, ": ", value] {
            self.text.push_str(part);
        }
    }

    fn begin_line(&mut self, indent: usize) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', indent));
    }
}

impl RecordFieldWriter for MultilineJsonRecordWriter {
    type Error = serde_json::Error;

    fn put(&mut self, key: &'static str, value: Option<impl Serialize>) -> Result<(), Self::Error> {
        let Some(value) = value else { return Ok(()) };
        // Newlines inside texts are escaped: those that are there are between values.
        let deeper = format!("\n{}", " ".repeat(self.indent + 2));
        let value = serde_json::to_string_pretty(&value)?.replace('\n', &deeper);
        self.field(&format!("\"{key}\""), &value);
        Ok(())
    }

    fn put_unknown(&mut self, field: &UnknownRecordField) -> Result<(), Self::Error> {
        self.field(field.key.as_str(), field.value.as_str());
        Ok(())
    }

    fn put_holders(&mut self, holders: &[LockRecord]) -> Result<(), Self::Error> {
        let mut list = Self { text: "[".to_owned(), indent: self.indent + 2, is_empty: true };
        for holder in holders {
            let mut object = Self::object(list.indent + 2);
            holder.put_beside(&mut object)?;
            if !list.is_empty {
                list.text.push(',');
            }
            list.is_empty = false;
            list.begin_line(list.indent + 2);
            list.text.push_str(&object.end());
        }
        list.begin_line(list.indent);
        list.text.push(']');
        self.field("\"co_holders\"", &list.text);
        Ok(())
    }

    fn put_metadata(&mut self, record: &LockRecord) -> Result<(), Self::Error> {
        if let Some(metadata) = &record.metadata {
            self.field("\"metadata\"", metadata.as_json().as_str());
        }
        Ok(())
    }
}
