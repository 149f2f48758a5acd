//! Changes as a unified diff.

use super::plan::InitFileChange;
use similar::TextDiff;

/// The change of a file as a unified diff, as `diff -u` writes it.
pub(crate) fn of(change: &InitFileChange) -> String {
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    let name = |side: &str, it: &Option<String>| match it {
        Some(_) => format!("{side}/{}", change.shown),
        None => "/dev/null".to_owned(),
    };
    let (before, after) = (text(&change.before), text(&change.after));
    let (old, new) = (name("a", &change.before), name("b", &change.after));
    let diff = TextDiff::from_lines(&before, &after);
    diff.unified_diff().context_radius(3).header(&old, &new).to_string()
}
