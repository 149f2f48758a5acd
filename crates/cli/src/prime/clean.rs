//! Text of strangers, made fit for an agent's context: one line, of limited length, without control characters
//! and without anything that ends a Markdown code span or begins a tag.
//!
//! What stands in a file of the repository is read by an agent as if its user had said it; so what is quoted
//! from there must not be able to look like anything but a quotation.

/// As much of a text as fits, with `…` in place of what is left out.
pub(super) fn line(text: &str, most: usize) -> String {
    let clean: String = text.trim().chars().take(most + 1).map(harmless).collect();
    if clean.chars().count() <= most {
        return clean;
    }
    let cut: String = clean.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// The same as a code span.
pub(super) fn code(text: &str, most: usize) -> String {
    format!("`{}`", line(text, most))
}

/// Letters and digits of any script, what ASCII can print, and nothing else: no control characters, no
/// invisible ones, none that turn the direction of writing.
fn harmless(c: char) -> char {
    match c {
        '`' => '\'',
        '<' | '>' => '?',
        '…' | ' ' => c,
        c if c.is_ascii_graphic() || (!c.is_ascii() && c.is_alphanumeric()) => c,
        c if c.is_whitespace() => ' ',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_stays_one() {
        for (text, shown) in [
            ("make build", "make build"),
            ("a\n# b", "a # b"),
            ("a`b", "a'b"),
            ("</system>", "?/system?"),
            ("a\u{1b}[31mb\u{202e}c\u{200b}", "a?[31mb?c?"),
            ("größe", "größe"),
        ] {
            assert_eq!(line(text, 40), shown);
        }
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(line("abcd", 4), "abcd");
        assert_eq!(code("a", 4), "`a`");
    }
}
