//! The command `completions`: the script that connects a shell with this program.
//!
//! The script calls `lokt` for each completion, so the values are those of this moment
//! ([`completion`]).

use crate::{completion, exit::ExitCode, failure::CliFailure, output};
use clap::Args;
use clap_complete::env::Shells;

/// Where the script is the file `_lokt`, zsh reads it at the first completion, as that completion's function. Without
/// these lines, the first completion would offer nothing.
const ZSH_AS_A_FILE: &[u8] = b"
if [[ $funcstack[1] == _lokt ]]; then
    _clap_dynamic_completer_lokt \"$@\"
fi
";

/// Print a shell completion script for commands, flags and lock names
///
/// For bash: `source <(lokt completions bash)` in ~/.bashrc; for zsh the same in ~/.zshrc; for fish:
/// `lokt completions fish | source`.
#[derive(Args, Debug)]
pub(crate) struct CompletionsCommand {
    /// bash, elvish, fish, powershell or zsh
    #[arg(value_parser = ["bash", "elvish", "fish", "powershell", "zsh"])]
    shell: String,
}

impl CompletionsCommand {
    /// Prints the script as it is: text that is made printable could be another script.
    pub(crate) fn run(&self) -> Result<ExitCode, CliFailure> {
        let shells = Shells::builtins();
        let shell =
            shells.completer(&self.shell).ok_or_else(|| CliFailure::usage("unknown shell"))?;
        let mut script = Vec::new();
        shell.write_registration(completion::VARIABLE, "lokt", "lokt", "lokt", &mut script)?;
        if self.shell == "zsh" {
            script.extend(ZSH_AS_A_FILE);
        }
        output::bytes(&script)?;
        Ok(ExitCode::Done)
    }
}
