//! Operations of shell text.

use super::{
    call::{LoktProgramVariableNames, ScriptLoktCall, call, programs},
    operation::GuardedOperation,
};
use crate::shell_text::{
    is_shell,
    words::{self, ShellSimpleCommand},
};

/// The operations of a script, which is started by `run`.
pub(super) fn operations(text: &str, run: &str, file: &str) -> Vec<GuardedOperation> {
    let calls = calls(text, &LoktProgramVariableNames::new()).into_iter();
    calls.map(|call| GuardedOperation::new(call, run, file)).collect()
}

/// The calls of Lokt in shell text, where `known` variables hold the program.
pub(super) fn calls(text: &str, known: &LoktProgramVariableNames) -> Vec<ScriptLoktCall> {
    let commands = words::commands(text);
    let programs = programs(&commands, known);
    let inner = commands.iter().filter_map(line_for_shell).flat_map(|(text, line)| {
        let inner = words::commands(text).into_iter();
        inner.map(move |it| ShellSimpleCommand { line: line + it.line - 1, ..it })
    });
    let inner: Vec<ShellSimpleCommand> = inner.collect();
    commands.iter().chain(&inner).filter_map(|it| call(it, &programs)).collect()
}

/// What `sh -c` is given.
fn line_for_shell(command: &ShellSimpleCommand) -> Option<(&str, usize)> {
    let mut words = command.words.iter().map(|it| it.text.as_str());
    words.find(|word| is_shell(word))?;
    let option = words.next()?;
    let is_line = option.starts_with('-') && !option.starts_with("--") && option.ends_with('c');
    is_line.then(|| words.next()).flatten().map(|line| (line, command.line))
}

#[cfg(test)]
#[path = "shell_tests.rs"]
mod tests;
