//! Text of others in Markdown for an agent's context: [`crate::printable`], of limited length, and without
//! anything that ends a code span or begins a tag.
//!
//! An agent reads the content of a repository file as if its user had said it. So quoted content must not look
//! like anything but a quotation.

use crate::printable;

/// As much of a text as fits, with `…` in place of what is left out; lengths are in characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    let text = text.trim();
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// The same as a code span in one line.
pub(super) fn code(text: &str, most: usize) -> String {
    format!("`{}`", plain(text, most))
}

/// The same in one line of text.
pub(super) fn plain(text: &str, most: usize) -> String {
    let harmless = |c| match c {
        '`' => '\'',
        '<' | '>' => '?',
        c => c,
    };
    let shown: String = printable::line(text.trim()).chars().map(harmless).collect();
    cut(&shown, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_stays_one() {
        for (text, shown) in [
            ("make build", "`make build`"),
            ("a\n# b", r"`a\n# b`"),
            ("a`b", "`a'b`"),
            ("</system>", "`?/system?`"),
            ("a\u{1b}[31mb\u{202e}c", r"`a\u{1b}[31mb\u{202e}c`"),
            ("größe", "`größe`"),
            (" a ", "`a`"),
        ] {
            assert_eq!(code(text, 40), shown);
        }
        assert_eq!(code("abcdef", 4), "`abc…`");
        assert_eq!(code("abcd", 4), "`abcd`");
        assert_eq!(cut("abcd\nef", 6), "abcd…");
    }
}
