//! The check before a commit in a shell script of git's hooks: inserted, updated, removed. Pure.
//!
//! The section stands directly behind the script's first line: at the end, it would not run where the script ends with
//! `exit 0` or `exec`. The text around the section shows what was there before, so a removal restores the script byte
//! for byte. In a script that was there, an empty line follows the section, or, where the script is one line without a
//! newline, nothing. A script that `init` made has one newline behind the section, and nothing else.

use crate::git_hook::hook::GitHook;
use std::{ops::Range, path::Path};

/// The line before the section.
const BEGIN: &str = "# lokt:begin: `lokt init --git-hook` keeps this section up to date, `lokt init --undo` removes it";
/// How that line begins, whatever later versions add.
const BEGINS: &str = "# lokt:begin";
/// The line behind the section.
const END: &str = "# lokt:end";
/// The first line of a script that `init` makes.
const FIRST_LINE: &str = "#!/bin/sh\n";

/// Shells that understand the section.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"];

/// Says why a script is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum HookScriptError {
    /// Its first line names no shell.
    #[error("it is no shell script")]
    NotShell,
    /// A mark is missing, or the second is before the first.
    #[error("a mark of lokt's section has no counterpart")]
    Unpaired,
}

/// What is left of a script without the section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HookScriptWithoutSection {
    /// There is no section.
    Same,
    /// The script as it was before.
    Text(String),
    /// There was no script before.
    Nothing,
}

/// The section for a hook. `program` is where Lokt is, for programs that start git with another search path than a
/// terminal has.
pub(super) fn section(hook: GitHook, program: Option<&Path>) -> String {
    let name = hook.name();
    let program = program.and_then(Path::to_str).filter(|it| !it.contains('\n'));
    let fallback = program.map(|program| {
        let program = quoted(program);
        format!("elif [ -x {program} ]; then\n    {program} git-hook {name} || exit 1\n")
    });
    format!(
        "{BEGIN}\n\
        if command -v lokt >/dev/null 2>&1; then\n    lokt git-hook {name} || exit 1\n\
        {}\
        else\n    \
        echo 'error: lokt is not found, so nothing can tell whether another has reserved a file of this commit' >&2\n    \
        echo 'hint: put lokt into PATH. git commit --no-verify runs no hook' >&2\n    \
        exit 1\n\
        fi\n\
        {END}",
        fallback.unwrap_or_default()
    )
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The script with the section.
pub(super) fn put(text: Option<&str>, section: &str) -> Result<String, HookScriptError> {
    let Some(text) = text else { return Ok(format!("{FIRST_LINE}{section}\n")) };
    if let Some(place) = place(text)? {
        let (before, after) = around(text, &place);
        return Ok(format!("{before}{section}{after}"));
    }
    if !is_shell_script(text) {
        return Err(HookScriptError::NotShell);
    }
    Ok(match text.split_once('\n') {
        Some((first, rest)) => format!("{first}\n{section}\n\n{rest}"),
        None => format!("{text}\n{section}"),
    })
}

/// The script without the section.
pub(super) fn cut(text: &str) -> Result<HookScriptWithoutSection, HookScriptError> {
    let Some(place) = place(text)? else { return Ok(HookScriptWithoutSection::Same) };
    let (before, after) = around(text, &place);
    if before == FIRST_LINE && after == "\n" {
        return Ok(HookScriptWithoutSection::Nothing);
    }
    let without_newline = |text: &'_ str| text.strip_prefix('\n').map(str::to_owned);
    let Some(after) = without_newline(after) else {
        return Ok(HookScriptWithoutSection::Text(
            before.strip_suffix('\n').unwrap_or(before).to_owned(),
        ));
    };
    let after = without_newline(&after).unwrap_or(after);
    Ok(HookScriptWithoutSection::Text(format!("{before}{after}")))
}

/// What stands before a place of a text, and what behind it.
fn around<'a>(text: &'a str, place: &Range<usize>) -> (&'a str, &'a str) {
    let before = text.get(..place.start).unwrap_or_default();
    (before, text.get(place.end..).unwrap_or_default())
}

/// Where the section is, from the first mark to the end of the second, without that line's end.
fn place(text: &str) -> Result<Option<Range<usize>>, HookScriptError> {
    let (mut begins, mut ends, mut at) = (Vec::new(), Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        let content = line.strip_suffix('\n').unwrap_or(line);
        if content.starts_with(BEGINS) {
            begins.push(at);
        } else if content == END {
            ends.push(at + content.len());
        }
        at += line.len();
    }
    match (begins.as_slice(), ends.as_slice()) {
        ([], []) => Ok(None),
        ([begin], [end]) if begin < end => Ok(Some(*begin..*end)),
        _ => Err(HookScriptError::Unpaired),
    }
}

/// Whether the kernel runs a text by a shell (execve(2), "Interpreter scripts"), directly or by `env`.
fn is_shell_script(text: &str) -> bool {
    let first = text.split('\n').next().unwrap_or_default();
    let Some(words) = first.strip_prefix("#!").filter(|it| !it.ends_with('\r')) else {
        return false;
    };
    let names = words.split([' ', '\t']).filter(|word| !word.is_empty());
    let mut names = names.map(|word| word.rsplit('/').next().unwrap_or(word));
    let interpreter = match names.next() {
        Some("env") => names.find(|word| !word.starts_with('-')),
        interpreter => interpreter,
    };
    interpreter.is_some_and(|it| SHELLS.contains(&it))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(hook: GitHook) -> String {
        section(hook, Some(Path::new("/home/o'hara/bin/lokt")))
    }

    #[test]
    fn a_removal_restores_every_script() {
        let section = of(GitHook::PreCommit);
        for text in [
            "#!/bin/sh",
            "#!/bin/sh\n",
            "#!/bin/sh\n\n",
            "#!/bin/sh\n\n\nexit 0",
            "#!/bin/sh -e\nexec make check\n",
            "#! /usr/bin/env -S bash -eu\n# text\r\n",
            "#!/usr/bin/env zsh\n#lokt:begin\n # lokt:end\n",
        ] {
            let with = put(Some(text), &section).unwrap();
            assert_eq!(put(Some(&with), &section).unwrap(), with, "a second run changes nothing");
            let newer = put(Some(&with), &of(GitHook::PreMergeCommit)).unwrap();
            assert_eq!(newer.matches(BEGINS).count(), 1, "{newer}");
            for with in [with, newer] {
                assert!(with.starts_with("#!") && with.lines().nth(1).unwrap().starts_with(BEGINS));
                assert_eq!(
                    cut(&with),
                    Ok(HookScriptWithoutSection::Text(text.to_owned())),
                    "{text:?}"
                );
            }
            assert_eq!(cut(text), Ok(HookScriptWithoutSection::Same));
        }
    }

    #[test]
    fn a_script_that_was_made_goes_unless_it_was_changed() {
        let made = put(None, &of(GitHook::PreCommit)).unwrap();
        assert_eq!(cut(&made), Ok(HookScriptWithoutSection::Nothing));
        let changed = format!("{made}make check\n");
        let left = HookScriptWithoutSection::Text("#!/bin/sh\nmake check\n".to_owned());
        assert_eq!(cut(&changed), Ok(left));
    }

    #[test]
    fn other_scripts_and_broken_sections_are_left_alone() {
        let section = of(GitHook::PreCommit);
        for text in [
            "",
            "make\n",
            "#!/usr/bin/python3\n",
            "#!/usr/bin/env node\n",
            "#!/bin/sh\r\nmake\r\n",
            "#!\n",
            "#!/usr/bin/env\n",
            "#!/bin/fish\n",
        ] {
            assert_eq!(put(Some(text), &section), Err(HookScriptError::NotShell), "{text:?}");
        }
        for text in ["#!/bin/sh\n# lokt:begin\n", "# lokt:end\n# lokt:begin\n", "# lokt:end"] {
            assert_eq!(put(Some(text), &section), Err(HookScriptError::Unpaired), "{text:?}");
            assert_eq!(cut(text), Err(HookScriptError::Unpaired), "{text:?}");
        }
    }
}
