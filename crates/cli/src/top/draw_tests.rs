use super::*;
use crate::top::{
    keys::KeyPress,
    samples::{at, busy, idle, reserved},
};
use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};

/// A screen after some keys.
fn drawn(snapshot: &TopSnapshot, keys: &[KeyPress], (width, height): (u16, u16)) -> Buffer {
    drawn_in(snapshot, keys, (width, height), ColourMode::Colours)
}

fn drawn_in(
    snapshot: &TopSnapshot,
    keys: &[KeyPress],
    size: (u16, u16),
    palette: ColourMode,
) -> Buffer {
    let mut state = TopViewState::default();
    for key in keys {
        state.press(*key, snapshot);
    }
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    let screen = TopScreenContent {
        snapshot,
        state: &state,
        now: at(100),
        palette,
        glyphs: Glyphs::Unicode,
    };
    terminal.draw(|frame| screen.draw(frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The characters of a screen.
fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let lines = buffer.content.chunks(width).map(|cells| {
        cells.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn reservations_have_a_part_of_the_screen_and_two_agents_of_an_owner_are_told_apart() {
    let picture = |height| text(&drawn(&reserved(9), &[], (80, height)));
    let tall = picture(24);
    assert!(tall.starts_with("lokt top  0 held, 0 waiting, 0 frozen, 9 reserved;"), "{tall}");
    assert!(tall.contains("  src/0       ada (claude-code s0)  10s  50s  login\n"), "{tall}");
    assert!(tall.contains("  src/3       ada (claude-code s3)"), "{tall}");
    assert!(tall.contains("  and 5 more\n") && !tall.contains("src/4"), "{tall}");
    assert!(!picture(8).contains("src/0"), "a low screen is left to the locks");
    let one = text(&drawn(&reserved(1), &[], (80, 24)));
    assert!(one.contains("  src/0  ada  10s  50s  login\n"), "there is one agent only: {one}");
    let filtered = text(&drawn(
        &reserved(9),
        &"/src/7".chars().map(KeyPress::Character).collect::<Vec<_>>(),
        (80, 24),
    ));
    assert!(filtered.contains("src/7") && !filtered.contains("src/1"), "{filtered}");
}

#[test]
fn a_screen_of_80_by_24() {
    let expected = "\
lokt top  5 held, 3 waiting, 2 frozen; sorted by name  /home/ada/site/.git/lokt
  NAME     STATE          OWNER  AGE    ENDS IN  WHAT
> build    held           ada    1m     5m       make build
           waiting 1      bob    1m              make test
           waiting 2      eve    5s              sh -c 'make docs'
           waiting 3      tim    1s
  deploy   orphaned       zoe    1d 3h  -        ./deploy --all
           frozen         ops    1m     1h 5m
  docs     held 2 shared  ada    10s    -        less docs
           beside         maxi   3s     -        cat docs
  odd      unreadable                            cannot be read
  release  frozen         ops    1m     1h 5m
  review   held           ada    50s    30s      topic, exit_code





 last events ───────────────────────────────────────────────────────────────────
  08:00:10  acquire        build  ada
  08:00:20  freeze         deploy  ops
  08:00:50  acquire        review  ada
  08:01:37  acquire        docs  maxi
? help  q quit  Enter detail  s sort  / filter  f freeze  u unlock";
    assert_eq!(text(&drawn(&busy(), &[], (80, 24))), expected);
}

#[test]
fn the_chosen_name_in_full() {
    let expected = "\
 build ─────────────────────────────────────────────────────────────────────────
  state     held
  owner     ada (pid 7 on box)
  since     2027-01-15T08:00:10Z (1m)
  ends      2027-01-15T08:06:40Z (5m)
  command   make build
  fence     7
  process   alive
  waiting   1. bob (pid 9) for 1m: make test
  waiting   2. eve (pid 9) for 5s: sh -c 'make docs'
  waiting   3. tim (pid 9) for 1s:";
    let screen = text(&drawn(&busy(), &[KeyPress::Enter], (80, 24)));
    assert!(screen.contains(expected), "{screen}");
}

#[test]
fn what_is_asked_and_told_is_in_the_last_line() {
    let last = |keys: &[KeyPress]| {
        text(&drawn(&busy(), keys, (80, 24))).lines().last().unwrap().to_owned()
    };
    let key = KeyPress::Character;
    assert_eq!(last(&[key('u')]), "unlock build? y/n");
    assert_eq!(last(&[KeyPress::Down, key('f')]), "lift the freeze of deploy? y/n");
    assert_eq!(last(&[key('f')]), "Freeze build for: 1h   Enter confirm  Esc cancel");
    assert_eq!(last(&[key('/'), key('a')]), "filter: a");
    let wrong = last(&[key('f'), key('x'), KeyPress::Enter]);
    assert!(wrong.contains("is not a duration"), "{wrong}");
}

#[test]
fn the_help_lists_the_keys_over_the_screen() {
    let key = [KeyPress::Character('?')];
    let screen = text(&drawn(&busy(), &key, (80, 24)));
    for told in
        ["┌ keys ─", "q, Ctrl-C", "up, down, k, j", "Enter", "unlock the chosen lock", "Ctrl-Z"]
    {
        assert!(screen.contains(told), "no {told:?} in {screen}");
    }
    assert!(screen.ends_with("any key closes this help"), "{screen}");
    let closed = text(&drawn(&busy(), &[key[0], KeyPress::Character('x')], (80, 24)));
    assert_eq!(closed, text(&drawn(&busy(), &[], (80, 24))));
    let low = text(&drawn(&busy(), &key, (80, 6)));
    assert!(
        low.starts_with("       q, Ctrl-C") || low.contains(" q, Ctrl-C"),
        "the first keys: {low}"
    );
    assert!(low.ends_with("any key closes this help"), "{low}");
    let narrow = text(&drawn(&busy(), &key, (20, 24)));
    assert!(narrow.contains(" q, Ctrl-C"), "{narrow}");
    let mut state = TopViewState::default();
    state.asking = TopInputMode::Help;
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let (snapshot, now) = (busy(), at(100));
    let (palette, glyphs) = (ColourMode::Plain, Glyphs::Ascii);
    let screen = TopScreenContent { snapshot: &snapshot, state: &state, now, palette, glyphs };
    terminal.draw(|frame| screen.draw(frame)).unwrap();
    let told = text(terminal.backend().buffer());
    assert!(told.is_ascii() && told.contains("+ keys -"), "ASCII is enough: {told}");
}

#[test]
fn a_filter_says_how_many_it_leaves() {
    let keys = [
        KeyPress::Character('/'),
        KeyPress::Character('z'),
        KeyPress::Character('o'),
        KeyPress::Enter,
    ];
    let screen = text(&drawn(&busy(), &keys, (80, 24)));
    assert!(
        screen.starts_with("lokt top  5 held, 3 waiting, 2 frozen; filter \"zo\": 1 of 6;"),
        "{screen}"
    );
}

#[test]
fn where_nothing_is_held_that_is_said() {
    let screen = text(&drawn(&idle(), &[KeyPress::Enter], (80, 24)));
    assert!(screen.contains("nothing is held or frozen"), "{screen}");
    let unlisted = TopSnapshot { trouble: Some("cannot list /x".to_owned()), ..idle() };
    assert!(text(&drawn(&unlisted, &[], (80, 24))).ends_with("cannot list /x"));
}

#[test]
fn a_long_refusal_is_told_whole() {
    let mut state = TopViewState::default();
    state.message = Some("word ".repeat(30).trim().to_owned());
    let mut terminal = Terminal::new(TestBackend::new(60, 20)).unwrap();
    let snapshot = busy();
    let screen = TopScreenContent {
        snapshot: &snapshot,
        state: &state,
        now: at(100),
        palette: ColourMode::Plain,
        glyphs: Glyphs::Ascii,
    };
    terminal.draw(|frame| screen.draw(frame)).unwrap();
    let told = text(terminal.backend().buffer());
    assert_eq!(told.matches("word").count(), 30);
    assert!(told.is_ascii(), "where the locale has no more, ASCII is enough: {told}");
}

#[test]
fn the_chosen_name_is_in_sight_however_long_the_list() {
    let screen = text(&drawn(&busy(), &[KeyPress::End], (80, 8)));
    assert!(screen.contains("> review"), "{screen}");
    let screen = text(&drawn(&busy(), &[], (80, 4)));
    assert!(screen.contains("> build"), "{screen}");
}

#[test]
fn where_it_is_narrow_the_last_columns_are_left_out() {
    let screen = text(&drawn(&busy(), &[], (30, 8)));
    assert!(screen.contains("OWNER") && !screen.contains("AGE"), "{screen}");
    assert!(screen.contains("> build") && screen.contains("ada"), "{screen}");
    let screen = text(&drawn(&busy(), &[], (50, 8)));
    assert!(screen.contains("AGE") && !screen.contains("WHAT"), "{screen}");
}

#[test]
fn without_colours_the_characters_are_the_same() {
    let coloured = drawn(&busy(), &[], (80, 24));
    let plain = drawn_in(&busy(), &[], (80, 24), ColourMode::Plain);
    assert_eq!(text(&plain), text(&coloured));
    let is_plain =
        |cell: &ratatui::buffer::Cell| cell.fg == Color::Reset && cell.bg == Color::Reset;
    assert!(plain.content.iter().all(is_plain), "no colour is used");
    assert!(!coloured.content.iter().all(is_plain));
}

#[test]
fn a_hostile_text_stays_a_text() {
    let mut snapshot = busy();
    let lock = snapshot.names[0].lock.as_mut().unwrap();
    lock.waiters[0].owner = "\u{1b}[2J\nbob".to_owned();
    for keys in [&[][..], &[KeyPress::Enter]] {
        let screen = text(&drawn(&snapshot, keys, (80, 24)));
        assert!(!screen.contains('\u{1b}') && screen.contains(r"\u{1b}[2J\nbob"), "{screen}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_size_can_be_drawn(width in 1..200_u16, height in 1..60_u16, keys in "[sfu/?qjk\r\u{1b}yn0-9]{0,8}") {
        let keys: Vec<KeyPress> = keys.chars().map(|it| match it {
            '\r' => KeyPress::Enter,
            '\u{1b}' => KeyPress::Escape,
            typed => KeyPress::Character(typed),
        }).collect();
        drawn(&busy(), &keys, (width, height));
        drawn(&idle(), &keys, (width, height));
    }
}
