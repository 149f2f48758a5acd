//! The part of the screen with reservations, and the requests that wait for them.

use super::{age, draw::TopScreenContent, lines::clean};
use crate::view::{agent_label::OwnerLabelDisambiguator, command_line};
use lokt_lock::{
    reservation::{Reservation, ReservationMode, WaitingReservation},
    words::{AgentId, Timestamp},
};
use ratatui::{
    layout::Constraint,
    widgets::{Block, Row, Table},
};

/// The widest that patterns and owners may make their columns.
const WIDEST: [usize; 2] = [32, 28];

/// The cells of a line: what is reserved, by whom, since when, until when, why.
type Cells = [String; 5];

/// All lines, those of reservations first.
pub(super) fn lines(screen: &TopScreenContent<'_>, owners: &OwnerLabelDisambiguator) -> Vec<Cells> {
    let (snapshot, state) = (screen.snapshot, screen.state);
    let reserved = snapshot.reserved.iter().filter(|it| state.fits_reservation(it));
    let waiting = snapshot.requests.iter().filter(|it| state.fits_request(it));
    let reserved = reserved.map(|it| of_reservation(it, screen.now, owners));
    reserved.chain(waiting.map(|it| of_request(it, screen.now, owners))).collect()
}

fn of_reservation(record: &Reservation, now: Timestamp, owners: &OwnerLabelDisambiguator) -> Cells {
    let patterns: Vec<String> = record.patterns.iter().map(ToString::to_string).collect();
    let shared = if record.mode == ReservationMode::Shared { " (shared)" } else { "" };
    let agent = record.agent_id.as_ref().map(AgentId::as_str);
    let cells = [
        format!("{}{shared}", command_line(&patterns)),
        owners.label(record.owner.as_str(), agent),
        age::show(now.since(record.since())),
        record.expiry().map_or_else(|| "-".to_owned(), |end| age::show(end.since(now))),
        record.reason.clone().unwrap_or_default(),
    ];
    cells.map(|cell| clean(&cell))
}

fn of_request(
    request: &WaitingReservation,
    now: Timestamp,
    owners: &OwnerLabelDisambiguator,
) -> Cells {
    let patterns: Vec<String> = request.patterns.iter().map(ToString::to_string).collect();
    let identity = &request.identity;
    let cells = [
        command_line(&patterns),
        owners.label(identity.owner.as_str(), Some(identity.agent.as_str())),
        age::show(now.since(request.since)),
        String::new(),
        "waiting".to_owned(),
    ];
    cells.map(|cell| clean(&cell))
}

/// As many lines as there is room for below the block's title. The last one says how many are missing.
pub(super) fn table(all: Vec<Cells>, block: Block<'_>, height: u16) -> Table<'_> {
    let room = usize::from(height.saturating_sub(1));
    let missing = if all.len() > room { all.len() + 1 - room.max(1) } else { 0 };
    let mut shown = all;
    if missing > 0 {
        shown.truncate(room.saturating_sub(1));
        let text = format!("and {missing} more");
        shown.push([text, String::new(), String::new(), String::new(), String::new()]);
    }
    let widths = widths(&shown);
    let rows = shown.into_iter().map(|[pattern, owner, age, end, reason]| {
        Row::new([format!("  {pattern}"), owner, age, end, reason])
    });
    Table::new(rows, widths).column_spacing(2).block(block)
}

fn widths(lines: &[Cells]) -> [Constraint; 5] {
    let widest = |column: usize, most: usize| {
        let cells = lines.iter().filter_map(|it| it.get(column));
        let width = cells.map(|it| crate::printable::width(it)).max().unwrap_or(0).min(most);
        Constraint::Length(u16::try_from(width).unwrap_or(u16::MAX))
    };
    let [pattern, owner] = WIDEST;
    let indented = |it| match it {
        Constraint::Length(width) => Constraint::Length(width + 2),
        other => other,
    };
    [
        indented(widest(0, pattern)),
        widest(1, owner),
        widest(2, usize::MAX),
        widest(3, usize::MAX),
        Constraint::Fill(1),
    ]
}
