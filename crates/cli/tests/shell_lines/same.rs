//! A line that runs with guards does what it did without.

use super::{LineAnswer, Project};
use std::{fs, process::Command};

/// What shells are there.
fn shells() -> Vec<&'static str> {
    let is_there =
        |it: &&str| Command::new(it).args(["-c", ":"]).status().is_ok_and(|it| it.success());
    ["bash", "dash", "zsh"].into_iter().filter(is_there).collect()
}

/// Lines that every one of these shells reads.
const LINES: [&str; 52] = [
    "task a 'b c' \"d $X\"",
    "A=1 task",
    "A=\"x y\" B=2 task $A",
    "E=5; task; export E; task",
    "task fail; echo $?",
    "task fail || task b",
    "task fail && task b",
    "! task fail",
    "task kill; echo $?",
    "task both 2>&1 | cat",
    "task both >out.txt 2>&1; cat out.txt",
    ">out.txt task x; cat out.txt",
    "task in <lokt.toml | head -n 2",
    "echo hi | task in",
    "task a | task in 2>&1 || echo never",
    "cd sub && task && cd deep && task; pwd",
    "(cd sub; task); task",
    "{ task a; task b; } | cat",
    "if task fail; then task a; elif task b; then task c; else task d; fi",
    "while ! task; do :; done; until task; do :; done",
    "for x in 1 2 3; do task $x; done; echo $x",
    "case $X in n*) task a ;; *) task b ;; esac",
    "f() { task \"$@\"; echo $?; }; f a 'b c'; f fail",
    "x=$(task a); echo \"$x\"; echo `task b`",
    "echo \"$(task \"a b\" \"$(task c)\")\"",
    "task in <<E\nx $X $(task h) \\$X\nit's\nE\n",
    "task in <<'E'\nx $X $(task h)\nE\ntask b",
    "task in <<-A && task b\n\ttabs\n\tA\ntask c",
    "task \"$(cat <<'E'\nit's (a \"b\"\nE\n)\"",
    "task a & wait $!; echo $?",
    "task fail >bg.txt & p=$!; task b; wait $p; echo $?; cat bg.txt",
    "rm -f f; mkfifo f; task hang >f & p=$!; read l <f; kill $p; wait $p; echo $l $?",
    "task a > a.txt & task b > b.txt & wait; cat a.txt b.txt",
    "set -e; task fail; echo never",
    "set -- a 'b c'; task \"$@\"",
    "IFS=:; v=a:b; task $v",
    "exec task a b",
    "command task a",
    "env A=7 task",
    "nice task a; nohup task b 2>/dev/null",
    "timeout 20 task a",
    "sh -c 'cd sub; A=3; export A; task \"$0\" $1' zero one; task",
    "bash -c \"task $X; exit 4\"; echo $?",
    "'ta'sk \\a; \"$PWD/../task\" b",
    "task # task\n# task\ntask b",
    "task \\\n  a \\\n  b && task c",
    "exec 3>fd.txt; task both >&3 2>&3; cat fd.txt",
    "umask 077; task > m.txt; ls -l m.txt | cut -c1-10",
    "trap 'task bye' EXIT; task a",
    "read l <lokt.toml; task \"$l\"; task ${l:-\"x y\"} $((1 + 2))",
    "A=4 tests",
    "tests; tests >out.txt; cat out.txt; tests | cat; A=1 tests",
];

/// Lines of bash and zsh.
const LONG_LINES: [&str; 9] = [
    "if [[ $X == n* && -d sub ]]; then task a; fi",
    "((1 < 2)) && task a",
    "for ((i = 0; i < 3; i++)); do task $i; done",
    "a=(1 '2 3' $(task x)); task \"${a[@]}\"",
    "task in <<<\"here $X\"",
    "function g { task \"$1\"; }; g a",
    "diff <(echo 1) <(task a); echo $?",
    "task both &>all.txt; cat all.txt; task both |& cat",
    "task $'a\\'b' c",
];

#[test]
fn a_rewritten_line_does_what_the_line_did() {
    let project = Project::new();
    let shells = shells();
    assert!(shells.contains(&"bash"), "bash is part of every machine that runs these tests");
    for (lines, shells) in [
        (LINES.as_slice(), shells.clone()),
        (&LONG_LINES, shells.into_iter().filter(|it| *it != "dash").collect()),
    ] {
        for line in lines {
            let LineAnswer::Runs(new) = project.before("one", line) else {
                // Two guards in one pipeline are the only refusal here.
                assert!(line.contains("task a | task in"), "{line} is rewritten");
                continue;
            };
            for shell in &shells {
                let (plain, guarded) = (run(&project, shell, line), run(&project, shell, &new));
                assert_eq!(plain, guarded, "{shell}: {line:?} as {new:?}");
            }
        }
    }
    let acquired = fs::read_to_string(project.folder().join(".git/lokt/audit.log")).unwrap();
    assert!(acquired.matches("\"acquire\"").count() > LINES.len(), "the guards were real");
}

/// The exit code, the output, and what the line left: folder and variables.
fn run(project: &Project, shell: &str, line: &str) -> (Option<i32>, String) {
    let state = "r=$?; echo \"end:$r:${PWD##*/}:$A:$E:$x\"; exit $r";
    let whole = format!("{line}\n{state}");
    let shell = if shell == "zsh" { "zsh -f" } else { shell };
    let file = project.sandbox.folder().join("line");
    fs::write(&file, &whole).unwrap();
    let starter = format!("X=n1 exec {shell} -c \"$(cat ../line)\"");
    let done = project.call(project.sandbox.shell(&starter)).folder(project.folder()).run();
    (done.code, done.out)
}

#[test]
fn the_guard_has_the_lock_while_the_command_runs() {
    let project = Project::new();
    let LineAnswer::Runs(line) = project.before("one", "cd sub && task tell | cat") else {
        panic!("it is rewritten");
    };
    assert_eq!(line, "cd sub && lokt guard build --wait --timeout 50s -- task tell | cat");
    let done = project.call(project.sandbox.shell(&line)).folder(project.folder()).run().ok();
    assert_eq!(done.out, "task:1:tell::sub:\nbuild\n");
}
