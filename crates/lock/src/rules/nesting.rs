use super::QueuePlace;
use crate::words::LockMode;

/// Finds the acquisition of this line that runs around a caller that runs under the acquisitions `held`
/// (outermost first): a wait for it would never end. Of several, the innermost.
///
/// Only an exclusive acquisition excludes every holder that the caller inside must not meet. A caller that asks
/// for more than the acquisition around it has, an exclusive place inside a shared one, is inside nothing in
/// this sense.
pub fn around<'a>(line: &'a [QueuePlace], held: &[String]) -> Option<&'a QueuePlace> {
    let is_in = |place: &&QueuePlace| place.entered && place.mode == LockMode::Exclusive;
    let place_of = |id: &String| line.iter().filter(is_in).find(|it| it.lock_id.as_str() == id);
    held.iter().rev().find_map(place_of)
}

/// Whether a caller that runs inside `outer`, and under the acquisitions `held`, passes a place in the same
/// line: what runs around it, and the waiters for that to end. It does not pass others that are inside: guards
/// in one guard exclude each other like any two.
pub fn passes(
    outer: &QueuePlace,
    held: &[String],
    place: &QueuePlace,
    held_there: impl FnOnce() -> Option<Vec<String>>,
) -> bool {
    if place.entered {
        return runs_under(held, place);
    }
    // One that cannot be read does not say that it is inside.
    let held_there = held_there().unwrap_or_default();
    !runs_under(&held_there, outer)
}

fn runs_under(held: &[String], place: &QueuePlace) -> bool {
    held.iter().any(|id| id == place.lock_id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::LockId;

    fn place(id: &str, entered: bool) -> QueuePlace {
        let lock_id = LockId::from_record(id).unwrap();
        QueuePlace { number: 1, lock_id, entered, mode: LockMode::Exclusive }
    }

    fn held(ids: &[&str]) -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_an_exclusive_holder_is_around() {
        let outer = place("o", true);
        let mine = held(&["x", "o"]);
        assert_eq!(around(std::slice::from_ref(&outer), &mine), Some(&outer));
        let [one, two] = [place("x", true), place("o", true)];
        assert_eq!(around(&[one.clone(), two.clone()], &mine), Some(&two), "the innermost");
        assert_eq!(around(&[two.clone(), one], &mine), Some(&two), "however the line is listed");
        assert_eq!(around(&[place("o", false)], &mine), None, "a waiter is around no caller");
        assert_eq!(around(&[place("p", true)], &mine), None);
        assert_eq!(around(&[QueuePlace { mode: LockMode::Shared, ..outer }], &mine), None);
    }

    #[test]
    fn the_table_of_who_is_passed_inside() {
        let outer = place("o", true);
        let mine = held(&["o"]);
        for (what, other, under, passed) in [
            ("what runs around me", outer.clone(), held(&[]), true),
            ("who waits for that", place("w", false), held(&[]), true),
            ("who waits for that under something else", place("w", false), held(&["q"]), true),
            ("another inside", place("s", true), held(&["o"]), false),
            ("another who waits inside", place("s", false), held(&["o"]), false),
        ] {
            assert_eq!(passes(&outer, &mine, &other, || Some(under)), passed, "{what}");
        }
    }
}
