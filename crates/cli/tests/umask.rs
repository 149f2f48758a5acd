//! A umask that denies the owner access: files are usable all the same, and the command gets the caller's
//! umask.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop, and say where")]

use lokt_testkit::Sandbox;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Umasks that deny the owner something, and the usual one.
const UMASKS: [&str; 6] = ["0177", "0777", "0700", "0277", "0477", "0022"];

fn sandbox() -> Sandbox {
    let it = Sandbox::new(env!("CARGO_BIN_EXE_lokt"));
    fs::write(it.folder().join("in"), "text").unwrap();
    it
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// A folder, and all files and folders below it.
fn all(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in folder.read_dir().unwrap().flatten() {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => found.extend(all(&entry.path())),
            kind if kind.is_symlink() => {}
            _ => found.push(entry.path()),
        }
    }
    found
}

/// The files that the owner cannot use.
fn unusable(folder: &Path) -> Vec<PathBuf> {
    let mut found = all(folder);
    found.retain(|path| {
        let needed = if path.is_dir() { 0o700 } else { 0o600 };
        // The mark of a sweep is only checked for its age, and never opened.
        !path.ends_with(".swept") && mode(path) & needed != needed
    });
    found
}

#[test]
fn files_are_usable_with_any_umask() {
    for umask in UMASKS {
        let it = sandbox();
        let line = format!(
            "umask {umask}; set -e; guard() {{ \"$LOKT\" guard \"$@\"; }}
            guard x -- true; guard x --wait -- sh -c umask; guard a b --slots 2 --ttl 5m -- true
            \"$LOKT\" lock l --ttl 5m; \"$LOKT\" freeze f --ttl 5m; \"$LOKT\" unlock l
            once() {{ \"$LOKT\" once o --input in --artifact made -- sh -c 'echo made; : >made; chmod 644 made'; }}
            once; rm made; once
            guard s --status-file status.json -- true; \"$LOKT\" audit --timeline --html page.html
            \"$LOKT\" man --dir pages; \"$LOKT\" key generate; umask 022; guard x -- true
            \"$LOKT\" doctor; cat status.json page.html pages/lokt.1 made >/dev/null"
        );
        let done = it.shell_as_nobody(&line).in_time().ok();
        assert!(done.out.contains(&format!("{umask}\n")), "the command has it: {}", done.out);
        for folder in ["root", "user", "pages"] {
            let unusable = unusable(&it.folder().join(folder));
            assert!(unusable.is_empty(), "{umask} takes {unusable:?} from the owner");
        }
        for folder in all(&it.root()).iter().filter(|it| it.is_dir()) {
            assert_eq!(mode(folder), 0o700, "{} under {umask}", folder.display());
        }
        assert_eq!(mode(&it.root().join("audit.log")), 0o600, "under {umask}");
        let left = all(it.folder());
        let left: Vec<_> =
            left.iter().filter(|it| it.to_string_lossy().ends_with(".new")).collect();
        assert!(left.is_empty(), "no draft is left: {left:?}");
    }
}

#[test]
fn simultaneous_first_callers_all_enter() {
    for umask in ["0777", "0022"] {
        let it = sandbox();
        let line = format!(
            "umask {umask}; pids=; for n in 1 2 3 4 5 6 7 8; do
            \"$LOKT\" guard x --wait -- true & pids=\"$pids $!\"; done
            for pid in $pids; do wait $pid || exit 9; done; umask 022; \"$LOKT\" audit --event release"
        );
        let done = it.shell_as_nobody(&line).in_time().ok();
        assert_eq!(done.out.lines().count(), 8, "all were in: {done:#?}");
    }
}

#[test]
fn a_root_without_its_owners_permission_is_an_error_with_a_hint() {
    for (broken, chmod) in [
        ("root", "u+rwx"),
        ("root/latches", "u+rwx"),
        ("root/audit.log", "u+rw"),
        ("root/latches/*", "u+rw"),
    ] {
        let it = sandbox();
        let line = format!(
            "umask 022; \"$LOKT\" guard x -- true; chmod 0 {broken}; code=0; \"$LOKT\" guard x -- true || code=$?
            chmod -R u+rwX root; exit $code"
        );
        let done = it.shell_as_nobody(&line).in_time().fails_with(1, "Permission denied");
        let hint = format!("hint: chmod {chmod} ");
        assert!(
            done.err.contains(&hint) && done.err.contains("it is yours"),
            "{broken}: {done:#?}"
        );
    }
}

#[test]
fn files_of_init_and_tools_are_usable_with_any_umask() {
    for umask in ["0177", "0777", "0022"] {
        let it = sandbox();
        // No file of another user is used, and the folder becomes a repository.
        let _ = it.give_away(it.folder());
        let line = format!(
            "git init -q .; umask {umask}; set -e; \"$LOKT\" init --yes --agent claude >/dev/null
            umask 022; \"$LOKT\" init --undo --yes >/dev/null"
        );
        it.shell_as_nobody(&line).in_time().ok();
        let line = line.replace("umask 022;", "exit 0;");
        it.shell_as_nobody(&line).in_time().ok();
        for folder in [".claude", "scripts"] {
            let unusable = unusable(&it.folder().join(folder));
            assert!(unusable.is_empty(), "{umask} takes {unusable:?} from the owner");
        }
        let script = it.folder().join("scripts/guarded-example");
        assert_eq!(mode(&script) & 0o700, 0o700, "it can be run");
    }
}
