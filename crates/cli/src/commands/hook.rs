use crate::{
    context::OwnerOption,
    exit::ExitCode,
    hook::{self, HookFault, HookedHarness},
    output, span,
};
use clap::Args;
use lokt_lock::sys::BlockedSignals;
use std::{
    ffi::OsString,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

/// Answer a hook of an agent's harness: reserve files before they are edited
///
/// The harness runs this for its events, with JSON on standard input. `lokt init --agent NAME` sets it up. An edit of a
/// file that another agent has reserved is denied in the harness's own form. A fault of the hook denies nothing, and is
/// one line on standard error; the exit code is never 2.
#[derive(Args, Debug)]
pub(crate) struct HookCommand {
    /// The harness that calls
    #[arg(value_name = "HARNESS")]
    harness: HookedHarness,
    /// Deny an edit, too, if it cannot be found out whether the file is reserved
    #[arg(long)]
    strict: bool,
    /// Give up after this long
    #[arg(long, value_name = "DURATION", default_value = "1s", allow_hyphen_values = true, value_parser = span::parse_positive)]
    timeout: Duration,
}

/// What the thread that answers reports.
enum HookReport {
    /// The input is read; whether the harness waits for a decision.
    Understood { is_decided: bool },
    /// The answer.
    Done(Result<Option<String>, HookFault>),
}

impl HookCommand {
    pub(crate) fn run(self, acting: OwnerOption) -> ExitCode {
        let begin = Instant::now();
        let end = begin.checked_add(self.timeout).unwrap_or(begin);
        // A harness shows what comes on stderr; a fault is one line.
        std::panic::set_hook(Box::new(|_| {}));
        // Neither thread may be stopped while the other has a section.
        let _signals = BlockedSignals::all();
        let (sender, reports) = channel();
        let harness = self.harness;
        let started = thread::Builder::new().spawn(move || {
            let understood = |is_decided| drop(sender.send(HookReport::Understood { is_decided }));
            let answer = hook::answer(harness, &acting, end, &understood);
            drop(sender.send(HookReport::Done(answer)));
        });
        let (answer, is_decided) = match started {
            Ok(_) => await_answer(&reports, end),
            Err(error) => (Err(format!("cannot start a thread: {error}")), true),
        };
        match answer {
            Ok(Some(text)) => print(&text),
            Ok(None) => ExitCode::Done,
            Err(fault) => self.failed(&fault, is_decided),
        }
    }

    /// Tells of a fault. Where nothing was to be decided, nothing is denied.
    fn failed(&self, fault: &str, is_decided: bool) -> ExitCode {
        if self.strict && is_decided {
            return hook::denial_of_fault(self.harness, fault)
                .map_or(ExitCode::Done, |it| print(&it));
        }
        let what = if is_decided { "did not check this edit" } else { "did not note this event" };
        output::warn(&format!("lokt hook {what}: {fault}"));
        ExitCode::Command(self.harness.fault_code())
    }
}

/// Waits for the answer, and for whether it is a decision: it may be one until the hook knows better.
fn await_answer(
    reports: &Receiver<HookReport>,
    end: Instant,
) -> (Result<Option<String>, String>, bool) {
    let mut may_be_decided = true;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        match reports.recv_timeout(left) {
            Ok(HookReport::Understood { is_decided }) => may_be_decided = is_decided,
            Ok(HookReport::Done(answer)) => {
                return (answer.map_err(|fault| fault.to_string()), may_be_decided);
            }
            Err(RecvTimeoutError::Timeout) => {
                return (Err("it did not end in time".to_owned()), may_be_decided);
            }
            Err(RecvTimeoutError::Disconnected) => {
                return (Err("it failed by a bug of lokt".to_owned()), may_be_decided);
            }
        }
    }
}

fn print(answer: &str) -> ExitCode {
    // A harness that does not read the answer decides without it.
    let _ = output::bytes(format!("{answer}\n").as_bytes());
    ExitCode::Done
}

/// Whether this process was started as a hook, however wrong the rest of the call is.
pub(crate) fn is_called() -> bool {
    std::env::args_os().nth(1).is_some_and(|it| it == "hook")
}

/// The end of a wrong call: one line, and no code that denies. Copilot takes any other code than 0 for a denial.
pub(crate) fn misused(error: &clap::Error) -> ExitCode {
    let text = error.to_string();
    // The fault, and what it is about, where that is below it.
    let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let fault = lines.collect::<Vec<_>>().join(" ");
    output::warn(&format!("lokt hook did nothing: {}", fault.trim_start_matches("error: ")));
    let is_copilot = |it: OsString| it == "copilot";
    if std::env::args_os().any(is_copilot) { ExitCode::Done } else { ExitCode::Error }
}
