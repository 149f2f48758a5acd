use super::{
    json::{TimelineJson, json},
    source::TimelineRepository,
};
use crate::printable;
use lokt_lock::audit::Timeline;
use serde::Serialize;
use serde_json::Value;

/// The page around a timeline, with a place for it.
const TEMPLATE: &str = include_str!("page.html");

/// Where the timeline goes.
const PLACE: &str = "{{timeline}}";

/// A timeline with the place that it comes from.
#[derive(Serialize)]
struct HtmlTimelineJson<'a> {
    repository: &'a str,
    root: &'a str,
    #[serde(flatten)]
    timeline: TimelineJson<'a>,
}

/// A timeline as one HTML page.
///
/// The timeline is JSON inside a `script` element that is not executed. Names, owners and commands are untrusted
/// text: no `<` is left in it, so nothing in it can end the element, and JSON reads the escape as the
/// same text (HTML, "Restrictions for contents of script elements"). A browser shows the texts, so they are
/// made printable before.
///
/// # Errors
/// Errors of writing JSON; none is expected.
pub(crate) fn html(timeline: &Timeline, source: &TimelineRepository) -> serde_json::Result<String> {
    let TimelineRepository { repository, root } = source;
    let page = HtmlTimelineJson { repository, root, timeline: json(timeline) };
    let text = shown(serde_json::to_value(page)?).to_string();
    Ok(TEMPLATE.replacen(PLACE, &text.replace('<', "\\u003c"), 1))
}

/// A value with all its texts as they may be shown.
fn shown(value: Value) -> Value {
    match value {
        Value::String(text) => printable::line(&text).into_owned().into(),
        Value::Array(list) => list.into_iter().map(shown).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, it)| (key, shown(it))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::samples;

    /// A source of that name.
    fn source(name: &str) -> TimelineRepository {
        TimelineRepository { repository: name.to_owned(), root: "/site/.lokt".to_owned() }
    }

    /// The content of the element with the timeline.
    fn embedded(page: &str) -> &str {
        let after = page.split(r#"<script type="application/json" id="timeline">"#).nth(1).unwrap();
        after.split("</script>").next().unwrap()
    }

    #[test]
    fn the_page_holds_the_timeline() {
        let timeline = samples::two_builds();
        let page = html(&timeline, &source("site")).unwrap();
        let read: serde_json::Value = serde_json::from_str(embedded(&page)).unwrap();
        let told = serde_json::to_value(json(&timeline)).unwrap();
        assert_eq!((&read["from"], &read["lanes"]), (&told["from"], &told["lanes"]));
        assert_eq!((&read["repository"], &read["root"]), (&"site".into(), &"/site/.lokt".into()));
        assert!(!page.contains(PLACE));
    }

    #[test]
    fn no_text_of_the_log_can_break_out_of_its_element() {
        let markup = "</script><script>alert(1)</script><!-- {{timeline}} & ' \"";
        let hostile = &format!("{markup}\u{2028}\u{202e}");
        let page = html(&samples::owned_by(hostile), &source(hostile)).unwrap();
        let empty = html(&samples::owned_by("ada"), &source("site")).unwrap();
        let count = |page: &str, what: &str| page.matches(what).count();
        for mark in ["<script", "</script", "<!--"] {
            assert_eq!(count(&page, mark), count(&empty, mark), "no {mark} more than in the page");
        }
        let read: serde_json::Value = serde_json::from_str(embedded(&page)).unwrap();
        let owner = format!("{markup}\\u{{2028}}\\u{{202e}}");
        assert_eq!(read["lanes"][0]["spans"][0]["owner"], owner, "and it is the same text");
        assert_eq!(read["repository"], owner);
        assert!(!page.contains(['\u{2028}', '\u{202e}']));
    }

    #[test]
    fn the_page_names_no_other_place() {
        let page = html(&samples::two_builds(), &source("site")).unwrap();
        for scheme in ["http:", "https:", "//cdn", "@import", "url("] {
            assert!(!page.contains(scheme), "{scheme} would need a network");
        }
    }
}
