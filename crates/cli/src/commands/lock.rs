//! The command `lock`: taking a lease, or renewing it.
//!
//! A lease has no process that proves its life. It ends at its expiry, with the process of `--pid`,
//! or when its owner unlocks it.

use crate::locking::{
    nesting,
    sharing::LockModeOptions,
    waiting::{QueueDisplay, WaitOptions, interrupted},
};
use crate::{
    completion, context::CommandContext, exit::ExitCode, failure::CliFailure, output, span, view,
};
use clap::Args;
use lokt_lock::{
    guard::SignalReader,
    ops::{AcquireOutcome, LockGrant, LockGrantKind, LockRequest, acquire, tidy},
    record::{HoldKind, LockMetadata, LockRecord},
    sys,
    words::{LockName, ProcessPresence, Timestamp},
};
use std::time::Duration;

/// Take a lock that outlives this command: a lease
///
/// The lease lasts until it expires or you unlock it, even if the process that took it ends. If you hold it
/// already, it is renewed. To hold a lock while a command runs, use `lokt guard`.
#[derive(Args, Debug)]
pub(crate) struct LockCommand {
    /// The lock to take
    #[arg(add = completion::locks())]
    name: LockName,
    /// Unlock it automatically after this long [default: it stays until `lokt unlock`]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = span::parse_positive)]
    ttl: Option<Duration>,
    /// Unlock it automatically when this process ends (in a script: --pid $$)
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pid: Option<i32>,
    /// Store text with the lock, split at the first '='; a repeated key replaces the earlier value
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    meta: Vec<(String, String)>,
    /// Store a JSON object with the lock; --meta adds to it
    #[arg(long, value_name = "JSON", value_parser = object)]
    meta_json: Option<LockMetadata>,
    #[command(flatten)]
    sharing: LockModeOptions,
    #[command(flatten)]
    waiting: WaitOptions,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl LockCommand {
    /// Takes or renews the lease, and sometimes removes a few expired ones of other names.
    pub(crate) fn run(mut self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let metadata = self.metadata();
        let request = self.request(context, metadata)?;
        // Held back, so that an interrupted wait leaves the line cleanly.
        let signals = SignalReader::hold().map_err(|error| {
            CliFailure::new(ExitCode::Error, format!("cannot hold signals back: {error}"))
        })?;
        let mut line = QueueDisplay::new(&signals, &context.caller);
        let outcome = acquire(&context.store, &request, self.waiting.patience(), &mut line)?;
        let ended_by = line.ended_by();
        drop(line);
        match outcome {
            AcquireOutcome::Entered(grant) => {
                self.report(&grant);
                sweep(context);
                Ok(ExitCode::Done)
            }
            AcquireOutcome::Denied(denial) => {
                Err(crate::denial::lock::denied(&self.name, &denial, &context.caller))
            }
            AcquireOutcome::Interrupted => Ok(interrupted(&signals, ended_by)),
        }
    }

    /// The request.
    ///
    /// # Errors
    /// A usage failure if the process of `--pid` is gone already: the lease would be dead at once.
    fn request<'a>(
        &'a self,
        context: &'a CommandContext,
        metadata: Option<LockMetadata>,
    ) -> Result<LockRequest<'a>, CliFailure> {
        let hold = if self.pid.is_some() { HoldKind::Process } else { HoldKind::Lease };
        if let Some(pid) = self.pid
            && sys::probe(pid) == ProcessPresence::Absent
        {
            return Err(CliFailure::usage(format!("--pid {pid}: there is no such process")));
        }
        Ok(LockRequest {
            name: &self.name,
            caller: &context.caller,
            mode: self.sharing.mode(),
            hold,
            pid: self.pid.unwrap_or_else(taker),
            ttl: self.ttl,
            metadata,
            command: Vec::new(),
            held: nesting::held().into_iter().map(|(_, id)| id).collect(),
        })
    }

    /// The metadata of both options; `None` if neither is given, so that a renewal keeps what is
    /// there.
    fn metadata(&mut self) -> Option<LockMetadata> {
        if self.meta_json.is_none() && self.meta.is_empty() {
            return None;
        }
        let mut metadata = self.meta_json.take().unwrap_or_default();
        for (key, text) in self.meta.drain(..) {
            metadata.set(&key, &text);
        }
        Some(metadata)
    }

    /// The process that a lease ends with, if this call did not name it.
    fn bound_to(&self, record: &LockRecord) -> Option<i32> {
        let is_bound = record.hold == Some(HoldKind::Process) && self.pid.is_none();
        record.pid.filter(|_| is_bound)
    }

    /// Prints the outcome. Notes say how a lease without an end is unlocked, and if a renewal made
    /// it end earlier.
    fn report<T>(&self, grant: &LockGrant<T>) {
        let renewed = grant.kind == LockGrantKind::Renewed;
        let what = if renewed { "renewed" } else { "acquired" };
        let written = match (self.json, renewed) {
            (true, true) => output::json(&view::renewed(&grant.record, grant.previous_end)),
            (true, false) => output::json(&view::acquired(&grant.record)),
            (false, _) => output::text(&format!("{what} lock {:?}", self.name.as_str())),
        };
        output::even_if_untold(&format!("lock {:?} is {what}", self.name.as_str()), written);
        let end = grant.record.expiry();
        if end.is_none() && grant.record.hold != Some(HoldKind::Process) {
            output::note(&format!(
                "no --ttl: it is held until '{}'",
                view::call("unlock", &self.name, "")
            ));
        }
        if let Some(pid) = self.bound_to(&grant.record).filter(|_| renewed) {
            output::note(&format!(
                "it is tied to process {pid}, for example a connection of lokt mcp: it ends with that at the latest"
            ));
        }
        if let Some(note) = end.filter(|_| renewed).and_then(|end| cut(grant.previous_end, end)) {
            output::note(&note);
        }
    }
}

/// The note for a lease that ends earlier than before it was renewed; `None` if it does not.
fn cut(previous: Option<Timestamp>, end: Timestamp) -> Option<String> {
    let now = Timestamp::now();
    let remaining = |end: Timestamp| span::show(end.since(now));
    match previous {
        Some(previous) if previous <= end => None,
        Some(previous) => Some(format!(
            "it ends earlier than before: in {}, not in {}",
            remaining(end),
            remaining(previous)
        )),
        None => Some(format!("it ends in {}; before, it had no end", remaining(end))),
    }
}

/// The process that called `lokt`, for people to recognise; this one if the caller is outside the namespace.
pub(super) fn taker() -> i32 {
    match nix::unistd::getppid().as_raw() {
        0 => nix::unistd::getpid().as_raw(),
        parent => parent,
    }
}

/// Removes a few expired leases now and then that no caller may ask for again.
fn sweep(context: &CommandContext) {
    // A cluster removes by itself what has expired.
    let Some(files) = context.store.files() else { return };
    let due = files.due_for_sweep();
    if !due.is_empty() {
        tidy(files, &due, &context.caller);
        // A queue that stays costs an empty folder.
        let _ = files.remove_empty_lines();
    }
}

/// Reads `KEY=VALUE`. The value may be empty and may have further `=` in it.
fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it must be KEY=VALUE")?;
    if key.is_empty() {
        return Err("the key before '=' must not be empty".to_owned());
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// Reads a JSON object. Other JSON gets another message than text that is no JSON.
fn object(text: &str) -> Result<LockMetadata, String> {
    if text.trim_start().starts_with('{') {
        return LockMetadata::parse(text).map_err(|error| format!("not JSON: {error}"));
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Err("it must be a JSON object, like {\"key\": \"value\"}".to_owned()),
        Err(error) => Err(format!("not JSON: {error}")),
    }
}
