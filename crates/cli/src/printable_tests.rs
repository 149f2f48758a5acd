use super::*;
use proptest::prelude::*;

#[test]
fn the_table_of_what_is_replaced() {
    for (text, shown) in [
        // A terminal's commands, and what ends lines.
        ("a\nb\r\tc\0", "a\\nb\\r\\tc\\u{0}"),
        ("\u{1b}]0;x\u{7}\u{7f}", "\\u{1b}]0;x\\u{7}\\u{7f}"),
        ("\u{9b}2J\u{85}", "\\u{9b}2J\\u{85}"),
        ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
        // The direction of writing.
        (
            "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}",
            "\\u{202a}\\u{202b}\\u{202c}\\u{202d}\\u{202e}",
        ),
        ("\u{2066}\u{2067}\u{2068}\u{2069}", "\\u{2066}\\u{2067}\\u{2068}\\u{2069}"),
        ("\u{200e}\u{200f}\u{61c}", "\\u{200e}\\u{200f}\\u{61c}"),
        // What is not seen.
        ("a\u{200b}b\u{2060}\u{feff}\u{ad}", "a\\u{200b}b\\u{2060}\\u{feff}\\u{ad}"),
        ("\u{e0041}\u{e007f}\u{e0100}", "\\u{e0041}\\u{e007f}\\u{e0100}"),
        ("\u{180e}\u{34f}\u{115f}\u{3164}\u{ffa0}", "\\u{180e}\\u{34f}\\u{115f}\\u{3164}\\u{ffa0}"),
        ("a\u{2800}\u{2009}b", "a\\u{2800}\\u{2009}b"),
        ("\u{fff9}\u{2064}\u{206a}", "\\u{fff9}\\u{2064}\\u{206a}"),
        // Neither its form nor its width is known.
        ("\u{e000}\u{10ffff}\u{fdd0}\u{378}", "\\u{e000}\\u{10ffff}\\u{fdd0}\\u{378}"),
        // Joiners and selectors where nothing needs them.
        ("ma\u{200d}ke\u{200c}", "ma\\u{200d}ke\\u{200c}"),
        ("a\u{fe0f}b\u{fe00}", "a\\u{fe0f}b\\u{fe00}"),
        ("☁\u{fe0f}\u{fe0f}", "☁\u{fe0f}\\u{fe0f}"),
        ("👩\u{200d}\u{200d}💻", "👩\\u{200d}\\u{200d}💻"),
        // Marks that are drawn over what is not theirs.
        ("\u{338}x '\u{338}", "\\u{338}x '\\u{338}"),
        ("e\u{301}\u{302}\u{303}\u{304}\u{305}", "e\u{301}\u{302}\u{303}\u{304}\\u{305}"),
    ] {
        assert_eq!(line(text), shown, "{text:?}");
    }
}

#[test]
fn what_people_write_stays_as_it_is() {
    for text in [
        "",
        "make build -j8",
        "größe e\u{301}te\u{301} 日本語　ユーザー",
        "\u{5d0}\u{5d1}\u{5b8}\u{5d2} \u{639}\u{631}\u{628}\u{64a}\u{651}",
        // Persian "I want", Sinhala, Bengali, Hindi.
        "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
        "\u{dc1}\u{dca}\u{200d}\u{dbb}\u{dd3}",
        "\u{9b0}\u{200d}\u{9cd}\u{9af}",
        "\u{915}\u{94d}\u{200d}\u{937}",
        "👩\u{200d}💻 👍🏽 🇩🇪 ❤\u{fe0f}\u{200d}🔥 ☁\u{fe0f} 1\u{fe0f}\u{20e3} #\u{fe0f}\u{20e3}",
        "100 €, “quoted”, a\u{a0}b, 5 ≤ 6 → ok ✓ … \u{fffd}",
    ] {
        assert_eq!(line(text), text);
        assert!(matches!(line(text), Cow::Borrowed(_)), "{text:?} is not copied");
    }
}

#[test]
fn json_stays_the_same_value() {
    let value =
        serde_json::json!({"a\u{202e}": "b\u{e0041}\n\u{7f}é\u{1b}", "c": ["👩\u{200d}💻"]});
    let text = json(&value.to_string()).into_owned();
    assert!(text.contains(r"\u202e") && text.contains(r"\udb40\udc41"), "{text}");
    assert!(text.contains("👩\u{200d}💻") && text.contains('é'), "{text}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
}

#[test]
fn widths_are_those_of_a_terminal() {
    for (text, columns) in [("ada", 3), ("日本", 4), ("e\u{301}", 1), ("👩\u{200d}💻", 2), ("é", 1)]
    {
        assert_eq!(width(text), columns, "{text:?}");
        assert_eq!(padded(text, 6), format!("{text}{}", " ".repeat(6 - columns)));
    }
    assert_eq!(fitted("日本語", 5), "日本");
    assert_eq!(fitted("e\u{301}x", 1), "e\u{301}", "a mark goes with its letter");
    assert_eq!(fitted("👩\u{200d}💻", 3), "👩\u{200d}", "some terminals draw two pictures");
    assert_eq!(fitted("ada", 3), "ada");
    assert_eq!(shortened("日本語", 5), "日本…");
    assert_eq!(shortened("日本語", 6), "日本語");
}

/// Texts with much in them that is not seen.
fn hostile() -> impl Strategy<Value = String> {
    let joined = prop::sample::select(vec![
        '\u{200d}',
        '\u{200c}',
        '\u{fe0f}',
        '\u{fe0e}',
        '\u{301}',
        '\u{9cd}',
        '\u{9af}',
        '\u{645}',
        '👩',
        '☁',
        '1',
        '\u{20e3}',
        ' ',
        '\'',
        '\\',
        '\u{1facf}',
    ]);
    let ends =
        prop::sample::select(vec!['\n', '\u{85}', '\u{2028}', '\u{202e}', '\u{1b}', '\u{e0020}']);
    let one = prop_oneof![
        any::<char>(),
        joined,
        ends,
        (0..0x2100_u32).prop_map(|it| { char::from_u32(it).unwrap_or(' ') })
    ];
    prop::collection::vec(one, 0..40).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_that_is_not_seen_passes(text in hostile()) {
        let shown = line(&text);
        let strange = |c: char| {
            c.is_control() || matches!(get_general_category(c), Category::LineSeparator
                | Category::ParagraphSeparator | Category::PrivateUse | Category::Unassigned)
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}'
                    | '\u{61c}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{ad}' | '\u{feff}'
                    | '\u{e0000}'..='\u{e0fff}')
        };
        prop_assert!(!shown.contains(strange), "{shown:?}");
        prop_assert_eq!(shown.lines().count().max(1), 1);
    }

    #[test]
    fn what_was_cleaned_stays_as_it_is_also_within_a_line(one in hostile(), other in hostile()) {
        let (one, other) = (line(&one), line(&other));
        prop_assert_eq!(line(&one), &*one);
        let whole = format!("{one} ({other}), {one}");
        prop_assert_eq!(line(&whole), &*whole);
    }

    #[test]
    fn what_was_replaced_can_be_read(text in "[^\\\\]*") {
        let mut read = String::new();
        let shown = line(&text).into_owned();
        let mut rest = shown.as_str();
        while let Some(at) = rest.find('\\') {
            read += &rest[..at];
            let (c, length) = match &rest[at + 1..at + 2] {
                "n" => ('\n', 2),
                "r" => ('\r', 2),
                "t" => ('\t', 2),
                _ => {
                    let end = rest[at..].find('}').unwrap();
                    let code = u32::from_str_radix(&rest[at + 3..at + end], 16).unwrap();
                    (char::from_u32(code).unwrap(), end + 1)
                }
            };
            read.push(c);
            rest = &rest[at + length..];
        }
        prop_assert_eq!(read + rest, text);
    }

    #[test]
    fn json_of_any_text_stays_the_same_value(text in hostile()) {
        let value = serde_json::Value::String(text);
        let shown = json(&value.to_string()).into_owned();
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        prop_assert_eq!(line(&shown), &*shown, "nothing is left to replace");
    }

    #[test]
    fn what_fits_is_no_wider(text in hostile(), columns in 0..30_usize) {
        let text = line(&text);
        let cut = fitted(&text, columns);
        prop_assert!(text.starts_with(cut) && width(cut) <= columns);
        prop_assert!(width(&shortened(&text, columns.max(1))) <= columns.max(1));
    }
}
