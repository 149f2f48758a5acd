use crate::{context::Context, failure::Failure, output};
use lokt_lock::{
    audit::{LogReader, Logged, Present, Timeline, Window},
    ops::{Entry, State, survey_all},
    record::Record,
    store::RecordKind,
    words::Timestamp,
};

/// Which time of a timeline is asked for.
pub(crate) struct Asked {
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

/// Makes the timeline of a root.
///
/// What stands is found out first: that puts the records of dead guards away, and the log then tells of it.
pub(crate) fn timeline(context: &Context, asked: &Asked) -> Result<Timeline, Failure> {
    let present = present(survey_all(&context.store, &context.caller)?);
    let now = Timestamp::now();
    let window = Window { since: asked.since, until: asked.until.unwrap_or(now), now };
    let mut reader = LogReader::open(&context.store.layout().audit_log())?;
    if let (Some(reader), Some(since)) = (&mut reader, asked.since) {
        reader.seek_to(since)?;
    }
    let mut failed = None;
    // To the end, whatever was asked for: only what follows tells how long somebody held on.
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

fn warn_of_broken(event: &Logged) {
    if let Logged::Broken(line) = event {
        output::warn(&format!("a line of the audit log is no event: {line:.80}"));
    }
}

/// What stands, of all that a survey found.
fn present(entries: Vec<Entry>) -> Present {
    let mut present = Present::default();
    for entry in entries {
        let record = entry.record().cloned();
        match (entry.kind, entry.state) {
            (RecordKind::Freeze, State::Frozen) => present.freezes.extend(record),
            (RecordKind::Lock, _) if entry.taken > 0 => {
                present.holders.extend(record.into_iter().flat_map(Record::into_holders));
            }
            _ => {}
        }
        present.inside.extend(entry.inside);
        present.waiters.extend(entry.waiters);
    }
    present
}
