use crate::{
    exit::ExitCode,
    failure::CliFailure,
    span,
    view::{
        call,
        holder::{blocked, obstacle},
    },
};
use lokt_lock::{
    caller::Caller,
    ops::Denial,
    words::{LockName, Timestamp},
};

/// A refusal as an error message.
pub(crate) fn denied(name: &LockName, denial: &Denial, caller: &Caller) -> CliFailure {
    let why =
        obstacle(&denial.obstacle, denial.holder.as_ref(), denial.ahead.as_ref(), Timestamp::now());
    let waited = denial.waited.map(|it| format!("; gave up after {}", span::show(it)));
    let text = format!("lock {:?} {why}{}", name.as_str(), waited.unwrap_or_default());
    let failure = CliFailure::new(ExitCode::Held, text);
    let failure = match denial.waited {
        None => failure.hint("--wait waits in the queue for it, first come, first served"),
        Some(_) => failure.hint("--timeout sets how long to wait"),
    };
    failure.hint(call("why", name, "")).facts(&blocked(name, denial, caller))
}
