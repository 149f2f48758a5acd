use crate::output::Glyphs;
use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
    symbols::border,
    text::{Line, Span},
    widgets::{Block, Clear, Paragraph},
};

/// The keys, and what they do: the most needed first, because a low terminal shows only some.
const KEYS: [(&str, &str); 10] = [
    ("q, Ctrl-C", "quit"),
    ("up, down, k, j", "choose a name; Page Up, Page Down, Home, End go further"),
    ("Enter", "show the chosen name in full, or hide that"),
    ("f", "freeze the chosen name, after asking for how long"),
    ("", "if it is frozen: lift the freeze"),
    ("u", "unlock the chosen lock, after asking"),
    ("s", "sort by name, age, end, number of waiters"),
    ("/", "filter by name, owner, command"),
    ("Esc", "hide the details; remove the filter"),
    ("Ctrl-Z", "suspend; fg resumes"),
];

/// How wide the column of the keys is.
const WIDTH: usize = 14;

const ASCII: border::Set<'_> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// Draws the keys over the middle of the screen, in a frame if there is room for one.
pub(super) fn draw(frame: &mut Frame<'_>, glyphs: Glyphs) {
    let line = |(key, action): &(&'static str, &'static str)| {
        let key =
            Span::styled(format!(" {key:<WIDTH$}  "), Style::new().add_modifier(Modifier::BOLD));
        Line::from(vec![key, Span::raw(*action), Span::raw(" ")])
    };
    let lines: Vec<Line<'_>> = KEYS.iter().map(line).collect();
    let size = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    let widest = size(lines.iter().map(Line::width).max().unwrap_or(0));
    let (screen, count) = (frame.area(), size(lines.len()));
    let is_framed = screen.height >= count + 3 && screen.width >= widest + 2;
    let rim = if is_framed { 2 } else { 0 };
    // The last line of the screen says how to close this.
    let room = screen.height.saturating_sub(1);
    let (width, height) = ((widest + rim).min(screen.width), (count + rim).min(room));
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (room - height) / 2,
        width,
        height,
    };
    let set = if glyphs == Glyphs::Unicode { border::PLAIN } else { ASCII };
    let paragraph = Paragraph::new(lines);
    frame.render_widget(Clear, area);
    if is_framed {
        let block = Block::bordered().border_set(set).title(" keys ");
        frame.render_widget(paragraph.block(block), area);
    } else {
        frame.render_widget(paragraph, area);
    }
}
