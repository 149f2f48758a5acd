use std::fmt;

/// A place in a text: line and column, both counted from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextPosition {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

impl TextPosition {
    /// The first character of a text.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place that a byte of a text is at. A line ends with LF, CR or both, as in the languages of tools.
    pub fn of_byte(text: &str, offset: usize) -> Self {
        let before = text.get(..text.floor_char_boundary(offset)).unwrap_or(text);
        let mut place = Self::START;
        let mut last = None;
        for c in before.chars() {
            match c {
                '\n' if last == Some('\r') => {}
                '\n' | '\r' => place = Self { line: place.line + 1, column: 1 },
                _ => place.column += 1,
            }
            last = Some(c);
        }
        place
    }
}

impl fmt::Display for TextPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_has_a_line_and_a_column() {
        let text = "a\r\né\rb\n\nc";
        let at = |offset| {
            let TextPosition { line, column } = TextPosition::of_byte(text, offset);
            (line, column)
        };
        assert_eq!([at(0), at(1), at(3)], [(1, 1), (1, 2), (2, 1)], "CR and LF are one end");
        assert_eq!([at(4), at(5)], [(2, 1), (2, 2)], "inside a character is at its begin");
        assert_eq!([at(6), at(8), at(9)], [(3, 1), (4, 1), (5, 1)], "CR is an end, and LF");
        assert_eq!(at(100), (5, 2), "behind the text is its end");
    }
}
