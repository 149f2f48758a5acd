//! A hook's reservation of one file, through the events of a session.

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

fn at(minutes: u64) -> Timestamp {
    let begin: Timestamp = "2026-02-01T10:00:00Z".parse().unwrap();
    begin.saturating_add(MINUTE * u32::try_from(minutes).unwrap())
}

fn new(state: &str) -> EditState {
    let new = EditState::new("/p/a".to_owned(), EditTargetKind::File);
    EditState { file_state: Some(state.to_owned()), ..new }
}

fn confirmed(last: u64) -> EditState {
    let state = EditState::new("/p/a".to_owned(), EditTargetKind::File);
    EditState { is_confirmed: true, last_edit: Some(at(last)), ..state }
}

fn is(state: &'static str) -> impl FnOnce(&str) -> Option<String> {
    move |_| Some(state.to_owned())
}

#[test]
fn a_made_edit_is_confirmed_and_a_refused_one_goes_back_to_what_was() {
    let times = (at(1), at(15));
    let change = end_edit(&new("x"), times, (EditEnd::Made, None), is("x"));
    assert_eq!(change, EditChange::Changed(Box::new(confirmed(1)), at(16)));
    let change = end_edit(&new("x"), times, (EditEnd::Unknown, None), is("x"));
    assert_eq!(change, EditChange::GivenBack, "nothing was reserved before, and nothing changed");
    let change = end_edit(&new("x"), times, (EditEnd::Unknown, None), is("y"));
    assert_eq!(
        change,
        EditChange::Changed(Box::new(confirmed(1)), at(16)),
        "it was made after all"
    );
    let again = begin_edit(&confirmed(1), Some(at(16)), None, Some("y".to_owned()));
    assert!(!again.is_confirmed);
    let change = end_edit(&again, (at(5), at(20)), (EditEnd::Unknown, None), is("y"));
    assert_eq!(change, EditChange::Changed(Box::new(confirmed(1)), at(20)), "as before, renewed");
    let change = end_edit(&again, (at(63), at(70)), (EditEnd::Unknown, None), is("y"));
    assert_eq!(
        change,
        EditChange::Changed(Box::new(confirmed(1)), at(61)),
        "an edit that was not made renews nothing"
    );
}

#[test]
fn only_the_end_of_the_last_call_confirms() {
    let call = |name: &str| Some(name.to_owned());
    let first = begin_edit(&new("x"), None, call("1"), Some("x".to_owned()));
    let second = begin_edit(&first, Some(at(15)), call("2"), Some("other".to_owned()));
    assert_eq!(second.file_state.as_deref(), Some("x"), "the state before the first counts");
    let EditChange::Changed(state, _) =
        end_edit(&second, (at(1), at(15)), (EditEnd::Made, Some("1")), is("x"))
    else {
        panic!("the first call has edited")
    };
    assert!(!state.is_confirmed && state.last_edit == Some(at(1)));
    let EditChange::Changed(state, _) =
        end_edit(&state, (at(2), at(15)), (EditEnd::Unknown, Some("2")), is("x"))
    else {
        panic!("what the first has changed stays reserved")
    };
    assert!(state.is_confirmed && state.last_edit == Some(at(1)));
}

#[test]
fn events_renew_for_an_hour_after_the_last_edit() {
    let end = |now, end, last| match keep_edit(
        &confirmed(last),
        (at(now), at(end)),
        SessionActivity::Event,
    ) {
        EditChange::Changed(_, end) => Some(end),
        _ => None,
    };
    assert_eq!(end(2, 15, 0), None, "renewed only when it is worth a write");
    assert_eq!(end(10, 15, 0), Some(at(25)));
    assert_eq!(end(50, 55, 0), Some(at(60)), "no longer than an hour");
    assert_eq!(end(59, 60, 0), None);
    let unconfirmed = keep_edit(&new("x"), (at(14), at(15)), SessionActivity::Event);
    assert_eq!(unconfirmed, EditChange::None, "an edit that may never come is not renewed");
}

#[test]
fn a_call_keeps_what_the_session_has_until_it_ends() {
    let keep = |state: &EditState, now, end, activity| match keep_edit(state, (now, end), activity)
    {
        EditChange::Changed(_, end) => Some(end),
        _ => None,
    };
    let state = confirmed(0);
    assert_eq!(keep(&state, at(1), at(15), SessionActivity::CallBegins), Some(at(121)));
    assert_eq!(keep(&state, at(1), at(121), SessionActivity::CallBegins), None);
    assert_eq!(keep(&state, at(30), at(121), SessionActivity::CallEnds), Some(at(45)));
    assert_eq!(keep(&state, at(90), at(121), SessionActivity::CallEnds), Some(at(90)), "over");
    assert_eq!(keep(&state, at(5), at(15), SessionActivity::CallEnds), None);
    assert_eq!(keep(&new("x"), at(1), at(15), SessionActivity::CallBegins), None);
    let asked = keep(&new("x"), at(1), at(15), SessionActivity::AsksPermission);
    assert_eq!(asked, Some(at(121)), "the edit waits for a person");
}

#[test]
fn only_a_quiet_confirmed_file_may_yield() {
    assert!(may_yield(&confirmed(0), at(1)));
    assert!(!may_yield(&confirmed(1), at(1)));
    assert!(!may_yield(&new("x"), at(100)), "an edit is under way");
    let folder = EditState { kind: EditTargetKind::Folder, ..confirmed(0) };
    assert!(!may_yield(&folder, at(100)));
}
