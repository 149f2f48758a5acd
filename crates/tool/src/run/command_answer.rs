use super::{ToolEnvironment, program, search_paths};
use lokt_lock::sys::BlockedSignals;
use nix::{
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, waitid},
    },
    unistd::Pid,
};
use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read, Seek},
    os::unix::{ffi::OsStrExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// How long a command has to say where a program is.
const LIMIT: Duration = Duration::from_secs(10);

/// How much of its answer is read.
const ANSWER: u64 = 64 * 1024;

/// Says why a command's answer is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum InterpreterLookupCommandError {
    #[error("no such program")]
    NotFound,
    #[error("{0}")]
    Failed(#[from] io::Error),
    #[error("it took longer than {} s", .0.as_secs_f32())]
    TooSlow(Duration),
    #[error("it failed with {0}")]
    Status(std::process::ExitStatus),
    #[error("its answer {0:?} is no executable file")]
    NoProgram(String),
}

/// Asks a command where a program is: the first line that it prints.
pub(super) fn ask(
    words: &[String],
    environment: &ToolEnvironment,
    project: &Path,
) -> Result<PathBuf, InterpreterLookupCommandError> {
    ask_within(LIMIT, words, environment, project)
}

fn ask_within(
    limit: Duration,
    words: &[String],
    environment: &ToolEnvironment,
    project: &Path,
) -> Result<PathBuf, InterpreterLookupCommandError> {
    let (first, rest) = words.split_first().ok_or(InterpreterLookupCommandError::NotFound)?;
    let asked = program::find(environment, first, project)
        .found()
        .ok_or(InterpreterLookupCommandError::NotFound)?;
    let mut environment = environment.clone();
    search_paths::complete(&mut environment);
    let mut answer = tempfile::tempfile()?;
    let mut command = Command::new(asked);
    command.args(rest).current_dir(project).env_clear();
    command.envs(environment.into_variables().into_iter().rev());
    command.stdin(Stdio::null()).stdout(answer.try_clone()?).stderr(Stdio::null());
    let mut child = command.process_group(0).spawn()?;
    let ended = wait(&child, limit);
    if let (Err(_), Ok(group)) = (&ended, i32::try_from(child.id())) {
        // It is not collected yet, so the number is still that of its group.
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    let status = child.wait()?;
    ended?;
    if !status.success() {
        return Err(InterpreterLookupCommandError::Status(status));
    }
    let path = project.join(OsStr::from_bytes(&first_line(&mut answer)?));
    if program::is_program(&path) {
        return Ok(path);
    }
    Err(InterpreterLookupCommandError::NoProgram(path.display().to_string()))
}

/// Waits for the end of a child without collecting it.
fn wait(child: &Child, limit: Duration) -> Result<(), InterpreterLookupCommandError> {
    let pid = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
    let (tell, answer) = mpsc::channel();
    let waiting = move || {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        // The receiver is gone if it took too long.
        let _ = tell.send(waitid(Id::Pid(pid), flags));
    };
    {
        // A signal to this process is for the thread that expects it.
        let _signals = BlockedSignals::all();
        thread::Builder::new().name("lokt-ask".into()).spawn(waiting)?;
    }
    match answer.recv_timeout(limit) {
        Ok(ended) => {
            ended.map(drop).map_err(|errno| InterpreterLookupCommandError::Failed(errno.into()))
        }
        Err(_) => Err(InterpreterLookupCommandError::TooSlow(limit)),
    }
}

fn first_line(answer: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    answer.rewind()?;
    answer.take(ANSWER).read_to_end(&mut bytes)?;
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    bytes.truncate(end);
    Ok(bytes.trim_ascii_end().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask_sh(line: &str) -> Result<PathBuf, InterpreterLookupCommandError> {
        let environment = ToolEnvironment::new(vec![("PATH".into(), "/usr/bin:/bin".into())]);
        let words = ["sh", "-c", line].map(str::to_owned);
        let limit = Duration::from_millis(if line.contains("sleep") { 100 } else { 10_000 });
        ask_within(limit, &words, &environment, Path::new("/"))
    }

    #[test]
    fn the_first_line_of_a_command_that_succeeds_is_the_path() {
        assert_eq!(ask_sh("echo /bin/sh; echo more").unwrap(), Path::new("/bin/sh"));
        assert_eq!(ask_sh("printf bin/sh").unwrap(), Path::new("/bin/sh"), "from the project");
        assert!(matches!(
            ask_sh("echo /bin/sh; exit 1"),
            Err(InterpreterLookupCommandError::Status(_))
        ));
        for none in ["", "echo /", "echo /none", "echo; echo /bin/sh"] {
            assert!(
                matches!(ask_sh(none), Err(InterpreterLookupCommandError::NoProgram(_))),
                "{none:?}"
            );
        }
    }

    #[test]
    fn a_command_that_hangs_is_killed_with_its_children() {
        let result = ask_sh("echo /bin/sh; sleep 1000 & sleep 1000");
        assert!(matches!(result, Err(InterpreterLookupCommandError::TooSlow(_))), "{result:?}");
    }
}
