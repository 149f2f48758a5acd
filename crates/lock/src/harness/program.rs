//! Recognizes a harness by its process: by the names of its program, also where an interpreter runs it.

use super::table::HarnessRow;
use crate::sys::AncestorProcess;
use std::path::Path;

/// Shells: what follows an option with a `c` in it is code, not a program.
const SHELLS: [&str; 4] = ["sh", "bash", "dash", "zsh"];
/// Other programs that run another one, which is their first argument that is no option.
const INTERPRETERS: [&str; 4] = ["node", "nodejs", "bun", "deno"];
/// Options of theirs that are followed by code.
const CODE: [&str; 5] = ["-c", "-e", "--eval", "-p", "--print"];
/// What the name of a script may end with.
const ENDINGS: [&str; 5] = [".js", ".mjs", ".cjs", ".ts", ".sh"];

/// Whether a process is the program of a harness.
pub(super) fn is_of(row: &HarnessRow, process: &AncestorProcess) -> bool {
    let Some(first) = process.words.first() else { return is_named(row, &process.name) };
    if is_named(row, &process.name) || is_named(row, first) {
        return true;
    }
    let script = script(&process.words);
    script.is_some_and(|it| is_named(row, it) || is_in_package(row, it))
}

/// The program that a shell or another interpreter runs.
fn script(words: &[String]) -> Option<&str> {
    let (first, rest) = words.split_first()?;
    let interpreter = name(first).trim_start_matches('-');
    let is_shell = SHELLS.contains(&interpreter);
    if !is_shell && !INTERPRETERS.contains(&interpreter) {
        return None;
    }
    let is_code = |it: &str| {
        if is_shell { !it.starts_with("--") && it.contains('c') } else { CODE.contains(&it) }
    };
    let mut options = rest.iter().take_while(|it| it.starts_with('-'));
    if options.any(|it| is_code(it)) {
        return None;
    }
    rest.iter().find(|it| !it.starts_with('-')).map(String::as_str)
}

fn is_named(row: &HarnessRow, path: &str) -> bool {
    let name = name(path);
    let bare = ENDINGS.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    row.programs.contains(&bare)
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_in_package(row: &HarnessRow, path: &str) -> bool {
    let folders = || Path::new(path).ancestors().skip(1);
    row.packages.iter().any(|package| folders().any(|folder| folder.ends_with(package)))
}

#[cfg(test)]
mod tests {
    use super::{super::table::TABLE, *};
    use crate::words::Harness;

    fn of(name: &str, line: &str) -> Option<Harness> {
        let words = line.split(' ').map(str::to_owned).collect();
        let process = AncestorProcess { pid: 1, started: 1, name: name.to_owned(), words };
        TABLE.iter().find(|row| is_of(row, &process)).map(|row| row.harness)
    }

    #[test]
    fn a_harness_is_recognized_by_its_program_and_by_what_runs_it() {
        for (name, line, harness) in [
            ("claude", "claude --continue", Harness::ClaudeCode),
            ("2.1.132", "/home/ada/.local/bin/claude", Harness::ClaudeCode),
            ("claude", "", Harness::ClaudeCode),
            ("node", "node --no-warnings /usr/bin/codex exec", Harness::Codex),
            ("codex", "/bin/sh ./codex", Harness::Codex),
            ("bash", "-bash /x/codex", Harness::Codex),
            ("bash", "bash -e /x/codex.sh", Harness::Codex),
            ("MainThread", "node /l/@google/gemini-cli/dist/index.js -p hi", Harness::Gemini),
            ("node", "/usr/bin/node /x/bundle/gemini.js", Harness::Gemini),
            ("node", "/home/ada/.local/bin/cursor-agent --x /s/index.js", Harness::Cursor),
            (
                "node",
                "node /home/ada/.local/share/cursor-agent/versions/1/index.js",
                Harness::Cursor,
            ),
            ("node", "node /l/node_modules/@github/copilot/index.js", Harness::Copilot),
            ("opencode", "/x/opencode-linux-x64/bin/opencode serve", Harness::OpenCode),
            ("amp", "amp", Harness::Amp),
        ] {
            assert_eq!(of(name, line), Some(harness), "{name}: {line}");
        }
    }

    #[test]
    fn other_programs_that_speak_of_a_harness_are_none() {
        for (name, line) in [
            ("bash", "bash -c codex"),
            ("bash", "bash -lc cd\u{a0}/x/codex"),
            ("bash", "/bin/bash --norc -c /x/claude"),
            ("node", "node -e claude"),
            ("node", "node server.js codex"),
            ("vim", "vim claude"),
            ("codex-linux-san", "codex-linux-sandbox -- true"),
            ("code", "/usr/share/cursor/cursor"),
            ("git", "git -C /x/@github/copilot status"),
            ("", ""),
        ] {
            assert_eq!(of(name, line), None, "{name}: {line}");
        }
    }
}
