use super::*;
use crate::timeline::samples;

/// The text as it is where nothing is coloured.
fn plain(timeline: &Timeline, width: usize, glyphs: Glyphs) -> String {
    let lines = lines(timeline, TimelineBarOptions { width, glyphs }).into_iter();
    let line = |line: StyledLine| line.into_iter().map(|(_, piece)| piece).collect::<String>();
    lines.map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_timeline_is_drawn_as_wide_as_was_asked_for() {
    let expected = "\
NAME    OWNER  HELD  WAITED  08:00:00              08:01:00
build   ada    30s           ███████████████
build   bob    15s   20s          ╌╌╌╌╌╌╌╌╌╌████████
build   eve                            ×
deploy  ops                  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒
█ held  ╌ waited  ▒ frozen  × refused
from 2027-01-15T08:00:00Z to 2027-01-15T08:01:00Z (1m), a column is 2s";
    assert_eq!(plain(&samples::two_builds(), 59, Glyphs::Unicode), expected);
}

#[test]
fn without_unicode_the_characters_are_others_and_the_lines_the_same() {
    let text = plain(&samples::two_builds(), 59, Glyphs::Ascii);
    assert!(text.is_ascii(), "{text}");
    assert!(text.contains("build   bob    15s   20s          ----------#######"), "{text}");
    let lines = |glyphs| plain(&samples::two_builds(), 59, glyphs).lines().count();
    assert_eq!(lines(Glyphs::Ascii), lines(Glyphs::Unicode));
}

#[test]
fn no_line_with_a_bar_is_wider_than_the_terminal() {
    for width in [60, 80, 133] {
        let text = plain(&samples::two_builds(), width, Glyphs::Unicode);
        let bars = text.lines().take(5).map(printable::width).max();
        assert_eq!(bars, Some(width), "{text}");
    }
    let narrow = plain(&samples::two_builds(), 1, Glyphs::Unicode);
    assert!(narrow.lines().any(|line| line.contains('█')), "a bar is never left out: {narrow}");
}

#[test]
fn what_is_shorter_than_a_column_is_shown_all_the_same() {
    let mut timeline = samples::two_builds();
    timeline.lanes[0].spans[0].until = timeline.lanes[0].spans[0].from;
    let text = plain(&timeline, 59, Glyphs::Ascii);
    assert!(text.contains("build   ada    0s            #\n"), "{text}");
}

#[test]
fn hostile_and_long_texts_stay_in_their_place() {
    let owner = format!("\u{1b}[31m{}", "o".repeat(100));
    for (owner, shown) in
        [(owner.as_str(), "\\u{1b}[31mooooo…"), (&"日".repeat(20), "日日日日日日日…")]
    {
        let text = plain(&samples::owned_by(owner), 80, Glyphs::Unicode);
        let row = text.lines().nth(1).unwrap();
        assert!(printable::width(row) <= 80 && row.contains(shown), "{row}");
    }
}

#[test]
fn a_timeline_without_length_is_drawn() {
    let mut timeline = samples::owned_by("ada");
    timeline.until = timeline.from;
    assert!(plain(&timeline, 80, Glyphs::Ascii).contains('#'));
}

#[test]
fn reservations_have_a_bar_and_two_agents_of_one_owner_have_two_rows() {
    let expected = "\
NAME         OWNER                  HELD  WAITED  08:00:00              08:01:00
src/**/*.rs  ada (claude-code one)  30s           ▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆
src/**/*.rs  ada (claude-code two)                          ×
█ held  ▆ reserved  ╌ waited  ▒ frozen  × refused";
    let text = plain(&samples::two_sessions(), 80, Glyphs::Unicode);
    let shown: Vec<&str> = text.lines().take(4).collect();
    assert_eq!(shown.join("\n"), expected);
}
