//! Variables that hold words of a command line (`NODE_OPTIONS`), and which of these name code by a relative path.

use super::search_paths::is_absolute;

/// How the words of a variable are written, and which of them name code.
#[derive(Debug)]
pub(super) struct OptionVariableSyntax {
    quotes: OptionQuoteSyntax,
    /// Letters that may stand between the dash and an option of one letter, as in `-wI`.
    flags: &'static [u8],
    options: &'static [(&'static str, InterpreterOptionTarget)],
}

/// How a blank becomes part of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OptionQuoteSyntax {
    /// Not at all.
    None,
    /// Between `"`, where a backslash keeps the next character.
    Double,
    /// Between `"` or `'`.
    Both,
}

/// What an option names: in the rest of its word, behind a `=`, or in the next word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InterpreterOptionTarget {
    /// A module: a path or an address. A bare name is looked for at the working folder as well.
    Module,
    /// A file.
    File,
    /// Folders or files between colons or commas.
    Folders,
    /// A library, which is looked for where libraries are, unless it begins with a dot.
    Library,
    /// Nothing: the option itself reads a file of the working folder.
    WorkingFolder,
}

use InterpreterOptionTarget::{File, Folders, Library, Module, WorkingFolder};

/// <https://nodejs.org/api/cli.html>. `--require` and `--import` resolve from the working folder, bare names too.
pub(super) const NODE: OptionVariableSyntax = OptionVariableSyntax {
    quotes: OptionQuoteSyntax::Double,
    flags: b"",
    options: &[
        ("--require", Module),
        ("-r", Module),
        ("--import", Module),
        ("--loader", Module),
        ("--experimental-loader", Module),
        ("--env-file", File),
        ("--env-file-if-exists", File),
        ("--experimental-config-file", File),
        ("--experimental-default-config-file", WorkingFolder),
        ("--experimental-policy", File),
        ("--openssl-config", File),
        ("--icu-data-dir", File),
        ("--snapshot-blob", File),
    ],
};

/// perlrun(1), `PERL5OPT`.
pub(super) const PERL: OptionVariableSyntax = OptionVariableSyntax {
    quotes: OptionQuoteSyntax::None,
    flags: b"wWXtTUs",
    options: &[
        ("-Mlib=", Folders),
        ("-mlib=", Folders),
        ("-M-lib=", Folders),
        ("-m-lib=", Folders),
        ("-I", Folders),
    ],
};

/// ruby(1), `RUBYOPT`.
pub(super) const RUBY: OptionVariableSyntax = OptionVariableSyntax {
    quotes: OptionQuoteSyntax::None,
    flags: b"wdvUKT",
    options: &[("-I", Folders), ("-r", Library), ("--require", Library)],
};

/// java(1), `JDK_JAVA_OPTIONS` and its relatives.
pub(super) const JAVA: OptionVariableSyntax = OptionVariableSyntax {
    quotes: OptionQuoteSyntax::Both,
    flags: b"",
    options: &[
        ("-javaagent:", File),
        ("-agentpath:", File),
        ("-Xbootclasspath:", Folders),
        ("-Xbootclasspath/a:", Folders),
        ("-Xbootclasspath/p:", Folders),
        ("-Djava.class.path=", Folders),
        ("-Djava.library.path=", Folders),
        ("-Djava.ext.dirs=", Folders),
        ("-Djava.endorsed.dirs=", Folders),
        ("-XX:Flags=", File),
        ("-XX:VMOptionsFile=", File),
        ("-classpath", Folders),
        ("--class-path", Folders),
        ("-cp", Folders),
        ("--module-path", Folders),
        ("--upgrade-module-path", Folders),
        ("-p", Folders),
        ("@", File),
    ],
};

/// A word: as it is written, and what it means.
struct OptionsVariableWord<'a> {
    raw: &'a [u8],
    text: Vec<u8>,
}

impl OptionVariableSyntax {
    /// The value without the options that name something by a relative path.
    pub(super) fn cleaned(&self, value: &[u8]) -> Vec<u8> {
        let words = self.words(value);
        let mut left: Vec<&[u8]> = Vec::new();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let Some((what, own)) = self.option(&word.text) else {
                left.push(word.raw);
                continue;
            };
            let next = if own.is_none() { rest.next() } else { None };
            let named = own.or_else(|| Some(next?.text.clone())).unwrap_or_default();
            if what.is_safe(&named) {
                left.push(word.raw);
                left.extend(next.map(|it| it.raw));
            }
        }
        if left.len() == words.len() { value.to_vec() } else { left.join(&b' ') }
    }

    /// What a word's option names, where it is one of these; its value, where that is part of the word.
    fn option(&self, word: &[u8]) -> Option<(InterpreterOptionTarget, Option<Vec<u8>>)> {
        let word = self.without_flags(word);
        self.options.iter().find_map(|(option, names)| {
            if *names == WorkingFolder {
                return starts_with(&word, option).then(|| (*names, Some(Vec::new())));
            }
            let rest = starts_with(&word, option).then(|| word.get(option.len()..))??;
            if rest.is_empty() && !option.ends_with([':', '=']) {
                return Some((*names, None));
            }
            // A long option whose name only begins like this one is another.
            let value = match (option.starts_with("--"), rest.strip_prefix(b"=")) {
                (true, None) => return None,
                (_, Some(value)) => value,
                (false, None) => rest,
            };
            Some((*names, Some(value.to_vec())))
        })
    }

    /// A word with a dash, and without the letters that may stand before the one that matters. `PERL5OPT` needs no
    /// dash.
    fn without_flags(&self, word: &[u8]) -> Vec<u8> {
        if self.flags.is_empty() || word.starts_with(b"--") {
            return word.to_vec();
        }
        let letters = word.strip_prefix(b"-").unwrap_or(word);
        let from = letters.iter().position(|letter| !self.flags.contains(letter));
        [b"-", letters.get(from.unwrap_or(letters.len())..).unwrap_or_default()].concat()
    }

    fn words<'a>(&self, value: &'a [u8]) -> Vec<OptionsVariableWord<'a>> {
        let (mut words, mut at) = (Vec::new(), 0);
        while let Some(start) = value.iter().skip(at).position(|it| !it.is_ascii_whitespace()) {
            at += start;
            let rest = value.get(at..).unwrap_or_default();
            let word = self.word(rest);
            at += word.raw.len();
            words.push(word);
        }
        words
    }

    /// The word at the start of a text, which is no blank.
    fn word<'a>(&self, rest: &'a [u8]) -> OptionsVariableWord<'a> {
        let (mut text, mut quote, mut length) = (Vec::new(), None, 0);
        let mut bytes = rest.iter().copied();
        while let Some(byte) = bytes.next() {
            if quote.is_none() && byte.is_ascii_whitespace() {
                break;
            }
            length += 1;
            match (quote, byte) {
                (Some(b'"'), b'\\') if self.quotes == OptionQuoteSyntax::Double => {
                    text.extend(bytes.next().inspect(|_| length += 1));
                }
                (Some(open), byte) if open == byte => quote = None,
                (None, b'"') if self.quotes != OptionQuoteSyntax::None => quote = Some(byte),
                (None, b'\'') if self.quotes == OptionQuoteSyntax::Both => quote = Some(byte),
                _ => text.push(byte),
            }
        }
        OptionsVariableWord { raw: rest.get(..length).unwrap_or_default(), text }
    }
}

/// Whether a word begins with an option. Node.js reads `_` as `-` in one.
fn starts_with(word: &[u8], option: &str) -> bool {
    let like = |(it, letter): (&u8, u8)| *it == letter || (*it == b'_' && letter == b'-');
    word.len() >= option.len() && word.iter().zip(option.bytes()).all(like)
}

impl InterpreterOptionTarget {
    /// Whether nothing of the working folder is meant.
    fn is_safe(self, named: &[u8]) -> bool {
        let mut parts = named.split(|byte| b":,".contains(byte));
        match self {
            WorkingFolder => false,
            File => is_absolute(named),
            Folders => parts.all(is_absolute),
            Library => !named.is_empty() && !named.starts_with(b"."),
            Module => {
                let known: [&[u8]; 3] = [b"file:///", b"data:", b"node:"];
                is_absolute(named) || known.iter().any(|scheme| named.starts_with(scheme))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(grammar: &OptionVariableSyntax, value: &str) -> String {
        String::from_utf8(grammar.cleaned(value.as_bytes())).unwrap()
    }

    #[test]
    fn options_that_name_something_relative_go_with_what_they_name() {
        for (grammar, value, left) in [
            (&NODE, "--require ./x", ""),
            (&NODE, "--require=./x --max-old-space-size=512", "--max-old-space-size=512"),
            (&NODE, "--trace-warnings  -r dotenv/config", "--trace-warnings"),
            (&NODE, "--import ./x.mjs --import /abs.mjs", "--import /abs.mjs"),
            (&NODE, "--import=data:text/javascript,1", "--import=data:text/javascript,1"),
            (&NODE, "--import file:///x.mjs", "--import file:///x.mjs"),
            (&NODE, "--import file:x.mjs", ""),
            (&NODE, r#"--require "./a b" -r "/a b""#, r#"-r "/a b""#),
            (&NODE, r#"--req"uire" ./x"#, ""),
            (&NODE, r#"--require "\./x""#, ""),
            (&NODE, "--experimental_loader ./x", ""),
            (&NODE, "--require-module", "--require-module"),
            (&NODE, "--experimental-default-config-file", ""),
            (&NODE, "--require", ""),
            (&PERL, "-Ilib -w", "-w"),
            (&PERL, "w -wI./lib", "w"),
            (&PERL, "Ilib Mlib=lib", ""),
            (&PERL, "-I/x -Mstrict -Mlib=/a,/b", "-I/x -Mstrict -Mlib=/a,/b"),
            (&PERL, "-Mlib=/a,b", ""),
            (&RUBY, "-W0 -I lib -r./x -rset", "-W0 -rset"),
            (&RUBY, "-r ../x --require=./y -I/x:y", ""),
            (&JAVA, "-Xmx1g -javaagent:x.jar -cp /a:/b", "-Xmx1g -cp /a:/b"),
            (&JAVA, "'-javaagent:a b.jar' @args -cp /a:", ""),
        ] {
            assert_eq!(cleaned(grammar, value), left, "{value}");
        }
    }

    #[test]
    fn a_value_of_which_nothing_goes_stays_byte_by_byte() {
        for value in ["", " --a  --b ", r#"--title="a b""#, "-r  /x", "\"open"] {
            assert_eq!(cleaned(&NODE, value), value);
        }
    }
}
