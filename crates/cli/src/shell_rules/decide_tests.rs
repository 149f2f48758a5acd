use super::*;
use crate::shell_rules::{LoktCommandSpelling, read_rules};
use std::time::Duration;

const RULES: &str = "
[[guard]]
command = 'make *'
name = 'build'
wait = true

[[guard]]
command = 'npm run build*'
names = ['build', 'pack']
max_hold = '5m'

[[guard]]
command = 'cargo test'
name = 'test'
once = true

[[guard]]
command = 'cd *'
name = 'never'
";

/// A turn at the index: of the folder `/w`, or of another one.
fn index(folder: &Path) -> Option<LockName> {
    let name = if folder == Path::new("/w") { "index" } else { "other-index" };
    LockName::new(name).ok()
}

fn answer_with(
    line: &str,
    input: ToolInputMutability,
    held: &[LockName],
    limit: Option<u64>,
) -> ShellAnswer {
    let rules = read_rules(Path::new("lokt.toml"), RULES).unwrap();
    decide(&ShellToolCall {
        line,
        folder: Path::new("/w"),
        time_limit: limit.map(Duration::from_secs),
        input,
        rules: &rules,
        held,
        index_lock: &index,
        program: &LoktCommandSpelling {
            usual: "lokt".to_owned(),
            absolute: "/bin/lokt".to_owned(),
        },
    })
}

pub(super) fn answer(line: &str) -> ShellAnswer {
    answer_with(line, ToolInputMutability::Changeable, &[], Some(120))
}

/// The line that runs.
fn run(line: &str) -> String {
    match answer(line).decision {
        ShellDecision::Unchanged => line.to_owned(),
        ShellDecision::Rewritten(line) => line,
        ShellDecision::Denied(denial) => panic!("{line:?} is denied: {denial:?}"),
    }
}

/// What comes in front of `make`.
const G: &str = "lokt guard build --wait --timeout 110s -- ";

#[test]
fn a_guard_comes_in_front_of_the_command_and_nothing_else_changes() {
    for line in [
        "%make all",
        "A=1 B='x y' %make all",
        ">out 2>&1 %make all",
        "A=1 >out %make",
        "cd sub && %make -j4 2>&1 | tee log",
        "a; %make; b",
        "a || %make",
        "%make &",
        "! %make",
        "time %make",
        "time -p %make x",
        "(cd x; %make)",
        "{ %make; }",
        "if %make; then %make b; elif %make c; then d; else %make e; fi",
        "while ! %make; do sleep 1; done",
        "for x in a b; do %make $x; done",
        "for ((i=0; i<3; i++)); do %make $i; done",
        "case $x in a|b) %make a ;; (c) %make c ;; *) b;; esac",
        "f() { %make \"$@\"; }; f a",
        "function f { %make; }",
        "x=$(%make)",
        "echo \"a $(%make \"b c\") d\"",
        "echo `%make`",
        "cat <<E\n$(%make a)\nE\n%make b",
        "cat <<'E'\n$(make a)\nE\n%make b",
        "%make <<E\nmake\nE",
        "cat <<-A <<B\n\tA\nB\n%make",
        "diff a <(%make)",
        "%make \"$(cat <<'E'\nit's (a \"b\"\nE\n)\"",
        "[[ $a =~ ^(x|y)$ && -f z ]] && %make",
        "(( a < 3 )) && %make",
        "echo $((1 << 2)) ${a:-\"b c\"} $'it\\'s' && %make",
        "a=(1 '2 3' $(%make)) && %make",
        "%make # make",
        "# make\n%make",
        "%nice -n 5 make",
        "%env A=1 -u B make all",
        "%sudo -u root make install",
        "%timeout -k 5 10m make",
        "%nohup make &",
        "command %make",
        "exec %make",
        "%bash -c 'cd x && make'",
        "%bash -lc \"make $X\"",
        "%sh -ec 'A=1 make; b'",
        "%env A=1 bash -o pipefail -c 'make | tee x'",
        "%bash -c \"bash -c 'make'\"",
        "%bash --norc -O extglob -c 'make'",
        "%\"ma\"\\ke && %'make' all",
        "%/usr/bin/make",
        "(%make a; %make b & %make c) | tee log",
        "a \\\n  && %make \\\n  b",
        "if a\nthen\n  %make\nfi",
        "é=ü; echo ä…; %make ß",
    ] {
        let plain = line.replace('%', "");
        let expected = line.replace('%', G);
        assert_eq!(run(&plain), expected, "{plain}");
    }
}

#[test]
fn what_is_not_meant_stays_as_it_is_without_a_note() {
    for line in [
        "",
        "ls",
        "echo make",
        "# make",
        "'make all'",
        "makes",
        "$MAKE all",
        "echo 'x; make'",
        "echo \"; make\"",
        "lokt guard build -- make",
        "/usr/bin/lokt guard x -- make all",
        "nice lokt guard build -- make",
        "lokt once build -- make",
        "lokt guard build -- bash -c 'make a; make b'",
        "A=1 lokt guard build -- make",
        "command -v make",
        "echo make >make",
        "cat <<'E'\nmake\nE",
        "MAKE=make",
        "git log --grep make",
        "bash -c 'echo make'",
        "bash script.sh make",
        "ssh host 'make all'",
        "[[ make ]]",
        "echo $'; make'",
        "a=(make all)",
        "for make in a; do b; done",
        "case make in make) a;; esac",
        "bash -c 'lokt guard build -- make'",
    ] {
        let answer = answer(line);
        assert_eq!(answer.decision, ShellDecision::Unchanged, "{line}");
        let is_lookup = line.starts_with("command -v");
        assert!(answer.notes.is_empty() || is_lookup, "{line}: {:?}", answer.notes);
    }
}

#[test]
fn what_the_shell_itself_runs_is_left_alone_with_a_note() {
    for (line, told) in [
        ("cd x", "the shell itself runs `cd`"),
        ("command cd x", "the shell itself runs `cd`"),
        ("make() { command make; }; make", "`make` is a function or an alias of the line"),
        ("alias make=x\nmake", "`make` is a function or an alias of the line"),
        ("exec -a x make", "`exec -a` is the shell's own"),
        ("bash -c 'make &'", "does not wait for a command"),
    ] {
        let answer = answer(line);
        let expected = if line.starts_with("make()") {
            // Inside the function, the program is meant.
            ShellDecision::Rewritten(line.replace("command ", &format!("command {G}")))
        } else {
            ShellDecision::Unchanged
        };
        assert_eq!(answer.decision, expected, "{line}");
        let is_told = answer.notes.iter().any(|it| it.contains(told));
        assert!(is_told || line.starts_with("exec -a"), "{line}: {:?}", answer.notes);
    }
}

#[test]
fn what_cannot_be_read_is_left_alone_with_a_note() {
    for line in [
        "make 'a",
        "make \"a",
        "make `a",
        "make $(a",
        "make ${a",
        "make (a",
        "make )",
        "make; fi",
        "if make",
        "make <<E\na",
        "make \0",
        "make\r\n",
        "make $[1]",
        "make ${ a; }",
        "make *(.)",
        "coproc make",
        "make \"${a:-'}\"",
        "((a); make)",
        "make |",
        "make && ;",
        "make;; b",
        "make > ; a",
        "make \\",
        "echo `echo \\`make\\``",
        "{ make; ",
        "for make",
        "make <(a",
        "function make",
        "() { make; }",
    ] {
        let answer = answer(line);
        // An operator without a command may also be no fault of the reader's.
        assert_eq!(answer.decision, ShellDecision::Unchanged, "{line:?}");
        assert_eq!(answer.notes.len(), 1, "{line:?}: {:?}", answer.notes);
    }
}

#[test]
fn rules_say_which_locks_and_how() {
    for (line, expected) in [
        ("npm run build:prod", "lokt guard build pack --max-hold 5m -- npm run build:prod"),
        ("cargo test", "lokt once test --timeout 110s -- cargo test"),
        (
            "A=1 B=2 cargo test",
            "A=1 B=2 lokt once test --env A --env B --timeout 110s -- cargo test",
        ),
        ("cargo test # all", "lokt once test --timeout 110s -- cargo test # all"),
        ("cargo test >log", "lokt guard test -- cargo test >log"),
        ("cargo test | tail", "lokt guard test -- cargo test | tail"),
        ("cargo test &", "lokt guard test -- cargo test &"),
        ("! cargo test", "! lokt guard test -- cargo test"),
        ("(cargo test)", "(lokt guard test -- cargo test)"),
        ("cargo test; a", "lokt guard test -- cargo test; a"),
        ("bash -c 'cargo test'", "lokt guard test -- bash -c 'cargo test'"),
        (
            "bash -c 'npm run build; make'",
            "lokt guard build pack --wait --timeout 110s -- bash -c 'npm run build; make'",
        ),
        (
            "bash -c 'npm run build'",
            "lokt guard build pack --max-hold 5m -- bash -c 'npm run build'",
        ),
        ("PATH=/x make", "PATH=/x /bin/lokt guard build --wait --timeout 110s -- make"),
        (
            "export PATH=/x; make",
            "export PATH=/x; /bin/lokt guard build --wait --timeout 110s -- make",
        ),
        (
            "git add -A && git commit -m x",
            "lokt guard index --wait --timeout 110s -- git add -A && \
             lokt guard index --wait --timeout 110s -- git commit -m x",
        ),
        (
            "git -C ../o commit",
            "lokt guard other-index --wait --timeout 110s -- git -C ../o commit",
        ),
        ("cd o && git add .", "cd o && lokt guard other-index --wait --timeout 110s -- git add ."),
        ("cd $X; git add .", "cd $X; lokt guard index --wait --timeout 110s -- git add ."),
    ] {
        assert_eq!(run(line), expected, "{line}");
    }
}

#[test]
fn a_wait_ends_before_the_harness_ends_the_call() {
    let line =
        |limit| match answer_with("make", ToolInputMutability::Changeable, &[], limit).decision {
            ShellDecision::Rewritten(line) => line,
            other => panic!("{other:?}"),
        };
    assert_eq!(line(None), "lokt guard build --wait -- make");
    assert_eq!(line(Some(600)), "lokt guard build --wait --timeout 590s -- make");
    assert_eq!(line(Some(10)), "lokt guard build -- make", "no time to wait");
}

#[test]
fn a_lock_around_the_harness_is_not_taken_again() {
    let held = [LockName::new("build").unwrap()];
    let decide = |line| answer_with(line, ToolInputMutability::Changeable, &held, None).decision;
    assert_eq!(decide("make"), ShellDecision::Unchanged);
    let rest = "lokt guard pack --max-hold 5m -- npm run build";
    assert_eq!(decide("npm run build"), ShellDecision::Rewritten(rest.to_owned()));
}

#[test]
fn where_the_input_is_fixed_the_line_to_run_is_told() {
    let answer = answer_with("a && make", ToolInputMutability::Fixed, &[], Some(60));
    let line = "a && lokt guard build --wait --timeout 50s -- make".to_owned();
    assert_eq!(answer.decision, ShellDecision::Denied(ShellDenial::RunInstead(line)));
    let answer = answer_with("ls", ToolInputMutability::Fixed, &[], None);
    assert_eq!(answer.decision, ShellDecision::Unchanged);
}

#[test]
fn commands_that_run_at_the_same_time_never_wait_for_each_other() {
    for line in [
        "make a | make b",
        "make a | while read x; do make $x; done",
        "diff <(make a) <(make b)",
        "make a > >(make b)",
        "(make a; b) | (c; make d)",
        "{ make a; } 2> >(make b)",
        "a | b $(make c) | npm run build",
        "(a | make b) | make c",
    ] {
        let decision = answer(line).decision;
        let ShellDecision::Denied(ShellDenial::Concurrent { name, line: instead }) = decision
        else {
            panic!("{line}: {decision:?}");
        };
        assert_eq!(name.as_str(), "build");
        assert!(instead.starts_with("lokt guard build "), "{instead}");
        assert!(instead.ends_with(&format!(" -- bash -c '{line}'")), "{instead}");
        assert_eq!(answer(&instead).decision, ShellDecision::Unchanged);
    }
}

#[test]
fn discarding_calls_are_found_wherever_they_stand() {
    for line in [
        "git stash",
        "a && git stash | b",
        "bash -c 'git stash'",
        "x=$(git stash)",
        "sudo git stash",
        "if git stash; then a; fi",
        "lokt guard x -- git stash",
        "lokt guard x -- bash -c 'git stash'",
        "nice lokt guard x --wait -- nice git stash",
        "lokt guard x -- git stash",
        "lokt guard x -- bash -c 'git stash'",
        "nice lokt guard x --wait -- nice git stash",
    ] {
        assert_eq!(answer(line).discards.len(), 1, "{line}");
    }
    assert!(answer("echo git stash").discards.is_empty());
    let folder = |line| answer(line).discards.remove(0).folder;
    assert_eq!(folder("git stash").as_deref(), Some(Path::new("/w")));
    assert_eq!(folder("cd a && git stash").as_deref(), Some(Path::new("/w/a")));
    assert_eq!(folder("(cd a); git stash"), None, "where a line is after that is not followed");
}
