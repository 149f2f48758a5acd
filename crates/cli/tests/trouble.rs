//! Full disks, read-only roots, missing permissions: the error says so, no file is half-written, and the
//! error is never "held".
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::{Done, HOLD, Sandbox};
use std::fs;

/// A disk of a few pages in place of the root, with a lease on it, and the ways to fill it and to list the
/// files of locks. (A sweep leaves an empty mark.)
const SMALL_DISK: &str = r#"
    mkdir "$LOKT_ROOT"
    mount -t tmpfs -o size=256k,nr_inodes=64,mode=700 none "$LOKT_ROOT"
    lokt lock mine --ttl 10m --meta key=value >/dev/null
    fill() { head -c 1M /dev/zero >"$LOKT_ROOT/fill" 2>/dev/null || true; }
    fill_inodes() { for n in {1..64}; do : >"$LOKT_ROOT/$n" || break; done 2>/dev/null; }
    left() { (cd "$LOKT_ROOT" && find tmp locks queue freezes -type f ! -name .swept); }
    export -f fill
"#;

/// The root, read-only, with the lease `mine` in it.
const READ_ONLY: &str = r#"
    lokt lock mine --ttl 10m --meta key=value >/dev/null
    mount --bind "$LOKT_ROOT" "$LOKT_ROOT"
    mount -o remount,bind,ro "$LOKT_ROOT"
    left() { (cd "$LOKT_ROOT" && find tmp locks queue freezes -type f ! -name .swept); }
"#;

/// Commands that take or change something.
const CHANGES: [&str; 6] = [
    "lokt guard x -- touch entered",
    "lokt guard x --wait -- touch entered",
    "lokt lock x --ttl 5m",
    "lokt lock x --json",
    "lokt lock mine --ttl 20m",
    "lokt freeze x --ttl 5m",
];

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

/// Runs a command after a preparation. The output lists the files of locks; the code is the command's.
fn after(it: &Sandbox, preparation: &str, command: &str) -> Done {
    let line = format!("{preparation}\ncode=0; {command} || code=$?\nleft; exit $code");
    it.with_own_mounts(&line).in_time()
}

/// What lists the files of a root, without the error that `--json` prints before it.
fn files(out: &str) -> String {
    out.split_inclusive('\n').filter(|line| !line.starts_with('{')).collect()
}

#[test]
fn on_a_full_disk_nothing_is_taken_and_nothing_is_left() {
    for fill in ["fill", "fill_inodes"] {
        for command in CHANGES {
            let it = sandbox();
            let done = after(&it, &format!("{SMALL_DISK}\n{fill}"), command);
            let done = done.fails_with(1, "No space left on device");
            let first = done.err.lines().next().unwrap();
            assert!(first.contains(&it.root().display().to_string()), "it names the file: {first}");
            assert!(done.err.contains("hint: the disk is full"), "{done:#?}");
            assert_eq!(
                files(&done.out),
                "locks/mine.json\n",
                "{command} left something after {fill}"
            );
            assert!(!it.folder().join("entered").exists(), "nothing ran");
        }
    }
}

#[test]
fn a_full_disk_does_not_block_reading() {
    let it = sandbox();
    let line = format!(
        "{SMALL_DISK} fill; lokt exists mine; lokt get-meta mine key; lokt status mine --json; lokt why free"
    );
    let done = it.with_own_mounts(&line).in_time().ok();
    assert!(done.out.starts_with("value\n") && done.err.is_empty(), "{done:#?}");
}

#[test]
fn a_full_disk_does_not_block_a_release() {
    let it = sandbox();
    let unlock = format!("{SMALL_DISK} fill; lokt unlock mine; left");
    assert_eq!(it.with_own_mounts(&unlock).in_time().ok().out, "released lock \"mine\"\n");
    let it = sandbox();
    let guard = format!("{SMALL_DISK} lokt guard x -- bash -c 'fill; exit 7' || echo $?; left");
    let done = it.with_own_mounts(&guard).in_time().ok();
    assert_eq!(done.out, "7\nlocks/mine.json\n", "the code is the command's, the lock is free");
}

#[test]
fn on_a_full_disk_one_of_several_leases_stays_as_it_is() {
    let it = sandbox();
    let share = "for owner in ada bob; do LOKT_OWNER=$owner lokt lock x --shared >/dev/null; done";
    let line = format!(
        "{SMALL_DISK} {share} 2>/dev/null; before=$(cat $LOKT_ROOT/locks/x.json); fill
        LOKT_OWNER=ada lokt unlock x || code=$?
        [ \"$before\" = \"$(cat $LOKT_ROOT/locks/x.json)\" ]; lokt unlock x --force; left; exit $code"
    );
    let done = it.with_own_mounts(&line).in_time().fails_with(1, "No space left on device");
    assert!(done.err.contains("hint: the disk is full; nothing was changed"), "{done:#?}");
    assert_eq!(done.out, "released lock \"x\"\nlocks/mine.json\n", "all of them can be");
}

#[test]
fn the_doctor_reports_a_full_disk() {
    let it = sandbox();
    let done = it.with_own_mounts(&format!("{SMALL_DISK} fill; lokt doctor || true")).in_time();
    let out = done.ok().out;
    let writable = out.lines().find(|line| line.contains(" writable ")).unwrap();
    assert!(writable.starts_with("fail") && writable.contains("No space left"), "{out}");
    assert!(writable.ends_with("make room on the disk"), "{out}");
    assert!(!out.contains("LOKT_ROOT to a local disk"), "another disk is no remedy: {out}");
}

#[test]
fn a_heartbeat_that_cannot_be_written_is_reported_and_the_lock_holds() {
    let it = sandbox();
    let other = "env -u LOKT_HELD LOKT_OWNER=other lokt guard x -- true || echo code $?";
    let command = format!("fill; read line; {other}; exit 5");
    let line = format!("{SMALL_DISK} lokt guard x --ttl 300ms -- bash -c '{command}'");
    let mut guard = it.with_own_mounts(&line).start();
    let told = guard.says("warning: cannot announce that lock \"x\" is still held (it is)");
    assert!(told.contains("No space left on device"), "{told}");
    guard.types("\n");
    guard.prints("code 2");
    let done = guard.release().expect(5).says("held by tester");
    assert_eq!(done.err.matches("cannot announce").count(), 1, "told once, not at every beat");
}

#[test]
fn a_log_with_space_for_half_an_event_releases_the_lock() {
    let it = sandbox();
    // The log ends shortly before a page does; the one page that is left goes to the record.
    let line = format!(
        r#"{SMALL_DISK}
        lokt guard x -- true
        log=$LOKT_ROOT/audit.log; page=$(getconf PAGESIZE)
        head -c $((page - 40 - $(stat -c %s "$log"))) /dev/zero | tr '\0' x >>"$log"; echo >>"$log"
        fill; truncate -s -"$page" "$LOKT_ROOT/fill"
        code=0; lokt lock x || code=$?
        left; rm "$LOKT_ROOT/fill"; lokt lock y >/dev/null; lokt audit --json 2>/dev/null | tail -n1
        exit $code"#
    );
    let done = it.with_own_mounts(&line).in_time();
    let done = done.expect(1).says("audit.log: No space left on device");
    let (left, event) = done.out.split_once('\n').unwrap();
    assert_eq!(left, "locks/mine.json", "nothing is held without a line in the log");
    let event: serde_json::Value = serde_json::from_str(event).unwrap();
    assert_eq!(event["name"], "y", "the torn line takes no later event with it");
}

#[test]
fn a_read_only_root_can_be_read_and_says_why_it_cannot_be_written() {
    for command in CHANGES.into_iter().chain(["lokt unlock mine", "lokt unlock mine --force"]) {
        let it = sandbox();
        let done = after(&it, READ_ONLY, command).fails_with(1, "Read-only file system");
        let first = done.err.lines().next().unwrap();
        assert!(first.contains(&it.root().display().to_string()), "it names the file: {first}");
        assert!(done.err.contains("keeps the folder of the locks read-only"), "{done:#?}");
        assert_eq!(files(&done.out), "locks/mine.json\n", "{command} changed something");
    }
    let line = format!("{READ_ONLY} lokt exists mine; lokt get-meta mine key; lokt why free");
    let done = sandbox().with_own_mounts(&line).in_time().ok();
    assert_eq!(done.out, "value\nfree is free\n");
    let list = format!("{READ_ONLY} lokt status --json");
    assert_eq!(sandbox().with_own_mounts(&list).in_time().ok().json()[0]["state"], "held");
}

#[test]
fn a_root_that_cannot_be_made_is_an_error_that_says_why() {
    let read_only =
        r#"mount --bind . .; mount -o remount,bind,ro "$PWD"; cd "$PWD"; lokt guard x -- true"#;
    let it = sandbox();
    it.with_own_mounts(read_only).in_time().fails_with(1, "root: Read-only file system");
    let below_a_file = it.lokt(["lock", "x"]).env("LOKT_ROOT", "/dev/null/root");
    below_a_file.run().fails_with(1, "/dev/null/root");
    it.lokt(["exists", "x"]).env("LOKT_ROOT", "/dev/null/root").run().expect(1);
}

#[test]
fn a_root_that_may_not_be_entered_is_an_error_that_says_so() {
    let it = sandbox();
    it.lokt(["lock", "mine"]).run().ok();
    it.shell("chmod 0 root").run().ok();
    let root = it.root().display().to_string();
    for words in [
        vec!["guard", "x", "--", "true"],
        vec!["lock", "x"],
        vec!["unlock", "mine"],
        vec!["freeze", "x", "--ttl", "5m"],
        vec!["status"],
    ] {
        let done = it.as_nobody(words).in_time().fails_with(1, "Permission denied");
        assert!(done.err.contains(&root) && done.err.contains("\nhint: "), "{done:#?}");
    }
    for words in [vec!["exists", "mine"], vec!["why", "mine"], vec!["status", "mine"]] {
        it.as_nobody(words).in_time().fails_with(1, "Permission denied");
    }
    it.shell("chmod 700 root").run().ok();
    it.as_nobody(["exists", "mine"]).run().ok();
}

#[test]
fn a_root_that_may_not_be_written_can_be_read() {
    let it = sandbox();
    it.lokt(["lock", "mine", "--meta", "key=value"]).run().ok();
    it.shell("chmod -R a=rX root").run().ok();
    for words in [
        vec!["guard", "x", "--", "true"],
        vec!["guard", "mine", "--", "true"],
        vec!["lock", "x"],
        vec!["unlock", "mine", "--force"],
        vec!["freeze", "x", "--ttl", "5m"],
    ] {
        let done = it.as_nobody(words).in_time().fails_with(1, "Permission denied");
        assert!(done.err.contains("\nhint: "), "{done:#?}");
    }
    assert_eq!(it.as_nobody(["get-meta", "mine", "key"]).run().ok().out, "value\n");
    assert_eq!(it.as_nobody(["status", "--json"]).run().ok().json()[0]["state"], "held");
    it.as_nobody(["why", "mine"]).run().expect(2);
    it.as_nobody(["why", "x"]).run().ok();
    it.as_nobody(["doctor"]).run().expect(1);
    it.shell("chmod -R u+w root").run().ok();
    assert_eq!(it.record("mine")["owner"], "tester", "nothing was touched");
}

/// Puts something in place of the log that cannot be written.
fn without_a_log(it: &Sandbox) {
    it.lokt(["lock", "mine"]).run().ok();
    fs::remove_file(it.root().join("audit.log")).unwrap();
    fs::create_dir(it.root().join("audit.log")).unwrap();
}

#[test]
fn no_lock_is_taken_that_cannot_be_logged() {
    let it = sandbox();
    without_a_log(&it);
    for words in [
        vec!["guard", "x", "--", "touch", "entered"],
        vec!["guard", "x", "--wait", "--", "touch", "entered"],
        vec!["lock", "x"],
        vec!["lock", "x", "--wait"],
        vec!["freeze", "x", "--ttl", "5m"],
    ] {
        let shown = words.join(" ");
        it.lokt(words).in_time().fails_with(1, "audit.log: Is a directory");
        let taken = it.record_path("x").exists() || it.freeze_path("x").exists();
        assert!(!taken && it.tickets("x").is_empty(), "{shown} left something");
    }
    assert!(!it.folder().join("entered").exists(), "nothing ran");
    it.lokt(["guard", "mine", "--", "true"]).run().fails_with(1, "audit.log");
    it.lokt(["audit"]).run().fails_with(1, "audit.log");
}

#[test]
fn a_held_lock_is_released_although_it_cannot_be_logged() {
    let it = sandbox();
    let guard = it.lokt(["guard", "x", "--", HOLD[0], HOLD[1], HOLD[2]]).start().is_in();
    without_a_log(&it);
    guard.release().ok().says("warning: lock \"x\" is free, but ").says("audit.log");
    it.lokt(["unlock", "mine"]).run().says("audit.log");
    it.lokt(["exists", "x"]).run().expect(3);
    it.lokt(["exists", "mine"]).run().expect(3);
}
