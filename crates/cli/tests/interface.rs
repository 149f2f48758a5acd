//! The command line: help, manual pages, completions, and usage errors.

use lokt_testkit::{Done, Sandbox};
use std::fs;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// The commands that the help lists.
fn commands(it: &Sandbox) -> Vec<String> {
    let help = it.lokt(["--help"]).run().ok().out;
    let list = help.lines().skip_while(|line| *line != "Locks:");
    let list = list.take_while(|line| *line != "Options:");
    let names = list.filter_map(|line| line.split(' ').nth(2)).filter(|name| !name.is_empty());
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(names.len() > 10, "{help}");
    names
}

#[test]
fn help_is_printed_on_stdout() {
    let it = sandbox();
    for command in commands(&it).iter().filter(|name| *name != "help") {
        for words in [[command, "--help"], [command, "-h"], ["help", command]] {
            let done = it.lokt(words).run().ok();
            assert!(done.out.contains("Usage: lokt"), "{words:?}: {done:#?}");
            assert!(done.err.is_empty(), "{words:?} says nothing else: {done:#?}");
        }
    }
    let lock = it.lokt(["lock", "--help"]).run().ok().out;
    let words = lock.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("a repeated key replaces the earlier value"), "{lock}");
    let all = it.lokt(["--help"]).run().ok().out;
    for code in ["0    done", "2    held", "4    not yours", "6    lock lost", "64   wrong usage"] {
        assert!(all.contains(code), "the help has the exit codes: {all}");
    }
    assert!(!it.root().exists(), "nothing was made");
}

#[test]
fn a_help_flag_of_a_guarded_command_goes_to_the_command() {
    let it = sandbox();
    assert_eq!(it.lokt(["guard", "x", "--", "printf", "%s", "--help"]).run().ok().out, "--help");
    assert_eq!(it.lokt(["guard", "x", "--", "printf", "%s", "-h"]).run().ok().out, "-h");
}

#[test]
fn version_prints_the_version() {
    let it = sandbox();
    let version = env!("CARGO_PKG_VERSION");
    let flag = it.lokt(["--version"]).run().ok();
    let start = format!("lokt {version} (commit ");
    assert!(flag.out.starts_with(&start), "it begins with name, version and commit: {}", flag.out);
    assert_eq!((flag.out.lines().count(), flag.err.as_str()), (1, ""), "it is one line");
    assert!(it.lokt(["version"]).run().ok().out.starts_with(&flag.out), "both say the same");
    let json = it.lokt(["version", "--json"]).run().ok().json();
    assert_eq!(json["version"], version);
    let commit = json["commit"].as_str().unwrap_or("unknown");
    let features: Vec<&str> =
        json["features"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    let features = if features.is_empty() { "none".to_owned() } else { features.join(",") };
    assert_eq!(flag.out, format!("lokt {version} (commit {commit}, features: {features})\n"));
}

#[test]
fn a_manual_page_has_the_version_without_the_commit() {
    let page = sandbox().lokt(["man"]).run().ok().out;
    assert!(page.contains(concat!("lokt ", env!("CARGO_PKG_VERSION"))), "it names the version");
    assert!(!page.contains("(commit"), "each build of one version has the same pages");
}

/// Calls without a meaning, and their errors.
const WRONG: [(&[&str], &str); 29] = [
    (&["bogus"], "bogus"),
    (&["loc", "x"], "loc"),
    (&["lock"], "<NAME>"),
    (&["lock", "x", "y"], "'y'"),
    (&["lock", "x", "--bogus"], "--bogus"),
    (&["lock", "a/b"], "a/b"),
    (&["lock", ".."], ".."),
    (&["lock", "x", "--ttl"], "--ttl"),
    (&["lock", "x", "--ttl", "0"], "more than 0"),
    (&["lock", "x", "--ttl", "1m", "--ttl", "2m"], "--ttl"),
    (&["lock", "x", "--timeout", "5s"], "--wait"),
    (&["lock", "x", "--meta", "=v"], "key"),
    (&["lock", "x", "--pid", "self"], "--pid"),
    (&["guard"], "<NAME>"),
    (&["guard", "x"], "<COMMAND>"),
    (&["guard", "x", "--"], "<COMMAND>"),
    (&["guard", "x", "true"], "<COMMAND>"),
    (&["guard", "x", "--timeout", "5s", "--", "true"], "--wait"),
    (&["unlock"], "name a lock"),
    (&["unlock", "x", "--all"], "--all"),
    (&["unlock", "x", "--force", "--break-stale"], "--break-stale"),
    (&["unlock", "--force"], "<NAME>"),
    (&["unlock", "--all", "--force"], "--force"),
    (&["unlock", "--break-stale", "--all"], "--break-stale"),
    (&["status", "x", "y"], "'y'"),
    (&["freeze", "x"], "--ttl"),
    (&["get-meta", "x"], "<KEY>"),
    (&["exists"], "<NAME>"),
    (&["completions", "tcsh"], "tcsh"),
];

#[test]
fn a_usage_error_names_its_reason_and_changes_nothing() {
    let it = sandbox();
    for (words, reason) in WRONG {
        let done = it.lokt(words.iter().copied()).run().fails_with(64, reason);
        assert!(done.out.is_empty(), "{words:?} has no data: {done:#?}");
    }
    for (words, usage) in [(&[][..], "Usage: lokt"), (&["fence"], "Usage: lokt fence")] {
        let done = it.lokt(words.iter().copied()).run().expect(64).says(usage);
        assert!(done.err.starts_with("error: a command is missing\n"), "{done:#?}");
    }
    assert!(!it.root().exists(), "nothing was made");
}

#[test]
fn a_usage_error_suggests_a_similar_word() {
    let it = sandbox();
    let done = it.lokt(["stauts"]).run().fails_with(64, "stauts");
    assert!(done.err.contains("hint: lokt status\n"), "{done:#?}");
    let flag = it.lokt(["lock", "x", "--tll", "5m"]).run().fails_with(64, "--tll");
    assert!(flag.err.contains("hint: lokt lock x --ttl 5m\n"), "{flag:#?}");
}

/// The hints of a call, without their label.
fn hints(done: &Done) -> Vec<String> {
    let hints = done.err.lines().filter_map(|line| line.strip_prefix("hint: "));
    hints.map(str::to_owned).collect()
}

#[test]
fn wrong_usage_shows_the_right_call_and_the_help_of_its_command() {
    let it = sandbox();
    for (line, right, help) in [
        ("guard build true -x", "guard build -- true -x", "guard"),
        ("guard build true", "guard build -- true", "guard"),
        ("guard 'a b' -- true", "guard a-b -- true", "guard"),
        ("guard build 'echo $HOME'", "guard build -c 'echo $HOME'", "guard"),
        ("guard build echo \"it's\"", "guard build -- echo 'it'\\''s'", "guard"),
        ("lock a -- true", "guard a -- true", "guard"),
        ("release feature/login", "unlock feature-login", "unlock"),
        ("lock x --ttl=5x", "lock x --ttl=5m", "lock"),
        ("once lint true", "once lint -- true", "once"),
        ("guard x x -- true", "guard x -- true", "guard"),
        ("guard x --wait 1s -- true", "guard x --wait --timeout 1s -- true", "guard"),
        ("lock --wait 5 x", "lock --wait --timeout 5 x", "lock"),
        ("guard x -c echo hi", "guard x -c 'echo hi'", "guard"),
        ("guard x sh -c 'echo hi'", "guard x -- sh -c 'echo hi'", "guard"),
        ("--owner ada version", "version", "version"),
        ("key add ada.pem", "key trust ada.pem", "key trust"),
    ] {
        let done = it.shell(&format!("lokt {line}")).run().expect(64);
        let expected = [format!("lokt {right}"), format!("lokt {help} --help")];
        assert_eq!(hints(&done), expected, "lokt {line}: {done:#?}");
    }
    assert!(!it.root().exists(), "nothing was made");
}

#[test]
fn no_hint_of_wrong_usage_names_an_option_that_takes_what_is_anothers() {
    let it = sandbox();
    let more: [&[&str]; 4] = [
        &["unlock", "x", "--forc"],
        &["unlock", "x", "--force", "--bogus"],
        &["force-unlock", "x"],
        &["unfreeze", "--forced"],
    ];
    for words in WRONG.iter().map(|(words, _)| *words).chain(more) {
        let done = it.lokt(words.iter().copied()).run().expect(64);
        let hints = hints(&done);
        let last = hints.last().map(String::as_str).unwrap_or_default();
        assert!(last.starts_with("lokt ") && last.ends_with(" --help"), "{words:?}: {done:#?}");
        for option in ["--force", "--break-stale", "--owner"] {
            assert!(!hints.iter().any(|it| it.contains(option)), "{words:?}: {done:#?}");
        }
    }
}

#[test]
fn a_shell_line_that_is_no_program_is_shown_with_its_option() {
    let it = sandbox();
    for (line, right) in [
        ("guard b -- 'true && true'", "lokt guard b -c 'true && true'"),
        ("guard b --wait -- cd x", "lokt guard b --wait -c 'cd x'"),
        ("guard b -- MODE=fast true", "lokt guard b -c 'MODE=fast true'"),
        ("guard b -- --wait true", "lokt guard b --wait -- true"),
        ("once b --input '*' -- 'true && true'", "lokt once b --input '*' -- sh -c 'true && true'"),
    ] {
        let done = it.shell(&format!("touch file; lokt {line}")).run().expect(127);
        assert_eq!(hints(&done), [right], "lokt {line}: {done:#?}");
        it.shell(right).run();
    }
    let done = it.lokt(["guard", "c", "--", "no-such-program"]).run().expect(127);
    assert!(hints(&done).is_empty(), "a program that is missing is no mistake of usage: {done:#?}");
}

#[test]
fn arguments_that_are_not_utf8_are_usage_errors() {
    let it = sandbox();
    for call in ["lock $'\\xff'", "lock x --owner $'\\xff'", "get-meta x $'\\xff'"] {
        it.shell(&format!("lokt {call}")).run().expect(64).says("error: ");
    }
    it.shell("LOKT_OWNER=$'\\xff' lokt lock x").run().fails_with(64, "LOKT_OWNER");
    // The arguments of a guarded command may be any bytes.
    let done = it.shell("lokt guard x -- printf '%s' $'\\xc3\\xbc'").run().ok();
    assert_eq!(done.out, "ü");
    it.shell("lokt guard x -- true $'\\xff'").run().ok();
}

#[test]
fn flags_may_stand_before_and_after_names() {
    let it = sandbox();
    let calls: [&[&str]; 5] = [
        &["lock", "--ttl", "5m", "x", "--json"],
        &["--owner", "tester", "lock", "x"],
        &["lock", "x", "--owner", "tester", "--meta", "k=v"],
        &["prime", "--owner", "tester", "--json"],
        &["guard", "--wait", "x", "--timeout", "5s", "--ttl=1m", "--", "true"],
    ];
    for words in calls {
        it.lokt(words.iter().copied()).run().ok();
    }
    assert_eq!(it.record("x")["owner"], "tester");
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let it = sandbox();
    it.lokt(["man", "--dir", "pages/man1"]).run().ok();
    let pages = it.folder().join("pages/man1");
    let commands = commands(&it).into_iter().map(|name| format!("lokt-{name}"));
    for title in std::iter::once("lokt".to_owned()).chain(commands) {
        let page = fs::read_to_string(pages.join(format!("{title}.1"))).unwrap();
        for part in [format!(".TH {title} 1"), ".SH NAME".to_owned(), ".SH SYNOPSIS".to_owned()] {
            assert!(page.contains(&part), "{title} has {part}");
        }
    }
    let one = it.lokt(["man"]).run().ok().out;
    assert_eq!(one, fs::read_to_string(pages.join("lokt.1")).unwrap(), "alone it is printed");
    let typeset = "command -v groff >/dev/null || exit 0; for page in pages/man1/*; do groff -man -Tutf8 -ww $page; done";
    let done = it.shell(typeset).run().ok();
    assert!(done.err.is_empty(), "the typesetter has nothing to complain of: {}", done.err);
    it.lokt(["man", "--dir", "/dev/null/pages"]).run().fails_with(1, "/dev/null/pages");
}

/// The words that bash completes.
fn completed(it: &Sandbox, words: &str) -> Vec<String> {
    let line = format!(
        r#"source <(lokt completions bash) && [[ $(complete -p lokt) == *-F\ * ]] || exit 1
        COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_TYPE=9
        function=$(complete -p lokt); function=${{function##*-F }}
        "${{function% lokt}}" lokt "${{COMP_WORDS[-1]}}" "${{COMP_WORDS[-2]}}" 2>/dev/null
        printf '%s\n' "${{COMPREPLY[@]}}""#
    );
    let done: Done = it.shell(&line).owner("tester").in_time().ok();
    done.out.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_names_of_locks() {
    let it = sandbox();
    for name in ["build", "bundle", "test"] {
        it.lokt(["lock", name]).run().ok();
    }
    it.lokt(["freeze", "cold", "--ttl", "5m"]).run().ok();
    assert_eq!(completed(&it, "lokt un"), ["unlock", "unfreeze", "unreserve"]);
    assert_eq!(completed(&it, "lokt unlock bu"), ["build", "bundle"]);
    assert_eq!(completed(&it, "lokt unfreeze c"), ["cold"]);
    it.lokt(["reserve", "src/a", "docs"]).run().ok();
    assert_eq!(completed(&it, "lokt unreserve sr"), ["src/a"]);
    assert_eq!(completed(&it, "lokt lock x --ti"), ["--timeout"]);
    assert_eq!(completed(&it, "lokt audit --name t"), ["test"]);
    for command in ["guard", "lock", "status", "why", "exists", "get-meta", "freeze"] {
        let names = completed(&it, &format!("lokt {command} te"));
        assert_eq!(names, ["test"], "{command} completes names");
    }
}

#[test]
fn completion_changes_nothing_and_needs_no_root() {
    let it = sandbox();
    assert_eq!(completed(&it, "lokt unlock bu"), [""; 0]);
    assert!(!it.root().exists(), "nothing was made");
    for shell in ["bash", "zsh", "fish", "elvish"] {
        let script = it.lokt(["completions", shell]).run().ok();
        assert!(script.out.contains("lokt") && script.err.is_empty(), "{shell}: {script:#?}");
    }
}
