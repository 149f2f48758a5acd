//! A call of lokt, word by word: which is the command, an option, a value, or a word of another
//! program.
//!
//! The parser stops at the first mistake and keeps no account of the words after it. This reading
//! never fails: where a word could be two things, it takes the more usual one. All changes of a
//! call return new words and leave the old ones as they are. Places are positions in `words`, from
//! 0.

use clap::{Arg, Command};
use std::iter::repeat_n;

/// What a word of a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The name of a command.
    Command,
    /// An option, with or without its value behind a `=`.
    Option,
    /// The value of the option before it.
    Value,
    /// An argument that is no option.
    Positional,
    /// The first `--`.
    Separator,
    /// A word behind it.
    Tail,
}

/// A call of lokt: the words behind the program's name, and what each of them is.
pub(super) struct TypedCall<'a> {
    /// The words.
    pub(super) words: Vec<String>,
    /// The whole program.
    pub(super) root: &'a Command,
    /// The command that the words name; the whole program if they name none.
    pub(super) command: &'a Command,
    /// The names of that command: `tool`, `run`.
    pub(super) path: Vec<String>,
    /// What each word is, in the order of the words.
    roles: Vec<Role>,
}

impl<'a> TypedCall<'a> {
    /// Finds out what each word is. `root` is [built](Command::build).
    pub(super) fn new(root: &'a Command, words: Vec<String>) -> Self {
        let mut call = Self { words: Vec::new(), root, command: root, path: vec![], roles: vec![] };
        let mut value_follows = false;
        for word in &words {
            let role = call.role_of(word, value_follows);
            value_follows = role == Role::Option && call.needs_another_word(word);
            call.roles.push(role);
        }
        Self { words, ..call }
    }

    /// What a word is, and with the name of a command the move into it. `is_value` says that the
    /// word before it is an option without its value. After a positional argument no word names a
    /// command any more.
    fn role_of(&mut self, word: &str, is_value: bool) -> Role {
        if self.roles.contains(&Role::Separator) {
            return Role::Tail;
        }
        if word == "--" {
            return Role::Separator;
        }
        if is_value {
            return Role::Value;
        }
        if word.starts_with('-') && word.len() > 1 {
            return Role::Option;
        }
        let found = self.command.find_subcommand(word);
        match found.filter(|_| !self.roles.contains(&Role::Positional)) {
            Some(command) => {
                self.command = command;
                self.path.push(command.get_name().to_owned());
                Role::Command
            }
            None => Role::Positional,
        }
    }

    /// Whether an option has its value in the next word. An unknown option does what its namesake of another command
    /// does.
    fn needs_another_word(&self, word: &str) -> bool {
        let is_complete = word.contains('=') || (!word.starts_with("--") && word.len() > 2);
        let option = option_in(self.command, word).or_else(|| option_anywhere(self.root, word));
        !is_complete && option.is_some_and(|it| it.get_action().takes_values())
    }

    /// The name of the command, with all above it: `tool run`.
    pub(super) fn name(&self) -> String {
        self.path.join(" ")
    }

    /// Whether the command runs another program.
    pub(super) fn runs_a_program(&self) -> bool {
        ["guard", "once"].contains(&&*self.name())
    }

    /// What the word at a place is.
    pub(super) fn role(&self, at: usize) -> Option<Role> {
        self.roles.get(at).copied()
    }

    /// The places of all words with a role.
    pub(super) fn places(&self, role: Role) -> Vec<usize> {
        (0..self.words.len()).filter(|at| self.role(*at) == Some(role)).collect()
    }

    /// The place of the first `--`.
    pub(super) fn separator(&self) -> Option<usize> {
        self.roles.iter().position(|it| *it == Role::Separator)
    }

    /// The words behind the first `--`.
    pub(super) fn tail(&self) -> &[String] {
        self.separator().and_then(|at| self.words.get(at + 1..)).unwrap_or_default()
    }

    /// The place of an option, or of a word that the parser names.
    ///
    /// A word that the parser names as `--ttl` is also found as `--ttl=5m`, and `-c` as `-cLINE`.
    /// Names of commands and the separator are never found.
    pub(super) fn find(&self, word: &str) -> Option<usize> {
        let is_it = |(at, typed): (usize, &String)| {
            let is_short = word.len() == 2 && word.starts_with('-');
            let is_option = self.role(at) == Some(Role::Option);
            typed == word
                || is_option && typed.split_once('=').is_some_and(|(name, _)| name == word)
                || is_option && is_short && !typed.starts_with("--") && typed.starts_with(word)
        };
        let arguments = (0..)
            .zip(&self.words)
            .filter(|(at, _)| !matches!(self.role(*at), Some(Role::Command | Role::Separator)));
        arguments.clone().find(|it| is_it(*it)).map(|(at, _)| at)
    }

    /// The words with others in the place of one.
    pub(super) fn replacing<T: AsRef<str>>(&self, at: usize, by: &[T]) -> Vec<String> {
        let (before, after) = self.words.split_at(at.min(self.words.len()));
        let by = by.iter().map(|it| it.as_ref().to_owned());
        before.iter().cloned().chain(by).chain(after.iter().skip(1).cloned()).collect()
    }

    /// The words without the one at a place, and without its value if it is an option.
    pub(super) fn without(&self, at: usize) -> Vec<String> {
        let has_value = self.role(at + 1) == Some(Role::Value);
        let gone = if has_value { at..at + 2 } else { at..at + 1 };
        let kept = self.words.iter().enumerate().filter(|(at, _)| !gone.contains(at));
        kept.map(|(_, word)| word.clone()).collect()
    }

    /// The words with more of them at the end of lokt's arguments.
    ///
    /// That is before the first `--`, where there is one.
    pub(super) fn adding<T: AsRef<str>>(&self, more: &[T]) -> Vec<String> {
        let end = self.separator().unwrap_or(self.words.len());
        let (before, after) = self.words.split_at(end);
        let more = more.iter().map(|it| it.as_ref().to_owned());
        before.iter().cloned().chain(more).chain(after.iter().cloned()).collect()
    }

    /// The words with another command in the place of this one.
    ///
    /// Options and arguments stay, so the parser may find the next mistake among them.
    pub(super) fn as_command(&self, name: &str) -> Vec<String> {
        let last = self.places(Role::Command).pop();
        last.map_or_else(|| self.words.clone(), |at| self.replacing(at, &[name]))
    }

    /// The value of the option at a place, behind a `=`.
    pub(super) fn attached_value(&self, at: usize) -> Option<&str> {
        self.words.get(at)?.split_once('=').map(|(_, value)| value)
    }

    /// The words with another value for the option or the argument at a place.
    pub(super) fn with_value(&self, at: usize, value: &str) -> Vec<String> {
        let option = self.words.get(at).and_then(|it| it.split_once('='));
        match option.filter(|_| self.role(at) == Some(Role::Option)) {
            Some((option, _)) => self.replacing(at, &[format!("{option}={value}")]),
            None => self.replacing(at, &[value]),
        }
    }
}

/// The option of a command that a word names.
///
/// `word` may have its value behind a `=` or, after one letter, directly behind it.
pub(super) fn option_in<'c>(command: &'c Command, word: &str) -> Option<&'c Arg> {
    let is_it = |arg: &&Arg| match word.strip_prefix("--") {
        Some(long) => arg.get_long() == long.split('=').next(),
        None => arg.get_short().is_some() && arg.get_short() == word.chars().nth(1),
    };
    command.get_arguments().find(is_it)
}

/// The first option of that name in a command or anywhere below it. It only answers whether an
/// option that stands in the wrong place takes a value.
fn option_anywhere<'c>(command: &'c Command, word: &str) -> Option<&'c Arg> {
    let mut parts = repeat_n(command, 1).chain(command.get_subcommands());
    let below = || command.get_subcommands().find_map(|it| option_anywhere(it, word));
    parts.find_map(|it| option_in(it, word)).or_else(below)
}
