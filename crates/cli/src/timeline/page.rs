use super::json::json;
use lokt_lock::audit::Timeline;

/// The page around a timeline, with a place for it.
const TEMPLATE: &str = include_str!("page.html");

/// Where the timeline goes.
const PLACE: &str = "{{timeline}}";

/// A timeline as one HTML page.
///
/// The timeline is JSON inside a `script` element that is not executed. Names, owners and commands are of anybody's
/// choosing: no `<` is left in it, so nothing in it can end the element, and JSON reads the escape as the
/// same text (HTML, "Restrictions for contents of script elements").
///
/// # Errors
/// Those of writing JSON, of which none is to be expected.
pub(crate) fn html(timeline: &Timeline) -> serde_json::Result<String> {
    let text = serde_json::to_string(&json(timeline))?;
    Ok(TEMPLATE.replacen(PLACE, &text.replace('<', "\\u003c"), 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::samples;

    /// What stands between the beginning and the end of the element with the timeline.
    fn embedded(page: &str) -> &str {
        let after = page.split(r#"<script type="application/json" id="timeline">"#).nth(1).unwrap();
        after.split("</script>").next().unwrap()
    }

    #[test]
    fn the_page_holds_the_timeline() {
        let timeline = samples::two_builds();
        let page = html(&timeline).unwrap();
        let read: serde_json::Value = serde_json::from_str(embedded(&page)).unwrap();
        assert_eq!(read, serde_json::to_value(json(&timeline)).unwrap());
        assert!(!page.contains(PLACE));
    }

    #[test]
    fn no_text_of_the_log_can_break_out_of_its_element() {
        let hostile = "</script><script>alert(1)</script><!-- {{timeline}} & \u{2028} ' \"";
        let page = html(&samples::owned_by(hostile)).unwrap();
        let empty = html(&samples::owned_by("ada")).unwrap();
        let count = |page: &str, what: &str| page.matches(what).count();
        for mark in ["<script", "</script", "<!--"] {
            assert_eq!(count(&page, mark), count(&empty, mark), "no {mark} more than in the page");
        }
        let read: serde_json::Value = serde_json::from_str(embedded(&page)).unwrap();
        assert_eq!(read["lanes"][0]["spans"][0]["owner"], hostile, "and it is the same text");
    }

    #[test]
    fn the_page_names_no_other_place() {
        let page = html(&samples::two_builds()).unwrap();
        for scheme in ["http:", "https:", "//cdn", "@import", "url("] {
            assert!(!page.contains(scheme), "{scheme} would need a network");
        }
    }
}
