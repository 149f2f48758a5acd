//! The command `capabilities`: a description of the program for programs.
//!
//! Commands, flags and exit codes come from the definitions that the program itself runs by. Only
//! the fields of JSON are a list by hand ([`json_fields`]), which a test compares with the output
//! of most commands.

use crate::{exit::ExitCode, failure::CliFailure, json_fields, output};
use clap::{Arg, ArgAction, Args, Command};
use lokt_lock::record::FORMAT_VERSION;
use serde_json::{Value, json};

/// Print what this version can do: commands, flags, exit codes, and what to run next
///
/// For programs and agents. The list is made from the definitions that the program itself uses.
#[derive(Args, Debug)]
pub(crate) struct CapabilitiesCommand {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl CapabilitiesCommand {
    /// Prints what `program`, which is the whole program with all of its commands, can do.
    pub(crate) fn run(&self, mut program: Command) -> Result<ExitCode, CliFailure> {
        program.build();
        let commands = commands_of(&program, "");
        if self.json {
            let codes: Vec<Value> = ExitCode::ALL.iter().map(|it| code_view(*it)).collect();
            output::json(&json!({
                "version": env!("CARGO_PKG_VERSION"),
                "protocol_version": FORMAT_VERSION,
                "commands": commands,
                "exit_codes": codes,
                "error_fields": json_fields::ERROR,
            }))?;
            return Ok(ExitCode::Done);
        }
        for command in &commands {
            let text = |key: &str| command.get(key).and_then(Value::as_str).unwrap_or_default();
            output::text(&format!("{:<16} {}", text("command"), text("about")))?;
        }
        for code in ExitCode::ALL {
            let next = code.next();
            let arrow = if next.is_empty() { "" } else { "; next: " };
            output::text(&format!("exit {:<11} {}{arrow}{next}", code.number(), code.meaning()))?;
        }
        Ok(ExitCode::Done)
    }
}

/// An exit code as JSON.
fn code_view(code: ExitCode) -> Value {
    json!({"code": code.number(), "name": code.name(), "meaning": code.meaning(), "next": code.next()})
}

/// The commands that can be run, with all below them.
///
/// A command that only groups others (`tool`, `key`) is left out. `above` is the path of the
/// command, empty for the program.
fn commands_of(command: &Command, above: &str) -> Vec<Value> {
    let visible =
        command.get_subcommands().filter(|it| !it.is_hide_set() && it.get_name() != "help");
    let each = visible.flat_map(|it| {
        let path = format!("{above} {}", it.get_name()).trim_start().to_owned();
        let own = (!it.is_subcommand_required_set()).then(|| command_view(it, &path));
        own.into_iter().chain(commands_of(it, &path)).collect::<Vec<_>>()
    });
    each.collect()
}

/// A command as JSON. `path` is its whole name: `tool run`.
fn command_view(command: &Command, path: &str) -> Value {
    let shown = || command.get_arguments().filter(|it| is_shown(it) && !it.is_global_set());
    let positionals = shown().filter(|it| it.is_positional()).map(argument_view);
    let flags = shown().filter(|it| !it.is_positional()).map(argument_view);
    json!({
        "command": path,
        "about": command.get_about().map(ToString::to_string),
        "arguments": positionals.collect::<Vec<_>>(),
        "flags": flags.collect::<Vec<_>>(),
        "json_fields": json_fields::of(path),
    })
}

/// Whether an argument is listed: it is not hidden, and not clap's own for help and version.
fn is_shown(argument: &Arg) -> bool {
    let is_help = matches!(
        argument.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    );
    !is_help && !argument.is_hide_set()
}

/// An argument or a flag as JSON. `value` is the name of a flag's value, `null` if it takes none;
/// `values` are the choices, if it is one of a list.
fn argument_view(argument: &Arg) -> Value {
    let names = argument.get_value_names().unwrap_or_default();
    let names: Vec<&str> = names.iter().map(clap::builder::Str::as_str).collect();
    let takes_value = argument.get_action().takes_values();
    let is_list = argument.get_num_args().is_some_and(|it| it.max_values() > 1);
    let values = argument.get_possible_values();
    let values: Vec<&str> = values
        .iter()
        .filter(|it| takes_value && !it.is_hide_set())
        .map(clap::builder::PossibleValue::get_name)
        .collect();
    json!({
        "name": argument.get_long().map_or_else(
            || names.first().map_or_else(|| argument.get_id().to_string(), |it| (*it).to_owned()),
            |it| format!("--{it}"),
        ),
        "short": argument.get_short().map(|it| format!("-{it}")),
        "value": if takes_value && !argument.is_positional() { names.first().copied() } else { None },
        "values": values,
        "required": argument.is_required_set(),
        "repeatable": is_list || matches!(argument.get_action(), ArgAction::Append | ArgAction::Count),
        "help": argument.get_help().map(ToString::to_string),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn program() -> Command {
        let mut program = crate::cli::Cli::command();
        program.build();
        program
    }

    #[test]
    fn every_command_that_prints_json_has_its_fields_and_no_other() {
        let commands = commands_of(&program(), "");
        assert!(commands.len() > 30, "{commands:?}");
        let mut with_fields = 0;
        for command in &commands {
            let flags = command["flags"].as_array().unwrap();
            let prints_json = flags.iter().any(|it| it["name"] == "--json");
            assert_eq!(prints_json, !command["json_fields"].is_null(), "{command}");
            with_fields += usize::from(prints_json);
        }
        assert_eq!(with_fields, json_fields::ALL.len(), "no fields of a command that is gone");
    }

    #[test]
    fn every_flag_of_the_program_is_listed() {
        fn count(command: &Command) -> usize {
            let own =
                command.get_arguments().filter(|it| is_shown(it) && !it.is_global_set()).count();
            let below =
                command.get_subcommands().filter(|it| it.get_name() != "help" && !it.is_hide_set());
            own + below.map(count).sum::<usize>()
        }
        let program = program();
        let globals =
            program.get_arguments().filter(|it| is_shown(it) && !it.is_global_set()).count();
        let commands = commands_of(&program, "");
        let length = |it: &Value, key: &str| it[key].as_array().unwrap().len();
        let listed: usize =
            commands.iter().map(|it| length(it, "flags") + length(it, "arguments")).sum();
        assert_eq!(listed + globals, count(&program));
    }
}
