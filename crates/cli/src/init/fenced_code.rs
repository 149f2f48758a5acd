//! The parts of a Markdown text in fenced code: examples, which have no meaning here.
//!
//! Source: `CommonMark` 0.31, section 4.5.

use std::ops::Range;

/// Fenced code.
pub(super) struct MarkdownCodeBlocks {
    /// The blocks, without the lines that close them.
    pub(super) blocks: Vec<Range<usize>>,
    /// Where one begins that is never closed, and goes to the end.
    pub(super) open: Option<usize>,
}

/// Finds the blocks of fenced code.
pub(super) fn fenced(text: &str) -> MarkdownCodeBlocks {
    let mut blocks = Vec::new();
    let mut open: Option<(CodeFence<'_>, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        open = match (open, CodeFence::of(line)) {
            (None, Some(fence)) if fence.opens() => Some((fence, at)),
            (Some((opening, from)), Some(fence)) if fence.closes(&opening) => {
                blocks.push(from..at);
                None
            }
            (open, _) => open,
        };
        at += line.len();
    }
    MarkdownCodeBlocks { blocks, open: open.map(|(_, from)| from) }
}

/// A line of at least three backticks or tildes, and what follows them.
struct CodeFence<'a> {
    character: char,
    length: usize,
    rest: &'a str,
}

impl<'a> CodeFence<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let content = line.trim_start_matches(' ');
        let indentation = line.len() - content.len();
        let character = content.chars().next().filter(|it| matches!(it, '`' | '~'))?;
        let rest = content.trim_start_matches(character);
        let length = content.len() - rest.len();
        (indentation <= 3 && length >= 3).then_some(Self { character, length, rest })
    }

    /// A line like `` ```x``` `` is code within a text.
    fn opens(&self) -> bool {
        self.character == '~' || !self.rest.contains('`')
    }

    fn closes(&self, opening: &Self) -> bool {
        self.character == opening.character
            && self.length >= opening.length
            && self.rest.trim().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_goes_from_its_fence_to_one_that_is_as_long() {
        let inside =
            |text| -> Vec<&str> { fenced(text).blocks.into_iter().map(|it| &text[it]).collect() };
        assert_eq!(inside("a\n```sh\nb\n```\nc\n"), ["```sh\nb\n"]);
        assert_eq!(inside("~~~~ `x`\n~~~\n```\n~~~~~ \nc"), ["~~~~ `x`\n~~~\n```\n"]);
        assert_eq!(inside("```\na\n```b\n"), [""; 0], "what follows a fence closes nothing");
        assert_eq!(inside("```\nnever closed\n"), [""; 0]);
        assert_eq!(fenced("a\n```\nnever closed\n").open, Some(2));
        assert_eq!(fenced("```\na\n```\n").open, None);
        assert_eq!(inside("```x```\n```\n"), [""; 0], "code within a text opens nothing");
        assert_eq!(inside("    ```\na\n    ```\n"), [""; 0], "nor does indented code");
        assert_eq!(inside("```\r\na\r\n```\r\n"), ["```\r\na\r\n"]);
    }
}
