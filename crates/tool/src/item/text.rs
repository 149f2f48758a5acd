use crate::words::{ContentHash, ToolFileExtension};

/// An item's text, with line feeds alone between lines, and what of it is hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalizedToolItemText {
    text: String,
    prefix: &'static str,
}

/// Says that an item is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not valid UTF-8 at byte {offset}")]
pub struct NotUtf8 {
    /// How many bytes before it are right.
    pub offset: usize,
}

/// What the hash leaves out at the start of a text, in bytes: where the signature line begins and ends.
type SignatureSpan = (usize, usize);

impl NormalizedToolItemText {
    /// Reads an item's bytes. CRLF and lone CR become LF; a byte order mark stays.
    ///
    /// # Errors
    /// [`NotUtf8`] says where the bytes are no text.
    pub fn decode(bytes: &[u8], extension: ToolFileExtension) -> Result<Self, NotUtf8> {
        let text =
            std::str::from_utf8(bytes).map_err(|error| NotUtf8 { offset: error.valid_up_to() })?;
        Ok(Self {
            text: text.replace("\r\n", "\n").replace('\r', "\n"),
            prefix: extension.comment_prefix(),
        })
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The content hash: of everything but the signature line and a first line that begins `#!/`.
    pub fn integrity(&self) -> ContentHash {
        ContentHash::of(self.hashed().as_bytes())
    }

    /// What may run: nothing but what is hashed. The lines that are not become empty comments, so that all
    /// others keep their numbers.
    ///
    /// Those lines could otherwise say, for instance, in which encoding Python has to read the rest; and
    /// where line ends are not those that were hashed, a comment of a shell could reach over the next line.
    pub fn runnable(&self) -> String {
        let hashed = self.hashed();
        let left_out = self.text.get(..self.text.len() - hashed.len()).unwrap_or_default();
        let comments = left_out.matches('\n').map(|_| format!("{}\n", self.prefix));
        comments.chain([hashed.to_owned()]).collect()
    }

    /// The part that is hashed. What is left out is always at the start.
    fn hashed(&self) -> &str {
        let (start, end) = signature_span(&self.text, self.prefix).unwrap_or((0, 0));
        let tail = self.part(end, self.text.len());
        // Where the signature came first, a `#!/` line may follow it.
        if start == 0 { after_shebang(tail) } else { tail }
    }

    /// The line that the hash leaves out as the signature, without its comment prefix. Behind a `#!/` line of a
    /// language with `//` comments it signs nothing, though the hash leaves it out.
    pub fn signature_line(&self) -> Option<&str> {
        let (start, end) = signature_span(&self.text, self.prefix)?;
        if start > 0 && self.prefix == "//" {
            return None;
        }
        let line = self.part(start, end).trim_end_matches('\n');
        line.strip_prefix(self.prefix)?.strip_prefix(' ')
    }

    fn part(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }
}

/// Where a text's signature line is: at the very start, or after a `#!/` line. It counts only with its newline.
fn signature_span(text: &str, prefix: &str) -> Option<SignatureSpan> {
    let start = text.len() - after_shebang(text).len();
    let rest = text.get(start..)?;
    let mark = rest.strip_prefix(prefix)?.strip_prefix(' ')?;
    let mark = mark.strip_prefix("rye:").or_else(|| mark.strip_prefix("kiwi-mcp:"))?;
    if !mark.starts_with("signed:") && !mark.starts_with("validated:") {
        return None;
    }
    Some((start, start + rest.find('\n')? + 1))
}

/// A text without a first line that begins `#!/`.
fn after_shebang(text: &str) -> &str {
    let ending = text.starts_with("#!/").then(|| text.find('\n')).flatten();
    ending.and_then(|newline| text.get(newline + 1..)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integrity(text: &str, extension: ToolFileExtension) -> ContentHash {
        NormalizedToolItemText::decode(text.as_bytes(), extension).unwrap().integrity()
    }

    #[test]
    fn exactly_one_signature_and_one_first_line_are_left_out() {
        let line = "# rye:signed:anything\n";
        let body = "x = 1\n";
        for text in [
            body.to_owned(),
            format!("{line}{body}"),
            format!("#!/bin/sh\n{line}{body}"),
            format!("{line}#!/bin/sh\n{body}"),
        ] {
            assert_eq!(
                integrity(&text, ToolFileExtension::Py),
                ContentHash::of(body.as_bytes()),
                "{text:?}"
            );
        }
        for (text, hashed) in [
            (format!("{line}{line}{body}"), format!("{line}{body}")),
            (format!("#!/a\n{line}#!/b\n{body}"), format!("#!/b\n{body}")),
            (format!("\u{feff}{line}{body}"), format!("\u{feff}{line}{body}")),
        ] {
            assert_eq!(
                integrity(&text, ToolFileExtension::Py),
                ContentHash::of(hashed.as_bytes()),
                "{text:?}"
            );
        }
    }

    #[test]
    fn only_what_is_hashed_runs_in_lines_that_keep_their_numbers() {
        let line = "# rye:signed:anything\n";
        for (text, runs) in [
            ("x\r\ny\r".to_owned(), "x\ny\n"),
            (format!("{line}x\n"), "#\nx\n"),
            (format!("#!/bin/python -*- coding: utf-7 -*-\n{line}x\n"), "#\n#\nx\n"),
            (format!("{line}#!/bin/sh\nx\n"), "#\n#\nx\n"),
            (format!("{line}{line}"), "#\n# rye:signed:anything\n"),
            ("#!/bin/sh".to_owned(), "#!/bin/sh"),
        ] {
            let text =
                NormalizedToolItemText::decode(text.as_bytes(), ToolFileExtension::Py).unwrap();
            assert_eq!(text.runnable(), runs, "{text:?}");
        }
    }

    #[test]
    fn behind_a_first_line_of_javascript_a_signature_is_left_out_and_signs_nothing() {
        let line = "// rye:signed:anything\n";
        for extension in [
            ToolFileExtension::Js,
            ToolFileExtension::Ts,
            ToolFileExtension::Mjs,
            ToolFileExtension::Cjs,
        ] {
            let text = format!("#!/usr/bin/env node\n{line}x\n");
            assert_eq!(integrity(&text, extension), ContentHash::of(b"x\n"));
            let text = NormalizedToolItemText::decode(text.as_bytes(), extension).unwrap();
            assert_eq!(text.signature_line(), None, "the file counts as unsigned");
            assert_eq!(text.runnable(), "//\n//\nx\n", "what runs is what is hashed");
            let twice = format!("#!/a\n{line}{line}x\n");
            assert_eq!(
                integrity(&twice, extension),
                ContentHash::of(format!("{line}x\n").as_bytes())
            );
            let other = "#!/a\n# rye:signed:anything\nx\n";
            assert_eq!(integrity(other, extension), ContentHash::of(b"# rye:signed:anything\nx\n"));
        }
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        let error = NormalizedToolItemText::decode(b"ab\xff", ToolFileExtension::Py).unwrap_err();
        assert_eq!(error, NotUtf8 { offset: 2 });
    }
}
