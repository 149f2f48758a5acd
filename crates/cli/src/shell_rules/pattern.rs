use crate::shell_text::{file_name, line::PlacedWord, read_line};

/// The commands that a rule is about: words of a simple command, with `*` for any characters of a word. One at the end
/// stands for the rest of the command too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandPattern {
    text: String,
    words: Vec<String>,
    /// Whether any words may follow, and the last one may go on.
    is_open: bool,
}

impl CommandPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A text about what it should be.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let line = read_line(text).map_err(|why| format!("is not a command: {why}"))?;
        let [command] = line.commands.as_slice() else {
            return Err("is not one simple command".to_owned());
        };
        let is_plain = command.depth == 1 && line.functions.is_empty() && !command.is_prefixed;
        let is_bare = command.assignments.is_empty() && !command.has_redirections;
        if !(is_plain && is_bare) || command.is_background {
            return Err("has more than the words of a command".to_owned());
        }
        let words: Option<Vec<&str>> = command.words.iter().map(PlacedWord::literal).collect();
        let Some(mut words) = words else {
            return Err("has a variable or a substitution, which is never looked up".to_owned());
        };
        if words.first().is_some_and(|it| it.bytes().all(|byte| byte == b'*')) {
            return Err("begins with `*` alone: name the program".to_owned());
        }
        let last = words.pop().unwrap_or_default();
        let open = last.strip_suffix('*');
        words.extend(Some(open.unwrap_or(last)).filter(|it| !(it.is_empty() && open.is_some())));
        let words = words.into_iter().map(str::to_owned).collect();
        Ok(Self { text: text.to_owned(), words, is_open: open.is_some() })
    }

    /// The pattern as it is written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// What a text must have to have such a command: a part of the program's name.
    pub(super) fn mark(&self) -> &str {
        let program = self.words.first().map_or("", |it| file_name(it));
        program.split('*').max_by_key(|it| it.len()).unwrap_or_default()
    }

    /// Whether it covers a command. A program without `/` is also meant by each path that leads to one of its name.
    pub(crate) fn matches(&self, words: &[PlacedWord]) -> bool {
        let is_long_enough =
            words.len() == self.words.len() || (self.is_open && words.len() > self.words.len());
        let last = self.words.len().saturating_sub(1);
        is_long_enough
            && self.words.iter().zip(words).enumerate().all(|(at, (pattern, word))| {
                let is_program = at == 0 && !pattern.contains('/');
                let text = if is_program { file_name(word.text()) } else { word.text() };
                // Of `make *`, the star is the rest, and `make` is whole.
                let goes_on = self.is_open && at == last && !self.text.trim_end().ends_with(" *");
                fits(pattern, text, goes_on)
            })
    }
}

/// Whether a text fits a pattern with stars, in time that grows with both lengths.
fn fits(pattern: &str, text: &str, goes_on: bool) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let last = if goes_on { None } else { parts.pop() };
    if parts.is_empty() && last.is_none() {
        return goes_on || rest.is_empty();
    }
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    last.is_none_or(|it| rest.ends_with(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, command: &str) -> bool {
        let line = read_line(command).unwrap();
        CommandPattern::parse(pattern).unwrap().matches(&line.commands[0].words)
    }

    #[test]
    fn words_and_stars_are_compared() {
        for (pattern, command) in [
            ("make", "make"),
            ("make", "/usr/bin/make"),
            ("npm run build*", "npm run build"),
            ("npm run build*", "npm run build:prod --verbose"),
            ("npm run build*", "npm run 'build' -- x"),
            ("npm run build*", "npm run build$X"),
            ("make *", "make"),
            ("make *", "make all install"),
            ("cargo *-all", "cargo test-all"),
            ("cargo * --release", "cargo build --release"),
            ("a*b*c", "axbxc"),
            ("./run.sh", "./run.sh"),
            ("'my tool' x", "my\\ tool x"),
        ] {
            assert!(matches(pattern, command), "{pattern:?} covers {command:?}");
        }
        for (pattern, command) in [
            ("make", "make all"),
            ("make", "makes"),
            ("make *", "makes all"),
            ("npm run build*", "npm run"),
            ("npm run build*", "npm run rebuild"),
            ("npm run build", "npm run $X"),
            ("cargo * --release", "cargo build x --release"),
            ("a*b*c", "acb"),
            ("a*a", "a"),
            ("./run.sh", "run.sh"),
            ("./run.sh", "/x/run.sh"),
        ] {
            assert!(!matches(pattern, command), "{pattern:?} does not cover {command:?}");
        }
    }

    #[test]
    fn anything_but_the_words_of_a_command_is_refused() {
        for bad in [
            "",
            " ",
            "#",
            "a; b",
            "a | b",
            "A=1 a",
            "A=1",
            "a > b",
            "$X",
            "a $(b)",
            "(a)",
            "a &",
            "! a",
            "*",
            "** x",
            "'",
            "if",
            "a() { b; }",
        ] {
            assert!(CommandPattern::parse(bad).is_err(), "{bad:?}");
        }
    }
}
