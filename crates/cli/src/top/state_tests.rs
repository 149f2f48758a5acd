use super::*;
use crate::top::samples::{at, busy, idle};

fn pressed(keys: &[Key]) -> (State, Option<Wish>) {
    let scene = busy();
    let mut state = State::default();
    let wish = keys.iter().fold(None, |_, key| state.press(*key, &scene));
    (state, wish)
}

fn typed(text: &str) -> Vec<Key> {
    text.chars().map(Key::Character).collect()
}

fn names(state: &State) -> Vec<String> {
    state.list(&busy()).iter().map(|seen| seen.name.to_string()).collect()
}

fn chosen(state: &State, scene: &Scene) -> Option<String> {
    let list = state.list(scene);
    state.chosen_in(&list).map(|at| list[at].name.to_string())
}

fn name(text: &str) -> LockName {
    LockName::new(text).unwrap()
}

#[test]
fn names_are_sorted_by_what_was_asked_for() {
    let sorted = |times: usize| names(&pressed(&vec![Key::Character('s'); times]).0);
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
        let keys = [vec![Key::Character('/')], typed(text), vec![Key::Enter]].concat();
        names(&pressed(&keys).0)
    };
    assert_eq!(filtered("DOC"), ["build", "docs"], "a name, and the command of one who waits");
    assert_eq!(filtered("maxi"), ["docs"], "an owner among several");
    assert_eq!(filtered("--all"), ["deploy"], "a command");
    assert_eq!(filtered("none such"), [""; 0]);
    let (state, wish) =
        pressed(&[&[Key::Character('/')], &typed("qx")[..], &[Key::Backspace]].concat());
    assert_eq!((state.filter.as_str(), wish), ("q", None), "keys are letters while one types");
    let (state, _) = pressed(&[&[Key::Character('/')], &typed("x")[..], &[Key::Escape]].concat());
    assert_eq!((state.filter.as_str(), &state.asking), ("", &Asking::Nothing));
}

#[test]
fn what_is_chosen_stays_chosen_wherever_it_goes() {
    let (mut state, _) = pressed(&[Key::Down, Key::Down]);
    assert_eq!(chosen(&state, &busy()).as_deref(), Some("docs"));
    state.press(Key::Character('s'), &busy());
    assert_eq!(chosen(&state, &busy()).as_deref(), Some("docs"), "sorted otherwise");
    state.sort = Sort::Name;
    let mut without = busy();
    without.names.remove(2);
    assert_eq!(chosen(&state, &without).as_deref(), Some("odd"), "gone: what is in its place");
    assert_eq!(chosen(&state, &idle()), None);
    for (key, name) in [
        (Key::End, "review"),
        (Key::Home, "build"),
        (Key::PageDown, "review"),
        (Key::Up, "release"),
    ] {
        state.press(key, &busy());
        assert_eq!(chosen(&state, &busy()).as_deref(), Some(name), "{key:?}");
    }
}

#[test]
fn nothing_is_changed_without_being_asked_again() {
    let shown = vec![Fence::new(7)];
    let (state, wish) = pressed(&[Key::Character('u')]);
    assert_eq!((state.asking, wish), (Asking::Unlock(name("build"), shown.clone()), None));
    for no in [Key::Character('n'), Key::Escape, Key::Enter, Key::Character('u')] {
        let (state, wish) = pressed(&[Key::Character('u'), no]);
        assert_eq!((state.asking, wish), (Asking::Nothing, None), "{no:?} is no");
    }
    let (_, wish) = pressed(&[Key::Character('u'), Key::Character('y')]);
    assert_eq!(
        wish,
        Some(Wish::Unlock(name("build"), shown)),
        "what is shown, and nothing that comes later"
    );
    let (_, wish) = pressed(&[Key::Down, Key::Character('f'), Key::Character('y')]);
    assert_eq!(wish, Some(Wish::Unfreeze(name("deploy"))), "what is frozen is lifted");
    let frozen_only = [Key::End, Key::Up, Key::Character('u')];
    let (state, wish) = pressed(&frozen_only);
    assert!(wish.is_none() && state.message.is_some(), "there is no lock to unlock: {state:?}");
}

#[test]
fn a_freeze_is_for_as_long_as_was_typed() {
    let freeze = |text: &str| {
        let erase = [Key::Backspace, Key::Backspace];
        pressed(&[&[Key::Character('f')], &erase[..], &typed(text), &[Key::Enter]].concat())
    };
    let (_, wish) = pressed(&[Key::Character('f'), Key::Enter]);
    assert_eq!(wish, Some(Wish::Freeze(name("build"), Duration::from_hours(1))), "if nobody says");
    assert_eq!(freeze("90s").1, Some(Wish::Freeze(name("build"), Duration::from_secs(90))));
    for wrong in ["soon", "0", ""] {
        let (state, wish) = freeze(wrong);
        assert!(wish.is_none() && state.message.is_some(), "{wrong:?} is no time: {state:?}");
        assert_eq!(state.asking, Asking::FreezeFor(name("build"), wrong.to_owned()), "ask again");
    }
    assert_eq!(pressed(&[Key::Character('f'), Key::Escape]).0.asking, Asking::Nothing);
}

#[test]
fn the_way_out_is_always_open() {
    for before in ["", "/", "f", "u"] {
        let keys = [typed(before), vec![Key::Control('c')]].concat();
        assert_eq!(pressed(&keys).1, Some(Wish::Quit), "after {before:?}");
        let keys = [typed(before), vec![Key::Control('z')]].concat();
        assert_eq!(pressed(&keys).1, Some(Wish::Stop), "after {before:?}");
    }
    assert_eq!(pressed(&typed("q")).1, Some(Wish::Quit));
    let mut state = State::default();
    for key in [Key::Down, Key::Character('u'), Key::Character('f'), Key::Enter, Key::End] {
        assert_eq!(state.press(key, &idle()), None, "where there is nothing, nothing happens");
    }
}

#[test]
fn the_screen_sleeps_until_something_looks_different() {
    let scene = busy();
    let half = Duration::from_millis(500);
    let next = scene.until_change(at(100).saturating_add(half));
    assert_eq!(next, Some(half), "some are seconds old");
    assert_eq!(idle().until_change(at(100)), None, "for ever, where nothing is held");
    let later = scene.until_change(at(86_400 * 30 + 1500)).unwrap();
    assert!(later > Duration::from_mins(30), "old things are told in hours: {later:?}");
    assert!(!scene.is_outdated(at(129)) && scene.is_outdated(at(130)), "a lease ends by the clock");
}
