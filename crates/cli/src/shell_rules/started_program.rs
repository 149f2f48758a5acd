use crate::shell_text::{
    file_name, is_shell,
    line::{PlacedCommand, PlacedWord, ShellLine},
    names_lokt, wrapped,
};
use std::path::PathBuf;

/// Commands that a shell runs itself, in bash 5.2, dash 0.5.12 and zsh 5.9. As programs they are missing, do nothing,
/// or print something else.
const BUILTINS: [&str; 69] = [
    ".",
    ":",
    "[",
    "alias",
    "autoload",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "chdir",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "emulate",
    "enable",
    "eval",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "integer",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "noglob",
    "popd",
    "print",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "setopt",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unfunction",
    "unset",
    "unsetopt",
    "wait",
    "zmodload",
];

/// Longer than any folder that a process can enter at once (`PATH_MAX`).
const LONGEST_PATH: usize = 4096;

/// The program that a simple command starts.
pub(super) struct StartedProgram<'l> {
    /// The command's words from the one on in front of which a guard can come.
    words: &'l [PlacedWord],
    obstacle: Option<String>,
}

impl<'l> StartedProgram<'l> {
    /// Finds it, behind `command` and `exec`.
    pub(super) fn of(command: &'l PlacedCommand, line: &ShellLine) -> Self {
        let mut words = command.words.as_slice();
        while let Some((first, rest)) = words.split_first() {
            let is_modifier = matches!(first.literal(), Some("command" | "exec"));
            let Some(next) = rest.first().filter(|_| is_modifier) else { break };
            if next.text().starts_with('-') {
                let obstacle =
                    Some(format!("`{} {}` is the shell's own", first.text(), next.text()));
                return Self { words, obstacle };
            }
            words = rest;
        }
        let mut program = Self { words, obstacle: None };
        program.obstacle = program.run_by_shell(command, line);
        program
    }

    /// Why the shell itself runs it, if it does.
    fn run_by_shell(&self, command: &PlacedCommand, line: &ShellLine) -> Option<String> {
        let name = self.words.first()?.literal()?;
        if BUILTINS.contains(&name) {
            return Some(format!("the shell itself runs `{name}`"));
        }
        // Behind `command`, and behind `exec`, no function is meant.
        let is_function = self.words.len() == command.words.len() && line.functions.contains(name);
        is_function.then(|| format!("`{name}` is a function or an alias of the line"))
    }

    /// The byte in front of which a guard comes.
    pub(super) fn place(&self) -> Option<usize> {
        self.words.first().map(|it| it.start)
    }

    /// Why no guard can run it.
    pub(super) fn obstacle(&self) -> Option<&str> {
        self.obstacle.as_deref()
    }

    /// Its words, then those behind each program in front that runs the rest.
    pub(super) fn forms(&self) -> impl Iterator<Item = &'l [PlacedWord]> + use<'l> {
        std::iter::successors(Some(self.words), |words| wrapped(words))
    }

    /// The words from the last program on.
    pub(super) fn innermost(&self) -> &'l [PlacedWord] {
        self.forms().last().unwrap_or(self.words)
    }

    /// Whether Lokt runs it already.
    pub(super) fn is_lokt(&self) -> bool {
        let is_lokt = |words: &[PlacedWord]| words.first().is_some_and(|it| names_lokt(it.text()));
        self.forms().any(is_lokt)
    }

    /// The program that Lokt runs, where this is Lokt and runs one.
    pub(super) fn guarded(&self) -> Option<Self> {
        let separator = self.innermost().iter().position(|it| it.text() == "--")?;
        let words = self.innermost().get(separator + 1..).filter(|it| !it.is_empty())?;
        Some(Self { words, obstacle: None })
    }

    /// The line that it gives to a shell.
    pub(super) fn line_for_shell(&self) -> Option<&'l str> {
        let (program, rest) = self.innermost().split_first()?;
        if !is_shell(program.literal()?) {
            return None;
        }
        let mut rest = rest.iter();
        loop {
            let option = rest.next()?.text();
            let is_cluster = option.starts_with(['-', '+']) && !option.starts_with("--");
            if is_cluster && option.contains('c') {
                // Further options may come between it and the line.
                return rest.map(PlacedWord::text).find(|it| !it.starts_with(['-', '+']));
            }
            let has_value = is_cluster && option.ends_with(['o', 'O']);
            if has_value || matches!(option, "--rcfile" | "--init-file") {
                rest.next()?;
            } else if !option.starts_with(['-', '+']) {
                return None;
            }
        }
    }
}

/// The folder where the commands behind one run; none where that is not certain.
pub(super) fn folder_after(command: &PlacedCommand, folder: Option<PathBuf>) -> Option<PathBuf> {
    let mut words = command.words.iter();
    let program = words.next().and_then(PlacedWord::literal).unwrap_or_default();
    match file_name(program) {
        "cd" | "chdir" | "pushd" | "popd" | "eval" | "source" | "." => {}
        _ => return folder,
    }
    let is_plain = command.depth == 1 && !command.is_background && program == "cd";
    let target = words.next().and_then(PlacedWord::literal);
    let target =
        target.filter(|it| is_plain && !it.starts_with(['-', '~']) && words.next().is_none());
    Some(folder?.join(target?)).filter(|it| it.as_os_str().len() <= LONGEST_PATH)
}
