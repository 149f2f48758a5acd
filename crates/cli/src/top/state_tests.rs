use super::*;
use crate::top::samples::{at, busy, idle};

fn pressed(keys: &[KeyPress]) -> (TopViewState, Option<TopUserRequest>) {
    let snapshot = busy();
    let mut state = TopViewState::default();
    let request = keys.iter().fold(None, |_, key| state.press(*key, &snapshot));
    (state, request)
}

fn typed(text: &str) -> Vec<KeyPress> {
    text.chars().map(KeyPress::Character).collect()
}

fn names(state: &TopViewState) -> Vec<String> {
    state.list(&busy()).iter().map(|seen| seen.name.to_string()).collect()
}

fn chosen(state: &TopViewState, snapshot: &TopSnapshot) -> Option<String> {
    let list = state.list(snapshot);
    state.chosen_in(&list).map(|at| list[at].name.to_string())
}

fn name(text: &str) -> LockName {
    LockName::new(text).unwrap()
}

#[test]
fn names_are_sorted_by_what_was_asked_for() {
    let sorted = |times: usize| names(&pressed(&vec![KeyPress::Character('s'); times]).0);
    assert_eq!(sorted(0), ["build", "deploy", "docs", "odd", "release", "review"], "by name");
    assert_eq!(
        sorted(1),
        ["odd", "deploy", "build", "release", "review", "docs"],
        "the oldest first"
    );
    assert_eq!(sorted(2)[..3], ["review", "build", "deploy"], "what ends soonest first");
    assert_eq!(sorted(3)[0], "build", "what most wait for first");
    assert_eq!(sorted(4), sorted(0), "and around");
}

#[test]
fn a_filter_finds_names_owners_and_commands() {
    let filtered = |text: &str| {
        let keys = [vec![KeyPress::Character('/')], typed(text), vec![KeyPress::Enter]].concat();
        names(&pressed(&keys).0)
    };
    assert_eq!(filtered("DOC"), ["build", "docs"], "a name, and the command of one who waits");
    assert_eq!(filtered("maxi"), ["docs"], "an owner among several");
    assert_eq!(filtered("--all"), ["deploy"], "a command");
    assert_eq!(filtered("none such"), [""; 0]);
    let (state, request) =
        pressed(&[&[KeyPress::Character('/')], &typed("qx")[..], &[KeyPress::Backspace]].concat());
    assert_eq!((state.filter.as_str(), request), ("q", None), "keys are letters while one types");
    let (state, _) =
        pressed(&[&[KeyPress::Character('/')], &typed("x")[..], &[KeyPress::Escape]].concat());
    assert_eq!((state.filter.as_str(), &state.asking), ("", &TopInputMode::Nothing));
}

#[test]
fn what_is_chosen_stays_chosen_wherever_it_goes() {
    let (mut state, _) = pressed(&[KeyPress::Down, KeyPress::Down]);
    assert_eq!(chosen(&state, &busy()).as_deref(), Some("docs"));
    state.press(KeyPress::Character('s'), &busy());
    assert_eq!(chosen(&state, &busy()).as_deref(), Some("docs"), "sorted otherwise");
    state.sort = SortOrder::Name;
    let mut without = busy();
    without.names.remove(2);
    assert_eq!(chosen(&state, &without).as_deref(), Some("odd"), "gone: what is in its place");
    assert_eq!(chosen(&state, &idle()), None);
    for (key, name) in [
        (KeyPress::End, "review"),
        (KeyPress::Home, "build"),
        (KeyPress::PageDown, "review"),
        (KeyPress::Up, "release"),
    ] {
        state.press(key, &busy());
        assert_eq!(chosen(&state, &busy()).as_deref(), Some(name), "{key:?}");
    }
}

#[test]
fn nothing_is_changed_without_being_asked_again() {
    let shown = vec![Fence::new(7)];
    let (state, request) = pressed(&[KeyPress::Character('u')]);
    assert_eq!((state.asking, request), (TopInputMode::Unlock(name("build"), shown.clone()), None));
    for no in
        [KeyPress::Character('n'), KeyPress::Escape, KeyPress::Enter, KeyPress::Character('u')]
    {
        let (state, request) = pressed(&[KeyPress::Character('u'), no]);
        assert_eq!((state.asking, request), (TopInputMode::Nothing, None), "{no:?} is no");
    }
    let (_, request) = pressed(&[KeyPress::Character('u'), KeyPress::Character('y')]);
    assert_eq!(
        request,
        Some(TopUserRequest::Unlock(name("build"), shown)),
        "what is shown, and nothing that comes later"
    );
    let (_, request) =
        pressed(&[KeyPress::Down, KeyPress::Character('f'), KeyPress::Character('y')]);
    assert_eq!(request, Some(TopUserRequest::Unfreeze(name("deploy"))), "what is frozen is lifted");
    let frozen_only = [KeyPress::End, KeyPress::Up, KeyPress::Character('u')];
    let (state, request) = pressed(&frozen_only);
    assert!(request.is_none() && state.message.is_some(), "there is no lock to unlock: {state:?}");
}

#[test]
fn a_freeze_is_for_as_long_as_was_typed() {
    let freeze = |text: &str| {
        let erase = [KeyPress::Backspace, KeyPress::Backspace];
        pressed(
            &[&[KeyPress::Character('f')], &erase[..], &typed(text), &[KeyPress::Enter]].concat(),
        )
    };
    let (_, request) = pressed(&[KeyPress::Character('f'), KeyPress::Enter]);
    assert_eq!(
        request,
        Some(TopUserRequest::Freeze(name("build"), Duration::from_hours(1))),
        "the default length"
    );
    assert_eq!(
        freeze("90s").1,
        Some(TopUserRequest::Freeze(name("build"), Duration::from_secs(90)))
    );
    for wrong in ["soon", "0", ""] {
        let (state, request) = freeze(wrong);
        assert!(request.is_none() && state.message.is_some(), "{wrong:?} is no time: {state:?}");
        assert_eq!(
            state.asking,
            TopInputMode::FreezeFor(name("build"), wrong.to_owned()),
            "ask again"
        );
    }
    assert_eq!(
        pressed(&[KeyPress::Character('f'), KeyPress::Escape]).0.asking,
        TopInputMode::Nothing
    );
}

#[test]
fn the_way_out_is_always_open() {
    for before in ["", "/", "f", "u"] {
        let keys = [typed(before), vec![KeyPress::Control('c')]].concat();
        assert_eq!(pressed(&keys).1, Some(TopUserRequest::Quit), "after {before:?}");
        let keys = [typed(before), vec![KeyPress::Control('z')]].concat();
        assert_eq!(pressed(&keys).1, Some(TopUserRequest::Stop), "after {before:?}");
    }
    assert_eq!(pressed(&typed("q")).1, Some(TopUserRequest::Quit));
    let mut state = TopViewState::default();
    for key in [
        KeyPress::Down,
        KeyPress::Character('u'),
        KeyPress::Character('f'),
        KeyPress::Enter,
        KeyPress::End,
    ] {
        assert_eq!(state.press(key, &idle()), None, "where there is nothing, nothing happens");
    }
}

#[test]
fn the_screen_sleeps_until_something_looks_different() {
    let snapshot = busy();
    let half = Duration::from_millis(500);
    let next = snapshot.until_change(at(100).saturating_add(half));
    assert_eq!(next, Some(half), "some are seconds old");
    assert_eq!(idle().until_change(at(100)), None, "no change, if nothing is held");
    let later = snapshot.until_change(at(86_400 * 30 + 1500)).unwrap();
    assert!(later > Duration::from_mins(30), "old things are told in hours: {later:?}");
    assert!(
        !snapshot.is_outdated(at(129)) && snapshot.is_outdated(at(130)),
        "a lease ends by the clock"
    );
}

#[test]
fn any_key_closes_the_help_and_does_nothing_else() {
    for key in
        [KeyPress::Character('q'), KeyPress::Character('u'), KeyPress::Escape, KeyPress::Enter]
    {
        let (state, request) = pressed(&[KeyPress::Character('?'), key]);
        assert_eq!((state.asking, request), (TopInputMode::Nothing, None), "{key:?}");
        assert_eq!(state.detail, TopDetailVisibility::Hidden);
    }
    let (state, _) = pressed(&[KeyPress::Character('?')]);
    assert_eq!(state.asking, TopInputMode::Help);
    let (_, request) = pressed(&[KeyPress::Character('?'), KeyPress::Control('c')]);
    assert_eq!(request, Some(TopUserRequest::Quit), "Ctrl-C always quits");
}
