//! A tool whose result is shared: the program runs itself again as the command of `once`.
//!
//! The inner run is a complete `lokt tool run` without `--once`, so its checks, its pin and its
//! event are those of every other run. `once` sees only a command with inputs.

use super::{ToolChainLocations, run::ToolRunCommand};
use crate::{
    context::CommandContext,
    exit::ExitCode,
    failure::CliFailure,
    once::{OnceCommand, OnceLoktCommandProperties},
};
use lokt_lock::words::LockName;
use lokt_tool::{check::CheckedChain, words::Space};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write},
    os::fd::AsRawFd,
};

/// Shares the result of a tool that was checked: its key has the digest of the chain and the parameters. The tool
/// is checked again when it is run.
///
/// `parameters` is the text as it was given. The words of the command differ from run to run (a
/// path of this program, a number of an open file), so the key has other words: `lokt tool run`,
/// the parameters and the id.
pub(super) fn run(
    run: &ToolRunCommand,
    place: &ToolChainLocations,
    context: &CommandContext,
    (checked, parameters): (&CheckedChain, &str),
) -> Result<ExitCode, CliFailure> {
    let program = std::env::current_exe().map_err(|error| {
        CliFailure::new(ExitCode::Error, format!("cannot find the program itself: {error}"))
    })?;
    // In memory that the command inherits: they may be too long for an argument.
    let memory = in_memory(parameters)?;
    let given = format!("@/proc/self/fd/{}", memory.as_raw_fd());
    let mut flags: Vec<OsString> = vec!["--project".into(), place.spaces().project.clone().into()];
    flags.extend(run.frozen.then(|| "--frozen".into()));
    flags.extend(run.json.then(|| "--json".into()));
    let scope = run.scope.map(Space::from);
    flags.extend(scope.into_iter().flat_map(|it| ["--scope".into(), it.as_str().into()]));
    let start: [OsString; 2] = ["tool".into(), "run".into()];
    let mut command: Vec<OsString> = vec![program.into()];
    command.extend(start.clone());
    command.extend(flags);
    command.extend(["--params".into(), given.into(), "--".into(), run.id.clone().into()]);
    let mut words: Vec<OsString> = vec!["lokt".into()];
    words.extend(start);
    words.extend(run.json.then(|| "--json".into()));
    words.extend(["--params".into(), parameters.into(), run.id.clone().into()]);
    let texts = vec![checked.chain.digest().to_string()];
    // The first run may pin the tool there, and the chain is in the key already.
    let left_out = vec![place.spaces().project.join("lockfiles")];
    let name = name_of(&run.id)?;
    let own = OnceLoktCommandProperties { words, left_out, is_quiet: run.notes.quiet };
    OnceCommand::of_command(name, command, texts, own).run(context)
}

/// The name for the result of a tool: `tool.` and its id, with dots for slashes.
///
/// # Errors
/// A usage failure if the id is too long for a name, or is no name for another reason.
fn name_of(id: &str) -> Result<LockName, CliFailure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let text: String = id.chars().map(|c| if plain(c) { c } else { '.' }).collect();
    LockName::new(format!("tool.{text}")).map_err(|error| {
        CliFailure::usage(format!("no result can be called after {id:?}: {error}"))
    })
}

/// An open file in memory with the parameters (`memfd_create(2)`). It is inherited by the command,
/// because it is not closed on exec.
fn in_memory(parameters: &str) -> Result<File, CliFailure> {
    let write = || -> io::Result<File> {
        let mut memory = File::from(memfd_create("lokt-params", MFdFlags::empty())?);
        memory.write_all(parameters.as_bytes())?;
        Ok(memory)
    };
    write().map_err(|error| {
        CliFailure::new(ExitCode::Error, format!("cannot keep the parameters in memory: {error}"))
    })
}
