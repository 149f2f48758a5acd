use super::{age, snapshot::LockNameStatus};
use crate::{
    printable,
    view::{agent_label::OwnerLabelDisambiguator, command_line, entry, holder},
};
use lokt_lock::{
    ops::{LockStatusEntry, LockStatusEntryState},
    record::{LockMetadata, LockRecord},
    rules::TicketContent,
    words::{AgentId, Timestamp},
};

/// How many of those who wait are shown below a name.
const WAITERS: usize = 4;

/// The headings of the columns.
pub(super) const HEAD: [&str; 6] = ["NAME", "STATE", "OWNER", "AGE", "ENDS IN", "WHAT"];

/// One line of the table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TopTableLine {
    pub(super) cells: [String; 6],
    pub(super) tone: TextTone,
}

/// The tone of a line. The word of the state has the same meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextTone {
    Calm,
    Waiting,
    Frozen,
    /// Something is unusual about it.
    Odd,
    /// It cannot be used as it is.
    Broken,
}

/// What the cells of a line depend on beside its subject.
#[derive(Clone, Copy, Debug)]
pub(super) struct TopTableContext<'a> {
    pub(super) now: Timestamp,
    pub(super) owners: &'a OwnerLabelDisambiguator,
}

/// The lines of a name: holders, waiters, and the owner of a freeze.
pub(super) fn lines(seen: &LockNameStatus, context: TopTableContext<'_>) -> Vec<TopTableLine> {
    let mut lines = Vec::new();
    if let Some(lock) = &seen.lock {
        lines.push(first(lock, context));
        let beside = lock.record().into_iter().flat_map(|it| &it.co_holders);
        lines.extend(beside.map(|it| of_record("beside".to_owned(), it, context)));
        let inside = |it| of_ticket("inside".to_owned(), it, context, TextTone::Odd);
        lines.extend(lock.inside.iter().map(inside));
        let waiting = lock.waiters.iter().take(WAITERS).zip(1..).map(|(it, place)| {
            of_ticket(format!("waiting {place}"), it, context, TextTone::Waiting)
        });
        lines.extend(waiting);
        lines.extend(more(lock.waiters.len().saturating_sub(WAITERS)));
    }
    if let Some(freeze) = &seen.freeze {
        lines.push(match freeze.record() {
            Some(record) => TopTableLine {
                tone: TextTone::Frozen,
                ..of_record(entry::state(freeze), record, context)
            },
            None => without_record(freeze),
        });
    }
    if let Some(TopTableLine { cells: [name, ..], .. }) = lines.first_mut() {
        *name = seen.name.to_string();
    }
    lines
}

fn first(lock: &LockStatusEntry, context: TopTableContext<'_>) -> TopTableLine {
    match lock.record() {
        Some(record) => {
            let line = of_record(entry::state(lock), record, context);
            TopTableLine { tone: tone(lock.state), ..line }
        }
        None => without_record(lock),
    }
}

fn tone(state: LockStatusEntryState) -> TextTone {
    match state {
        LockStatusEntryState::Held => TextTone::Calm,
        LockStatusEntryState::Queued => TextTone::Waiting,
        LockStatusEntryState::Frozen => TextTone::Frozen,
        LockStatusEntryState::Overdue
        | LockStatusEntryState::Orphaned
        | LockStatusEntryState::Abandoned
        | LockStatusEntryState::Expired
        | LockStatusEntryState::Dead => TextTone::Odd,
        LockStatusEntryState::Corrupted
        | LockStatusEntryState::Unsupported
        | LockStatusEntryState::Unreadable => TextTone::Broken,
    }
}

fn without_record(entry: &LockStatusEntry) -> TopTableLine {
    let problem = entry::problem(entry).unwrap_or_default();
    line(
        [entry::state(entry), String::new(), String::new(), String::new(), problem],
        tone(entry.state),
    )
}

fn of_record(state: String, record: &LockRecord, context: TopTableContext<'_>) -> TopTableLine {
    let now = context.now;
    let agent = record.agent_id.as_ref().map(AgentId::as_str);
    let owner = context.owners.label(record.owner.as_str(), agent);
    line(
        [state, owner, since(record.since(), now), ends(record, now), entry::what(record)],
        TextTone::Calm,
    )
}

fn of_ticket(
    state: String,
    ticket: &TicketContent,
    context: TopTableContext<'_>,
    tone: TextTone,
) -> TopTableLine {
    let age = ticket.arrived().map_or_else(String::new, |arrived| since(arrived, context.now));
    let what = command_line(&ticket.command);
    let owner = context.owners.label(&ticket.owner, Some(&ticket.agent_id));
    line([state, owner, age, String::new(), what], tone)
}

fn more(number: usize) -> Option<TopTableLine> {
    let text = format!("and {number} more waiting");
    let cells = ["", "", "", ""].map(str::to_owned);
    let [state, owner, age, ends] = cells;
    (number > 0).then(|| line([state, owner, age, ends, text], TextTone::Waiting))
}

/// Cells that cannot break out of their line.
fn line([state, owner, age, ends, what]: [String; 5], tone: TextTone) -> TopTableLine {
    let cells = [String::new(), state, owner, age, ends, what];
    TopTableLine { cells: cells.map(|cell| clean(&cell)), tone }
}

/// A text as it may be shown, which its width depends on.
pub(super) fn clean(text: &str) -> String {
    printable::line(text).into_owned()
}

fn since(time: Timestamp, now: Timestamp) -> String {
    age::show(now.since(time))
}

fn ends(record: &LockRecord, now: Timestamp) -> String {
    match record.expiry() {
        None => "-".to_owned(),
        Some(end) if end <= now => format!("{} ago", since(end, now)),
        Some(end) => age::show(end.since(now)),
    }
}

/// All there is to tell of a name, as words and what they say.
pub(super) fn full(seen: &LockNameStatus, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut told = Vec::new();
    if let Some(lock) = &seen.lock {
        told.push(("state", entry::state(lock)));
        told.extend(entry::problem(lock).map(|problem| ("error", problem)));
        for (holder, number) in lock.record().into_iter().flat_map(LockRecord::holders).zip(0..) {
            told.extend(of_holder(holder, now));
            if number == 0 {
                told.push(("process", lock.process.as_str().to_owned()));
            }
        }
        told.extend(lock.inside.iter().map(|it| ("inside", ticket(it, now))));
        let places = lock.waiters.iter().zip(1..);
        told.extend(places.map(|(it, place)| ("waiting", format!("{place}. {}", ticket(it, now)))));
    }
    if let Some(freeze) = &seen.freeze {
        told.extend(entry::problem(freeze).map(|problem| ("freeze", problem)));
        told.extend(freeze.record().map(|it| ("frozen", frozen(it, now))));
    }
    told.into_iter().map(|(word, text)| (word, clean(&text))).collect()
}

fn of_holder(record: &LockRecord, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut told = vec![
        ("owner", holder::who(record)),
        ("since", format!("{} ({})", record.since(), since(record.since(), now))),
    ];
    let end = |end: Timestamp| ("ends", format!("{end} ({})", ends(record, now)));
    told.extend(record.expiry().map(end));
    told.extend(record.command.as_deref().map(|words| ("command", command_line(words))));
    let metadata = record.metadata.iter().flat_map(LockMetadata::entries);
    told.extend(metadata.map(|(key, it)| ("metadata", format!("{key} = {}", it.shown()))));
    told.extend(record.fence.map(|fence| ("fence", fence.to_string())));
    told
}

fn ticket(text: &TicketContent, now: Timestamp) -> String {
    let age = text.arrived().map_or_else(String::new, |it| format!(" for {}", since(it, now)));
    format!("{} (pid {}){age}: {}", text.owner, text.pid, command_line(&text.command))
}

fn frozen(freeze: &LockRecord, now: Timestamp) -> String {
    format!("by {}, ends in {}", holder::who(freeze), ends(freeze, now))
}
