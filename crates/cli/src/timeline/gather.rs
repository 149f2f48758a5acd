use crate::{
    context::CommandContext,
    failure::{CliFailure, chain},
    output,
};
use lokt_lock::{
    audit::{AuditLogLine, LogReader, ResolvedTimeRange, Timeline, TimelineEndState},
    ops::{LockStatusEntry, LockStatusEntryState, list_reservations, survey_all},
    record::LockRecord,
    store::LockRecordKind,
    words::Timestamp,
};

/// Which time of a timeline is asked for.
pub(crate) struct TimeRange {
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

/// Makes the timeline of a root.
///
/// Reads the present state first: that removes the records of dead guards, and the log then has an event for it.
pub(crate) fn timeline(
    context: &CommandContext,
    asked: &TimeRange,
) -> Result<Timeline, CliFailure> {
    let (_, files) = context.require_files("timelines (lokt audit --timeline)")?;
    let mut present = present(survey_all(&context.store, &context.caller)?);
    let reservations = list_reservations(&context.store, &context.caller)?;
    reservations.faults.iter().for_each(|fault| output::warn(&chain(fault)));
    present.reservations = reservations.standing;
    let now = Timestamp::now();
    let window = ResolvedTimeRange { since: asked.since, until: asked.until.unwrap_or(now), now };
    let mut reader = LogReader::open(&files.layout().audit_log())?;
    if let (Some(reader), Some(since)) = (&mut reader, asked.since) {
        reader.seek_to(since)?;
    }
    let mut failed = None;
    // To the end, whatever was asked for: only later events show how long a lock was held.
    let events = reader.into_iter().flatten().map_while(|read| match read {
        Ok(event) => Some(event),
        Err(error) => {
            failed = Some(error);
            None
        }
    });
    let timeline = Timeline::of(events.inspect(warn_of_broken), &present, window);
    failed.map_or(Ok(timeline), |error| Err(error.into()))
}

fn warn_of_broken(event: &AuditLogLine) {
    if let AuditLogLine::Broken(line) = event {
        output::warn(&format!("a line of the audit log is no event: {line:.80}"));
    }
}

/// The present state, from all that a survey found.
fn present(entries: Vec<LockStatusEntry>) -> TimelineEndState {
    let mut present = TimelineEndState::default();
    for entry in entries {
        let record = entry.record().cloned();
        match (entry.kind, entry.state) {
            (LockRecordKind::Freeze, LockStatusEntryState::Frozen) => {
                present.freezes.extend(record);
            }
            (LockRecordKind::Lock, _) if entry.taken > 0 => {
                present.holders.extend(record.into_iter().flat_map(LockRecord::into_holders));
            }
            _ => {}
        }
        present.inside.extend(entry.inside);
        present.waiters.extend(entry.waiters);
    }
    present
}
