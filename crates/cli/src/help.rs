//! The help: its width, commands in groups, examples.
//!
//! clap renders the help from the doc comments of the arguments. What clap cannot do is added here:
//! commands in groups, examples below each command, and the exit codes. Tests require a group and
//! examples for each command.

use crate::{env, output};
use clap::Command;

/// The groups of commands, as the help of the program lists them.
const GROUPS: [(&str, &[&str]); 7] = [
    ("Locks", &["guard", "lock", "unlock", "exists", "get-meta", "fence", "freeze", "unfreeze"]),
    ("Reservations", &["reserve", "unreserve", "reservations"]),
    ("Results", &["once", "results"]),
    ("Tools", &["tool", "key"]),
    (
        "Agents",
        &["prime", "init", "hook", "git-hook", "whoami", "mcp", "capabilities", "hold-for-program"],
    ),
    ("Watch", &["status", "why", "wait", "top", "audit"]),
    ("Setup", &["doctor", "demo", "completions", "man", "version"]),
];

/// Examples for each command.
///
/// The key is the command's whole name. Each line is a whole call.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "guard",
        &["lokt guard build -- make -j4", "lokt guard db --wait -c 'make migrate && make seed'"],
    ),
    ("lock", &["lokt lock deploy --ttl 30m", "lokt lock db --pid $$ --wait"]),
    ("hold-for-program", &[r#"echo '{"lock": ["build"]}' | lokt hold-for-program"#]),
    ("unlock", &["lokt unlock deploy", "lokt unlock --all"]),
    ("exists", &["lokt exists deploy && echo 'deploy is held'"]),
    ("get-meta", &["lokt get-meta deploy ticket"]),
    ("fence", &["lokt fence check build \"$LOKT_FENCE\""]),
    ("fence check", &["lokt fence check build \"$LOKT_FENCE\""]),
    ("freeze", &["lokt freeze deploy --ttl 1h"]),
    ("unfreeze", &["lokt unfreeze deploy"]),
    (
        "reserve",
        &[
            "lokt reserve src/auth --ttl 1h --reason 'new login'",
            "lokt reserve 'src/**/*.sql' docs/schema.md --wait",
        ],
    ),
    ("unreserve", &["lokt unreserve src/auth", "lokt unreserve --all"]),
    ("reservations", &["lokt reservations", "lokt reservations --check src/auth/login.rs"]),
    (
        "once",
        &["lokt once lint -- make lint", "lokt once test --input 'src/**' --ttl 1d -- make test"],
    ),
    ("results", &["lokt results list", "lokt results rm lint"]),
    ("results list", &["lokt results list --json"]),
    ("results show", &["lokt results show lint"]),
    ("results rm", &["lokt results rm lint"]),
    ("results prune", &["lokt results prune --older 7d --max-size 2G"]),
    ("tool", &["lokt tool list", "lokt tool run web/greet"]),
    ("tool list", &["lokt tool list --all"]),
    ("tool show", &["lokt tool show web/greet"]),
    ("tool resolve", &["lokt tool resolve web/greet"]),
    ("tool sign", &["lokt tool sign web/greet"]),
    ("tool lock", &["lokt tool lock web/greet --scope project"]),
    ("tool verify", &["lokt tool verify web/greet", "lokt tool verify --all"]),
    ("tool diff", &["lokt tool diff web/greet"]),
    ("tool prune", &["lokt tool prune --dry-run"]),
    (
        "tool run",
        &[
            "lokt tool run web/greet --params '{\"name\": \"Ada\"}'",
            "lokt tool run web/greet --guard web --wait",
        ],
    ),
    ("key", &["lokt key generate", "lokt key list"]),
    ("key generate", &["lokt key generate"]),
    ("key list", &["lokt key list --json"]),
    ("key trust", &["lokt key trust ada.pem"]),
    ("key untrust", &["lokt key untrust 0056634a184d7657"]),
    ("key show", &["lokt key show > ada.pem"]),
    ("prime", &["lokt prime", "lokt prime --format agents-md"]),
    ("init", &["lokt init --dry-run", "lokt init --agent claude --yes"]),
    ("hook", &["lokt hook claude-code", "lokt hook codex --strict"]),
    ("git-hook", &["lokt git-hook pre-commit"]),
    ("capabilities", &["lokt capabilities", "lokt capabilities --json"]),
    ("whoami", &["lokt whoami", "lokt whoami --json"]),
    ("mcp", &["lokt mcp", "lokt mcp --folder ~/project"]),
    ("status", &["lokt status", "lokt status build --json"]),
    ("why", &["lokt why build", "lokt why src/auth"]),
    ("wait", &["lokt wait build deploy", "lokt wait build --until held --timeout 0"]),
    ("top", &["lokt top"]),
    ("audit", &["lokt audit --since 1h --name build", "lokt audit --timeline --owner ada"]),
    ("doctor", &["lokt doctor"]),
    ("demo", &["lokt demo"]),
    ("completions", &["source <(lokt completions bash)"]),
    ("man", &["lokt man | man -l -", "lokt man --dir ~/.local/share/man/man1"]),
    ("version", &["lokt version --json"]),
];

/// The end of the program's help: the usual examples and all exit codes.
const CODES: &str = "\
Examples:
  lokt guard build -- make -j4
  lokt once lint -- make lint

Exit codes:
  0    done
  1    error
  2    held, frozen, timed out
  3    not found
  4    not yours
  5    tool not as it was pinned or signed; nothing ran
  6    lock lost while the command ran
  7    waiting would be a deadlock
  64   wrong usage
  124  --max-hold, or a tool's time, passed
  126  guarded command not executable
  127  guarded command, or interpreter, not found
  guard otherwise gives its command's own code,
  and 128+n when signal n ended it.";

/// The widest help, in columns.
const WIDEST: usize = 100;

/// The program with its help complete.
pub(crate) fn with_help(program: Command) -> Command {
    let width = width();
    let list = list(&program, width);
    EXAMPLES
        .iter()
        .fold(program, |program, (path, lines)| with_examples(program, path, lines))
        .term_width(width)
        .after_help(CODES)
        .help_template(format!(
            "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}Options:\n{{options}}{{after-help}}"
        ))
}

/// The width of the help: `COLUMNS`, else that of the terminal, else 80.
fn width() -> usize {
    let asked = env::value(env::COLUMNS).and_then(|it| it.to_str()?.parse().ok());
    asked.filter(|it| *it > 0).unwrap_or_else(output::width).clamp(40, WIDEST)
}

/// Adds the examples of a command, which may be below another one: `tool run`.
fn with_examples(command: Command, path: &str, lines: &[&str]) -> Command {
    if let Some((name, below)) = path.split_once(' ') {
        return command.mut_subcommand(name, |it| with_examples(it, below, lines));
    }
    let text = format!("Examples:\n  {}", lines.join("\n  "));
    command.mut_subcommand(path, |it| it.after_help(text))
}

/// All commands in their groups, each with what it does.
fn list(program: &Command, width: usize) -> String {
    let names = GROUPS.iter().flat_map(|(_, names)| names.iter());
    let column = names.map(|name| name.len()).max().unwrap_or_default() + 4;
    let about = |name: &str| {
        let about = program.find_subcommand(name).and_then(Command::get_about);
        about.map(ToString::to_string).unwrap_or_default()
    };
    let mut list = String::new();
    for (title, names) in GROUPS {
        list.extend([title, ":\n"]);
        for name in names {
            list.push_str(&entry(name, &about(name), (column, width)));
        }
        if title == "Setup" {
            list.push_str(&entry(
                "help",
                "Print this help, or the help of a command",
                (column, width),
            ));
        }
        list.push('\n');
    }
    list
}

/// A name, and a text beside it, in lines of at most `width` columns.
///
/// `column` is where the text begins. A word that is longer than a line stays whole.
fn entry(name: &str, text: &str, (column, width): (usize, usize)) -> String {
    let mut shown = format!("{:column$}", format!("  {name}"));
    let mut used = column;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > column && used + 1 + length > width {
            shown.push('\n');
            shown.push_str(&" ".repeat(column));
            used = column;
        } else if used > column {
            shown.push(' ');
            used += 1;
        }
        shown.push_str(word);
        used += length;
    }
    shown.push('\n');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_goes_on_in_its_column() {
        let shown = entry("once", "Run a command once, and share it", (8, 20));
        assert_eq!(shown, "  once  Run a\n        command\n        once, and\n        share it\n");
        assert_eq!(entry("x", "unbreakable-long-word", (8, 20)), "  x     unbreakable-long-word\n");
    }
}
