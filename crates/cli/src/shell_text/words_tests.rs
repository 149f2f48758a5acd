use super::*;
use proptest::prelude::*;

/// The commands of a text, words separated by `|`.
fn read(text: &str) -> Vec<String> {
    let join = |it: &ShellSimpleCommand| {
        let words: Vec<&str> = it.words.iter().map(|word| word.text.as_str()).collect();
        words.join("|")
    };
    commands(text).iter().map(join).collect()
}

#[test]
fn commands_end_where_a_shell_ends_them() {
    for (text, found) in [
        ("a b; c && d || e & f | g", vec!["a|b", "c", "d", "e", "f", "g"]),
        ("a \\\n  b\nc", vec!["a|b", "c"]),
        ("a # b\nc#d", vec!["a", "c#d"]),
        ("if a; then b; fi", vec!["if|a", "then|b", "fi"]),
        ("case $x in\n a) b ;;\nesac", vec!["case|$x|in", "a", "b", "esac"]),
        ("(a; b)", vec!["a", "b"]),
        ("a\r\nb\r\n", vec!["a", "b"]),
    ] {
        assert_eq!(read(text), found, "{text:?}");
    }
}

#[test]
fn quotes_are_taken_off_and_variables_stay_as_written() {
    for (text, found) in [
        (r#"a 'b c' "d e" f\ g"#, vec!["a|b c|d e|f g"]),
        (r#"a "x-$Y" ${Z:-q} '$W'"#, vec!["a|x-$Y|${Z:-q}|$W"]),
        (r#"a "say \"hi\"" "c:\d""#, vec![r#"a|say "hi"|c:\d"#]),
        ("a '' \"\"", vec!["a||"]),
        (r#"a "$(b "c d")-e""#, vec!["b|c d", "a|$(…)-e"]),
        ("a `b c`", vec!["b|c", "a|$(…)"]),
        ("a $((1 << 2)) b", vec!["1", "a|$(…)|b"]),
    ] {
        assert_eq!(read(text), found, "{text:?}");
    }
    let words = &commands("a '$x' $x").remove(0).words;
    assert!(!words[1].is_expanded && words[2].is_expanded, "a quoted dollar is no variable");
}

#[test]
fn redirections_and_here_documents_are_no_words() {
    for (text, found) in [
        ("a >b 2>&1 <c d", vec!["a|d"]),
        ("a &>b c", vec!["a|c"]),
        ("a 2 > b", vec!["a|2"]),
        ("cat <<E\nlokt guard x -- y\nE\nb", vec!["cat", "b"]),
        ("cat <<-'E' >f\n\tlokt\n\tE\nb", vec!["cat", "b"]),
        ("a <<<b c", vec!["a|c"]),
        ("x <<2\nb", vec!["x", "b"]),
    ] {
        assert_eq!(read(text), found, "{text:?}");
    }
}

#[test]
fn what_has_no_end_costs_only_its_own_place() {
    assert_eq!(read("don't\nlokt guard x -- y"), ["don't", "lokt|guard|x|--|y"]);
    assert_eq!(read("a $(b\nc"), ["a|$", "b", "c"]);
    assert_eq!(read("a \"b\nc"), ["a|b", "c"]);
}

#[test]
fn a_hostile_text_is_read_in_time() {
    for piece in ["$(", "'", "\"$(", "`", "${", "<<A\n", "((", "\\", "\"${'"] {
        commands(&piece.repeat(100_000));
    }
}

proptest! {
    #[test]
    fn any_text_is_read(text in "[a-c$(){}'\"`\\\\\n;&|<>#= \u{e9}-]{0,200}") {
        for command in commands(&text) {
            prop_assert!(!command.words.is_empty());
            prop_assert!(command.line >= 1 && command.line <= text.matches('\n').count() + 1);
        }
    }
}
