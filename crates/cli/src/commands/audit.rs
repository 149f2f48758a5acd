use super::{
    reservations::covering_patterns,
    timeline::{TimelineFormat, TimelineOptions},
};
use crate::{
    completion, context::CommandContext, exit::ExitCode, failure::CliFailure, output, span,
    timeline::gather::TimeRange, view,
};
use clap::{Args, ValueHint};
use lokt_lock::{
    audit::{AuditEventKind, AuditLogLine, LogReader, TimelineSubject},
    pattern::Pattern,
    project::{PathOrPatternArgument, argument},
    words::{LockName, Owner, Timestamp},
};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::inotify::{AddWatchFlags, InitFlags, Inotify},
};
use std::{
    ffi::OsString,
    io,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
};

/// How much of the log's end `--tail` begins with, in bytes: about the last ten events.
const TAIL: u64 = 4000;

/// How many events in a row after `--until` say that none before it follows.
const LATE: usize = 1000;

/// Show what happened to locks
///
/// All events of this repository's log, in their order; the options choose some of them.
#[derive(Args, Debug)]
pub(crate) struct AuditCommand {
    /// Show events since this time, or since this long ago
    #[arg(long, value_name = "DURATION|TIME", allow_hyphen_values = true, value_parser = span::point)]
    since: Option<Timestamp>,
    /// Show events until this time, or until this long ago
    #[arg(long, value_name = "DURATION|TIME", allow_hyphen_values = true, value_parser = span::point)]
    until: Option<Timestamp>,
    /// Show only events of this lock
    #[arg(long, add = completion::locks())]
    name: Option<LockName>,
    /// Show only reservations that cover this path, or a path that this glob covers
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath, conflicts_with = "name")]
    path: Option<OsString>,
    /// Show only what this owner did
    #[arg(long, value_name = "OWNER")]
    pub(crate) owner: Option<Owner>,
    /// Show only this kind of event
    #[arg(long, value_name = "EVENT")]
    event: Option<AuditEventKind>,
    /// Show the last events, and then new ones as they happen
    #[arg(long, conflicts_with = "until")]
    tail: bool,
    #[command(flatten)]
    timeline: TimelineOptions,
    /// Print JSON: one event per line; with --timeline one object
    #[arg(long)]
    json: bool,
}

impl AuditCommand {
    /// A log that does not exist has no events: that is [`ExitCode::Done`] without output.
    pub(crate) fn run(&self, context: &CommandContext) -> Result<ExitCode, CliFailure> {
        let owner = self.owner.as_ref();
        self.refuse_nothing()?;
        let (_, files) = context.require_files("the audit log (lokt audit)")?;
        let asked_path = match &self.path {
            Some(typed) => Some(argument(&context.project()?, typed)?),
            None => None,
        };
        let filter = AuditEventQuery { audit: self, owner, path: asked_path.as_ref() };
        if self.timeline.is_asked() {
            return self.show_timeline(context, &filter);
        }
        let path = files.layout().audit_log();
        match LogReader::open(&path)? {
            Some(mut reader) => {
                self.go_to_start(&mut reader)?;
                filter.print_all(&mut reader)?;
                if self.tail { follow(&path, Some(reader), &filter) } else { Ok(ExitCode::Done) }
            }
            None if self.tail => follow(&path, None, &filter),
            None => Ok(ExitCode::Done),
        }
    }

    /// Shows the chosen part of the log as a timeline.
    fn show_timeline(
        &self,
        context: &CommandContext,
        filter: &AuditEventQuery<'_>,
    ) -> Result<ExitCode, CliFailure> {
        let asked = TimeRange { since: self.since, until: self.until };
        let form = if self.json { TimelineFormat::Json } else { TimelineFormat::Text };
        let wanted = |(subject, name): (TimelineSubject, &str), by: &str| {
            let is_lock = subject == TimelineSubject::Lock;
            let patterns = || Pattern::parse(name.as_bytes()).into_iter().collect::<Vec<_>>();
            self.name.as_ref().is_none_or(|it| is_lock && it.as_str() == name)
                && (self.path.is_none() || (!is_lock && filter.covers_path(&patterns())))
                && filter.owner.is_none_or(|it| it.as_str() == by)
        };
        self.timeline.run(context, (&asked, form), wanted)
    }

    /// Refuses a span of time that ends before it begins.
    fn refuse_nothing(&self) -> Result<(), CliFailure> {
        match (self.since, self.until) {
            (Some(since), Some(until)) if until < since => {
                let text = format!("--until {until} is before --since {since}: no event can match");
                Err(CliFailure::usage(text))
            }
            _ => Ok(()),
        }
    }

    /// Moves the reader to the first event that may be wanted, without reading all before it.
    fn go_to_start(&self, reader: &mut LogReader) -> Result<(), CliFailure> {
        match self.since {
            Some(since) => reader.seek_to(since)?,
            None if self.tail => reader.seek_near_end(TAIL)?,
            None => {}
        }
        Ok(())
    }
}

/// The part of the log to show.
struct AuditEventQuery<'a> {
    audit: &'a AuditCommand,
    owner: Option<&'a Owner>,
    path: Option<&'a PathOrPatternArgument>,
}

impl AuditEventQuery<'_> {
    /// Prints the wanted events up to the end of the log. Stops early when [`LATE`] events in a row
    /// are after `--until`.
    fn print_all(&self, reader: &mut LogReader) -> Result<(), CliFailure> {
        // Neighbours may be out of order by a little, but by no more than this many lines.
        let mut late = 0;
        while late < LATE
            && let Some(event) = reader.next_event()?
        {
            let until = self.audit.until;
            let is_late = until.is_some_and(|until| event.time().is_some_and(|it| it > until));
            late = if is_late { late + 1 } else { 0 };
            self.print(&event)?;
        }
        Ok(())
    }

    /// Prints an event if it is wanted. A line that is no event is a warning, and does not end the
    /// command.
    fn print(&self, event: &AuditLogLine) -> Result<(), CliFailure> {
        match event {
            AuditLogLine::Broken(line) => {
                output::warn(&format!("a line of the audit log is not an event: {line:.80}"));
            }
            AuditLogLine::Event(fields) if self.wants(event) => {
                if self.audit.json {
                    output::json(fields)?;
                } else {
                    output::text(&view::event::text(event))?;
                }
            }
            AuditLogLine::Event(_) => {}
        }
        Ok(())
    }

    /// An event without a time is wanted only if neither `--since` nor `--until` is given.
    fn wants(&self, event: &AuditLogLine) -> bool {
        let audit = self.audit;
        let in_time = match event.time() {
            Some(time) => {
                audit.since.is_none_or(|it| time >= it) && audit.until.is_none_or(|it| time <= it)
            }
            None => audit.since.is_none() && audit.until.is_none(),
        };
        let of_name = audit.name.as_ref().is_none_or(|it| event.text("name") == Some(it.as_str()));
        let of_owner = self.owner.is_none_or(|it| event.text("owner") == Some(it.as_str()));
        let of_kind = audit.event.is_none_or(|it| event.kind() == Some(it));
        in_time && of_name && of_owner && of_kind && self.covers_path(&event.patterns())
    }

    /// Whether one of these patterns covers the path that was asked for, if one was.
    fn covers_path(&self, patterns: &[Pattern]) -> bool {
        self.path.is_none_or(|path| covering_patterns(patterns, path).next().is_some())
    }
}

/// Prints events as they are written, until a signal ends it. Starts again at the beginning of a log that was
/// moved away or cut.
///
/// `reader` is `None` while there is no log. Ends without a failure when the reader of the output
/// has gone.
fn follow(
    path: &Path,
    mut reader: Option<LogReader>,
    filter: &AuditEventQuery<'_>,
) -> Result<ExitCode, CliFailure> {
    loop {
        if let Some(open) = &mut reader {
            filter.print_all(open)?;
        }
        let replaced = match wait_for_change(path) {
            LogWaitEnd::More => false,
            LogWaitEnd::Replaced => true,
            LogWaitEnd::Unread => return Ok(ExitCode::Done),
        };
        let cut = match &mut reader {
            Some(open) => open.was_truncated()?,
            None => true,
        };
        if replaced || cut {
            if let Some(open) = &mut reader {
                filter.print_all(open)?;
            }
            reader = LogReader::open(path)?;
        }
    }
}

/// What ended a wait for the log to change.
enum LogWaitEnd {
    /// There may be more in it.
    More,
    /// Another file may stand there now.
    Replaced,
    /// The reader of the output has gone.
    Unread,
}

/// Sleeps until the log changes, or until the reader of the output is gone.
fn wait_for_change(path: &Path) -> LogWaitEnd {
    let changed = AddWatchFlags::IN_MODIFY;
    let replaced =
        AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_ATTRIB;
    let watched = Inotify::init(InitFlags::IN_CLOEXEC)
        .and_then(|inotify| inotify.add_watch(path, changed | replaced).map(|_| inotify));
    let Ok(inotify) = watched else {
        // No log yet: look again in a moment.
        return if is_unread(None).0 { LogWaitEnd::Unread } else { LogWaitEnd::Replaced };
    };
    let is_replaced = || {
        let events = inotify.read_events().unwrap_or_default();
        events.iter().any(|event| event.mask.intersects(replaced))
    };
    // The limit covers events written between the last read and the watch.
    match is_unread(Some(inotify.as_fd())) {
        (true, _) => LogWaitEnd::Unread,
        (_, true) if is_replaced() => LogWaitEnd::Replaced,
        _ => LogWaitEnd::More,
    }
}

/// Waits a moment: whether the reader of the output has gone (poll(2): a pipe without a reader has an error), and
/// whether `other` is readable.
fn is_unread(other: Option<BorrowedFd<'_>>) -> (bool, bool) {
    let out = io::stdout();
    let output = PollFd::new(out.as_fd(), PollFlags::empty());
    let other = other.map(|it| PollFd::new(it, PollFlags::POLLIN));
    let mut fds: Vec<PollFd<'_>> = std::iter::once(output).chain(other).collect();
    if poll(&mut fds, PollTimeout::from(500u16)).is_err() {
        return (false, false);
    }
    let has = |at: usize, flags| {
        fds.get(at).and_then(PollFd::revents).is_some_and(|it| it.intersects(flags))
    };
    (has(0, PollFlags::POLLERR | PollFlags::POLLHUP), has(1, PollFlags::all()))
}
