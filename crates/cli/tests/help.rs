//! The help: its width, its groups, its examples, and options only where they act.

use lokt_testkit::Sandbox;
use std::fs;

/// Programs that examples run.
const PROGRAMS: &str = "mkdir bin; printf '#!/bin/sh\\nexit 0\\n' > bin/make; chmod +x bin/make; \
    export PATH=$PWD/bin:$PATH HOME=$PWD LOKT_FENCE=1; git init -q; mkdir src; touch src/main.c; set -o pipefail";

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

fn help(it: &Sandbox, command: &str) -> String {
    it.lokt(command.split_whitespace().chain(["--help"])).run().ok().out
}

/// The names that a part of a help lists.
fn listed(help: &str, first: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != first);
    let list = list.take_while(|line| *line != "Options:");
    let names = list.filter_map(|line| line.split(' ').nth(2)).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// All commands, with those below them: `tool run`.
fn commands(it: &Sandbox) -> Vec<String> {
    let mut all = Vec::new();
    for name in listed(&help(it, ""), "Locks:").into_iter().filter(|name| name != "help") {
        let below = listed(&help(it, &name), "Commands:").into_iter().filter(|it| it != "help");
        all.extend(below.map(|below| format!("{name} {below}")));
        all.push(name);
    }
    assert!(all.len() > 40, "{all:?}");
    all
}

#[test]
fn every_command_is_in_one_group() {
    let it = sandbox();
    let help = help(&it, "");
    let headings = help.lines().filter(|line| line.ends_with(':') && !line.starts_with(' '));
    let headings = headings.skip_while(|line| line.contains(' '));
    let headings: Vec<&str> = headings.take_while(|line| *line != "Options:").collect();
    assert_eq!(
        headings,
        ["Locks:", "Reservations:", "Results:", "Tools:", "Agents:", "Watch:", "Setup:"]
    );
    let mut listed = listed(&help, "Locks:");
    listed.retain(|name| name != "help");
    listed.sort();
    it.lokt(["man", "--dir", "pages"]).run().ok();
    let pages = fs::read_dir(it.folder().join("pages")).unwrap();
    let pages = pages.map(|it| it.unwrap().file_name().into_string().unwrap());
    let names =
        pages.filter_map(|it| Some(it.strip_prefix("lokt-")?.strip_suffix(".1")?.to_owned()));
    let mut names: Vec<String> = names.filter(|it| it != "help").collect();
    names.sort();
    assert_eq!(listed, names, "each command has its line");
}

#[test]
fn help_fits_its_width_and_breaks_no_word() {
    let it = sandbox();
    for command in commands(&it).iter().map(String::as_str).chain([""]) {
        let shown = |columns: &str| {
            let call = it.lokt(command.split_whitespace().chain(["--help"]));
            let call = if columns.is_empty() {
                call.without("COLUMNS")
            } else {
                call.env("COLUMNS", columns)
            };
            call.run().ok().out
        };
        let words = |help: &str| help.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let usual = shown("");
        for (columns, most) in [("60", 60), ("", 80), ("0", 80), ("wide", 80), ("300", 100)] {
            let help = shown(columns);
            let too_long = help.lines().find(|line| line.chars().count() > most);
            assert_eq!(too_long, None, "{command}, COLUMNS={columns}");
            assert_eq!(words(&help), words(&usual), "{command}, COLUMNS={columns}: the same words");
        }
    }
}

#[test]
fn on_a_terminal_the_help_is_as_wide_as_it() {
    let it = sandbox();
    let done = it.terminal("stty rows 24 cols 60; unset COLUMNS; lokt guard --help").run().ok();
    let widest = done.out.lines().map(|line| line.trim_end().chars().count()).max();
    assert!(widest.is_some_and(|it| (50..=60).contains(&it)), "{done:#?}");
}

#[test]
fn every_command_has_examples_that_run() {
    for command in commands(&sandbox()) {
        let shown = help(&sandbox(), &command);
        let lines = shown.lines().skip_while(|line| *line != "Examples:").skip(1);
        let examples: Vec<&str> = lines.map_while(|line| line.strip_prefix("  ")).collect();
        assert!((1..=3).contains(&examples.len()), "{command}: {shown}");
        for example in examples {
            assert!(example.contains(&format!("lokt {command}")), "{command}: {example}");
            // It takes some seconds, and has tests.
            if example == "lokt demo" {
                continue;
            }
            let it = sandbox();
            let done = it.shell(&format!("{PROGRAMS}; {example} < /dev/null")).in_time();
            let is_usage = done.code == Some(64) || done.err.contains("--help");
            assert!(!is_usage, "{example}: {done:#?}");
        }
    }
}

/// The commands whose effect depends on the owner.
const OF_AN_OWNER: [&str; 21] = [
    "audit",
    "freeze",
    "guard",
    "hold-for-program",
    "hook",
    "lock",
    "mcp",
    "once",
    "prime",
    "reservations",
    "reserve",
    "results prune",
    "results rm",
    "status",
    "tool run",
    "top",
    "unfreeze",
    "unlock",
    "unreserve",
    "whoami",
    "why",
];

#[test]
fn the_owner_is_an_option_only_where_it_acts() {
    let it = sandbox();
    for command in commands(&it) {
        let acts = OF_AN_OWNER.contains(&command.as_str());
        let shown = help(&it, &command);
        assert_eq!(shown.contains("--owner <OWNER>"), acts, "{command}: {shown}");
        if acts {
            continue;
        }
        let words: Vec<&str> = command.split(' ').collect();
        it.lokt(words.iter().copied().chain(["--owner", "ada"])).run().fails_with(64, "--owner");
        let arguments: &[&str] = match command.as_str() {
            "exists" => &["x"],
            "get-meta" => &["x", "k"],
            "fence check" => &["x", "1"],
            "completions" => &["bash"],
            _ => &[],
        };
        let words = ["--owner", "ada"].iter().chain(&words).chain(arguments).copied();
        it.lokt(words).run().expect(64);
    }
    let in_other_uses = [
        ("status", "--prune-expired", "lokt status"),
        ("prime --format aider", "--owner", "lokt prime --format aider"),
    ];
    for (command, reason, right) in in_other_uses {
        let words = command.split(' ').chain(["--owner", "ada"]);
        it.lokt(words).run().fails_with(64, reason).says(&format!("hint: {right}\n"));
    }
    assert!(!it.root().exists(), "nothing was made");
    assert!(help(&it, "audit").contains("Show only what this owner did"));
}

#[test]
fn an_owner_before_the_command_is_the_command_s() {
    let it = sandbox();
    it.lokt(["--owner", "ada", "lock", "x"]).run().ok();
    it.lokt(["--owner=eve", "lock", "y"]).run().ok();
    it.lokt(["--owner", "eve", "lock", "z", "--owner", "bob"]).run().ok();
    for (name, owner) in [("x", "ada"), ("y", "eve"), ("z", "bob")] {
        assert_eq!(it.record(name)["owner"], owner, "{name}");
    }
    let events = it.lokt(["--owner", "ada", "audit"]).run().ok().out;
    assert_eq!(events.lines().count(), 1, "{events}");
    it.lokt(["--owner", "zoe", "status", "--prune-expired"]).run().ok();
}
