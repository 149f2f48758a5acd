//! Shell text as commands, without running anything.
//!
//! * [`words`]: reads any text, and finds as many commands in it as it can. For scripts of others.
//! * [`read_line`]: reads a text whole and with the place of every word, or says why not. For a text that is to be
//!   changed: what is not certain must not be touched. `reader` has lists, pipelines and simple commands, `compound`
//!   conditions, loops and the like, `parts` the parts of words, [`mod@line`] what was found.
//! * [`wrapper`]: programs that run another, such as `env`.
//!
//! The strict reader follows POSIX (XCU 2.10) with what bash and zsh have in common beyond it. What they read in
//! different ways is an error.

mod compound;
mod here_document;
pub(crate) mod line;
mod parts;
mod reader;
pub(crate) mod words;
mod wrapper;

pub(crate) use reader::read_line;
pub(crate) use wrapper::{is_wrapper, wrapped};

/// Shells whose `-c` is looked into.
const SHELLS: [&str; 5] = ["sh", "bash", "dash", "zsh", "ksh"];

/// Whether a word leads to a shell.
pub(crate) fn is_shell(word: &str) -> bool {
    SHELLS.contains(&file_name(word))
}

/// Whether a path leads to a program of Lokt's name.
pub(crate) fn names_lokt(path: &str) -> bool {
    file_name(path) == "lokt"
}

/// The last name of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a text can be the name of a variable.
pub(crate) fn is_identifier(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
