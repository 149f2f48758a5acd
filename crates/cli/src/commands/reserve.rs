//! The command `reserve`: making a reservation of paths, or extending the caller's own.

use crate::locking::waiting::{WaitOptions, end_of_wait, interrupted};
use crate::{
    context::CommandContext,
    denial,
    exit::ExitCode,
    failure::CliFailure,
    hook,
    output::{self, ProgressLine},
    span, view,
};
use clap::{Args, ValueEnum, ValueHint};
use lokt_lock::{
    guard::{ReceivedSignal, SignalReader},
    ops::{
        ReservationDenial, ReservationRequest, ReservationWaitObserver, ReserveOutcome, WaitLimit,
        reserve, reserve_waiting,
    },
    pattern::Pattern,
    project::{ProjectWorkingFolder, argument},
    record::HoldKind,
    reservation::{Reservation, ReservationMode, ReservationOrigin, ReservationScope},
    sys,
    words::ProcessPresence,
};
use std::{
    ffi::OsString,
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

/// Reserve paths, so that no other edits them
///
/// All of them, or none. A path covers itself and all below it; a glob (*, ?, [a-z], **, {a,b}) covers what it matches,
/// also files that are not there yet. If you have reserved a part of it already, that reservation is extended.
#[derive(Args, Debug)]
pub(crate) struct ReserveCommand {
    /// A path, or a glob in quotes; from the working folder
    #[arg(required = true, value_name = "PATTERN", value_hint = ValueHint::AnyPath)]
    patterns: Vec<OsString>,
    /// End the reservation after this long
    #[arg(long, value_name = "DURATION", default_value = "30m", allow_hyphen_values = true, value_parser = span::parse_positive)]
    ttl: Duration,
    /// Say why, for others to read
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Let others reserve the same paths with --shared
    #[arg(long)]
    shared: bool,
    /// Where it counts: in all worktrees of the repository, or in this one
    #[arg(long, value_name = "SCOPE", value_enum, default_value = "repository")]
    scope: ReservationScopeArgument,
    /// End it when this process ends, too (in a script: --pid $$)
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pid: Option<i32>,
    /// What makes it: this is for `lokt mcp`
    #[arg(long, hide = true, value_enum, default_value = "command")]
    origin: ReservationOriginArgument,
    #[command(flatten)]
    waiting: WaitOptions,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Where a reservation counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReservationScopeArgument {
    Repository,
    Tree,
}

/// What makes a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReservationOriginArgument {
    Command,
    Mcp,
}

impl ReserveCommand {
    /// Reserves all patterns or none, with `--wait` after a wait in the queue of reservations.
    pub(crate) fn run(self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let project = context.project()?;
        let request = self.request(context, &project)?;
        // Held back, so that an interrupted wait ends cleanly.
        let signals = SignalReader::hold().map_err(|error| {
            CliFailure::new(ExitCode::Error, format!("cannot hold signals back: {error}"))
        })?;
        let mut display = ReservationWaitDisplay::new(&signals);
        let outcome = match self.waiting.patience() {
            WaitLimit::None => {
                reserve(&context.store, &request, &mut hook::has_no_uncommitted_change)?
            }
            WaitLimit::For(limit) => {
                reserve_waiting(&context.store, &request, limit, &mut display)?
            }
        };
        let ended_by = display.ended_by;
        drop(display);
        match outcome {
            ReserveOutcome::Reserved { record, is_extended } => {
                self.report(&record, &request.patterns, is_extended);
                Ok(ExitCode::Done)
            }
            ReserveOutcome::Denied(denial) => Err(denial::reservation::denied(&denial)),
            ReserveOutcome::Interrupted => Ok(interrupted(&signals, ended_by)),
        }
    }

    /// The request. Arguments become patterns from the project's root.
    ///
    /// # Errors
    /// A usage failure for a path outside of the project, for a pattern that is not valid, and for
    /// a process of `--pid` that is gone.
    fn request<'a>(
        &self,
        context: &'a CommandContext,
        project: &ProjectWorkingFolder,
    ) -> Result<ReservationRequest<'a>, CliFailure> {
        let mut patterns = Vec::new();
        for typed in &self.patterns {
            patterns.extend(argument(project, typed)?.patterns);
        }
        if let Some(pid) = self.pid
            && sys::probe(pid) == ProcessPresence::Absent
        {
            return Err(CliFailure::usage(format!("--pid {pid}: there is no such process")));
        }
        Ok(ReservationRequest {
            caller: &context.caller,
            patterns,
            scope: match self.scope {
                ReservationScopeArgument::Repository => ReservationScope::Repository,
                ReservationScopeArgument::Tree => {
                    ReservationScope::Tree(project.make_worktree_id()?)
                }
            },
            mode: if self.shared { ReservationMode::Shared } else { ReservationMode::Exclusive },
            ttl: self.ttl,
            reason: self.reason.clone(),
            origin: match self.origin {
                ReservationOriginArgument::Command => ReservationOrigin::Command,
                ReservationOriginArgument::Mcp => ReservationOrigin::Mcp,
            },
            hold: if self.pid.is_some() { HoldKind::Process } else { HoldKind::Lease },
            pid: self.pid.unwrap_or_else(super::lock::taker),
        })
    }

    /// Prints what was reserved. After an extension, these are all patterns of the reservation.
    fn report(&self, record: &Reservation, asked: &[Pattern], is_extended: bool) {
        let patterns = view::reservation::list(asked);
        let written = if self.json {
            output::json(&view::reservation::reserved(record, is_extended))
        } else if is_extended {
            let all = view::reservation::list(&record.patterns);
            output::text(&format!("extended the reservation of {all}"))
        } else {
            output::text(&format!("reserved {patterns} for {}", span::show(self.ttl)))
        };
        output::even_if_untold(&format!("{patterns} is reserved"), written);
    }
}

/// Shows what a wait is for, and ends the wait on a signal.
struct ReservationWaitDisplay<'a> {
    /// The signals that were blocked before the wait.
    signals: &'a SignalReader,
    /// The line on stderr.
    progress: ProgressLine,
    /// The signal that ended the wait.
    ended_by: Option<ReceivedSignal>,
}

impl<'a> ReservationWaitDisplay<'a> {
    fn new(signals: &'a SignalReader) -> Self {
        Self { signals, progress: ProgressLine::new(), ended_by: None }
    }
}

impl ReservationWaitObserver for ReservationWaitDisplay<'_> {
    /// Shows the first conflict; the others follow in the refusal.
    fn waiting(&mut self, denial: &ReservationDenial) {
        let first = view::reservation::denied(denial).into_iter().next().unwrap_or_default();
        let waited = span::show(denial.waited.unwrap_or_default());
        self.progress.show(&format!("waiting ({waited}): {first}"));
    }

    /// The signalfd(2), which the wait polls too.
    fn interruption(&self) -> Option<BorrowedFd<'_>> {
        Some(self.signals.as_fd())
    }

    /// Whether the file of an edit that is in the way has no uncommitted change.
    fn has_no_change(&mut self, record: &Reservation) -> bool {
        hook::has_no_uncommitted_change(record)
    }

    /// Whether a signal came that ends the wait.
    fn is_interrupted(&mut self) -> bool {
        self.ended_by = end_of_wait(self.signals).or(self.ended_by);
        self.ended_by.is_some()
    }
}
