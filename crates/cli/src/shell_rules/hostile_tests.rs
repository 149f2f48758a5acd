use super::{ShellDecision, tests::answer};
use proptest::prelude::*;

#[test]
fn a_hostile_line_is_judged_in_time() {
    for piece in [
        "$(",
        "'",
        "\"$(",
        "`",
        "${",
        "<<A\n",
        "((",
        "\\",
        "\"${'",
        "make|",
        "make;",
        "(",
        "{ ",
        "if ",
        "a=(",
        "$((",
        "case a in a) ",
        "[[ ",
        "<(",
        "f() { ",
        "! ",
        "\"",
        "make \"$(",
        "bash -c '",
        "é",
        "cat <<A\nA\n",
        "cd a;",
        "\0",
        "\r\n",
        "make&",
        "git stash;",
        "lokt -- ",
        "nice ",
        "lokt guard x -- bash -c ",
    ] {
        answer(&piece.repeat(1_000));
        answer(&piece.repeat(200_000 / piece.len()));
        let nested = format!("{}make{}", piece.repeat(1_000), ")".repeat(1_000));
        answer(&nested);
    }
    let notes = answer("cd a; bash -c 'make &'; bash -c 'make ('; f() { a; }; command -p make");
    assert!(notes.notes.len() <= 3);
}

proptest! {
    #[test]
    fn a_rewritten_line_has_all_bytes_of_the_line(
        line in "(make|a|cargo test|git add|bash -c|if|then|fi|do|done|[ $(){}'\"`\\\\\n;&|<>#=!\u{e9}-]){0,40}"
    ) {
        let answer = answer(&line);
        if let ShellDecision::Rewritten(new) = &answer.decision {
            let guards = ["build", "index", "other-index"]
                .map(|it| format!("lokt guard {it} --wait --timeout 110s -- "));
            let mut rest = new.replace("lokt guard test -- ", "").replace("lokt once test --timeout 110s -- ", "");
            for guard in guards {
                rest = rest.replace(&guard, "");
            }
            prop_assert_eq!(rest, line);
        }
    }
}
