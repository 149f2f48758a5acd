use super::{
    help,
    lines::{self, TextTone, TopTableContext, TopTableLine, clean},
    reserved,
    snapshot::{LockNameStatus, TopSnapshot},
    state::{TopDetailVisibility, TopInputMode, TopViewState},
};
use crate::{
    output::Glyphs,
    printable,
    view::{self, agent_label::OwnerLabelDisambiguator},
};
use lokt_lock::{audit::AuditLogLine, words::Timestamp};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    symbols::border,
    text::{Line as Text, Span},
    widgets::{Block, Borders, Paragraph, Row, Table, TableState, Wrap},
};
use std::borrow::Cow;

/// Whether colours may be used. They never say anything that a word does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColourMode {
    Colours,
    Plain,
}

/// The widest that names and owners may make their columns.
const WIDEST: [u16; 2] = [28, 16];

/// The same where agents are named beside their owners.
const WIDEST_WITH_AGENTS: [u16; 2] = [28, 28];

/// From which height on the last events are shown.
const TALL: u16 = 16;

/// From which height on a name can be shown in full.
const LOW: u16 = 9;

const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);

const KEYS: &str = "? help  q quit  Enter detail  s sort  / filter  f freeze  u unlock";

/// A screen to draw: all that it shows are values.
#[derive(Clone, Copy, Debug)]
pub(super) struct TopScreenContent<'a> {
    pub(super) snapshot: &'a TopSnapshot,
    pub(super) state: &'a TopViewState,
    pub(super) now: Timestamp,
    pub(super) palette: ColourMode,
    pub(super) glyphs: Glyphs,
}

impl TopScreenContent<'_> {
    /// Draws everything that there is room for.
    pub(super) fn draw(&self, frame: &mut Frame<'_>) {
        let list = self.state.list(self.snapshot);
        let chosen = self.state.chosen_in(&list);
        let seen = chosen.and_then(|at| list.get(at)).copied();
        let is_low = frame.area().height < LOW;
        let full = seen.filter(|_| self.state.detail == TopDetailVisibility::Shown && !is_low);
        let full = full.map_or_else(Vec::new, |seen| lines::full(seen, self.now));
        let owners = self.snapshot.owners_of_several_agents();
        let reserved = if is_low { Vec::new() } else { reserved::lines(self, &owners) };
        let foot = FooterLine::of(self);
        let [title, table, below, paths, log, lowest] =
            self.parts(frame.area(), [full.len(), reserved.len()], &foot);
        frame.render_widget(self.title(&list), title);
        self.draw_table(frame, table, (&list, chosen), &owners);
        if let Some(seen) = seen {
            frame.render_widget(self.detail(seen, full), below);
        }
        if !reserved.is_empty() {
            let block = self.block("reserved");
            frame.render_widget(reserved::table(reserved, block, paths.height), paths);
        }
        frame.render_widget(self.events(log.height), log);
        foot.draw(frame, lowest, self);
        if self.state.asking == TopInputMode::Help {
            help::draw(frame, self.glyphs);
        }
        require_printable(frame);
    }

    /// The parts of the screen, from the title to the lowest line: as high as their lines, as far as there is room.
    fn parts(&self, area: Rect, [full, reserved]: [usize; 2], foot: &FooterLine) -> [Rect; 6] {
        let Rect { width, height, .. } = area;
        // Below a heading.
        let part = |lines: usize, most: u16| {
            let lines = u16::try_from(lines).unwrap_or(u16::MAX);
            if lines == 0 { 0 } else { lines.saturating_add(1).min(most) }
        };
        let events = part(self.snapshot.events.len().max(1), height / 4);
        let parts = Layout::vertical([
            Constraint::Length(u16::from(height > 4)),
            Constraint::Min(1),
            Constraint::Length(part(full, height / 2)),
            Constraint::Length(part(reserved, height / 4)),
            Constraint::Length(if height >= TALL { events } else { 0 }),
            Constraint::Length(foot.height(width).min(height / 3).max(1)),
        ]);
        parts.areas(area)
    }

    fn title(&self, list: &[&LockNameStatus]) -> Paragraph<'_> {
        let count = |what: fn(&LockNameStatus) -> usize| {
            self.snapshot.names.iter().map(what).sum::<usize>()
        };
        let held = count(|seen| seen.lock.as_ref().map_or(0, |lock| lock.taken));
        let (waiting, frozen) =
            (count(|seen| seen.waiters().len()), count(|seen| usize::from(seen.freeze.is_some())));
        let mut text = format!("{held} held, {waiting} waiting, {frozen} frozen");
        if !self.snapshot.reserved.is_empty() {
            text = format!("{text}, {} reserved", self.snapshot.reserved.len());
        }
        if !self.state.filter.is_empty() {
            let (shown, all) = (list.len(), self.snapshot.names.len());
            text = format!("{text}; filter {:?}: {shown} of {all}", self.state.filter);
        }
        let text = format!("{text}; sorted by {}", self.state.sort.as_str());
        Paragraph::new(Text::from(vec![
            Span::styled("lokt top", BOLD),
            Span::raw(format!("  {text}  ")),
            Span::styled(clean(&self.snapshot.root), self.quiet()),
        ]))
    }

    fn draw_table(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        (list, chosen): (&[&LockNameStatus], Option<usize>),
        owners: &OwnerLabelDisambiguator,
    ) {
        if list.is_empty() {
            frame.render_widget(self.no_names(), area);
            return;
        }
        let context = TopTableContext { now: self.now, owners };
        let lines: Vec<Vec<TopTableLine>> =
            list.iter().map(|seen| lines::lines(seen, context)).collect();
        let first = chosen.map(|at| lines.iter().take(at).map(Vec::len).sum());
        let columns = columns(area.width);
        let widest = if owners.is_empty() { WIDEST } else { WIDEST_WITH_AGENTS };
        let widths = widths(&lines, widest).into_iter().take(columns);
        let mut shown = TableState::default().with_selected(first);
        // As much as possible of the chosen name's lines comes into view, its first one in any case.
        let head = u16::from(area.height > 2);
        let room = usize::from(area.height.saturating_sub(head)).max(1);
        let own = chosen.and_then(|at| lines.get(at)).map_or(1, Vec::len).min(room);
        *shown.offset_mut() = first.map_or(0, |first: usize| (first + own).saturating_sub(room));
        let rows = lines
            .into_iter()
            .flatten()
            .map(|line| Row::new(line.cells.into_iter().take(columns)).style(self.tone(line.tone)));
        let table = Table::new(rows, widths)
            .header(
                Row::new(lines::HEAD.into_iter().take(columns)).style(self.quiet()).height(head),
            )
            .column_spacing(2)
            .highlight_symbol("> ")
            .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
        frame.render_stateful_widget(table, area, &mut shown);
    }

    /// What stands in the place of the table where it has no line.
    fn no_names(&self) -> Paragraph<'_> {
        let is_idle = self.snapshot.names.is_empty();
        let text = if is_idle { "nothing is held or frozen" } else { "no matches" };
        Paragraph::new(text).style(self.quiet())
    }

    fn detail(&self, seen: &LockNameStatus, full: Vec<(&'static str, String)>) -> Paragraph<'_> {
        let line = |(word, text): (&'static str, String)| {
            Text::from(vec![Span::styled(format!("  {word:<9} "), self.quiet()), Span::raw(text)])
        };
        let lines: Vec<Text<'_>> = full.into_iter().map(line).collect();
        Paragraph::new(lines).wrap(Wrap { trim: false }).block(self.block(seen.name.as_str()))
    }

    /// The last events, as many as there is room for below a heading.
    fn events(&self, height: u16) -> Paragraph<'_> {
        let room = usize::from(height.saturating_sub(1));
        let skipped = self.snapshot.events.len().saturating_sub(room);
        let lines: Vec<Text<'_>> = self
            .snapshot
            .events
            .iter()
            .skip(skipped)
            .map(|event| Text::from(told(event)))
            .collect();
        Paragraph::new(lines).block(self.block("last events"))
    }

    fn block(&self, title: &str) -> Block<'_> {
        let horizontal_top = match self.glyphs {
            Glyphs::Unicode => "─",
            Glyphs::Ascii => "-",
        };
        let border = border::Set { horizontal_top, ..border::PLAIN };
        let block = Block::new().borders(Borders::TOP).border_set(border);
        block.border_style(self.quiet()).title(format!(" {title} "))
    }

    fn tone(&self, tone: TextTone) -> Style {
        let colour = match tone {
            TextTone::Calm => return Style::new(),
            TextTone::Waiting => Color::Yellow,
            TextTone::Frozen => Color::Cyan,
            TextTone::Odd => Color::Magenta,
            TextTone::Broken => Color::Red,
        };
        match self.palette {
            ColourMode::Colours => Style::new().fg(colour),
            ColourMode::Plain => Style::new(),
        }
    }

    fn quiet(&self) -> Style {
        match self.palette {
            ColourMode::Colours => Style::new().fg(Color::DarkGray),
            ColourMode::Plain => Style::new(),
        }
    }
}

/// Replaces what is not printable in a picture that is done, whatever drew it.
fn require_printable(frame: &mut Frame<'_>) {
    let is_hostile = |symbol: &str| matches!(printable::line(symbol), Cow::Owned(_));
    for cell in &mut frame.buffer_mut().content {
        if is_hostile(cell.symbol()) {
            cell.set_char(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// The last line: a question or a message, else the keys. A long text takes more lines.
struct FooterLine {
    text: String,
    /// Shown behind the text and the cursor.
    keys: &'static str,
    /// Whether the user types at the end of the text.
    is_typed: bool,
    is_loud: bool,
}

impl FooterLine {
    fn of(screen: &TopScreenContent<'_>) -> Self {
        let state = screen.state;
        let typing = |text: String, keys: &'static str| Self {
            text: clean(&text),
            keys,
            is_typed: true,
            is_loud: true,
        };
        let loud =
            |text: String| Self { text: clean(&text), keys: "", is_typed: false, is_loud: true };
        let quiet =
            |text: &str| Self { text: text.to_owned(), keys: "", is_typed: false, is_loud: false };
        let message = state.message.as_ref().or(screen.snapshot.trouble.as_ref());
        match (&state.asking, message) {
            (TopInputMode::Filter, _) => typing(format!("filter: {}", state.filter), ""),
            (TopInputMode::FreezeFor(name, time), why) => {
                let why = why.map(|it| format!("{it}; ")).unwrap_or_default();
                typing(format!("{why}Freeze {name} for: {time}"), "   Enter confirm  Esc cancel")
            }
            (TopInputMode::Unfreeze(name), _) => loud(format!("lift the freeze of {name}? y/n")),
            (TopInputMode::Unlock(name, _), _) => loud(format!("unlock {name}? y/n")),
            (TopInputMode::Help, _) => quiet("any key closes this help"),
            (TopInputMode::Nothing, Some(message)) => loud(message.clone()),
            (TopInputMode::Nothing, None) => quiet(KEYS),
        }
    }

    /// How many lines it takes: what is typed stays in one, and so do the keys.
    fn height(&self, width: u16) -> u16 {
        if self.is_typed || !self.is_loud {
            return 1;
        }
        let length = u16::try_from(Span::raw(self.text.as_str()).width()).unwrap_or(u16::MAX);
        // Lines end between words, so the last one may be needed for what did not fit.
        let lines = length.div_ceil(width.max(1));
        if lines > 1 { lines.saturating_add(1) } else { 1 }
    }

    fn draw(self, frame: &mut Frame<'_>, area: Rect, screen: &TopScreenContent<'_>) {
        let width = u16::try_from(Span::raw(self.text.as_str()).width()).unwrap_or(u16::MAX);
        let end = area.x.saturating_add(width);
        let style = if self.is_loud { BOLD } else { screen.quiet() };
        let paragraph = Paragraph::new(self.text + self.keys).style(style);
        let wrapped = self.is_loud && !self.is_typed;
        let paragraph = if wrapped { paragraph.wrap(Wrap { trim: true }) } else { paragraph };
        frame.render_widget(paragraph, area);
        if self.is_typed && end < area.right() {
            frame.set_cursor_position((end, area.y));
        }
    }
}

/// How many columns there is room for: the first ones matter most.
const fn columns(width: u16) -> usize {
    match width {
        0..40 => 3,
        40..56 => 5,
        _ => 6,
    }
}

/// As wide as what is in them: all columns but the last, which gets the rest.
fn widths(lines: &[Vec<TopTableLine>], widest: [u16; 2]) -> [Constraint; 6] {
    let mut widths = lines::HEAD.map(|head| Span::raw(head).width());
    for line in lines.iter().flatten() {
        for (width, cell) in widths.iter_mut().zip(&line.cells) {
            *width = (*width).max(Span::raw(cell.as_str()).width());
        }
    }
    let [name, state, owner, age, ends, _] = widths.map(|it| u16::try_from(it).unwrap_or(u16::MAX));
    let [widest_name, widest_owner] = widest;
    [
        Constraint::Length(name.min(widest_name)),
        Constraint::Length(state),
        Constraint::Length(owner.min(widest_owner)),
        Constraint::Length(age),
        Constraint::Length(ends),
        Constraint::Fill(1),
    ]
}

/// An event in short: when today, what, to what, by whom.
fn told(event: &AuditLogLine) -> String {
    let text = |key: &str| event.text(key).unwrap_or("-");
    let clock = text("ts").get(11..19).unwrap_or("-");
    let subject = view::event::subject(event);
    clean(&format!("  {clock}  {:<14} {subject}  {}", text("event"), text("owner")))
}

#[cfg(test)]
#[path = "draw_tests.rs"]
mod tests;
