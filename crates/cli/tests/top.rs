//! The live view in a real terminal: it shows changes, executes keys, and restores the terminal.

use lokt_testkit::{Lokt, Running, Sandbox};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::fs;

/// The control sequence that leaves the alternate screen.
const LEFT: &str = "\u{1b}[?1049l";

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// A shell line in a terminal that has colours, so that each first drawing arrives in one piece.
fn terminal(it: &Sandbox, line: &str) -> Lokt {
    it.terminal(line).owner("tester").env("TERM", "xterm-256color")
}

/// The view in a terminal of 80 by 24. The terminal's modes are compared before and after it.
fn view(it: &Sandbox, call: &str) -> Running {
    let line = format!(
        "stty rows 24 cols 80; before=$(stty -g); {call}; echo code $?; \
         test \"$before\" = \"$(stty -g)\" && echo the modes are as before"
    );
    terminal(it, &line).start()
}

/// Asserts that the view ends with a code, and restores the terminal.
#[track_caller]
fn ends(mut view: Running, code: &str) {
    view.tells(LEFT);
    view.prints(&format!("code {code}"));
    view.prints("the modes are as before");
    view.ends().ok();
}

#[test]
fn what_changes_is_shown_at_once() {
    let it = sandbox();
    let mut view = view(&it, "lokt top");
    view.tells("nothing is held or frozen");
    assert!(!it.root().exists(), "looking makes nothing");
    it.lokt(["lock", "review", "--ttl", "1h", "--meta", "topic=parser"]).owner("ada").run().ok();
    view.tells("review");
    view.tells("topic");
    it.lokt(["freeze", "deploy", "--ttl", "1h"]).owner("ops").run().ok();
    view.tells("deploy");
    view.types("q");
    ends(view, "0");
}

#[test]
fn a_reservation_is_shown_and_gone_at_once() {
    let it = sandbox();
    it.lokt(["lock", "first", "--ttl", "1h"]).run().ok();
    let mut view = view(&it, "lokt top");
    view.tells("first");
    it.lokt(["reserve", "src/auth", "--reason", "login"]).owner("ada").run().ok();
    view.tells("src/auth");
    view.tells("login");
    let mut waiter = it.lokt(["reserve", "src", "--wait"]).owner("bob").start();
    view.tells("waiting");
    it.lokt(["unreserve", "src/auth"]).owner("ada").run().ok();
    view.tells("bob");
    waiter.prints("reserved");
    waiter.ends().ok();
    view.types("q");
    ends(view, "0");
}

#[test]
fn the_keyboard_freezes_and_unlocks_as_the_command_line_does() {
    let it = sandbox();
    it.lokt(["lock", "mine", "--ttl", "1h"]).run().ok();
    it.lokt(["lock", "theirs", "--ttl", "1h"]).owner("ada").run().ok();
    let mut view = view(&it, "lokt top");
    view.tells("theirs");
    // Freeze, with a question for how long; unlock, with a question; unfreeze, with a question; then the
    // other's lock.
    view.types("f\ruyfyuyq");
    ends(view, "0");
    assert_eq!(it.event_kinds("mine"), ["acquire", "freeze", "release", "unfreeze"]);
    assert_eq!(it.event_kinds("theirs"), ["acquire"], "what is refused changes nothing");
    it.lokt(["exists", "theirs"]).run().ok();
}

#[test]
fn every_exit_restores_the_terminal() {
    let it = sandbox();
    let signals = [(Signal::SIGTERM, "143"), (Signal::SIGHUP, "129"), (Signal::SIGINT, "130")];
    for (signal, code) in signals {
        // A shell between them reports the signal as a code, and does not end by it.
        let call = "bash -c 'trap : INT HUP; (echo $BASHPID >pid; exec lokt top)'";
        let mut view = view(&it, call);
        view.tells("nothing is held or frozen");
        let pid = fs::read_to_string(it.folder().join("pid")).unwrap();
        kill(Pid::from_raw(pid.trim().parse().unwrap()), signal).unwrap();
        ends(view, code);
    }
    for key in ["q", "\u{3}"] {
        let mut view = view(&it, "lokt top");
        view.tells("nothing is held or frozen");
        view.types(key);
        ends(view, "0");
    }
}

#[test]
fn control_z_stops_it_and_fg_brings_it_back() {
    let it = sandbox();
    let mut shell = terminal(&it, "stty rows 24 cols 80; bash --norc --noprofile -i").start();
    shell.tells("bash-");
    shell.types("lokt top\n");
    shell.tells("nothing is held or frozen");
    shell.types("\u{1a}");
    shell.tells(LEFT);
    shell.tells("Stopped");
    // A shell that does not have its terminal back yet may discard input.
    shell.tells("bash-");
    shell.types("fg\n");
    shell.tells("nothing is held or frozen");
    shell.types("q");
    shell.tells(LEFT);
    shell.tells("bash-");
    shell.types("exit\n");
    shell.ends();
}

#[test]
fn a_resized_terminal_is_redrawn() {
    let it = sandbox();
    it.lokt(["lock", "review", "--ttl", "1h"]).run().ok();
    let mut shell =
        terminal(&it, "stty rows 24 cols 80; tty >terminal; lokt top; echo code $?").start();
    shell.tells("last events");
    let terminal = fs::read_to_string(it.folder().join("terminal")).unwrap();
    let resize = |size: &str| it.shell(&format!("stty {size} <{}", terminal.trim())).run().ok();
    resize("rows 6 cols 40");
    shell.tells("review");
    resize("rows 1 cols 1");
    resize("rows 30 cols 100");
    shell.tells("last events");
    shell.types("q");
    shell.prints("code 0");
    shell.ends().ok();
}

#[test]
fn colours_can_be_turned_off() {
    let it = sandbox();
    it.lokt(["freeze", "cold", "--ttl", "1h"]).run().ok();
    let shown = |call: &str| {
        let mut view = view(&it, call);
        let shown = view.tells("unlock");
        view.types("q");
        ends(view, "0");
        shown
    };
    let coloured = ["\u{1b}[38;", "\u{1b}[36m", "\u{1b}[90m"];
    let has = |text: &str| coloured.iter().any(|it| text.contains(it));
    assert!(has(&shown("TERM=xterm-256color lokt top")));
    let plain = shown("TERM=xterm-256color NO_COLOR=1 lokt top");
    assert!(!has(&plain), "{plain:?}");
}

#[test]
fn without_a_terminal_it_suggests_another_command() {
    let it = sandbox();
    let done = it.lokt(["top"]).run().fails_with(1, "needs a terminal");
    assert!(done.err.contains("lokt status") && done.out.is_empty(), "{done:#?}");
    for call in ["lokt top | cat", "TERM=dumb lokt top"] {
        let done = terminal(&it, call).start().ends();
        assert!(done.out.contains("needs a terminal"), "{call}: {done:#?}");
    }
}
