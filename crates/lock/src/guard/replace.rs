use super::{GuardedCommand, SpawnError};
use crate::sys;
use nix::unistd::execvpe;

impl GuardedCommand {
    /// Makes this process the command, with the dispositions of signals that this process was started with, in this
    /// folder and with these streams. Comes back only where that fails.
    pub fn replace_process(&self) -> SpawnError {
        let prepared = self.words().and_then(|words| Ok((words, self.variables()?)));
        let (words, variables) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return error,
        };
        let Some(program) = words.first() else {
            return SpawnError::NotFound(String::new());
        };
        sys::restore_dispositions();
        let Err(errno) = execvpe(program, &words, &variables);
        sys::set_dispositions();
        self.failed(errno.into())
    }
}
