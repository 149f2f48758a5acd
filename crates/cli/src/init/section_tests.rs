use super::*;
use proptest::prelude::*;

#[test]
fn the_section_stands_apart_and_ends_as_the_file_did() {
    let section = marked("body");
    for (before, after) in [
        ("", section.clone()),
        ("a", format!("a\n\n{section}")),
        ("a\n", format!("a\n\n{section}\n")),
        ("\u{feff}", format!("\u{feff}{section}")),
        ("\u{feff}a\n", format!("\u{feff}a\n\n{section}\n")),
        ("a\r\n", format!("a\r\n\r\n{}\r\n", section.replace('\n', "\r\n"))),
    ] {
        assert_eq!(put(Some(before), "body", "").unwrap(), after, "{before:?}");
    }
    assert_eq!(put(None, "body", "x\n").unwrap(), format!("x\n{section}\n"));
}

#[test]
fn a_section_is_brought_up_to_date_in_its_place() {
    let old = put(Some("a\n"), "old\nlines", "").unwrap() + "added later\n";
    let new = put(Some(&old), "new", "").unwrap();
    assert_eq!(new, format!("a\n\n{}\nadded later\n", marked("new")));
    assert_eq!(put(Some(&new), "new", "").unwrap(), new, "the second time changes nothing");
    assert_eq!(cut(&new, "").unwrap(), SectionRemoval::Text("a\nadded later\n".to_owned()));
}

#[test]
fn marks_that_do_not_fit_are_refused() {
    let section = marked("x");
    for text in [BEGIN, END, &format!("{END}\n{BEGIN}")] {
        assert_eq!(put(Some(text), "b", ""), Err(MarkedSectionError::Unpaired), "{text}");
        assert_eq!(cut(text, ""), Err(MarkedSectionError::Unpaired), "{text}");
    }
    let twice = format!("{section}\n{section}");
    assert_eq!(put(Some(&twice), "b", ""), Err(MarkedSectionError::Several));
    assert_eq!(cut("no marks", ""), Ok(SectionRemoval::Same));
}

#[test]
fn marks_in_an_example_are_none() {
    let example = format!("```md\n{}\n```\n", marked("x"));
    assert_eq!(cut(&example, "").unwrap(), SectionRemoval::Same);
    let with = put(Some(&example), "body", "").unwrap();
    assert_eq!(with, format!("{example}\n{}\n", marked("body")), "the example stays as it is");
    assert_eq!(put(Some(&with), "body", "").unwrap(), with);
    assert_eq!(cut(&with, "").unwrap(), SectionRemoval::Text(example));
}

#[test]
fn what_is_in_a_block_that_is_never_closed_is_left_alone() {
    let open = format!("text\n\n```md\n{}\n", marked("precious"));
    assert_eq!(put(Some(&open), "body", ""), Err(MarkedSectionError::Open));
    assert_eq!(cut(&open, "").unwrap(), SectionRemoval::Same);
    let before = format!("{}\n{open}", marked("old"));
    let after = format!("{}\n{open}", marked("new"));
    assert_eq!(put(Some(&before), "new", "").unwrap(), after, "a section before it is found");
}

proptest! {
    #[test]
    fn cutting_gives_back_what_was_there(text in "(a|\n|\r\n|\r| |# b|é|\n```|~~~\n|````){0,12}", opening in "(---\n)?") {
        prop_assume!(fenced(&text).open.is_none());
        let with = put(Some(&text), "one\n\ntwo", &opening).unwrap();
        prop_assert_eq!(put(Some(&with), "one\n\ntwo", &opening).unwrap(), with.clone());
        prop_assert_eq!(cut(&with, &opening).unwrap(), SectionRemoval::Text(text.clone()));
        let updated = put(Some(&with), "three", &opening).unwrap();
        prop_assert_eq!(cut(&updated, &opening).unwrap(), SectionRemoval::Text(text));
    }

    #[test]
    fn a_file_that_was_made_goes(opening in "(---\n){0,2}") {
        let made = put(None, "body", &opening).unwrap();
        prop_assert_eq!(cut(&made, &opening).unwrap(), SectionRemoval::Nothing);
        let updated = put(Some(&made), "other", &opening).unwrap();
        prop_assert_eq!(cut(&updated, &opening).unwrap(), SectionRemoval::Nothing);
    }
}
