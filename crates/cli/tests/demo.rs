//! The demonstration: strokes are lost without a lock and kept with it, and no file is left behind.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{Lokt, Sandbox};
use nix::sys::signal::Signal;
use std::fs;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// The demonstration, with a separate temporary folder.
fn demo(it: &Sandbox, words: &[&str]) -> Lokt {
    fs::create_dir_all(it.folder().join("tmp")).unwrap();
    it.lokt([&["demo"], words].concat()).env("TMPDIR", it.folder().join("tmp"))
}

#[track_caller]
fn assert_no_files_left(it: &Sandbox) {
    let left: Vec<_> =
        fs::read_dir(it.folder().join("tmp")).unwrap().map(|it| it.unwrap().path()).collect();
    assert!(left.is_empty(), "nothing is left: {left:?}");
    assert!(!it.root().exists(), "the root of this place was not touched");
}

#[test]
fn only_the_lock_keeps_every_stroke() {
    let it = sandbox();
    let done = demo(&it, &["--json"]).run().ok();
    let told = done.json();
    let kept = |which: &str| told[which]["kept"].as_u64().unwrap();
    let all = told["strokes"].as_u64().unwrap();
    assert_eq!(kept("guarded"), all, "under the lock every stroke is there");
    assert!(kept("unlocked") < all, "without it some are lost: {told}");
    assert_ne!(told["unlocked"]["picture"], told["guarded"]["picture"]);
    assert_no_files_left(&it);
}

#[test]
fn in_a_pipe_and_inside_a_guard_the_pictures_are_plain() {
    let it = sandbox();
    fs::create_dir_all(it.folder().join("tmp")).unwrap();
    let call = it.shell(
        "unset LOKT_ROOT; mkdir own && cd own && lokt guard picture -- env LOKT_OWNER=eve lokt demo",
    );
    let done = call.env("TMPDIR", it.folder().join("tmp")).run().ok();
    let is_note_of_the_guard = |line: &str| line.starts_with("note: made ");
    assert!(
        !done.out.contains('\u{1b}') && done.err.lines().all(is_note_of_the_guard),
        "{done:#?}"
    );
    let lines: Vec<&str> = done.out.lines().collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{done:#?}");
    assert!(lines.last().unwrap().ends_with("under the lock: none."), "{done:#?}");
    assert_no_files_left(&it);
}

#[test]
fn on_a_terminal_the_pictures_are_drawn_live() {
    let it = sandbox();
    fs::create_dir_all(it.folder().join("tmp")).unwrap();
    let call = it.terminal("stty rows 24 cols 80; lokt demo; echo code $?");
    let mut demo = call.env("TMPDIR", it.folder().join("tmp")).start();
    demo.tells("lokt guard picture");
    demo.tells("\u{1b}[13A");
    demo.tells("under the lock: none.");
    demo.prints("code 0");
    demo.ends().ok();
    assert_no_files_left(&it);
}

#[test]
fn control_c_ends_it_and_leaves_nothing() {
    let it = sandbox();
    fs::create_dir_all(it.folder().join("tmp")).unwrap();
    let call = it.terminal("stty rows 24 cols 80; trap : INT; lokt demo; echo code $?");
    let mut demo = call.env("TMPDIR", it.folder().join("tmp")).start();
    demo.tells("\u{1b}[13A");
    demo.types("\u{3}");
    demo.prints("code 130");
    demo.ends().ok();
    assert_no_files_left(&it);
}

#[test]
fn a_signal_ends_it_and_all_painters() {
    let it = sandbox();
    let running = demo(&it, &["--json"]).start();
    // The folder exists, so the signals are blocked by now.
    let folder = || fs::read_dir(it.folder().join("tmp")).unwrap().next();
    while folder().is_none() {
        std::thread::yield_now();
    }
    running.signal(Signal::SIGTERM);
    assert_eq!(running.ends().signal, Some(Signal::SIGTERM as i32));
    assert_no_files_left(&it);
}

#[test]
fn a_folder_without_write_permission_is_an_error() {
    let it = sandbox();
    let done = it.lokt(["demo"]).env("TMPDIR", it.folder().join("none")).run();
    done.fails_with(1, "cannot make a folder to paint in");
}
