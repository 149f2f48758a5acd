use crate::{
    output::{Glyphs, StyledLine},
    printable, span,
    view::{agent_label::other_than_terminal, holder},
};
use anstyle::{AnsiColor, Style};
use lokt_lock::{
    audit::{Timeline, TimelineLane, TimelineSpan, TimelineSpanKind},
    words::Timestamp,
};
use std::time::Duration;

/// How a timeline is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimelineBarOptions {
    /// How many columns wide.
    pub(crate) width: usize,
    pub(crate) glyphs: Glyphs,
}

/// The least width of a bar: below it, lines become wider than was asked for.
const LEAST: usize = 20;

/// The longest name and owner that are shown whole; the latter also with an agent beside it.
const LONGEST: [usize; 2] = [28, 16];
const LONGEST_WITH_AGENT: usize = 28;

/// One column of a bar. Of several, the last of these is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum BarCell {
    Empty,
    Refused,
    Frozen,
    Waited,
    Reserved,
    Held,
}

impl BarCell {
    const ALL: [Self; 6] =
        [Self::Empty, Self::Refused, Self::Frozen, Self::Waited, Self::Reserved, Self::Held];

    fn of(kind: TimelineSpanKind) -> Self {
        match kind {
            TimelineSpanKind::Hold => Self::Held,
            TimelineSpanKind::Wait => Self::Waited,
            TimelineSpanKind::Freeze => Self::Frozen,
            TimelineSpanKind::Refusal => Self::Refused,
            TimelineSpanKind::Reservation => Self::Reserved,
        }
    }

    const fn glyph(self, glyphs: Glyphs) -> char {
        match (self, glyphs) {
            (Self::Empty, _) => ' ',
            (Self::Refused, Glyphs::Unicode) => '×',
            (Self::Refused, Glyphs::Ascii) => 'x',
            (Self::Frozen, Glyphs::Unicode) => '▒',
            (Self::Frozen, Glyphs::Ascii) => '~',
            (Self::Waited, Glyphs::Unicode) => '╌',
            (Self::Waited, Glyphs::Ascii) => '-',
            (Self::Reserved, Glyphs::Unicode) => '▆',
            (Self::Reserved, Glyphs::Ascii) => '=',
            (Self::Held, Glyphs::Unicode) => '█',
            (Self::Held, Glyphs::Ascii) => '#',
        }
    }

    const fn style(self) -> Style {
        match self {
            Self::Empty => Style::new(),
            Self::Refused => AnsiColor::Red.on_default(),
            Self::Frozen => AnsiColor::Cyan.on_default(),
            Self::Waited => AnsiColor::Yellow.on_default(),
            Self::Reserved => AnsiColor::Blue.on_default(),
            Self::Held => AnsiColor::Green.on_default(),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Empty => "",
            Self::Refused => "refused",
            Self::Frozen => "frozen",
            Self::Waited => "waited",
            Self::Reserved => "reserved",
            Self::Held => "held",
        }
    }
}

/// What one owner had to do with one name; of several of its agents, one.
struct OwnerTimelineRow<'a> {
    name: &'a str,
    owner: &'a str,
    /// The agent in words; nothing for a terminal session.
    agent: Option<String>,
    spans: Vec<&'a TimelineSpan>,
}

/// A timeline as lines: a bar for each owner of each name, and what the characters mean.
pub(crate) fn lines(timeline: &Timeline, drawing: TimelineBarOptions) -> Vec<StyledLine> {
    let rows: Vec<OwnerTimelineRow<'_>> = timeline.lanes.iter().flat_map(rows_of).collect();
    let cells = |row: &OwnerTimelineRow<'_>| {
        let held = total(row, &[TimelineSpanKind::Hold, TimelineSpanKind::Reservation], timeline);
        let waited = total(row, &[TimelineSpanKind::Wait], timeline);
        [cut(row.name, LONGEST[0]), label(row, &rows), held, waited]
    };
    let head = ["NAME", "OWNER", "HELD", "WAITED"].map(str::to_owned);
    let table: Vec<[String; 4]> = std::iter::once(head).chain(rows.iter().map(cells)).collect();
    let widths: Vec<usize> = (0..4).map(|column| widest(&table, column)).collect();
    let used: usize = widths.iter().map(|width| width + 2).sum();
    let bar = drawing.width.saturating_sub(used).max(LEAST);
    let scale = TimeScale::new(timeline, bar);
    let axis = plain(scale.axis());
    let bars = rows.iter().map(|row| scale.bar(row, drawing.glyphs));
    let lines = table.iter().zip(std::iter::once(axis).chain(bars)).map(|(cells, bar)| {
        let cells = cells.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| printable::padded(cell, *width) + "  ");
        [plain(cells.collect()), bar].concat()
    });
    let is_reserved = rows
        .iter()
        .flat_map(|row| &row.spans)
        .any(|span| span.kind == TimelineSpanKind::Reservation);
    let is_used = |cell: &BarCell| is_reserved || *cell != BarCell::Reserved;
    lines.chain([legend(drawing.glyphs, is_used), plain(scale.told(timeline))]).collect()
}

fn plain(text: String) -> StyledLine {
    vec![(Style::new(), text)]
}

/// The owners of a name, in the order in which they came.
fn rows_of(lane: &TimelineLane) -> Vec<OwnerTimelineRow<'_>> {
    let mut rows: Vec<OwnerTimelineRow<'_>> = Vec::new();
    for span in &lane.spans {
        let owner = span.who.owner.as_str();
        let agent = other_than_terminal(span.who.agent_id.as_deref());
        match rows.iter_mut().find(|row| row.owner == owner && row.agent == agent) {
            Some(row) => row.spans.push(span),
            None => {
                rows.push(OwnerTimelineRow { name: &lane.name, owner, agent, spans: vec![span] });
            }
        }
    }
    rows
}

/// An owner, with its agent where the owner has another row in the lane.
fn label(row: &OwnerTimelineRow<'_>, all: &[OwnerTimelineRow<'_>]) -> String {
    let is_beside = |it: &&OwnerTimelineRow<'_>| it.name == row.name && it.owner == row.owner;
    if all.iter().filter(is_beside).count() < 2 {
        return cut(row.owner, LONGEST[1]);
    }
    cut(&holder::named(row.owner, [row.agent.clone()]), LONGEST_WITH_AGENT)
}

/// How long an owner did something within the timeline; nothing where it did not.
fn total(row: &OwnerTimelineRow<'_>, kinds: &[TimelineSpanKind], timeline: &Timeline) -> String {
    let spans = row.spans.iter().filter(|span| kinds.contains(&span.kind));
    let inside =
        spans.map(|span| span.until.min(timeline.until).since(span.from.max(timeline.from)));
    inside.reduce(Duration::saturating_add).map(span::show).unwrap_or_default()
}

fn widest(table: &[[String; 4]], column: usize) -> usize {
    let cells = table.iter().filter_map(|row| row.get(column));
    cells.map(|cell| printable::width(cell)).max().unwrap_or(0)
}

/// A text in one line that is at most so wide.
fn cut(text: &str, columns: usize) -> String {
    printable::shortened(&printable::line(text), columns).into_owned()
}

/// Which column of a bar a time is in.
struct TimeScale {
    from: Timestamp,
    length: u128,
    columns: usize,
}

impl TimeScale {
    fn new(timeline: &Timeline, columns: usize) -> Self {
        let length = timeline.until.since(timeline.from).as_micros().max(1);
        Self { from: timeline.from, length, columns }
    }

    /// The column that a time falls into, or the last one.
    fn column(&self, time: Timestamp) -> usize {
        let passed = time.since(self.from).as_micros().min(self.length);
        let column = passed * self.columns as u128 / self.length;
        usize::try_from(column).unwrap_or(usize::MAX).min(self.columns.saturating_sub(1))
    }

    /// The beginning on the left, the end on the right.
    fn axis(&self) -> String {
        let end = self
            .from
            .saturating_add(Duration::from_micros(u64::try_from(self.length).unwrap_or(u64::MAX)));
        let (left, right) = (clock(self.from), clock(end));
        let room = self.columns.saturating_sub(left.len() + right.len());
        format!("{left}{}{right}", " ".repeat(room.max(1)))
    }

    fn bar(&self, row: &OwnerTimelineRow<'_>, glyphs: Glyphs) -> StyledLine {
        let mut cells = vec![BarCell::Empty; self.columns];
        for span in &row.spans {
            let (first, last) = (self.column(span.from), self.column(span.until));
            // The column in which something ends is another's, where it ends at its very beginning.
            let last =
                if last > first && self.starts(last) >= span.until { last - 1 } else { last };
            let covered = cells.iter_mut().take(last + 1).skip(first);
            covered.for_each(|cell| *cell = BarCell::of(span.kind).max(*cell));
        }
        painted(&cells, glyphs)
    }

    /// When a column begins.
    fn starts(&self, column: usize) -> Timestamp {
        let passed = (column as u128 * self.length).div_ceil(self.columns as u128);
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        self.from.saturating_add(Duration::from_micros(passed))
    }

    /// Which time is shown, and how long a column is.
    fn told(&self, timeline: &Timeline) -> String {
        let length = Duration::from_micros(u64::try_from(self.length).unwrap_or(u64::MAX));
        let column = length / u32::try_from(self.columns).unwrap_or(u32::MAX).max(1);
        format!(
            "from {} to {} ({}), a column is {}",
            timeline.from,
            timeline.until,
            span::show(length),
            span::show(column)
        )
    }
}

/// Cells with their colours, each run of the same painted once. A line ends with its last cell that shows
/// anything.
fn painted(cells: &[BarCell], glyphs: Glyphs) -> StyledLine {
    let end = cells.iter().rposition(|cell| *cell != BarCell::Empty).map_or(0, |at| at + 1);
    let runs = cells.get(..end).unwrap_or_default().chunk_by(|one, other| one == other);
    let piece = |run: &[BarCell]| {
        let cell = run.first()?;
        Some((cell.style(), cell.glyph(glyphs).to_string().repeat(run.len())))
    };
    runs.filter_map(piece).collect()
}

fn legend(glyphs: Glyphs, is_used: impl Fn(&BarCell) -> bool) -> StyledLine {
    let shown = BarCell::ALL.iter().rev().filter(|cell| **cell != BarCell::Empty && is_used(cell));
    let shown = shown.zip(0..);
    let pieces = shown.flat_map(|(cell, number)| {
        let gap = if number == 0 { "" } else { "  " };
        let glyph = cell.glyph(glyphs).to_string();
        [plain(gap.to_owned()), vec![(cell.style(), glyph)], plain(format!(" {}", cell.word()))]
    });
    pieces.flatten().collect()
}

/// The time of the day, in UTC, to the second.
fn clock(time: Timestamp) -> String {
    time.to_string().get(11..19).unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "bars_tests.rs"]
mod tests;
