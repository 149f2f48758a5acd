//! Faults at a chosen system call, injected by strace(1).

use crate::{Lokt, Sandbox};
use std::{fs, path::PathBuf};

/// The fault at a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed at the call, before it has an effect.
    Kill,
    /// The call has no effect and fails with this error, for instance `EIO`.
    Error(&'static str),
}

/// One fault at one system call of a program.
///
/// strace counts the calls of each name per thread, so a call is named by its name and its number.
#[derive(Clone, Debug)]
pub struct Injection {
    /// The call's name.
    pub call: String,
    /// Its number among the calls with that name, from 1, from the program's start.
    pub number: usize,
    /// The fault.
    pub fault: Fault,
}

/// The calls that start a process. They are always traced, because the trace shows whether a guarded command
/// was started.
const SPAWNING: &str = "?clone3,?clone,?vfork";

impl Injection {
    /// The option for strace.
    fn option(&self) -> String {
        let fault = match self.fault {
            Fault::Kill => "signal=KILL".to_owned(),
            Fault::Error(error) => format!("error={error}"),
        };
        format!("--inject={}:{fault}:when={}", self.call, self.number)
    }
}

impl Sandbox {
    /// A call of the program below strace, by owner `tester`, in a new terminal session. Its first thread is
    /// traced, the processes that it starts are not. Without injections, every call is in the
    /// [trace](Self::trace); with injections, only their kinds of call.
    pub fn traced<'a>(
        &self,
        injections: &[Injection],
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Lokt {
        let output = format!("--output={}", self.trace_path().display());
        let kinds = injections.iter().map(|it| it.call.as_str());
        let kinds: Vec<&str> = [SPAWNING].into_iter().chain(kinds).collect();
        let trace = (!injections.is_empty()).then(|| format!("--trace={}", kinds.join(",")));
        let options: Vec<String> =
            trace.into_iter().chain(injections.iter().map(Injection::option)).collect();
        let words = ["setsid", "--wait", "strace", "--quiet=exit", &output];
        let words = words.into_iter().chain(options.iter().map(String::as_str));
        Lokt::new(&self.places(), &words.collect::<Vec<_>>()).arguments(arguments).owner("tester")
    }

    /// The system calls of the traced program, one line each.
    pub fn trace(&self) -> Vec<String> {
        let trace = fs::read(self.trace_path()).unwrap_or_default();
        String::from_utf8_lossy(&trace).lines().map(str::to_owned).collect()
    }

    fn trace_path(&self) -> PathBuf {
        self.folder().join("trace")
    }
}
